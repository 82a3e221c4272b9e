"""What a run, its bill and the account say."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evalkit.checklist import criteria
from evalkit.checklist.findings import Seen, find
from evalkit.checklist.needs import Needs
from evalkit.store import Store
from evalkit.types import Event, Route, Trace
from tests.product import NAME, NEEDS, material

PLANNED = {"requests_per_s": 10, "source": "docs", "date": "2026-09-01"}


def seen(folder: Path, name: str, route: Route, needs: Needs = NEEDS, **more: Any) -> Seen:
    made = material(folder, needs)
    made = replace(made, manifest={**made.manifest, **more})
    lines = [line for item in criteria.items(needs) for line in item.lines]
    return find(next(line for line in lines if (line.name, line.route) == (name, route)), made)


def test_a_bill(tmp_path: Path) -> None:
    assert "put the vendor's bill" in seen(tmp_path, "invoice", "rest").todo
    (tmp_path / "invoice.csv").write_text("provider,usd,route\nsomebody,1,rest\n")
    assert "has no line" in seen(tmp_path, "invoice", "rest").why
    (tmp_path / "invoice.csv").write_text('provider,usd\nsomebody,"0,52"\n')
    assert "invoice.csv:2: usd must be a number" in seen(tmp_path, "invoice", "rest").why
    made = material(tmp_path)
    costly = [replace(score, counts={**score.counts, "cost.usd": 9.0}) for score in made.scores]
    (tmp_path / "invoice.csv").write_text(f"provider,usd,route\n{NAME},10,rest\n")
    line = next(one for item in criteria.items(NEEDS) for one in item.lines if one.name == "invoice")
    assert find(line, replace(made, scores=costly)).finding.value == pytest.approx(0.1)


def test_the_delay_the_needs_name(tmp_path: Path) -> None:
    assert seen(tmp_path, "latency", "streaming").finding.value == 0.6
    unsaid = seen(tmp_path, "latency", "streaming", replace(NEEDS, latency_of="", latency_s=None))
    assert (unsaid.finding.value, unsaid.todo) == (None, "say so in needs.toml")


def test_console_values(tmp_path: Path) -> None:
    assert seen(tmp_path, "console", "rest").date == "2026-11-20"
    unsaid = replace(NEEDS, console={})
    assert seen(tmp_path, "console", "rest", unsaid).finding.value is None
    planned = {NAME: {"rest": {**PLANNED, "source": "your console"}}}
    assert seen(tmp_path, "console", "rest", unsaid, limits=planned).date == "2026-09-01"
    documented = {NAME: {"rest": PLANNED}}
    assert seen(tmp_path, "console", "rest", unsaid, limits=documented).finding.value is None


def test_allowance_over_need(tmp_path: Path) -> None:
    assert seen(tmp_path, "allowed", "rest").finding.value == pytest.approx(100)
    assert seen(tmp_path, "allowed", "streaming").finding.value == pytest.approx(100 / 6)
    unsaid = replace(NEEDS, console={})
    assert seen(tmp_path, "allowed", "rest", unsaid, limits={NAME: {"rest": PLANNED}}).why == "docs"
    assert seen(tmp_path, "allowed", "rest", unsaid).finding.value is None
    assert "no load" in seen(tmp_path, "allowed", "rest", replace(NEEDS, session_s=None)).why


def test_an_allowance_is_as_old_as_the_limit_that_binds(tmp_path: Path) -> None:
    needs = replace(NEEDS, console={"rest": {"sessions": 5, "date": "2026-11-20"}})
    documented = {NAME: {"rest": PLANNED}}
    found = seen(tmp_path, "allowed", "rest", needs, limits=documented)
    assert (found.why, found.date) == ("docs", "2026-09-01"), "the console says nothing of requests"
    stated = replace(NEEDS, console={"rest": {"requests_per_s": 5, "date": "2026-11-20"}})
    found = seen(tmp_path, "allowed", "rest", stated, limits=documented)
    assert (found.why, found.date) == ("your console", "2026-11-20")
    undated = {NAME: {"rest": {"requests_per_s": 10, "source": "the contract, page 3"}}}
    found = seen(tmp_path, "allowed", "rest", replace(NEEDS, console={}), limits=undated)
    assert (found.why, found.date) == ("the contract, page 3", "")


def test_what_was_seen_to_work(tmp_path: Path) -> None:
    events = (Event(0.0, 0.0, "sent", {}), Event(1.0, 0.0, "received", {"status": 200, "body": ""}))
    store = Store(tmp_path / "run")
    with store.writing():
        for number in range(3):
            at = datetime(2026, 11, 20, 8, 0, number, tzinfo=UTC)
            store.append(Trace(f"c{number}", NAME, "rest", {}, 1, at, events))
    assert seen(store.folder, "observed", "rest").finding.value == pytest.approx(0.5)
    assert "not asked" in seen(store.folder, "observed", "streaming").why
