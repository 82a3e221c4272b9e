"""Amounts and times as the command line shows them."""

from pathlib import Path

import pytest

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
    assert screen.allowance(Limits(upload_mb=25, source="page", date="2026-11-20")) == "25 MB a file (page, 2026-11-20)"


def test_a_plain_name_is_a_run_under_results(tmp_path: Path) -> None:
    assert screen.folder(Path("demo")) == Path("results/demo")
    assert screen.folder(tmp_path) == tmp_path
    assert screen.folder(Path("other/demo")) == Path("other/demo")
