"""Running: which clips have an answer, and how punctual our own instrument was."""

from evalkit.scoring.define import ratio, spread
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = (
    ratio(
        "run.coverage",
        "Coverage",
        "Share of clips for which there is a usable answer after retries.",
        ["run.answered"],
        ["run.clips"],
        direction="higher",
    ),
    ratio(
        "fail.rate",
        "Failures",
        "Share of clips without a usable answer after retries.",
        ["run.failed"],
        ["run.clips"],
        bounded=True,
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
        bounded=True,
    ),
)


def measure(row: Row, case: Case) -> None:
    """Counts of answers and frames."""
    answered = not case.failed
    row.add("run", {"clips": 1, "attempts": len(case.attempts), "answered": answered, "failed": not answered})
    _pacing(row, case)


def _pacing(row: Row, case: Case) -> None:
    pacing = case.trace.pacing()
    if pacing is None:
        row.lack("not_applicable" if case.trace.route == "rest" else "missing_input", "pace")
        return
    row.add("pace", {"clips": 1, "invalid": not pacing.valid})
    row.values["pace.late_p99"] = (pacing.late_p99_s,)
    row.values["pace.late_max"] = (pacing.late_max_s,)
    row.values["pace.end_drift"] = (pacing.end_drift_s,)
