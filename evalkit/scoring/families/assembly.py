"""The transcript of a stream against what its provider tells as the whole of it."""

from evalkit.scoring.assembly import disagreement
from evalkit.scoring.define import error_rate
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = (
    error_rate(
        "str.assembly",
        "Assembly disagreement",
        "Words in which the transcript put together of a stream's pieces differs from the whole that the provider "
        "tells again at the end, per word of that, formatting aside; anything above 0 is a provider that contradicts "
        "itself or a message misread.",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Streams whose provider tells the whole again."""
    if case.streamed and case.failed:
        row.lack("missing_input", "str.assembly")
        return
    found = disagreement(case.hypothesis, case.profile) if case.streamed else None
    if found is None:
        row.lack("not_applicable", "str.assembly")
    else:
        row.errors("str.assembly", found)
