"""Walk through the staged adoption: judge, do what can be done without a person, judge again."""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit import corpora, providers, runs, trials
from evalkit import stages as trial_stages
from evalkit.checklist import adoption, needs
from evalkit.checklist.adoption import Action, Standing
from evalkit.checklist.criteria import stages
from evalkit.checklist.needs import Needs
from evalkit.errors import SettingsError
from evalkit.limits import check as check_limits
from evalkit.plan import Choice, Plan, choice_of
from evalkit.store import Store
from evalkit.store import replace as write_whole
from evalkit.types import Route

# What makes one recogniser out of another, or says what is spoken, is meant for every route.
_COMMON = ("base_url", "engine", "filler_words", "key_env", "keyterms", "language", "model", "vad_threshold")
_ROUTES: Mapping[str, tuple[Route, ...]] = {"streaming": ("rest", "streaming"), "agent": ("rest", "streaming")}

Told = Callable[[Standing, Action | None], None]


@dataclass(frozen=True)
class Journey:
    """What is adopted, and with what."""

    folder: Path
    needs: Needs
    corpus: str = ""
    """Empty: the run's own, or the demo."""
    candidate: str = ""
    """Empty: the run's own, or that of the needs."""
    budget_usd: float | None = None
    force: str = ""
    """Key of a stage to run although an earlier one is not ready; it stays locked."""
    progress: Callable[[Any], None] = field(default=lambda _: None)

    def standing(self) -> Standing:
        """Where it stands, from what is recorded.

        Raises:
            StoreError: the run cannot be read, or is not scored.
            SettingsError: the needs cannot be met by any run.
        """
        store = Store(self.folder)
        if not store.exists() or not (self.folder / "scores.csv").is_file():
            named = self.candidate or self.needs.candidate
            begun = adoption.unbegun(choice_of(named).name if named else "the candidate")
            return replace(begun, actions=tuple(map(self._with_command, begun.actions)))
        checks = runs.checks(runs.load(self.folder), self.needs)
        found = adoption.stand(checks.candidate, self.needs.accepted)
        return replace(found, actions=tuple(map(self._with_command, found.actions)))

    def plan(self, stage: str) -> Plan:
        """What a stage sends: the candidate over its routes, beside the incumbent from the comparison on.

        Raises:
            SettingsError: no candidate is named, or a live one without a budget.
        """
        store = Store(self.folder)
        recorded = store.manifest() if store.exists() else None
        candidate = self._candidate(recorded)
        later = [one.key for one in stages()].index(stage) >= [one.key for one in stages()].index("comparison")
        named = self.needs.incumbent if later else ""
        if stage == "comparison" and not named:
            raise SettingsError(
                "the needs name no incumbent; write incumbent = NAME, or why there is none, into needs.toml"
            )
        console = {candidate.name: self.needs.console} if self.needs.console else {}
        check_limits(console)
        return Plan(
            candidate,
            choice_of(named) if named else None,
            corpus=self.corpus or (recorded["corpus"]["path"] if recorded else "demo"),
            run=self.folder.name,
            routes=_ROUTES.get(stage, ("rest",)),
            budget_usd=self.budget_usd,
            terms=self.needs.key_terms or tuple(recorded["terms"] if recorded else ()),
            sample_rate_hz=recorded["sample_rate_hz"] if recorded else 16_000,
            limits=console,
        )

    def _candidate(self, recorded: Mapping[str, Any] | None) -> Choice:
        if recorded is not None and not self.candidate:
            return again(recorded["candidate"], recorded["providers"][recorded["candidate"]])
        if not (named := self.candidate or self.needs.candidate):
            raise SettingsError("name the provider to adopt: --candidate, or candidate = NAME in needs.toml")
        chosen = choice_of(named)
        settings = getattr(providers.find(chosen.provider), "__dataclass_fields__", {})
        asks = self.needs.diarization and "diarize" in settings
        if asks and not any(key.rpartition(".")[2] == "diarize" for key in chosen.options):
            return replace(chosen, options={**chosen.options, "rest.diarize": True})
        return chosen

    def _with_command(self, action: Action) -> Action:
        """The whole command of what is sent."""
        if action.does != "run":
            return action
        streaming = "streaming" in action.command
        compared = "--incumbent" in action.command
        try:
            plan = self.plan("streaming" if streaming else "comparison" if compared else "rest")
        except SettingsError as error:
            return replace(action, does="person", text=f"{action.text}: {error}", command="")
        return replace(action, command=command(plan))


