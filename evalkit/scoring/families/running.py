"""Running: coverage, failures, cost, and how punctual our own instrument was."""

from evalkit.scoring.cost import cost_usd
from evalkit.scoring.define import ratio, spread
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = (
    ratio(
        "cost.per_audio_hour",
        "Cost per audio hour",
        "US dollars at the dated price table per hour of clips, all billed attempts included.",
        ["cost.usd"],
        ["cost.audio_s"],
        unit="usd_per_h",
        scale=3600.0,
    ),
    ratio(
        "run.coverage",
        "Coverage",
        "Share of clips for which there is a usable answer after retries.",
        ["run.answered"],
        ["run.clips"],
        direction="higher",
    ),
    ratio(
        "fail.rate", "Failures", "Share of clips without a usable answer after retries.", ["run.failed"], ["run.clips"]
    ),
    spread(
        "pace.late_p99",
        "Frame lateness p99",
        "99th percentile of how late our own audio frames left, in the worst clip.",
        "pace.late_p99",
        "max",
    ),
    spread(
        "pace.late_max", "Frame lateness, worst", "The latest any of our own audio frames left.", "pace.late_max", "max"
    ),
    spread(
        "pace.end_drift",
        "Pacing drift at the end",
        "How late the last audio frame of a clip left, in the worst clip.",
        "pace.end_drift",
        "max",
    ),
    ratio(
        "pace.invalid_clips",
        "Badly paced clips",
        "Share of streamed clips our own instrument paced too badly (a frame over 50 ms or the last over 20 ms late); "
        "their latencies are left out.",
        ["pace.invalid"],
        ["pace.clips"],
    ),
)


def measure(row: Row, case: Case) -> None:
    """Counts of answers, dollars, and frames."""
    answered = not case.failed
    row.add("run", {"clips": 1, "attempts": len(case.attempts), "answered": answered, "failed": not answered})
    _cost(row, case)
    _pacing(row, case)


def _cost(row: Row, case: Case) -> None:
    usd = None if case.price is None else cost_usd(case.price, case.attempts, case.clip.duration_s)
    if usd is None:
        row.lack("missing_input", "cost")
    else:
        row.add("cost", {"usd": usd, "audio_s": case.clip.duration_s})


def _pacing(row: Row, case: Case) -> None:
    pacing = case.trace.pacing()
    if pacing is None:
        row.lack("not_applicable" if case.trace.route == "rest" else "missing_input", "pace")
        return
    row.add("pace", {"clips": 1, "invalid": not pacing.valid})
    row.values["pace.late_p99"] = (pacing.late_p99_s,)
    row.values["pace.late_max"] = (pacing.late_max_s,)
    row.values["pace.end_drift"] = (pacing.end_drift_s,)
