"""An invoice beside what a run was reckoned at."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalkit import invoice
from evalkit.errors import SettingsError
from evalkit.invoice import Line
from evalkit.types import Score
from tests import handmade


def scored(provider: str, route: str, usd: float | None) -> Score:
    counts = {} if usd is None else {"cost.usd": usd}
    return replace(handmade.scores(1)[0], provider=provider, route=route, counts=counts)  # type: ignore[arg-type]


SCORES = [scored("xai", "rest", 0.10), scored("xai", "rest", 0.20), scored("xai", "streaming", 0.60)]


def written(folder: Path, text: str) -> Path:
    path = folder / "bill.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_add_up_and_amounts_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeffprovider,usd,route\nxai,"$1,000.10",rest\nxai,0.20,rest\nxai,3,\n')
    assert invoice.read(path) == [Line("xai", "rest", Decimal("1000.30")), Line("xai", "", Decimal(3))]


def test_the_error_is_a_share_of_the_invoice() -> None:
    rest, whole = invoice.reconcile(SCORES, [Line("xai", "rest", Decimal("0.4")), Line("xai", "", Decimal("0.75"))])
    assert (rest.clips, whole.clips) == (2, 3)
    assert rest.estimate_usd == pytest.approx(0.30)
    assert rest.error == pytest.approx(0.25)
    assert whole.estimate_usd == pytest.approx(0.90)
    assert whole.error == pytest.approx(0.20)


def test_an_unknown_price_is_not_reckoned_as_nothing() -> None:
    (line,) = invoice.reconcile([*SCORES, scored("xai", "rest", None)], [Line("xai", "rest", Decimal(1))])
    assert (line.estimate_usd, line.error) == (None, None)


def test_an_invoice_over_nothing_has_no_share() -> None:
    (line,) = invoice.reconcile(SCORES, [Line("xai", "rest", Decimal(0))])
    assert line.error is None


def test_a_provider_that_was_not_asked_is_named() -> None:
    with pytest.raises(SettingsError, match=r"xai rset.*did you mean 'xai rest'"):
        invoice.reconcile(SCORES, [Line("xai", "rset", Decimal(1))])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("provider,amount\nxai,1\n", "lacks the column usd"),
        ("provider,usd\nxai,one\n", "bill.csv:2: usd must be a number of dollars, not 'one'"),
        ("provider,usd\nxai,NaN\n", "bill.csv:2: usd must be"),
        ("provider,usd\nxai\n", "bill.csv:2: usd must be"),
        ("", "lacks the column"),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        invoice.read(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone.csv: cannot be read"):
        invoice.read(tmp_path / "gone.csv")