def command(plan: Plan) -> str:
    """The command line of a plan."""
    words = ["evalkit", "run", "--corpus", plan.corpus, "--candidate", spec(plan.candidate)]
    words += ["--incumbent", spec(plan.incumbent)] if plan.incumbent is not None else []
    words += ["--routes", ",".join(plan.routes), "--run", plan.run]
    words += ["--budget-usd", f"{plan.budget_usd:g}"] if plan.budget_usd is not None else []
    return shlex.join(words)


def spec(choice: Choice) -> str:
    """A choice as one types it."""
    head = f"{choice.alias}={choice.provider}" if choice.alias and choice.alias != choice.provider else choice.provider
    return ",".join([head, *(f"{key}={_typed(value)}" for key, value in choice.options.items())])


def _typed(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(str, value))
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def again(name: str, entry: Mapping[str, Any]) -> Choice:
    """A recorded provider as it was asked: what differs from its defaults, said once where it held for every route."""
    sent = entry["settings"]
    whole = set(providers.find(entry["provider"]).routes) <= sent.keys()
    changed: dict[str, dict[str, Any]] = {}
    for route in sent:
        plain = providers.load(entry["provider"], route).settings
        for key, value in sent[route].items():
            default = list(plain[key]) if isinstance(plain.get(key), tuple) else plain.get(key)
            if value != default:
                changed.setdefault(key, {})[route] = value
    options: dict[str, Any] = {}
    for key, values in changed.items():
        first = next(iter(values.values()))
        everywhere = values.keys() == sent.keys() and all(value == first for value in values.values())
        if everywhere and (whole or key in _COMMON):
            options[key] = first
        else:
            options |= {f"{route}.{key}": value for route, value in values.items()}
    return Choice(entry["provider"], options, "" if name == entry["provider"] else name)


async def walk(journey: Journey, told: Told = lambda *_: None) -> Standing:
    """Do what can be done without a person until one must decide.

    Args:
        journey: what is adopted.
        told: is called with the standing, and what is done next; None when a person must decide.

    Raises:
        EvalkitError: see ``runs.run``; what was recorded is kept.
    """
    keep(journey.folder, journey.needs)
    done: set[str] = set()
    if journey.force:
        done.add(await _forced(journey, told))
    while True:
        standing = journey.standing()
        action = next((one for one in standing.actions if one.does != "person" and one.command not in done), None)
        told(standing, action)
        if action is None:
            return standing
        done.add(action.command)
        await _do(journey, action, standing.open.key if standing.open is not None else "rest")


def keep(folder: Path, wanted: Needs) -> None:
    """Keep the needs with a run, so that its report is judged by them from now on.

    Raises:
        StoreError: the folder cannot be written.
    """
    if wanted.declared and needs.of_run(folder) != wanted:
        with Store(folder).writing():
            write_whole(folder / needs.FILE, needs.written(wanted).encode())


async def _forced(journey: Journey, told: Told) -> str:
    known = [one.key for one in stages()]
    if journey.force not in known:
        raise SettingsError.unknown("stage", journey.force, known)
    plan = journey.plan(journey.force)
    action = Action("run", f"forced: {journey.force}; its verdict stays locked", command(plan))
    told(journey.standing(), action)
    await _send(journey, plan)
    return action.command


async def _do(journey: Journey, action: Action, stage: str) -> None:
    if action.does == "faults":
        await _try_faults(journey)
        return
    compared = "--incumbent" in action.command
    await _send(
        journey, journey.plan("streaming" if ",streaming" in action.command else "comparison" if compared else stage)
    )


async def _send(journey: Journey, plan: Plan) -> None:
    for route in plan.routes:
        for provider in plan.providers(route):
            provider.ready(os.environ)
    corpus = corpora.load(plan.corpus)
    await runs.run(plan, corpus, journey.folder, progress=journey.progress, command=command(plan))


async def _try_faults(journey: Journey) -> None:
    await trials.run(trial_stages.embedded(journey.folder), journey.folder)
