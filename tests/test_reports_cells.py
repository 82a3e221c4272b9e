from dataclasses import replace

from evalkit.reports import cells
from evalkit.reports.headline import headline
from evalkit.reports.lines import LINES
from evalkit.types import SummaryRow
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
ORC = next(line for line in LINES if line.metric == "dia.orcwer")
PLACE = (handmade.CANDIDATE, "rest")


def of(values: dict[str, float | None]) -> dict[str, str] | None:
    """The cell of ORC-WER when the metrics have these values."""

    def given(row: SummaryRow) -> SummaryRow:
        if row.metric not in values:
            return row
        status = "ok" if values[row.metric] is not None else "missing_input"
        return replace(row, value=values[row.metric], status=status, note="", n_units=40)

    return cells.of_line(headline(MANIFEST, SCORES, [given(row) for row in SUMMARY], []), ORC, *PLACE)  # type: ignore[arg-type]


def test_bounds_stand_under_the_figure_or_in_its_place() -> None:
    ends = {"dia.orcbound.low": 0.041, "dia.orcbound.high": 0.052}
    known, open_ = of({"dia.orcwer": 0.05, **ends}), of({"dia.orcwer": None, **ends})
    assert known is not None
    assert open_ is not None
    assert (known["text"], known["bounds"]) == ("5.0 %", "bounds 4.1 to 5.2")
    assert (open_["text"], open_["bounds"]) == ("–", "bounds 4.1 to 5.2 %")
    assert of({"dia.orcwer": None, "dia.orcbound.low": None, "dia.orcbound.high": None}) is None


def test_a_line_without_bounds_is_its_figure() -> None:
    line = next(line for line in LINES if line.metric == "acc.wer.en")
    row = HEAD.row(*PLACE, "acc.wer.en")  # type: ignore[arg-type]
    assert cells.of_line(HEAD, line, *PLACE) == cells.figure(row)  # type: ignore[arg-type]
    assert cells.figure(None) is None
    assert cells.gap(HEAD, None) is None
