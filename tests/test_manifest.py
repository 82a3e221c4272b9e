"""What run.json says."""

from pathlib import Path

import pytest

from evalkit import certificate, corpora, manifest
from evalkit import plan as plans
from evalkit.plan import Choice, Plan


def test_the_manifest_says_when_the_selftest_last_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plan = plans.demo()
    corpus = corpora.load("demo")
    assert manifest.describe(plan, corpus, "x", "evalkit run", {})["selftest"] is None
    certificate.note(passed=True)
    assert manifest.describe(plan, corpus, "x", "evalkit run", {})["selftest"].startswith("passed at 20")


def test_what_was_asked_of_whom_and_how_fast(tmp_path: Path) -> None:
    plan = Plan(Choice("xai", {"language": "en"}), Choice("local-moonshine"), budget_usd=2, terms=("Grok",))
    told = manifest.describe(plan, corpora.load("demo"), "x", "evalkit run")
    assert (told["candidate"], told["incumbent"], told["terms"]) == ("xai", "local-moonshine", ["Grok"])
    assert {name: entry["evidence"] for name, entry in told["providers"].items()} == {
        "xai": "live",
        "local-moonshine": "simulated",
    }
    assert told["limits"]["xai"]["streaming"]["sessions"] == 100
    assert told["prices"][0]["source"]


def test_another_text_rule_is_another_yardstick(monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest.yardstick()
    monkeypatch.setattr("evalkit.scoring.VERSION", "next")
    assert manifest.yardstick() != before
    assert before["profiles"]["en"]["hash"]
