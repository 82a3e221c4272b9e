"""From scores to figures: pooled rates, percentiles and slices, each with its uncertainty or with why it has none.

A generic fold over the metric catalogue: nothing here knows a metric by name. Comparisons are made in ``paired``.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.scoring.catalogue import METRICS
from evalkit.stats import slices as cuts
from evalkit.stats.intervals import (
    BOOTSTRAP,
    CLUSTER_T,
    EXACT_BOUND,
    MIN_CLUSTERS,
    ORDER_STATISTICS,
    WILSON,
    Estimate,
    bootstrap_percentiles,
    bootstrap_weights,
    clopper_pearson,
    cluster_ratio,
    percentile,
    percentile_interval,
    telling,
    unmeasurable,
    wilson,
)
from evalkit.stats.paired import compare as compare
from evalkit.stats.samples import SHARES, Sample, Table, of, partial_timing
from evalkit.types import Metric, Score, SummaryRow

DRAWS = 2000

_REASONS = ("missing_input", "invalid_pacing", "not_applicable")


def summarise(scores: Sequence[Score], *, slices: bool = True, seed: int = 0) -> list[SummaryRow]:
    """Every metric of every provider and route: pooled over all clips, and over each slice that has any data.

    Args:
        scores: one row per clip, provider and route.
        slices: also give one figure per value of each tag, and how far the worst of them lies from the whole.
        seed: of the bootstrap that makes the intervals of percentiles.

    Returns:
        Rows in catalogue order. ``insufficient`` marks figures with too little support, ``note`` says what they lack;
        the figure is still given, except for a percentile of fewer units than an interval of it needs. A percentile
        that falls on a failed clip is ``undefined``. For percentiles, ``numerator`` counts the units that never came
        and ``denominator`` all units.
    """
    rows: list[SummaryRow] = []
    for provider, route in dict.fromkeys((score.provider, score.route) for score in scores):
        mine = Table(of(scores, provider, route))
        rows += [_row(metric, mine, mine.places, "all", seed) for metric in METRICS]
        if slices:
            for name, chosen in cuts.divided(mine.scores):
                had = (metric for metric in METRICS if mine.having(metric)[chosen].any())
                rows += [_supported(_row(metric, mine, chosen, name, seed)) for metric in had]
            rows += cuts.gap_rows(mine.scores)
    return rows


def _supported(row: SummaryRow) -> SummaryRow:
    """A figure of a slice, marked when the slice is too small for it."""
    few = cuts.thin(row)
    return replace(row, status="insufficient", note=few) if row.status == "ok" and few else row


def _row(metric: Metric, table: Table, places: NDArray[np.intp], name: str, seed: int) -> SummaryRow:
    """The figure of one metric over the scores of these places."""
    sample = Sample.of(metric, table, places)
    blank = SummaryRow(
        provider=table.scores[0].provider,
        route=table.scores[0].route,
        slice=name,
        metric=metric.id,
        unit=metric.unit,
        value=None,
        numerator=None,
        denominator=None,
        ci_lo=None,
        ci_hi=None,
        n_clips=sample.clips,
        n_units=0,
        n_clusters=sample.clusters,
        status="ok",
        macro=None,
        note="",
    )
    if not sample.clips:
        return _absent(metric, table.scores, blank)
    row = _percentile_row(sample, blank, seed) if metric.values else _ratio_row(sample, blank)
    easy = partial_timing(metric, table, places)
    return replace(row, status="insufficient", note=easy) if easy and row.status == "ok" else row


def _absent(metric: Metric, scores: Sequence[Score], blank: SummaryRow) -> SummaryRow:
    reasons = {score.absent.get(metric.id) for score in scores}
    reason = next((reason for reason in _REASONS if reason in reasons), "not_tested")
    if reason == "invalid_pacing":
        return replace(blank, status="insufficient", note="our own frames were too late on every clip")
    return replace(blank, status=reason)


def _ratio_row(sample: Sample, blank: SummaryRow) -> SummaryRow:
    metric = sample.metric
    above, below = sample.ratio()
    numerator, denominator = float(above.sum()), float(below.sum())
    # Seconds are not units that were counted: there, the clips are.
    counted = not any(column.endswith("_s") for column in metric.denominator)
    row = replace(
        blank,
        numerator=numerator,
        denominator=denominator,
        n_units=round(denominator) if counted else sample.clips,
    )
    if not denominator:
        return replace(row, status="undefined", note="nothing to divide by")
    found, method, note = _limited(sample, cluster_ratio(*telling(above, below)), above, below)
    return replace(
        row,
        value=_scaled(metric, found.value),
        ci_lo=_scaled(metric, found.lo),
        ci_hi=_scaled(metric, found.hi),
        macro=sample.macro(),
        note=note,
        ci_method=method,
    )


def _limited(
    sample: Sample, found: Estimate, above: NDArray[np.float64], below: NDArray[np.float64]
) -> tuple[Estimate, str, str]:
    """Limits cut to what is possible, the method that made them, and what they lack.

    A rate of which no event was seen gets the exact bound over clips, a share of independent clips Wilson's interval.
    """
    metric = sample.metric
    # Signed sums that cancel are events all the same.
    none = not above.any()
    if metric.unit == "rate" and (none or (metric.bounded and above.sum() == below.sum())):
        clips = int(sample.telling().sum())
        lo, hi = clopper_pearson(0 if none else clips, clips)
        signed = metric.direction == "zero" and not metric.bounded
        note = f"{'none' if none else 'no exception'} seen: the interval is the exact bound of {clips} clips"
        return replace(found, lo=-hi if signed else lo, hi=hi), EXACT_BOUND, note
    if found.lo is None or found.hi is None:
        return found, "", _no_interval(found.clusters)
    if sample.independent_clips() is not None:
        lo, hi = wilson(round(above.sum()), sample.clips)
        return replace(found, lo=lo, hi=hi), WILSON, ""
    if metric.direction != "zero":
        found = replace(found, lo=max(found.lo, 0.0), hi=min(found.hi, 1.0) if metric.bounded else found.hi)
    return found, CLUSTER_T, ""


def _no_interval(clusters: int) -> str:
    if clusters < MIN_CLUSTERS:
        return f"no interval: {clusters} of {MIN_CLUSTERS} clusters"
    return "no interval: all clusters are alike"


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else value * metric.scale


def _percentile_row(sample: Sample, blank: SummaryRow, seed: int) -> SummaryRow:
    values, owners, failed = sample.values()
    came = values[: len(values) - failed]
    row = replace(blank, numerator=float(failed), denominator=float(len(values)), n_units=len(values))
    if not len(values):
        return replace(row, status="undefined", note="no clip has such a value")
    never = f"falls on what never came: {failed} of {len(values)}"
    statistic = sample.metric.statistic
    if statistic == "max":
        return replace(row, status="undefined", note=never) if failed else replace(row, value=float(values.max()))
    share = SHARES[statistic]
    if few := unmeasurable(share, len(values)):
        return replace(row, status="insufficient", note=few)
    value = percentile(came, share, failed=failed)
    if value is None:
        row = replace(row, status="undefined", note=f"{statistic}: {never}")
    row = replace(row, value=value)
    if sample.clusters < MIN_CLUSTERS:
        return replace(row, note=row.note or _no_interval(sample.clusters))
    if len(values) == sample.clusters == len(np.unique(owners)):
        # One value per cluster: independent units, for which the order statistics are exact.
        exact = percentile_interval(came, share, failed=failed)
        lo, hi, method = exact.lo, exact.hi, ORDER_STATISTICS
    else:
        drawn = bootstrap_percentiles(values, owners, bootstrap_weights(sample.clusters, DRAWS, seed), share)
        lo, hi = (_finite(end) for end in np.percentile(drawn, [2.5, 97.5], method="inverted_cdf"))
        method = BOOTSTRAP
    note = row.note or ("" if hi is not None else f"upper limit {never}")
    return replace(row, ci_lo=lo, ci_hi=hi, note=note, ci_method="" if lo is None and hi is None else method)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
