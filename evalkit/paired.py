"""The decision about switching: word errors of a candidate against an incumbent on the same clips.

``stats.compare`` gives every metric its difference and interval; this is the confirmatory test of the primary one, with
p-values, the probability of improvement, a label for the switch and the clips still needed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evalkit.bootstrap import DRAWS, Resamples, cluster_sums, resampled
from evalkit.decisions import Gate, Label, ZTest, gate, holm, margin, mcnemar_p, non_inferiority, z_test
from evalkit.intervals import (
    MIN_CLUSTERS,
    Estimate,
    cluster_ratio,
    cluster_ratio_difference,
    detectable,
    sign_flip_p,
    zero_event_bound,
)
from evalkit.power import scaled_up
from evalkit.scoring import text, words
from evalkit.scoring.segments import segments
from evalkit.types import Route, Score, SummaryRow

MIN_SLICE_CLIPS = 20
MIN_SLICE_WORDS = 500
_ERRORS = ("substitutions", "deletions", "insertions")
_WORDS = ("hits", "substitutions", "deletions")


@dataclass(frozen=True, slots=True)
class WordErrorDecision:
    """One metric of a candidate against an incumbent over one route; rates are fractions, differences new minus old."""

    metric: str
    route: Route
    candidate: str
    incumbent: str
    value: float | None
    incumbent_value: float | None
    difference: float | None
    ci_lo: float | None
    ci_hi: float | None
    """The t interval over clusters, the headline; without any difference, the zero-event bound over clips."""
    bootstrap_lo: float | None
    bootstrap_hi: float | None
    improvement: float | None
    """``poi``: share of bootstrap draws in which the candidate makes fewer errors."""
    zeros: float | None
    """Share of draws without any difference."""
    seed: int
    p: float
    """Of the sign-flip permutation test over clusters."""
    p_holm: float
    """The same, adjusted for the routes on which this metric was compared."""
    p_perfect: float
    """Exact McNemar test on clips without an error."""
    margin: float | None
    label: Label
    gate: Gate
    smallest_detectable: float | None
    """With 80 % power; what this run could not have seen is smaller."""
    clips_needed: int | None
    """Clips like these with which a difference of the margin could be seen."""
    n_clips: int
    n_words: int
    n_clusters: int


def decide(
    scores: Sequence[Score],
    candidate: str,
    incumbent: str,
    *,
    metrics: Sequence[str],
    tolerated: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[WordErrorDecision]:
    """The decision per metric and route.

    Args:
        scores: one row per clip, provider and route.
        candidate: provider being considered.
        incumbent: provider to compare with.
        metrics: error rates by id, the primary one first, e.g. ``acc.wer.en``.
        tolerated: margin of non-inferiority; None: half a point, or 5 % of the incumbent's rate if that is more.
        draws: of the paired bootstrap.
        seed: of bootstrap and permutation.
    """
    found: list[WordErrorDecision] = []
    for metric in metrics:
        routes = dict.fromkeys(score.route for score in scores)
        pairs = [_Pairs.of(metric, scores, (candidate, route), (incumbent, route)) for route in routes]
        rows = [_decided(pair, tolerated, draws, seed) for pair in pairs if pair.clips]
        adjusted = holm([row.p for row in rows])
        found += [replace(row, p_holm=p) for row, p in zip(rows, adjusted, strict=True)]
    return found


def segment_test(scores: Sequence[Score], candidate: str, incumbent: str, route: Route, profile: str) -> ZTest:
    """MAPSSWE over all clips both have: for long recordings, beside the cluster interval and never instead of it.

    Args:
        scores: one row per clip, provider and route.
        candidate: provider being considered.
        incumbent: provider to compare with.
        route: of both.
        profile: name of the text rules.
    """
    rules = text.profile(profile)
    against = {score.clip_id: score for score in scores if (score.provider, score.route) == (incumbent, route)}
    differences = [
        segment.difference
        for score in scores
        if (score.provider, score.route) == (candidate, route) and score.reference is not None
        if (other := against.get(score.clip_id)) is not None
        for reference in [rules.tokens(score.reference)]
        for segment in segments(
            words.align(reference, rules.tokens(score.hypothesis)),
            words.align(reference, rules.tokens(other.hypothesis)),
        )
    ]
    return z_test(differences)


class System(NamedTuple):
    """A provider over a route."""

    provider: str
    route: str


class Swap(NamedTuple):
    """Two systems whose order depends on the text rules."""

    metric: str
    """Under this rate ``better`` wins ..."""
    other_metric: str
    """... and under this one it loses."""
    better: System
    worse: System


def rank_depends_on_normaliser(summary: Iterable[SummaryRow], *, family: str = "acc.wer") -> list[Swap]:
    """Every pair of systems that changes order between two text profiles; empty: the ranking is safe.

    Args:
        summary: of ``stats.summarise``; rows of all clips are read.
        family: the rates to compare are ``<family>.<profile>``.
    """
    rates: dict[str, dict[System, float]] = {}
    for row in summary:
        head, _, profile = row.metric.rpartition(".")
        if head == family and profile in text.PROFILES and row.slice == "all" and row.value is not None:
            rates.setdefault(row.metric, {})[System(row.provider, row.route)] = row.value
    return [
        Swap(metric, other, first, second)
        for at, (metric, found) in enumerate(rates.items())
        for other, again in list(rates.items())[at + 1 :]
        for first in found
        for second in found
        if first in again and second in again
        if found[first] < found[second] and again[first] > again[second]
    ]


@dataclass(frozen=True, slots=True)
class SliceGap:
    """A slice against all clips of the same system."""

    name: str
    rate: float
    gap: float
    """Rate of the slice minus pooled rate."""
    p: float | None
    """Two-sided, of the cluster t test."""
    p_holm: float | None
    n_clips: int
    n_words: int


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
    rows = [row for row in scores if (row.provider, row.route) == (provider, route) and f"{metric}.hits" in row.counts]
    if not rows:
        return SliceGaps(None, None, ())
    owners = [row.cluster or row.clip_id for row in rows]
    errors, sizes = (np.array([_sum(row, metric, names) for row in rows]) for names in (_ERRORS, _WORDS))
    totals = (cluster_sums(errors, owners), cluster_sums(sizes, owners))
    found = []
    for name in dict.fromkeys(row.slices.get(key, "unknown") for row in rows):
        inside = np.array([row.slices.get(key, "unknown") == name for row in rows])
        clusters = len({owner for owner, chosen in zip(owners, inside, strict=True) if chosen})
        if inside.sum() < MIN_SLICE_CLIPS or sizes[inside].sum() < MIN_SLICE_WORDS or clusters < MIN_CLUSTERS:
            continue
        part = (cluster_sums(errors * inside, owners), cluster_sums(sizes * inside, owners))
        gap = cluster_ratio_difference(*part, *totals)
        found.append(
            SliceGap(
                name,
                float(part[0].sum() / part[1].sum()),
                gap.value or 0.0,
                _t_test_p(gap, clusters),
                None,
                int(inside.sum()),
                int(sizes[inside].sum()),
            )
        )
    found = _adjusted(found)
    macro = float(np.mean([one.rate for one in found])) if found else None
    return SliceGaps(cluster_ratio(*totals).value, macro, tuple(sorted(found, key=lambda one: -one.gap)))


def _adjusted(found: Sequence[SliceGap]) -> list[SliceGap]:
    tested = [one for one in found if one.p is not None]
    holmed = dict(zip((one.name for one in tested), holm([one.p or 0.0 for one in tested]), strict=True))
    return [replace(one, p_holm=holmed.get(one.name)) for one in found]


def _t_test_p(found: Estimate, clusters: int) -> float | None:
    if found.value is None or not found.se:
        return None
    return float(2 * special.stdtr(clusters - 1, -abs(found.value) / found.se))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What both systems did on their common clips."""

    metric: str
    candidate: str
    incumbent: str
    route: Route
    clips: tuple[tuple[Score, Score], ...]

    @classmethod
    def of(cls, metric: str, scores: Sequence[Score], new: tuple[str, Route], old: tuple[str, Route]) -> "_Pairs":
        mine, theirs = (
            {
                score.clip_id: score
                for score in scores
                if (score.provider, score.route) == side and f"{metric}.hits" in score.counts
            }
            for side in (new, old)
        )
        common = tuple((mine[clip_id], theirs[clip_id]) for clip_id in mine if clip_id in theirs)
        return cls(metric, new[0], old[0], new[1], common)

    def sums(self, side: int, columns: Sequence[str]) -> NDArray[np.float64]:
        """Per cluster."""
        return cluster_sums(
            [_sum(pair[side], self.metric, columns) for pair in self.clips],
            [pair[0].cluster or pair[0].clip_id for pair in self.clips],
        )

    def alone_perfect(self, side: int) -> int:
        """Clips without an error on this side and with one on the other."""
        return sum(
            not _sum(pair[side], self.metric, _ERRORS) and _sum(pair[1 - side], self.metric, _ERRORS) > 0
            for pair in self.clips
        )


