"""Tests and decisions about two systems: p-values, many of them at once, and "may we switch?"."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evalkit.types import Difference

MIN_MARGIN = 0.005
MARGIN_SHARE = 0.05
MAX_COVERAGE_LOSS = 0.005
LEVEL = 0.05
"""Of a p-value, as 95 % is of an interval."""

Label = Literal["superior", "non_inferior", "non_inferior_but_worse", "inferior", "worse_inconclusive", "inconclusive"]
Gate = Literal["pass", "warn", "fail"]

ADVICE: Mapping[Label, str] = {
    "superior": "yes",
    "non_inferior": "yes",
    "non_inferior_but_worse": "acceptable loss, name it",
    "inferior": "no",
    "worse_inconclusive": "more data, leaning no",
    "inconclusive": "more data",
}


@dataclass(frozen=True, slots=True)
class ZTest:
    """Whether paired differences have the mean 0, by the normal distribution."""

    units: int
    mean: float | None
    sd: float | None
    """Standard deviation with n - 1."""
    z: float | None
    """None with fewer than two units, or when they do not scatter."""
    p: float | None
    """Two-sided."""


def z_test(differences: ArrayLike) -> ZTest:
    """Z = mean / (sd / sqrt(n)): the last step of MAPSSWE (Gillick & Cox 1989), over ``words`` segments.

    Args:
        differences: errors of one system minus errors of the other, per segment.
    """
    found = np.asarray(differences, dtype=np.float64)
    if len(found) < 2:
        return ZTest(len(found), float(found[0]) if len(found) else None, None, None, None)
    mean, sd = float(found.mean()), float(found.std(ddof=1))
    if not sd:
        return ZTest(len(found), mean, 0.0, None, None)
    z = mean / (sd / math.sqrt(len(found)))
    return ZTest(len(found), mean, sd, z, float(2 * special.ndtr(-abs(z))))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Two-sided exact p that clips only one system gets right are as often the first's as the second's."""
    discordant = only_first + only_second
    return min(1.0, 2 * float(special.bdtr(min(only_first, only_second), discordant, 0.5))) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, for comparisons that confirm: the chance of any false claim stays at the level."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(order)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, (len(order) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values, for slices that explore: few of the finds are false."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index], reverse=True)
    adjusted = [0.0] * len(order)
    smallest = 1.0
    for rank, index in enumerate(order):
        smallest = min(smallest, len(order) / (len(order) - rank) * p_values[index])
        adjusted[index] = smallest
    return adjusted


def disputed(lo: float | None, hi: float | None, p: float | None, adjusted: float | None) -> str:
    """That interval and p-value disagree about 0, and which of the two counts; empty when they agree.

    One is made by Student's t, the other by flipping signs, so near the edge they can part: five clusters never give a
    p below 0.06. The interval makes label and verdict.

    Args:
        lo: lower limit of the difference.
        hi: upper limit.
        p: of this comparison alone.
        adjusted: for the comparisons it stands among.
    """
    if lo is None or hi is None or p is None:
        return ""
    apart = lo > 0 or hi < 0
    if apart and p > LEVEL:
        return f"the interval excludes 0 although p is {p:.3g}: the interval counts"
    if apart and adjusted is not None and adjusted > LEVEL:
        return f"the interval counts; p is {adjusted:.3g} adjusted, so among so many comparisons this may be chance"
    return "" if apart or p > LEVEL else f"the interval holds 0 although p is {p:.3g}: the interval counts"


def adjusted(found: Sequence[Difference]) -> list[Difference]:
    """With p-values adjusted, and a note where the interval, which counts, and the p-value disagree.

    Holm over the rows that ask the same question of the same metric: what is declared beforehand, the rates with a
    margin, is confirmed by it. Benjamini-Hochberg over all rows that ask the same question, for the whole table of
    metrics and slices explores.
    """
    tested = [place for place, row in enumerate(found) if row.p is not None]
    families: dict[tuple[str, str], list[int]] = {}
    tables: dict[str, list[int]] = {}
    for place in tested:
        families.setdefault((found[place].question, found[place].metric), []).append(place)
        tables.setdefault(found[place].question, []).append(place)
    by_holm = _by_place(families.values(), holm, found)
    by_bh = _by_place(tables.values(), benjamini_hochberg, found)
    changed = list(found)
    for place in tested:
        row = replace(found[place], p_holm=by_holm[place], p_bh=by_bh[place])
        note = disputed(row.ci_lo, row.ci_hi, row.p, row.p_holm if row.margin is not None else row.p_bh)
        changed[place] = replace(row, note=row.note or note)
    return changed


def _by_place(
    groups: Iterable[Sequence[int]], adjust: Callable[[Sequence[float]], list[float]], found: Sequence[Difference]
) -> dict[int, float]:
    return {
        place: p
        for places in groups
        for place, p in zip(places, adjust([found[place].p or 0.0 for place in places]), strict=True)
    }


def margin(
    incumbent_rate: float,
    *,
    floor: float = MIN_MARGIN,
    share: float = MARGIN_SHARE,
    disagreement: float | None = None,
) -> float:
    """How much worse is still as good: half a point, or 5 % of the old rate if that is more; fix it beforehand.

    Args:
        incumbent_rate: the old rate, from an earlier run.
        floor: smallest margin.
        share: of the old rate.
        disagreement: of one system with itself from run to run; a gate on live answers needs twice that.
    """
    return max(floor, share * incumbent_rate, 2 * (disagreement or 0.0))


def non_inferiority(lo: float | None, hi: float | None, margin: float) -> Label:
    """What the 95 % interval of new minus old says about switching; without an interval it is inconclusive.

    Args:
        lo: lower limit of the difference, lower rates being better.
        hi: upper limit.
        margin: above 0, fixed beforehand.
    """
    if lo is None or hi is None:
        return "inconclusive"
    if hi < 0:
        return "superior"
    if hi < margin:
        return "non_inferior_but_worse" if lo > 0 else "non_inferior"
    if lo > margin:
        return "inferior"
    return "worse_inconclusive" if lo > 0 else "inconclusive"


def gate(label: Label, difference: float | None, margin: float) -> Gate:
    """What a label means to a gate in continuous integration; inconclusive never passes."""
    if label in ("superior", "non_inferior"):
        return "pass"
    beyond = label == "worse_inconclusive" and difference is not None and difference > margin
    return "fail" if label == "inferior" or beyond else "warn"


def broken_guards(
    margin: float,
    *,
    worst_slice: float | None = None,
    coverage: float | None = None,
    must_be_zero: Mapping[str, float] = {},
) -> list[str]:
    """What forbids a switch whatever the label says, one sentence each.

    Args:
        margin: of the non-inferiority test.
        worst_slice: new minus old rate in the supported slice where the new system loses most.
        coverage: new minus old share of clips with an answer.
        must_be_zero: metric id -> events seen.
    """
    found = [f"{name} must be zero and is {events:g}" for name, events in must_be_zero.items() if events > 0]
    if worst_slice is not None and worst_slice > 2 * margin:
        found.append(f"the worst slice loses {100 * worst_slice:.2f} points, more than {200 * margin:.2f}")
    if coverage is not None and -coverage > MAX_COVERAGE_LOSS + 1e-12:
        found.append(f"coverage falls by {-100 * coverage:.2f} points, more than {100 * MAX_COVERAGE_LOSS:.2f}")
    return found
