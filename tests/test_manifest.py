"""What run.json says."""

from pathlib import Path
from typing import Any

import pytest

from evalkit import certificate, corpora, manifest
from evalkit import plan as plans
from evalkit.plan import Choice, Plan, choice_of
from evalkit.replay.asking import Replayed
from evalkit.store import Store


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


OURS = "openai,profile=vllm,base_url=http://127.0.0.1:9"


def entry(spec: str, *, replays: dict[str, Replayed] | None = None, simulations: tuple[str, ...] = ()) -> Any:
    plan = Plan(choice_of(spec), routes=("rest", "streaming"), budget_usd=1)
    told = manifest.describe(plan, corpora.load("demo"), "x", "evalkit run", replays or {}, simulations)
    return told["providers"][plan.candidate.name]


def test_a_server_of_yours_is_evidence_about_itself() -> None:
    found = entry(OURS)
    assert (found["evidence"], found["server"]) == ("live", "http://127.0.0.1:9")
    assert found["caution"] == (
        "openai is what answered at http://127.0.0.1:9, and its figures say nothing about a service. "
        "It stands on this machine: no network is in its delays."
    )
    away = entry("ours=xai,base_url=https://gateway.example")
    assert away["caution"].startswith("ours is what answered at https://gateway.example, and its")
    assert "this machine" not in away["caution"]
    assert "server" not in entry("xai")


def test_who_answers_may_say_that_it_is_a_simulation_or_a_replay() -> None:
    assert entry(OURS, simulations=("openai",))["evidence"] == "simulated"
    assert "server" not in entry(OURS, simulations=("openai",))
    recorded = entry(OURS, replays={"openai": Replayed("calls", "recorded", 1.0)})
    assert (recorded["evidence"], recorded["replay"]["of"]) == ("recorded", "calls")
    assert "server" not in recorded


def test_a_replay_speaks_for_no_other_address() -> None:
    told = {"xai": Replayed("calls", "recorded", 1.0)}
    here = "http://127.0.0.1:9/xai"
    assert entry(f"xai,base_url={here}", replays=told)["evidence"] == "recorded"
    apart = entry(f"xai,rest.base_url={here},streaming.base_url=http://127.0.0.1:8", replays=told)
    assert apart["evidence"] == "simulated", "who answers at the other address has not said what it is"


def test_the_evidence_is_that_of_the_weakest_route() -> None:
    assert entry("xai,streaming.base_url=http://127.0.0.1:9")["evidence"] == "simulated"
    assert entry("xai,streaming.base_url=https://gateway.example")["server"] == "https://gateway.example"


def test_a_run_that_goes_on_keeps_the_weakest_evidence_and_every_caution(tmp_path: Path) -> None:
    demo, specs = (
        corpora.load("demo"),
        ("xai,base_url=http://127.0.0.1:9", "xai,base_url=https://gateway.example", "xai"),
    )
    store = Store(tmp_path)
    for spec in (*specs, *specs):
        planned = manifest.describe(Plan(choice_of(spec), budget_usd=1), demo, "x", "evalkit run")
        with store.writing():
            store.write_manifest(manifest.continued(store, planned) if store.exists() else planned)
    found = store.manifest()["providers"]["xai"]
    assert (found["evidence"], found["server"]) == ("simulated", "https://gateway.example")
    assert (
        found["caution"]
        == "xai is what answered at https://gateway.example, and its figures say nothing about a service."
    )
    assert found["settings"]["rest"]["base_url"] == "https://api.x.ai"


def test_another_text_rule_is_another_yardstick(monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest.yardstick()
    monkeypatch.setattr("evalkit.scoring.VERSION", "next")
    assert manifest.yardstick() != before
    assert before["profiles"]["en"]["hash"]