def _decided(pairs: _Pairs, tolerated: float | None, draws: int, seed: int) -> WordErrorDecision:
    errors, against = pairs.sums(0, _ERRORS), pairs.sums(1, _ERRORS)
    sizes, against_sizes = pairs.sums(0, _WORDS), pairs.sums(1, _WORDS)
    found = cluster_ratio_difference(errors, sizes, against, against_sizes)
    incumbent_value = cluster_ratio(against, against_sizes).value
    lo, hi = _limits(found, errors, against, len(pairs.clips))
    drawn: Resamples = resampled(errors - against, sizes, draws=draws, seed=seed)
    low, high = drawn.interval()
    allowed = tolerated if tolerated is not None or incumbent_value is None else margin(incumbent_value)
    label = "inconclusive" if allowed is None else non_inferiority(lo, hi, allowed)
    seen = detectable(found.se) if found.se and found.clusters >= MIN_CLUSTERS else None
    return WordErrorDecision(
        metric=pairs.metric,
        route=pairs.route,
        candidate=pairs.candidate,
        incumbent=pairs.incumbent,
        value=cluster_ratio(errors, sizes).value,
        incumbent_value=incumbent_value,
        difference=found.value,
        ci_lo=lo,
        ci_hi=hi,
        bootstrap_lo=low,
        bootstrap_hi=high,
        improvement=drawn.below_zero,
        zeros=drawn.zero,
        seed=seed,
        p=(p := sign_flip_p(errors - against, seed=seed)),
        p_holm=p,
        p_perfect=mcnemar_p(pairs.alone_perfect(0), pairs.alone_perfect(1)),
        margin=allowed,
        label=label,
        gate=gate(label, found.value, allowed or 0.0),
        smallest_detectable=seen,
        clips_needed=scaled_up(len(pairs.clips), seen, allowed) if seen and allowed else None,
        n_clips=len(pairs.clips),
        n_words=round(float(sizes.sum())),
        n_clusters=found.clusters,
    )


def _limits(
    found: Estimate, errors: NDArray[np.float64], against: NDArray[np.float64], clips: int
) -> tuple[float | None, float | None]:
    if found.value is not None and found.clusters >= MIN_CLUSTERS and (errors == against).all():
        # Not one difference in so many clips bounds how many can differ, and a clip cannot differ by more than itself.
        bound = zero_event_bound(clips, two_sided=True)
        return -bound, bound
    return found.lo, found.hi


def _sum(score: Score, metric: str, columns: Iterable[str]) -> float:
    return sum(score.counts.get(f"{metric}.{column}", 0.0) for column in columns)
