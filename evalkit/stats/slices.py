"""Slices of a corpus: which clips belong to one, whether it holds enough, and how far it lies from the whole."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evalkit.scoring.catalogue import describe
from evalkit.scoring.define import columns
from evalkit.scoring.sliced import LEAST, MIN_CLIPS, MIN_CLUSTERS, MIN_WORDS, PROFILES, gap_metrics
from evalkit.stats.bootstrap import cluster_sums
from evalkit.stats.decisions import holm
from evalkit.stats.intervals import CLUSTER_T, Estimate, cluster_ratio, cluster_ratio_difference
from evalkit.stats.samples import cluster_of, of, total
from evalkit.types import Route, Score, SummaryRow

UNKNOWN = "unknown"
"""The value of a tag that a clip does not have."""

TIMES = "times_source"
"""The automatic tag that says where the reference times of a clip come from."""

_AUTOMATIC = (TIMES,)
"""Tags nobody asked for: they make slices only when they divide the corpus, and word errors do not hang on them."""
_NAMING = ("source",)
"""Keys that name a clip (``variants``): as slices they would hold one clip each."""


def keys(scores: Sequence[Score]) -> Iterator[str]:
    """The tags that slice these scores."""
    for key in dict.fromkeys(key for score in scores for key in score.slices):
        if key not in _NAMING and (key not in _AUTOMATIC or len(values(scores, key)) > 1):
            yield key


def values(scores: Iterable[Score], key: str) -> list[str]:
    """The values of a tag, sorted; a clip without it is ``unknown`` rather than gone."""
    return sorted({score.slices.get(key, UNKNOWN) for score in scores})


def divided(scores: Sequence[Score]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Every slice by name, such as ``noise=clean``, with the places of its scores."""
    for key in keys(scores):
        own = np.array([score.slices.get(key, UNKNOWN) for score in scores])
        for value in values(scores, key):
            yield f"{key}={value}", np.flatnonzero(own == value)


def thin(row: SummaryRow) -> str:
    """What a figure of a slice lacks to be leaned on, as a clause; empty when it has enough."""
    wanted = [(row.n_clips, MIN_CLIPS, "clips"), (row.n_clusters, MIN_CLUSTERS, "clusters")]
    if row.metric.startswith("acc.wer.") and any(name.endswith(".hits") for name in describe(row.metric).denominator):
        wanted.insert(1, (row.n_units, MIN_WORDS, "words"))
    few = [f"{found} of {least} {name}" for found, least, name in wanted if found < least]
    return f"only {' and '.join(few)}" if few else ""


@dataclass(frozen=True, slots=True)
class SliceGap:
    """A slice against all clips of the same system."""

    name: str
    rate: float
    gap: float
    """Rate of the slice minus pooled rate."""
    lo: float | None
    hi: float | None
    p: float | None
    """Two-sided, of the cluster t test."""
    p_holm: float | None
    n_clips: int
    n_words: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class SliceGaps:
    """All slices of one system with enough support, the worst first."""

    pooled: float | None
    macro: float | None
    """Unweighted mean over supported slices: what a mix of clips cannot improve."""
    slices: tuple[SliceGap, ...]

    @property
    def worst(self) -> SliceGap | None:
        return self.slices[0] if self.slices else None


