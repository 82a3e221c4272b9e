"""From scores to figures: pooled rates, percentiles, slices and paired differences, each with its uncertainty.

A generic fold over the metric catalogue: nothing here knows a metric by name but for the two rules on support.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.intervals import (
    MIN_CLUSTERS,
    Estimate,
    bootstrap_percentiles,
    bootstrap_weights,
    cluster_ratio,
    cluster_ratio_difference,
    detectable,
    percentile,
    percentile_interval,
    zero_event_bound,
)
from evalkit.scoring.catalogue import METRICS
from evalkit.types import Difference, Metric, Route, Score, SummaryRow

MIN_SLICE_CLIPS = 20
MIN_SLICE_WORDS = 500
MIN_P95_UNITS = 20
MIN_COVERAGE = 0.70
"""Below this share of matched words, timestamp errors describe the easy words only."""
MAX_UNTIMED = 0.01
DRAWS = 2000

Question = Literal["candidate_vs_incumbent", "streaming_vs_rest"]
Verdict = Literal["better", "worse", "no_clear_difference", "insufficient"]

_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_REASONS = ("missing_input", "invalid_pacing", "not_applicable")


def summarise(scores: Sequence[Score], *, slices: bool = True, seed: int = 0) -> list[SummaryRow]:
    """Every metric of every provider and route: pooled over all clips, and over each slice that has any data.

    Args:
        scores: one row per clip, provider and route.
        slices: also give one figure per value of each tag.
        seed: of the bootstrap that makes the intervals of percentiles.

    Returns:
        Rows in catalogue order. ``insufficient`` marks figures with too little support; the figure is still given,
        except for a p95 of fewer than 20 units. A percentile that falls on a failed clip is ``undefined``. For
        percentiles, ``numerator`` counts the units that never came and ``denominator`` all units.
    """
    rows: list[SummaryRow] = []
    for provider, route in dict.fromkeys((score.provider, score.route) for score in scores):
        mine = [score for score in scores if (score.provider, score.route) == (provider, route)]
        rows += _summary(mine, "all", seed)
        if slices:
            for name, chosen in _slices(mine):
                rows += [
                    replace(row, status="insufficient") if row.status == "ok" and not _supported(row) else row
                    for row in _summary(chosen, name, seed)
                    if row.n_clips
                ]
    return rows


def compare(scores: Sequence[Score], candidate: str, incumbent: str | None, *, seed: int = 0) -> list[Difference]:
    """Paired differences: candidate minus incumbent on each route, and streaming minus rest of each provider.

    Args:
        scores: one row per clip, provider and route.
        candidate: name of the provider being considered.
        incumbent: name of the provider to compare with, or None.
        seed: of the paired bootstrap for percentiles.

    Returns:
        One row per metric that both sides have on common clips.
    """
    found: list[Difference] = []
    routes = list(dict.fromkeys(score.route for score in scores))
    if incumbent is not None:
        for route in routes:
            sides = (_of(scores, candidate, route), _of(scores, incumbent, route))
            found += _differences("candidate_vs_incumbent", *sides, seed)
    for provider in dict.fromkeys(score.provider for score in scores):
        sides = (_of(scores, provider, "streaming"), _of(scores, provider, "rest"))
        found += _differences("streaming_vs_rest", *sides, seed)
    return found


@dataclass(frozen=True, slots=True)
class _Sample:
    """What one metric needs of a set of scores: per-clip sums or the values themselves."""

    metric: Metric
    scores: tuple[Score, ...]
    owners: tuple[int, ...]
    """Index of the cluster of each score."""
    clusters: int

    @classmethod
    def of(cls, metric: Metric, scores: Iterable[Score]) -> "_Sample":
        having = tuple(score for score in scores if _has(metric, score))
        index: dict[str, int] = {}
        owners = tuple(index.setdefault(score.cluster or score.clip_id, len(index)) for score in having)
        return cls(metric, having, owners, len(index))

    def per_cluster(self, columns: tuple[str, ...]) -> NDArray[np.float64]:
        """The sum of some columns for each cluster."""
        sums = np.zeros(self.clusters)
        for score, owner in zip(self.scores, self.owners, strict=True):
            sums[owner] += sum(score.counts.get(column, 0.0) for column in columns)
        return sums

    def values(self) -> tuple[list[float], list[int], int]:
        """Every value, the cluster of each, and how many of them never came (infinite, listed last)."""
        values: list[float] = []
        owners: list[int] = []
        for score, owner in zip(self.scores, self.owners, strict=True):
            own = score.values.get(self.metric.values, ())
            values += own
            owners += [owner] * len(own)
        failed = [
            owner
            for score, owner in zip(self.scores, self.owners, strict=True)
            for _ in range(int(score.counts.get(f"{self.metric.values}.failed", 0)))
        ]
        return values + [float("inf")] * len(failed), owners + failed, len(failed)


def _has(metric: Metric, score: Score) -> bool:
    if metric.values:
        return metric.values in score.values or f"{metric.values}.failed" in score.counts
    return all(column in score.counts for column in metric.denominator)


def _of(scores: Sequence[Score], provider: str, route: Route) -> list[Score]:
    return [score for score in scores if score.provider == provider and score.route == route]


def _slices(scores: Sequence[Score]) -> Iterable[tuple[str, list[Score]]]:
    """Clips by value of each tag; a clip without the tag is ``unknown`` rather than gone."""
    for key in dict.fromkeys(key for score in scores for key in score.slices):
        for value in sorted({score.slices.get(key, "unknown") for score in scores}):
            yield f"{key}={value}", [score for score in scores if score.slices.get(key, "unknown") == value]


def _supported(row: SummaryRow) -> bool:
    enough_words = not row.metric.startswith("acc.wer.") or row.n_units >= MIN_SLICE_WORDS
    return row.n_clips >= MIN_SLICE_CLIPS and row.n_clusters >= MIN_CLUSTERS and enough_words


def _summary(scores: Sequence[Score], name: str, seed: int) -> list[SummaryRow]:
    timing_is_partial = _timing_is_partial(scores)
    rows = []
    for metric in METRICS:
        row = _row(metric, scores, name, seed)
        if timing_is_partial and metric.id.startswith("ts.offset.") and row.status == "ok":
            row = replace(row, status="insufficient")
        rows.append(row)
    return rows


def _timing_is_partial(scores: Sequence[Score]) -> bool:
    total = {
        column: sum(score.counts.get(f"ts.{column}", 0.0) for score in scores)
        for column in ("matched_words", "reference_words", "untimed_words", "hypothesis_words")
    }
    return (
        total["matched_words"] < MIN_COVERAGE * total["reference_words"]
        or total["untimed_words"] > MAX_UNTIMED * total["hypothesis_words"]
    )


def _row(metric: Metric, scores: Sequence[Score], name: str, seed: int) -> SummaryRow:
    sample = _Sample.of(metric, scores)
    blank = SummaryRow(
        provider=scores[0].provider,
        route=scores[0].route,
        slice=name,
        metric=metric.id,
        unit=metric.unit,
        value=None,
        numerator=None,
        denominator=None,
        ci_lo=None,
        ci_hi=None,
        n_clips=len(sample.scores),
        n_units=0,
        n_clusters=sample.clusters,
        status="ok",
    )
    if not sample.scores:
        return replace(blank, status=_why_absent(metric, scores))
    return _percentile_row(sample, blank, seed) if metric.values else _ratio_row(sample, blank)


def _why_absent(metric: Metric, scores: Sequence[Score]) -> str:
    reasons = {score.absent.get(metric.id) for score in scores}
    reason = next((reason for reason in _REASONS if reason in reasons), "not_tested")
    return "insufficient" if reason == "invalid_pacing" else reason


def _ratio_row(sample: _Sample, blank: SummaryRow) -> SummaryRow:
    metric = sample.metric
    above, below = sample.per_cluster(metric.numerator), sample.per_cluster(metric.denominator)
    numerator, denominator = float(above.sum()), float(below.sum())
    # Seconds are not units that were counted: there, the clips are.
    counted = not any(column.endswith("_s") for column in metric.denominator)
    row = replace(
        blank,
        numerator=numerator,
        denominator=denominator,
        n_units=round(denominator) if counted else len(sample.scores),
    )
    if not denominator:
        return replace(row, status="undefined")
    found = _bounded(metric, cluster_ratio(above, below), len(sample.scores), numerator, denominator)
    return replace(
        row, value=_scaled(metric, found.value), ci_lo=_scaled(metric, found.lo), ci_hi=_scaled(metric, found.hi)
    )


def _bounded(metric: Metric, found: Estimate, clips: int, numerator: float, denominator: float) -> Estimate:
    """Limits cut to what is possible; a rate of which no event was seen gets the zero-event bound over clips."""
    if metric.unit == "rate" and numerator == 0:
        return replace(found, lo=0.0, hi=zero_event_bound(clips, two_sided=True))
    if metric.unit == "rate" and metric.direction == "higher" and numerator == denominator:
        return replace(found, lo=1 - zero_event_bound(clips, two_sided=True), hi=1.0)
    if found.lo is None or found.hi is None or metric.direction == "zero":
        return found
    top = 1.0 if metric.unit == "rate" and metric.direction == "higher" else found.hi
    return replace(found, lo=max(found.lo, 0.0), hi=min(found.hi, top))


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else value * metric.scale


def _percentile_row(sample: _Sample, blank: SummaryRow, seed: int) -> SummaryRow:
    values, owners, failed = sample.values()
    row = replace(blank, numerator=float(failed), denominator=float(len(values)), n_units=len(values))
    if not values:
        return replace(row, status="undefined")
    statistic = sample.metric.statistic
    if statistic == "max":
        return replace(row, status="undefined") if failed else replace(row, value=max(values))
    share = _SHARES[statistic]
    if share > 0.5 and len(values) < MIN_P95_UNITS:
        return replace(row, status="insufficient")
    value = percentile(values[: len(values) - failed], share, failed=failed)
    row = replace(row, value=value, status="ok" if value is not None else "undefined")
    if sample.clusters < MIN_CLUSTERS:
        return row
    if len(values) == sample.clusters == len(set(owners)):
        # One value per cluster: independent units, for which the order statistics are exact.
        exact = percentile_interval(values[: len(values) - failed], share, failed=failed)
        return replace(row, ci_lo=exact.lo, ci_hi=exact.hi)
    drawn = bootstrap_percentiles(values, owners, bootstrap_weights(sample.clusters, DRAWS, seed), share)
    lo, hi = np.percentile(drawn, [2.5, 97.5], method="inverted_cdf")
    return replace(row, ci_lo=_finite(lo), ci_hi=_finite(hi))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _differences(question: Question, scores: Sequence[Score], against: Sequence[Score], seed: int) -> list[Difference]:
    if not scores or not against:
        return []
    found = []
    for metric in METRICS:
        mine = {score.clip_id: score for score in scores if _has(metric, score)}
        theirs = {score.clip_id: score for score in against if _has(metric, score)}
        common = [clip_id for clip_id in mine if clip_id in theirs]
        if not common or metric.statistic == "max":
            continue
        pair = (
            _Sample.of(metric, (mine[clip_id] for clip_id in common)),
            _Sample.of(metric, (theirs[clip_id] for clip_id in common)),
        )
        found.append(_difference(question, metric, *pair, seed))
    return found


def _difference(question: Question, metric: Metric, sample: _Sample, against: _Sample, seed: int) -> Difference:
    estimator: Callable[[_Sample, _Sample, int], tuple[float | None, float | None, Estimate]]
    estimator = _percentile_difference if metric.values else _ratio_difference
    value, against_value, found = estimator(sample, against, seed)
    first, second = sample.scores[0], against.scores[0]
    return Difference(
        question=question,
        metric=metric.id,
        unit=metric.unit,
        provider=first.provider,
        route=first.route,
        against_provider=second.provider,
        against_route=second.route,
        value=value,
        against_value=against_value,
        difference=found.value,
        ci_lo=found.lo,
        ci_hi=found.hi,
        n_clips=len(sample.scores),
        n_clusters=sample.clusters,
        smallest_detectable=detectable(found.se) if found.se and sample.clusters >= MIN_CLUSTERS else None,
        verdict=_verdict(metric, value, against_value, found),
    )


def _ratio_difference(sample: _Sample, against: _Sample, _: int) -> tuple[float | None, float | None, Estimate]:
    metric = sample.metric
    sums = [
        side.per_cluster(columns) for side in (sample, against) for columns in (metric.numerator, metric.denominator)
    ]
    found = cluster_ratio_difference(*sums)
    values = [_scaled(metric, cluster_ratio(*sums[at : at + 2]).value) for at in (0, 2)]
    # Two list prices differ exactly; of anything measured, clusters that happen to agree prove nothing.
    priced = metric.unit == "usd_per_h"
    exact = priced and found.se == 0 and bool(found.value) and found.clusters >= MIN_CLUSTERS
    return (
        values[0],
        values[1],
        Estimate(
            _scaled(metric, found.value),
            _scaled(metric, found.se),
            _scaled(metric, found.value if exact else found.lo),
            _scaled(metric, found.value if exact else found.hi),
            found.clusters,
        ),
    )


def _percentile_difference(sample: _Sample, against: _Sample, seed: int) -> tuple[float | None, float | None, Estimate]:
    """Both sides are resampled with the same clusters in every draw."""
    share = _SHARES[sample.metric.statistic]
    sides = [side.values() for side in (sample, against)]
    values = [percentile(got[: len(got) - failed], share, failed=failed) for got, _, failed in sides]
    enough = all(len(got) >= (MIN_P95_UNITS if share > 0.5 else 1) for got, _, _ in sides)
    if not enough or values[0] is None or values[1] is None:
        nothing = Estimate(None, clusters=sample.clusters)
        return (values[0], values[1], nothing) if enough else (None, None, nothing)
    difference = values[0] - values[1]
    if sample.clusters < MIN_CLUSTERS:
        return values[0], values[1], Estimate(difference, clusters=sample.clusters)
    weights = bootstrap_weights(sample.clusters, DRAWS, seed)
    first, second = (bootstrap_percentiles(got, owners, weights, share) for got, owners, _ in sides)
    with np.errstate(invalid="ignore"):
        drawn = first - second
    if not np.isfinite(drawn).all():
        return values[0], values[1], Estimate(difference, clusters=sample.clusters)
    lo, hi = np.percentile(drawn, [2.5, 97.5], method="inverted_cdf")
    return values[0], values[1], Estimate(difference, float(drawn.std()), float(lo), float(hi), sample.clusters)


def _verdict(metric: Metric, value: float | None, against: float | None, found: Estimate) -> Verdict:
    if found.value is None or found.clusters < MIN_CLUSTERS or value is None or against is None:
        return "insufficient"
    if found.lo is None or found.hi is None:
        return "insufficient" if found.value else "no_clear_difference"
    if found.lo <= 0 <= found.hi:
        return "no_clear_difference"
    if metric.direction == "zero":
        return "better" if abs(value) < abs(against) else "worse"
    return "better" if (found.value < 0) == (metric.direction == "lower") else "worse"
