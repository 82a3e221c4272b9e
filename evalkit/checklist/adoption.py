"""How far the staged adoption of a provider has come: REST, then times and speakers, the comparison, streaming, agent.

A stage opens when the one before is ready; what holds it up comes with the cheapest thing to do about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit import checklist
from evalkit.checklist import StageStatus
from evalkit.checklist.answers import AT_SERVICE, Answer, Judgement, Sheet
from evalkit.checklist.criteria import stages
from evalkit.checklist.findings.material import ADD
from evalkit.checklist.needs import Acceptance
from evalkit.reports.headline import ROUTE_WORDS
from evalkit.reports.units import STATUS_WORDS
from evalkit.types import Route

Doing = Literal["faults", "run", "person"]
"""Free on this machine; sent to the provider, which may cost money; or a person's."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that would bring a stage further."""

    does: Doing
    text: str
    command: str = ""
    """Empty when it is no command."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage as it stands."""

    key: str
    title: str
    status: StageStatus
    parts: tuple[tuple[str, Answer], ...]
    """(name, answer) of all that must be ready."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the adoption has come."""

    subject: str
    steps: tuple[Step, ...]
    reached: str | None
    """The last stage that is ready."""
    blocker: str
    """What holds the first stage up that is not; empty when all are ready."""
    actions: tuple[Action, ...]
    """What would bring the open stage further, that for the first blocker first and the cheapest of it foremost."""

    @property
    def open(self) -> Step | None:
        """The stage that is held up."""
        return next((step for step in self.steps if step.status == "blocked"), None)

    def step(self, key: str) -> Step:
        """The stage of that key."""
        return next(step for step in self.steps if step.key == key)


def stand(sheet: Sheet, accepted: Mapping[str, Acceptance]) -> Standing:
    """Where a system stands.

    Args:
        sheet: the answers about it.
        accepted: items whose warning somebody has accepted by name.
    """
    plan = stages()
    found = {stage.key: tuple(_part(sheet, item, route) for item, route in stage.parts) for stage in plan}
    told = checklist.stages(
        {key: [name for name, _ in parts] for key, parts in found.items()},
        {name: answer.verdict for parts in found.values() for name, answer in parts},
        [name for parts in found.values() for name, answer in parts if answer.key in accepted],
    )
    steps = tuple(Step(stage.key, stage.title, told.status[stage.key], found[stage.key]) for stage in plan)
    blocked = next((step for step in steps if step.status == "blocked"), None)
    if blocked is None:
        return Standing(sheet.subject, steps, told.reached, "", ())
    answer = dict(blocked.parts)[told.blocker or ""]
    return Standing(
        sheet.subject,
        steps,
        told.reached,
        f"{told.blocker}: {STATUS_WORDS.get(answer.verdict, answer.verdict)}. {answer.reason}",
        actions(blocked, told.blocker or "", accepted),
    )


def unbegun(subject: str) -> Standing:
    """Where a system stands of which nothing was recorded."""
    first, *rest = stages()
    steps = (Step(first.key, first.title, "blocked", ()), *(Step(one.key, one.title, "locked", ()) for one in rest))
    return Standing(subject, steps, None, "nothing was recorded yet", (Action("run", "run it over REST"),))


def actions(step: Step, blocker: str, accepted: Mapping[str, Acceptance]) -> tuple[Action, ...]:
    """What would bring a stage further: first for the part that holds it up, the cheapest of each part foremost."""
    parts = sorted(step.parts, key=lambda part: part[0] != blocker)
    found = [action for _, answer in parts for action in _actions(answer, accepted)]
    once: dict[str, Action] = {}
    for action in found:
        once.setdefault(_deed(action), action)
    return tuple(once.values())


def _deed(action: Action) -> str:
    """What is to be done, whatever criterion it is for."""
    deed = action.text.partition(": ")[2]
    return action.command or (deed if deed.startswith(ADD) else action.text)


def _part(sheet: Sheet, item: str, route: Route) -> tuple[str, Answer]:
    answer = sheet.answer(item).over([route])
    several = sum(part[0] == item for stage in stages() for part in stage.parts) > 1
    name = f"{answer.title} ({ROUTE_WORDS[route]})" if several else answer.title
    return name, answer


def _actions(answer: Answer, accepted: Mapping[str, Acceptance]) -> Sequence[Action]:
    """Of one part, cheapest first."""
    if answer.verdict in ("pass", "not_applicable") or (answer.verdict == "warn" and answer.key in accepted):
        return ()
    if answer.verdict == "fail":
        failed = [one for one in answer.judgements if one.verdict == "fail" and one.required]
        return [Action("person", f"decide what to do about {one.where}: {one.reason}") for one in failed]
    lacking = [one for one in answer.judgements if one.required and one.verdict in ("not_tested", "insufficient")]
    found = [_lacking(one) for one in lacking]
    if not lacking:
        found = [_warned(answer)]
    return sorted(dict.fromkeys(found), key=_price)


def _lacking(one: Judgement) -> Action:
    if one.command == AT_SERVICE:
        return Action("person", AT_SERVICE)
    if one.command.startswith("evalkit faults") and one.verdict == "not_tested":
        return Action("faults", f"{one.where}: try what goes wrong, on this machine and free", one.command)
    if one.verdict == "insufficient":
        about = f"about {one.more_clips:,} more clips like these" if one.more_clips else "more clips"
        return Action("person", f"{one.where}: collect {about} ({one.reason})")
    if one.command.startswith("evalkit run"):
        return Action("run", f"{one.where}: {one.reason}", one.command)
    return Action("person", f"{one.where}: {one.command or f'find out why: {one.reason}'}")


def _warned(answer: Answer) -> Action:
    more = answer.decisive.more_clips if answer.decisive is not None else None
    clips = f", or collect about {more:,} more clips" if more else ""
    return Action(
        "person",
        f"{answer.reason}: accept it by name in needs.toml, [accepted.{answer.key}] with by and date{clips}",
    )


def _price(action: Action) -> int:
    """Free and at once, then words, then what is sent, then clips to collect."""
    if action.does == "person":
        dear = (": collect ", f": {ADD} ", ": find out why: ")
        return 3 if any(words in action.text for words in dear) else 1
    return {"faults": 0, "run": 2}[action.does]
