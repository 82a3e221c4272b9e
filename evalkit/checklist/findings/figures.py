"""What the figures of a run show of a criterion."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evalkit.checklist import Finding
from evalkit.checklist.criteria import Line
from evalkit.checklist.findings.material import ADD, SAY, Material, Seen, lacking, measured, run_over
from evalkit.reports.headline import capitalised
from evalkit.reports.switch import decisions
from evalkit.reports.units import status
from evalkit.scoring import catalogue
from evalkit.scoring.timing import reference_error_s
from evalkit.stats.intervals import MIN_CLUSTERS, Estimate, cluster_ratio, units_for_upper_limit, zero_event_bound
from evalkit.stats.samples import SHARES
from evalkit.stats.slices import TIMES, UNKNOWN
from evalkit.types import Route, Score, SummaryRow


def of_metric(line: Line, metric: str, route: Route, material: Material) -> Seen:
    """The figure of a metric over all clips, with its support."""
    row = material.row(route, metric)
    if line.criterion.target is None and line.criterion.kind in ("upper", "lower"):
        return lacking(f"the needs do not say how much is enough for {line.title.lower()}", SAY)
    if row is None:
        return lacking(f"{material.candidate} was not asked over {route}", run_over(route))
    about = catalogue.describe(metric)
    scores = [score for score in material.mine(route) if _has(score, about.denominator, about.values)]
    audio_s = sum(score.audio_s for score in scores)
    units: float = row.n_units
    if line.count:
        units = sum(score.counts.get(line.count, 0.0) for score in scores)
    if line.long_s:
        units = sum(score.audio_s >= line.long_s for score in scores)
    value, lo, hi = row.value, row.ci_lo, row.ci_hi
    if line.criterion.kind == "must_be_zero" and value is not None:
        value = (row.denominator or 0.0) - (row.numerator or 0.0) if line.missed else row.numerator
        lo = hi = None
    support = {
        "clips": row.n_clips,
        "words": units,
        "n": units,
        "clusters": row.n_clusters,
        "minutes": round(audio_s / 60, 1),
    }
    if line.point:
        lo = hi = None
    found = Finding(value, lo, hi, support, times_source=worst_times(scores) if line.criterion.threshold_s else None)
    seen = measured(found, material, row.n_clips, row.n_clusters)
    if value is None and row.status != "insufficient":
        why, todo = _unshown(row, material.mine(route))
        return replace(seen, why=row.note or why, todo=todo)
    return replace(seen, few=_few(line, row, found), more=_units_more(row) if value is None else None)


def _unshown(row: SummaryRow, scores: Sequence[Score]) -> tuple[str, str]:
    """Why a figure has nothing to be made of, and what would bring it; the latter empty when that is not known."""
    kind, absent, metric = row.metric.partition(".")[0], row.status, row.metric
    if metric.startswith("acc.halluc.") and absent == "not_applicable":
        return "no clip is without speech", f"{ADD} without speech (kind = nonspeech, empty text)"
    if metric == "mch.silent_wpm" and absent == "not_applicable":
        return "no clip has two channels, one of them silent", f"{ADD} with two channels, one of them silent"
    if kind == "mch" and absent == "not_applicable":
        return "no clip has two channels", f"{ADD} with two channels"
    if kind == "dia" and absent == "missing_input" and metric != "dia.flip":
        if not _counted(scores, "dia."):
            return "no answer says who spoke", "ask who spoke (diarize), on clips with speaker labels"
        if not _counted(scores, "dia.orcbound."):
            return "no clip has speaker labels for all its words", f"{ADD} with speaker labels"
    if kind == "ts" and absent == "missing_input" and not metric.startswith("ts.agree"):
        if not _counted(scores, "ts.valid."):
            return "no answer has word times", "ask for word times, on clips with word times"
        if metric.startswith("ts.slope"):
            return "no clip is long enough, with word times", f"{ADD} of ten minutes or more with word times"
        return "no word has times on both sides", f"{ADD} with word times"
    return f"no clip shows it ({status(row)})", ""


def _counted(scores: Sequence[Score], prefix: str) -> bool:
    return any(name.startswith(prefix) for score in scores for name in score.counts)


def _few(line: Line, row: SummaryRow, found: Finding) -> str:
    """Why a figure is too little, beyond the minimum: statistics that cannot be made, or have no interval."""
    if row.status == "insufficient":
        return row.note
    chance = line.criterion.kind in ("upper", "lower") and not line.point
    if chance and found.lo is None and row.n_clusters < MIN_CLUSTERS:
        return f"no interval: {row.n_clusters} of {MIN_CLUSTERS} clusters"
    return ""


def _units_more(row: SummaryRow) -> int | None:
    """Further clips until a percentile can be given."""
    statistic = catalogue.describe(row.metric).statistic
    if statistic not in SHARES or not row.n_units:
        return None
    needed = units_for_upper_limit(SHARES[statistic])
    return max(math.ceil(row.n_clips * needed / row.n_units) - row.n_clips, 0)


def _has(score: Score, denominator: Sequence[str], values: str) -> bool:
    return bool(score.values.get(values)) if values else any(score.counts.get(name) for name in denominator)


def worst_times(scores: Sequence[Score]) -> str | None:
    """The least exact source of reference times among these clips."""
    sources = {score.slices.get(TIMES) for score in scores}
    found = {None if source == UNKNOWN else source for source in sources}
    return max(found, key=reference_error_s, default=None)


def languages(_: Line, route: Route, material: Material) -> Seen:
    """Whether every language of the needs is on test."""
    heard = {score.language for score in material.mine(route) if score.language and score.reference}
    absent = [language for language in material.needs.languages if language not in heard]
    if absent:
        return lacking(f"no clip in {', '.join(absent)}", "add clips of every language to the corpus")
    return measured(Finding(1.0), material)


def worst_slice(_: Line, route: Route, material: Material) -> Seen:
    """The error rate of the worst kind of audio, in multiples of that of all."""
    whole = material.row(route, material.head.wer)
    parts = [
        (row.value, row)
        for row in material.summary
        if (row.provider, row.route, row.metric) == (material.candidate, route, material.head.wer)
        and row.slice != "all"
        and row.status == "ok"
        and not row.slice.startswith(f"{TIMES}=")
        and row.value is not None
    ]
    if whole is None or not whole.value or not parts:
        return lacking("no kind of audio has enough clips of its own", "tag the clips of the corpus")
    value, row = max(parts, key=lambda part: part[0])
    seen = measured(Finding(value / whole.value, support={"clips": row.n_clips}), material, row.n_clips, row.n_clusters)
    return replace(seen, why=row.slice)


def within_1s(_: Line, route: Route, material: Material) -> Seen:
    """The share of matched words whose start is at most a second off."""
    scores = [score for score in material.mine(route) if score.values.get("ts.offset.start.absolute")]
    if not scores:
        return lacking("no word has times on both sides", run_over(route))
    pairs = [(score, np.array(score.values["ts.offset.start.absolute"])) for score in scores]
    clusters = list(dict.fromkeys(score.cluster or score.clip_id for score in scores))
    sums = np.zeros((2, len(clusters)))
    for score, errors in pairs:
        place = clusters.index(score.cluster or score.clip_id)
        sums[:, place] += ((errors <= 1.0).sum(), len(errors))
    found = bounded(cluster_ratio(*sums), len(scores))
    support = {"n": float(sums[1].sum()), "clips": len(scores), "clusters": len(clusters)}
    times = worst_times(scores)
    return measured(
        Finding(found.value, found.lo, found.hi, support, times_source=times), material, len(scores), len(clusters)
    )


def bounded(found: Estimate, trials: int) -> Estimate:
    """A share with limits that are possible; of one without exception, or without event, the exact bound."""
    if found.value not in (0.0, 1.0) or not trials:
        ends = (None if found.lo is None else max(found.lo, 0.0), None if found.hi is None else min(found.hi, 1.0))
        return replace(found, lo=ends[0], hi=ends[1])
    bound = zero_event_bound(trials, two_sided=True)
    return replace(found, lo=0.0, hi=bound) if found.value == 0.0 else replace(found, lo=1 - bound, hi=1.0)


def measured_route(_: Line, route: Route, material: Material) -> Seen:
    """Whether the route was measured at all."""
    scores = material.mine(route)
    if not scores:
        return lacking(f"{material.candidate} was not asked over {route}", run_over(route))
    return measured(Finding(1.0, support={"clips": len(scores)}), material, len(scores))


def switch(_: Line, route: Route, material: Material) -> Seen:
    """Candidate against incumbent on the same clips."""
    row = material.head.against_incumbent(route, material.head.wer)
    wanted = material.needs.incumbent or "INCUMBENT"
    if row is None or row.label is None or row.margin is None:
        return lacking("nothing was compared on the same clips", f"evalkit run --incumbent {wanted} --routes rest")
    seen = measured(
        Finding(row.difference, row.ci_lo, row.ci_hi, {"clips": row.n_clips, "clusters": row.n_clusters}, row.label),
        material,
        row.n_clips,
        row.n_clusters,
    )
    seen = replace(seen, detectable=row.smallest_detectable, margin=row.margin)
    more = None if row.clips_needed is None else max(row.clips_needed - row.n_clips, 0)
    guards = decisions(material.head, material.summary)["guards"]
    broken = [text for text in guards if text.startswith(capitalised(route))]
    days = {str(material.manifest.get(name) or "")[:10] for name in ("created_at", "finished_at")} - {""}
    if broken:
        return replace(seen, barred=True, why=broken[0].rstrip("."), more=more)
    if len(days) > 1 and material.evidence != "simulated":
        return replace(seen, capped=True, why="not all answers are of the same day", more=more)
    return replace(seen, more=more)
