"""Amounts and times as the command line shows them."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evalkit.cli import screen
from evalkit.limits import Limits


@pytest.mark.parametrize(
    ("amount", "shown"), [(None, "unknown"), (0.0, "$0"), (0.00654, "$0.0065"), (1.5, "$1.50"), (12345.6, "$12,345.60")]
)
def test_dollars(amount: float | None, shown: str) -> None:
    assert screen.usd(amount) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(2.4, "2 s"), (89, "89 s"), (90, "1.5 min"), (5400, "1.5 h")])
def test_spans(seconds: float, shown: str) -> None:
    assert screen.span(seconds) == shown


def test_an_allowance_says_where_it_was_read() -> None:
    told = screen.allowance(Limits(requests_per_s=10, sessions=100, source="page", date="2026-11-20"))
    assert told == "10 starts a second, 100 sessions at once (page, 2026-11-20)"
    console = Limits(requests_per_s=10, sessions=100, source="page", date="2026-11-20").said_otherwise(
        {"sessions": 300, "date": "2026-11-21"}
    )
    assert screen.allowance(console) == (
        "10 starts a second (page, 2026-11-20); 300 sessions at once (your console, 2026-11-21)"
    )
    assert screen.allowance(Limits(upload_mb=25, source="page", date="2026-11-20")) == "25 MB a file (page, 2026-11-20)"


def test_a_plain_name_is_a_run_under_results(tmp_path: Path) -> None:
    assert screen.folder(Path("demo")) == Path("results/demo")
    assert screen.folder(tmp_path) == tmp_path
    assert screen.folder(Path("other/demo")) == Path("other/demo")


ROWS = [
    ("local-moonshine", "streaming", "1,234", "$12,345.60", "$0.0065", "what it is: a recogniser on this machine"),
    ("xai", "rest", "1", "$0.10", "unknown", "a service"),
]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_no_figure_is_cut_however_narrow_the_screen(width: int) -> None:
    table = screen.table("provider", "route", "clips", "cost", "at worst", "what it is")
    for row in ROWS:
        table.add_row(*row)
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    shown = console.export_text()
    assert "…" not in shown
    assert [cell for row in ROWS for cell in row[:-1] if cell not in shown] == [], "in one piece"
    assert max(len(line) for line in shown.splitlines()) <= width


def test_a_narrow_screen_names_every_figure() -> None:
    table = screen.table("provider", "at worst")
    table.add_row("a-provider-with-a-long-name", "[green]$0.0065[/green]")
    table.add_row("", "$0.10")
    console = Console(width=30, record=True, file=io.StringIO())
    console.print(table)
    assert [line.split() for line in console.export_text().splitlines() if line.strip()] == [
        ["provider", "a-provider-with-a-lo"], ["ng-name"], ["at", "worst", "$0.0065"], ["at", "worst", "$0.10"],
    ]  # fmt: skip