def slice_gaps(scores: Sequence[Score], provider: str, route: Route, key: str, *, metric: str) -> SliceGaps:
    """How far each value of one tag lies from the pooled rate; a clip without the tag is ``unknown``.

    Args:
        scores: one row per clip, provider and route.
        provider: of the system.
        route: of the system.
        key: tag, e.g. ``accent``.
        metric: error rate by id.
    """
    rows = [row for row in of(scores, provider, route) if f"{metric}.hits" in row.counts]
    if not rows:
        return SliceGaps(None, None, ())
    owners = [cluster_of(row) for row in rows]
    wrong = columns(metric, "substitutions", "deletions", "insertions")
    errors = np.array([total(row, wrong) for row in rows])
    sizes = np.array([total(row, columns(metric, "hits", "substitutions", "deletions")) for row in rows])
    totals = (cluster_sums(errors, owners), cluster_sums(sizes, owners))
    found = []
    for name in dict.fromkeys(row.slices.get(key, UNKNOWN) for row in rows):
        inside = np.array([row.slices.get(key, UNKNOWN) == name for row in rows])
        clusters = len({owner for owner, chosen in zip(owners, inside, strict=True) if chosen})
        if inside.sum() < MIN_CLIPS or sizes[inside].sum() < MIN_WORDS or clusters < MIN_CLUSTERS:
            continue
        part = (cluster_sums(errors * inside, owners), cluster_sums(sizes * inside, owners))
        gap = cluster_ratio_difference(*part, *totals)
        found.append(
            SliceGap(
                name,
                rate=float(part[0].sum() / part[1].sum()),
                gap=gap.value or 0.0,
                lo=gap.lo,
                hi=gap.hi,
                p=_t_test_p(gap, clusters),
                p_holm=None,
                n_clips=int(inside.sum()),
                n_words=int(sizes[inside].sum()),
                n_clusters=clusters,
            )
        )
    found = _adjusted(found)
    macro = float(np.mean([one.rate for one in found])) if found else None
    return SliceGaps(cluster_ratio(*totals).value, macro, tuple(sorted(found, key=lambda one: -one.gap)))


def gap_rows(scores: Sequence[Score]) -> list[SummaryRow]:
    """The worst slice and the mean of slices of one system, for every tag that divides its clips.

    Args:
        scores: of one provider over one route.
    """
    found = []
    for key in keys(scores):
        if key in _AUTOMATIC or len(values(scores, key)) < 2:
            continue
        for profile in PROFILES:
            gaps = slice_gaps(scores, scores[0].provider, scores[0].route, key, metric=f"acc.wer.{profile}")
            if gaps.pooled is not None:
                found += _rows(scores[0], key, profile, gaps)
    return found


def _rows(system: Score, key: str, profile: str, gaps: SliceGaps) -> list[SummaryRow]:
    worst = gaps.worst
    gap, macro = gap_metrics(profile)
    lacking = f"no slice has {LEAST}"
    if worst is None:
        told = lacking
    else:
        p = "" if worst.p_holm is None else f"; p = {worst.p_holm:.2g}, adjusted for {_several(gaps)}"
        told = f"{key}={worst.name}, {worst.n_clips} clips and {worst.n_words} words{p}"
    row = SummaryRow(
        provider=system.provider,
        route=system.route,
        slice=key,
        metric=gap.id,
        unit=gap.unit,
        value=worst.gap if worst else None,
        numerator=None,
        denominator=None,
        ci_lo=worst.lo if worst else None,
        ci_hi=worst.hi if worst else None,
        n_clips=worst.n_clips if worst else 0,
        n_units=worst.n_words if worst else 0,
        n_clusters=worst.n_clusters if worst else 0,
        status="ok" if worst else "insufficient",
        macro=None,
        note=told,
        ci_method=CLUSTER_T if worst and worst.lo is not None else "",
    )
    several = replace(
        row,
        metric=macro.id,
        value=gaps.macro,
        ci_lo=None,
        ci_hi=None,
        n_clips=sum(one.n_clips for one in gaps.slices),
        n_units=sum(one.n_words for one in gaps.slices),
        n_clusters=0,
        ci_method="",
        note=f"mean of {_several(gaps)}" if worst else lacking,
    )
    return [row, several]


def _several(gaps: SliceGaps) -> str:
    return "1 slice" if len(gaps.slices) == 1 else f"{len(gaps.slices)} slices"


def _adjusted(found: Sequence[SliceGap]) -> list[SliceGap]:
    tested = [one for one in found if one.p is not None]
    holmed = dict(zip((one.name for one in tested), holm([one.p or 0.0 for one in tested]), strict=True))
    return [replace(one, p_holm=holmed.get(one.name)) for one in found]


def _t_test_p(found: Estimate, clusters: int) -> float | None:
    if found.value is None or not found.se:
        return None
    return float(2 * special.stdtr(clusters - 1, -abs(found.value) / found.se))
