"""The same recording read twice: nothing is left to chance, so every stored number must be the same.

Where only the answer is the same and the times are not (a recording that was played again), that holds for everything
that is made from the final words, and for nothing that is made from stamps.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.gate.findings import Finding, Side, few, shown
from evalkit.gate.fingerprints import System
from evalkit.scoring.catalogue import METRICS
from evalkit.stats.intervals import percentile
from evalkit.stats.samples import SHARES, pooled
from evalkit.types import Metric, Score

TIMELESS = ("acc.", "dia.", "mch.", "ts.", "run.")
"""Families made from the final words alone; ``dia.flip`` and ``ts.final_shift`` also from what came before them."""
_TIMED = ("dia.flip", "ts.final_shift")
_ACROSS = ("ts.agree",)
"""Families made from the answer over REST as well: they are the same only where that is."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Pair:
    """One clip now and then."""

    now: Score
    before: Score
    rest: bool = True
    """Whether what the same provider said over REST is the same too."""

    @property
    def both(self) -> tuple[Score, Score]:
        return self.now, self.before


def pairs(run: Side, baseline: Side, system: System) -> tuple[list[Pair], list[Pair]]:
    """The clips whose recording is the very same, and those of which only the answer is."""
    whole, said = [], []
    rows = run.of(system)
    for clip_id, before in baseline.of(system).items():
        mine, old = (side.fingerprints.get((clip_id, *system)) for side in (run, baseline))
        if mine is None or old is None or clip_id not in rows:
            continue
        pair = Pair(rows[clip_id], before, _said(run, clip_id, system) == _said(baseline, clip_id, system))
        if mine.whole == old.whole:
            whole.append(pair)
        elif mine.said == old.said:
            said.append(pair)
    return whole, said


def _said(side: Side, clip_id: str, system: System) -> str:
    own = side.fingerprints.get((clip_id, system[0], "rest"))
    return own.said if own else ""


def compare(whole: Sequence[Pair], said: Sequence[Pair], system: System, accept: str) -> Iterator[Finding]:
    """One finding for every metric that any of these clips has, and one for numbers that no metric uses.

    Args:
        whole: clips whose recording is the very same.
        said: clips of which only the answer is.
        system: whose they are.
        accept: the command that makes the run the new baseline.
    """
    used = set()
    for metric in METRICS:
        columns = _columns(metric)
        used |= set(columns)
        mine = [*whole, *(said if timeless(metric.id) else ())]
        if metric.id.startswith(_ACROSS):
            mine = [pair for pair in mine if pair.rest]
        there = [pair for pair in mine if any(_has(row, column) for row in pair.both for column in columns)]
        if there:
            unlike = [pair for pair in there if not all(_same(pair, column) for column in columns)]
            yield _finding(metric, there, unlike, system, accept)
    names = {
        name: None for pair in whole for row in pair.both for name in (*row.counts, *row.values) if name not in used
    }
    other = [name for name in names if not all(_same(pair, name) for pair in whole)]
    if other:
        clips = [pair.now.clip_id for pair in whole if not all(_same(pair, name) for name in other)]
        told = (
            f"{system[0]} over {system[1]}: of the same recording, {few(other)} are not the stored numbers on "
            f"{len(clips)} clips ({few(clips)})"
        )
        yield Finding("regressed", "equality", "columns", told, *system, remedy=accept)


def timeless(metric_id: str) -> bool:
    """Whether a metric depends on nothing but the final words of an answer."""
    return metric_id.startswith(TIMELESS) and not metric_id.startswith(_TIMED)


def _finding(metric: Metric, there: Sequence[Pair], unlike: Sequence[Pair], system: System, accept: str) -> Finding:
    sides = [pair.before for pair in there], [pair.now for pair in there]
    before, now = (figure(metric, rows) for rows in sides)
    told = (shown(metric, before), shown(metric, now))
    about = {"provider": system[0], "route": system[1], "before": told[0], "now": told[1]}
    name = f"{system[0]} over {system[1]}"
    if not unlike:
        return Finding("passed", "equality", metric.id, f"{name}: {metric.id} is equal on {len(there)} clips", **about)
    clips = few([pair.now.clip_id for pair in unlike])
    moved = f"{told[0]} before and {told[1]} now" if told[0] != told[1] else f"{told[1]} as before"
    better = _better(metric, before, now)
    if better is None and metric.direction != "zero":
        better = _better(metric, *(_mean(metric, rows) for rows in sides))
    counts = f"its numbers differ on {len(unlike)} of {len(there)} clips ({clips})"
    if better:
        sentence = f"{name}: {metric.id} is better on the same recording, {moved}; {counts}"
        return Finding("improved", "equality", metric.id, sentence, **about, remedy=accept)
    worse = "worse" if better is False else "another"
    sentence = f"{name}: {metric.id} is {worse} on the same recording, {moved}; {counts}"
    return Finding("regressed", "equality", metric.id, sentence, **about, remedy=accept)


def figure(metric: Metric, rows: Sequence[Score]) -> float | None:
    """The pooled figure of some scores, however few they are."""
    if metric.values:
        values = [value for row in rows for value in row.values.get(metric.values, ())]
        failed = int(sum(row.counts.get(f"{metric.values}.failed", 0.0) for row in rows))
        if metric.statistic == "max":
            return None if failed or not values else max(values)
        return percentile(values, SHARES[metric.statistic], failed=failed)
    above, below = pooled(metric, rows)
    return metric.scale * above / below if below else None


def _mean(metric: Metric, rows: Sequence[Score]) -> float | None:
    """Of values whose percentile stayed, the mean, in which what never came is infinite."""
    values = [value for row in rows for value in row.values.get(metric.values, ())]
    if not metric.values or not values:
        return None
    failed = any(row.counts.get(f"{metric.values}.failed") for row in rows)
    return math.inf if failed else math.fsum(values) / len(values)


def _better(metric: Metric, before: float | None, now: float | None) -> bool | None:
    """Whether a figure got better; None when that cannot be said."""
    if before is None or now is None or _equal(before, now):
        return None
    if metric.direction == "zero":
        return None if _equal(abs(before), abs(now)) else abs(now) < abs(before)
    return (now < before) == (metric.direction == "lower")


def _columns(metric: Metric) -> tuple[str, ...]:
    if metric.values:
        return (metric.values, f"{metric.values}.failed")
    return tuple(dict.fromkeys((*metric.numerator, *metric.denominator)))


def _has(row: Score, column: str) -> bool:
    return column in row.counts or column in row.values


def _same(pair: Pair, column: str) -> bool:
    counts: tuple[Mapping[str, float], Mapping[str, float]] = (pair.now.counts, pair.before.counts)
    now, before = (one.get(column) for one in counts)
    if (now is None) != (before is None) or (now is not None and before is not None and not _equal(now, before)):
        return False
    mine, old = pair.now.values.get(column), pair.before.values.get(column)
    if mine is None or old is None:
        return mine is old
    return len(mine) == len(old) and all(map(_equal, mine, old))


def _equal(first: float, second: float) -> bool:
    """Whole numbers must be equal; a sum of seconds may end in another rounding on another machine."""
    if first == second:
        return True
    whole = float(first).is_integer() and float(second).is_integer()
    return not whole and math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=1e-12)
