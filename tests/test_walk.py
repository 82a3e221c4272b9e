"""Walking through the adoption: what is sent at each stage, and where it stops."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import providers, runs, trials, walk
from evalkit.checklist import needs
from evalkit.checklist.needs import Needs
from evalkit.corpora import Corpus
from evalkit.errors import SettingsError
from evalkit.plan import Choice, Plan, choice_of
from evalkit.providers import load
from evalkit.types import Route
from evalkit.walk import Journey
from tests.product import NAME, NEEDS, difference, manifest, ready, summary, write_faults, write_run

TODAY = datetime.datetime.now(datetime.UTC).date().isoformat()
CONSOLE = {route: {**told, "date": TODAY} for route, told in NEEDS.console.items()}
LOCAL = replace(NEEDS, candidate="local-moonshine", console=CONSOLE)


def journey(folder: Path, wanted: Needs = LOCAL, **more: Any) -> Journey:
    return Journey(folder, wanted, **more)


def recorded(engine: str = "moonshine", **more: Any) -> dict[str, Any]:
    about = manifest(evidence="simulated", engine=engine, created=TODAY, **more)
    entry = about["providers"][NAME]
    settings = {route: load("local-moonshine", route).settings for route in ("rest", "streaming")}
    return {**about, "providers": {NAME: {**entry, "provider": "local-moonshine", "settings": settings}}}


def test_each_stage_sends_what_it_needs(tmp_path: Path) -> None:
    made = journey(tmp_path, replace(LOCAL, incumbent="local-pocketsphinx", key_terms=("Grok",)))
    told = {stage: made.plan(stage) for stage in ("rest", "timestamps", "comparison", "streaming")}
    assert [plan.routes for plan in told.values()] == [("rest",)] * 3 + [("rest", "streaming")]
    assert [plan.incumbent is not None for plan in told.values()] == [False, False, True, True]
    assert told["rest"].terms == ("Grok",)
    assert told["rest"].limits == {"local-moonshine": CONSOLE}
    with pytest.raises(SettingsError, match="name no incumbent"):
        journey(tmp_path).plan("comparison")
    with pytest.raises(SettingsError, match="--candidate"):
        journey(tmp_path, Needs()).plan("rest")
    with pytest.raises(SettingsError, match="budget"):
        journey(tmp_path, Needs(candidate="xai")).plan("rest")


def test_who_spoke_is_asked_for_from_the_start(tmp_path: Path) -> None:
    wanted = replace(LOCAL, diarization=True)
    assert journey(tmp_path, wanted).plan("rest").candidate.options == {"rest.diarize": True}
    said = replace(wanted, candidate="local-moonshine,rest.diarize=false")
    assert journey(tmp_path, said).plan("rest").candidate.options == {"rest.diarize": "false"}


HERE = "http://127.0.0.1:8766"


@pytest.mark.parametrize(
    ("spec", "typed"),
    [
        ("local-moonshine", "local-moonshine"),
        ("a=local-moonshine,language=en,rest.diarize=true,streaming.endpointing_ms=200", None),
        (f"xai,base_url={HERE},key_env=", None),
        (f"xai,rest.base_url={HERE},streaming.base_url={HERE}", f"xai,base_url={HERE}"),
        (f"xai,rest.base_url={HERE}/a,streaming.base_url={HERE}/b", None),
        (f"xai,rest.base_url={HERE}", None),
        ("xai,diarize=true,keyterms=Grok+xAI", None),
        (
            "openai,profile=vllm,base_url=http://h:8000,model=m",
            "openai,profile=vllm,base_url=http://h:8000,key_env=,model=m",
        ),
    ],
)
def test_a_recorded_provider_is_asked_again_as_it_was(spec: str, typed: str | None) -> None:
    chosen = choice_of(spec)
    routes: tuple[Route, ...] = ("rest", "streaming")
    settings = {route: found.settings for route in routes if (found := chosen.on(route)) is not None}
    stored = {
        route: {k: list(v) if isinstance(v, tuple) else v for k, v in sent.items()} for route, sent in settings.items()
    }
    again = walk.again(chosen.name, {"provider": chosen.provider, "settings": stored})
    assert again.name == chosen.name
    for route in routes:
        assert again.on(route) == chosen.on(route)
        assert choice_of(walk.spec(again)).on(route) == chosen.on(route)
    said = walk.spec(again)
    assert (said if typed else set(said.split(","))) == (typed or set(spec.split(",")))


def test_what_one_route_was_asked_with_is_meant_for_the_next_where_it_says_who_is_asked() -> None:
    sent = providers.load("xai", "rest", base_url=HERE, diarize=True).settings | {"keyterms": []}
    again = walk.again("xai", {"provider": "xai", "settings": {"rest": sent}})
    assert walk.spec(again) == f"xai,base_url={HERE},rest.diarize=true"


def test_a_command_says_the_whole_plan() -> None:
    plan = Plan(
        Choice("xai", {"keyterms": ["Grok", "x AI"]}), Choice("local-moonshine"), "my calls.csv", "a", ("rest",), 2.5
    )
    assert walk.command(plan) == (
        "evalkit run --corpus 'my calls.csv' --candidate 'xai,keyterms=Grok+x AI' --incumbent local-moonshine "
        "--routes rest --run a --budget-usd 2.5"
    )


def test_nothing_recorded_says_the_first_command(tmp_path: Path) -> None:
    found = journey(tmp_path / "new", corpus="calls.csv").standing()
    assert found.subject == "local-moonshine"
    assert found.actions[0].command == (
        "evalkit run --corpus calls.csv --candidate local-moonshine --routes rest --run new"
    )
    unnamed = journey(tmp_path / "new", Needs()).standing()
    assert unnamed.actions[0].does == "person"
    assert "--candidate" in unnamed.actions[0].text
    unpaid = journey(tmp_path / "new", Needs(candidate="xai")).standing()
    assert unpaid.actions[0].does == "person"
    assert "--budget-usd" in unpaid.actions[0].text


class Sent:
    """Stands for the run and the trials, and writes what they would."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
        self.folder, self.changes, self.plans, self.faults = folder, changes, list[Plan](), 0
        monkeypatch.setattr(runs, "run", self.run)
        monkeypatch.setattr(trials, "run", self.tried)

    async def run(
        self, plan: Plan, corpus: Corpus, folder: Path, *, progress: Callable[..., None], command: str
    ) -> None:
        self.plans.append(plan)
        held = (folder / "faults.csv").is_file()
        routes: list[Route] = [
            route for route in ("rest", "streaming") if any(route in one.routes for one in self.plans)
        ]
        paired = [difference("superior", -0.01)] if plan.incumbent is not None else []
        made = ready(folder, day=TODAY, rows=summary(self.changes, routes), routes=routes, differences=paired)
        if not held:
            (folder / "faults.csv").unlink()
        described = recorded(corpus={"path": "demo"}, incumbent=plan.incumbent.name if plan.incumbent else None)
        write_run(replace(made, manifest=described))
        assert command.startswith("evalkit run ")

    async def tried(self, stage: Any, folder: Path) -> None:
        self.faults += 1
        write_faults(folder)


