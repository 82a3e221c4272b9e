"""An invoice beside what a run was reckoned at."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("cell", "usd"),
    [
        ('"12,345,678.90"', "12345678.90"), ('"$1,000"', "1000"), ("0.52", "0.52"), (".5", "0.5"), ("5.", "5"),
        ("5.2e-05", "0.000052"), ("1000", "1000"),
    ],
)  # fmt: skip
def test_a_comma_parts_thousands_and_a_point_cents(tmp_path: Path, cell: str, usd: str) -> None:
    assert invoice.read(written(tmp_path, f"provider,usd\nxai,{cell}\n")) == [Line("xai", "", Decimal(usd))]


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_an_amount_reads_back_however_it_is_written(usd: Decimal) -> None:
    for text in (f"{usd}", f"{usd:,}", f"${usd:,}"):
        assert invoice._amount(text, "") == usd


def test_a_credit_is_taken_off(tmp_path: Path) -> None:
    path = written(tmp_path, "provider,usd\nxai,3\nxai,-1\nxai,$-0.5\nxai,-$0.5,\n")
    assert invoice.read(path) == [Line("xai", "", Decimal(1))]


def test_what_was_paid_and_not_billed_is_listed() -> None:
    scores = [*SCORES, scored("free", "rest", 0.0), scored("odd", "rest", None)]
    reserved = {("killed", "streaming"): Decimal("0.2")}
    bill = [Line("xai", "rest", Decimal("0.4"))]
    found = invoice.unbilled(scores, bill, reserved)
    assert [(one.provider, one.route, one.clips) for one in found] == [
        ("killed", "streaming", 0), ("odd", "rest", 1), ("xai", "streaming", 1),
    ]  # fmt: skip
    assert [(one.estimate_usd, one.invoice_usd, one.error) for one in found] == [
        (0, None, None), (None, None, None), (0.6, None, None),
    ]  # fmt: skip
    assert found[0].reserved_usd == pytest.approx(0.2)
    assert invoice.unbilled(SCORES, [Line("xai", "", Decimal(1))]) == []


def test_what_a_kill_left_reserved_stands_beside_what_was_reckoned() -> None:
    reserved = {("xai", "rest"): Decimal("0.5"), ("xai", "streaming"): Decimal("0.7"), ("killed", "rest"): Decimal(1)}
    lines = [Line("xai", "rest", Decimal("0.4")), Line("xai", "", Decimal(1)), Line("killed", "rest", Decimal(1))]
    rest, whole, killed = invoice.reconcile(SCORES, lines, reserved)
    assert rest.reserved_usd == pytest.approx(0.5)
    assert whole.reserved_usd == pytest.approx(1.2)
    assert (killed.clips, killed.estimate_usd, killed.reserved_usd) == (0, 0, 1)
    assert invoice.reconcile(SCORES, lines[:1])[0].reserved_usd is None


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
        ('provider,usd\nxai,"0,52"\n', "bill.csv:2: usd must be a number of dollars, not '0,52'; write cents after a"),
        ('provider,usd\nxai,"1.234,56"\n', "bill.csv:2: usd must be a number of dollars, not '1.234,56'; write cents"),
        ('provider,usd\nxai,"0,520"\n', "bill.csv:2: usd must be"),
        ('provider,usd\nxai,"12,34,567"\n', "bill.csv:2: usd must be"),
        ("provider,usd\nxai,0,52\n", "bill.csv:2: more cells than headings; put an amount with a comma into quotes"),
        ("provider,usd\nxai,1e400000\n", "bill.csv:2: usd must be a number of dollars, not '1e400000'"),
        ("provider,usd\nxai,1e400\n", "bill.csv:2: '1e400' is more dollars than anybody pays"),
        ("provider,usd\nxai,--5\n", "bill.csv:2: usd must be"),
        ("provider,usd\nxai,$\n", "bill.csv:2: usd must be"),
        ("provider,usd\nxai,1\nxai,-1.50\n", r"bill.csv: xai comes to \$-0.50; leave out credits"),
        ("provider,usd\n", "bill.csv: holds no line; write what was billed"),
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