async def test_it_goes_on_until_all_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(tmp_path / "a", monkeypatch)
    told: list[str] = []
    wanted = replace(LOCAL, incumbent="local-pocketsphinx")
    found = await walk.walk(
        journey(tmp_path / "a", wanted), lambda _, action: told.append(action.does if action else "")
    )
    assert [step.status for step in found.steps] == ["ready"] * 5, (found.blocker, found.actions)
    assert [plan.routes for plan in sent.plans] == [("rest",), ("rest",), ("rest", "streaming")]
    assert [plan.incumbent is not None for plan in sent.plans] == [False, True, True]
    assert sent.faults == 1
    assert told == ["run", "faults", "run", "run", ""]
    assert needs.of_run(tmp_path / "a") == wanted


async def test_it_stops_where_a_person_must_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(tmp_path / "a", monkeypatch, **{"acc.wer.en": (0.4, 0.35, 0.45)})
    found = await walk.walk(journey(tmp_path / "a"))
    assert found.open is not None
    assert found.open.key == "rest"
    assert found.actions[0].text.startswith("decide what to do")
    assert len(sent.plans) == 1


async def test_what_changes_nothing_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        calls.append(1)

    calls: list[int] = []
    monkeypatch.setattr(runs, "run", nothing)
    found = await walk.walk(journey(tmp_path / "a"))
    assert calls == [1]
    assert found.blocker == "nothing was recorded yet"


async def test_a_forced_stage_runs_and_stays_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(tmp_path / "a", monkeypatch, **{"acc.wer.en": (0.4, 0.35, 0.45)})
    found = await walk.walk(journey(tmp_path / "a", force="streaming"))
    assert sent.plans[0].routes == ("rest", "streaming")
    assert [step.status for step in found.steps] == ["blocked", *["locked"] * 4]
    with pytest.raises(SettingsError, match="did you mean 'streaming'"):
        await walk.walk(journey(tmp_path / "b", force="streeming"))


async def test_a_live_provider_without_a_key_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="XAI_API_KEY"):
        await walk.walk(journey(tmp_path / "a", Needs(candidate="xai"), budget_usd=1.0))
