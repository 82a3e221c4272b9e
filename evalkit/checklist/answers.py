"""The eight answers about a run: every criterion judged by its evidence, for each system the run says something of.

A recogniser behind the embedded server is judged as itself; of the service in whose place it stands only what our own
client does is known.
"""

import datetime
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from evalkit import checklist
from evalkit.checklist import Criterion, Finding, ItemVerdict, Overall, Verdict
from evalkit.checklist.criteria import Item, Line, items, within, written_on
from evalkit.checklist.findings import Material, Seen, find
from evalkit.checklist.needs import FILE, Acceptance
from evalkit.checklist.shortfall import clips_missing, smallest_seen
from evalkit.errors import SettingsError
from evalkit.plan import choice_of
from evalkit.reports.headline import ROUTE_WORDS
from evalkit.types import Evidence, Route

STANDS_FOR = "xai"
"""The service whose protocol the embedded server speaks."""

AT_SERVICE = "run against the service itself: leave out base_url"
"""What would bring an answer about a service in whose place a server on this machine answered."""

Judges = Literal["service", "recogniser", "simulation", "unheard"]
"""What a sheet is about: a service that answered; a recogniser on this machine, as itself; a server on this machine
that is neither; a service of which no answer is recorded."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One line of checklist.csv: a criterion over a route, with all that its verdict rests on."""

    subject: str
    item: str
    criterion: str
    title: str
    route: str
    """Empty when it is of no route."""
    verdict: Verdict
    reason: str
    value: float | None
    lo: float | None
    hi: float | None
    unit: str
    n: float
    clips: int
    clusters: int
    evidence: str
    """``live``, ``recorded``, ``simulated``; ``told`` by a person or a document; empty when there is none."""
    evidence_needed: str
    about: str
    date: str
    config: str
    """Hash of the settings and the yardstick."""
    kind: str
    target: float | None
    limit: float | None
    minimum: str
    required: bool
    smallest_detectable: float | None
    """The difference these clips could have shown 80 times in 100."""
    more_clips: int | None
    """About how many clips like these are missing for a verdict."""
    command: str
    """Makes the verdict again; or, when nothing is known, what would bring it."""

    @property
    def where(self) -> str:
        """The criterion and its route, as a sentence begins."""
        routes: Mapping[str, str] = dict(ROUTE_WORDS)
        return f"{self.title} over {routes[self.route]}" if self.route else self.title


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question."""

    key: str
    title: str
    extra: bool
    verdict: ItemVerdict
    reason: str
    """The first one for this verdict; empty when every criterion is met."""
    judgements: tuple[Judgement, ...]
    why_not: str

    def over(self, routes: Iterable[Route]) -> "Answer":
        """The same from the criteria of some routes alone."""
        wanted = set(routes)
        chosen = tuple(one for one in self.judgements if not one.route or one.route in wanted)
        why_not = self.why_not or ("" if chosen else "nothing of it is needed over this route")
        return _answer(self.key, self.title, self.extra, why_not, chosen)

    @property
    def evidence(self) -> str:
        """What it rests on."""
        return ", ".join(dict.fromkeys(one.evidence for one in self.judgements if one.evidence))

    @property
    def decisive(self) -> Judgement | None:
        """The criterion that gave the verdict; None when all were met."""
        return _decisive(self.verdict, self.judgements)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All answers about one system."""

    subject: str
    judges: Judges
    about: str
    """What the answers may be used for."""
    answers: tuple[Answer, ...]
    """The eight, then those that only adoption asks."""
    overall: Overall

    def answer(self, key: str) -> Answer:
        """The answer of that key.

        Raises:
            SettingsError: there is none.
        """
        for answer in self.answers:
            if answer.key == key:
                return answer
        raise SettingsError.unknown("item", key, [answer.key for answer in self.answers])

    @property
    def eight(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if not answer.extra)


@dataclass(frozen=True, slots=True)
class Checked:
    """The checklist of a run."""

    run: str
    profile: str
    declared: bool
    """Whether anybody has said what the product needs."""
    thresholds: str
    """The day of the default thresholds."""
    sheets: tuple[Sheet, ...]
    """The candidate last; before it the service in whose place an embedded recogniser stands."""
    accepted: Mapping[str, Acceptance]

    @property
    def candidate(self) -> Sheet:
        return self.sheets[-1]


def check(material: Material, today: datetime.date | None = None) -> Checked:
    """Judge a run by what the product needs.

    Args:
        material: the run and the needs.
        today: for the age of what is known; the day it is, unless given.

    Raises:
        SettingsError: the needs ask what does not exist or cannot be shown.
        StoreError: a file beside the run cannot be read.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    asked = items(material.needs)
    seen = {(item.key, line.name, line.route): find(line, material) for item in asked for line in item.lines}
    subjects = _subjects(material)
    sheets = tuple(_sheet(subject, asked, seen, material, today) for subject in subjects)
    needs = material.needs
    return Checked(material.folder.name, needs.profile, needs.declared, written_on(), sheets, dict(needs.accepted))


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    judges: Judges
    about: str
    other: str = ""
    """How it was sent otherwise than the needs say."""


def _subjects(material: Material) -> list[_Subject]:
    name = material.candidate
    if material.evidence != "simulated":
        name = f"{name} at {server}" if (server := material.entry.get("server")) else name
        itself = ", judged as that server and as no service" if server else ""
        about = f"What {name} answered, {material.evidence}, since {material.date}{itself}."
        return [_Subject(name, "service", about, _sent_otherwise(material))]
    if not any(settings.get("engine") for settings in material.entry["settings"].values()):
        about = f"{name} is a server on this machine: what it answers says something about our client only."
        return [_Subject(name, "simulation", about)]
    return [
        _Subject(
            STANDS_FOR,
            "unheard",
            f"No answer of {STANDS_FOR} is recorded here; that takes a key (XAI_API_KEY). What our own client does is "
            "proven on this machine.",
        ),
        _Subject(name, "recogniser", f"{name} is judged as itself, a recogniser on this machine; not {STANDS_FOR}."),
    ]


def _sent_otherwise(material: Material) -> str:
    """How what was sent differs from what the needs mean for production; empty when it does not, or none is named."""
    if not material.needs.candidate:
        return ""
    wanted = choice_of(material.needs.candidate)
    if wanted.provider != material.entry["provider"]:
        return f"other provider: {material.entry['provider']}, not {wanted.provider}"
    for route, sent in material.entry["settings"].items():
        provider = wanted.on(route)
        meant: Mapping[str, Any] = provider.settings if provider is not None else {}
        # A setting that is newer than the recording is not known to differ.
        for key in sorted(meant.keys() & sent.keys(), key=lambda key: key != "model"):
            told = list(meant[key]) if isinstance(meant[key], tuple) else meant[key]
            if told != sent[key]:
                return f"other {key} over {ROUTE_WORDS[route]}: {sent[key]}, not {told}"
    return ""


def _sheet(
    subject: _Subject,
    asked: Sequence[Item],
    seen: Mapping[tuple[str, str, Route | None], Seen],
    material: Material,
    today: datetime.date,
) -> Sheet:
    answers = []
    for item in asked:
        lines = [(line, seen[item.key, line.name, line.route]) for line in item.lines]
        judged = tuple(_judged(item.key, line, found, subject, material, today) for line, found in lines)
        answers.append(_answer(item.key, item.title, item.extra, item.why_not, judged))
    needed = [one.verdict for one in answers if not one.extra or (one.key == "agent" and not one.why_not)]
    return Sheet(subject.name, subject.judges, subject.about, tuple(answers), checklist.overall(needed))


def _answer(key: str, title: str, extra: bool, why_not: str, judged: tuple[Judgement, ...]) -> Answer:
    required = [one.verdict for one in judged if one.required]
    optional = [one.verdict for one in judged if not one.required]
    verdict = checklist.item(required, optional, applicable=not why_not)
    decisive = _decisive(verdict, judged)
    reason = why_not or ("" if decisive is None else f"{decisive.where}: {decisive.reason}")
    return Answer(key, title, extra, verdict, reason, judged, why_not)


def _decisive(verdict: ItemVerdict, judged: Sequence[Judgement]) -> Judgement | None:
    """The first criterion for a verdict; too little data comes before none at all."""
    ways: Mapping[ItemVerdict, tuple[tuple[Verdict, bool], ...]] = {
        "fail": (("fail", True),),
        "insufficient": (("insufficient", True), ("not_tested", True)),
        "not_tested": (("not_tested", True),),
        "warn": (("warn", True), ("fail", False), ("warn", False)),
    }
    for wanted, required in ways.get(verdict, ()):
        for one in judged:
            if (one.verdict, one.required) == (wanted, required):
                return one
    return None


def _judged(
    item: str, line: Line, seen: Seen, subject: _Subject, material: Material, today: datetime.date
) -> Judgement:
    criterion = within(line, seen.finding.support.get("n", 0.0))
    if seen.margin is not None:
        criterion = replace(criterion, target=seen.margin)
    verdict, reason = _from_figures(criterion, seen)
    reason = re.sub(r"\bn\b", line.noun, reason) if verdict == "insufficient" and not seen.few else reason
    verdict, told = _worth(verdict, line, seen, subject, today)
    unknown = subject.judges == "unheard" and line.about == "provider"
    if unknown:
        seen = Seen(Finding(None), todo=f"evalkit run --candidate {STANDS_FOR} --routes rest --budget-usd 2")
    stood_in = subject.judges == "simulation" and line.about == "provider" and seen.evidence == "simulated"
    command = _command(seen, material)
    if stood_in and verdict in ("not_tested", "insufficient") and (seen.finding.value is not None or seen.few):
        command = AT_SERVICE
    found = seen.finding
    return Judgement(
        subject=subject.name,
        item=item,
        criterion=line.name,
        title=line.title,
        route=line.route or "",
        verdict=verdict,
        reason=told or reason,
        value=found.value,
        lo=found.lo,
        hi=found.hi,
        unit=line.unit,
        n=found.support.get("n", 0.0),
        clips=seen.clips,
        clusters=seen.clusters,
        evidence=seen.evidence or ("told" if found.value is not None else ""),
        evidence_needed=line.evidence_needed,
        about=line.about,
        date=seen.date,
        config=material.config(line.route) if seen.evidence and line.about == "provider" else "",
        kind=criterion.kind,
        target=criterion.target,
        limit=criterion.limit,
        minimum=", ".join(
            f"{least:g} {line.noun if name == 'n' else name}" for name, least in criterion.minimum.items()
        ),
        required=criterion.required,
        smallest_detectable=smallest_seen(criterion, seen),
        more_clips=None if unknown else clips_missing(criterion, seen, verdict),
        command=command,
    )


def _from_figures(criterion: Criterion, seen: Seen) -> tuple[Verdict, str]:
    """The verdict of the figures alone."""
    if seen.few:
        return "insufficient", seen.few
    verdict, reason = checklist.judge(criterion, seen.finding)
    if verdict == "not_tested" or (verdict == "fail" and seen.why):
        reason = seen.why or reason
    if verdict == "insufficient" or not seen.why:
        return verdict, reason
    if seen.barred:
        return "fail", seen.why
    if seen.capped and verdict == "pass":
        return "warn", seen.why
    return verdict, reason


def _worth(verdict: Verdict, line: Line, seen: Seen, subject: _Subject, today: datetime.date) -> tuple[Verdict, str]:
    """What a verdict is worth given its evidence, and why it is worth less."""
    if line.about == "provider" and subject.judges == "unheard":
        return "not_tested", f"no answer of {subject.name} is recorded: no key (XAI_API_KEY)"
    if verdict == "not_tested" or (line.about == "provider" and subject.judges == "recogniser"):
        return verdict, ""
    evidence: Evidence = seen.evidence or "live"
    age = (today - datetime.date.fromisoformat(seen.date)).days if seen.date else None
    other = subject.other if seen.evidence and line.about == "provider" else ""
    worth = checklist.with_evidence(verdict, evidence, about=line.about, age_days=age, same_setup=not other)
    if worth == verdict:
        return verdict, ""
    if worth == "not_tested":
        return worth, "a server on this machine says nothing about a service"
    return worth, f"stale: {other or f'{age} days old'}"


def _command(seen: Seen, material: Material) -> str:
    if seen.finding.value is None and not seen.few:
        return seen.todo
    folder = shlex.quote(str(material.folder))
    first = f"{seen.todo} && " if seen.todo.startswith("evalkit faults") else f"evalkit score {folder} && "
    needs = f" --needs {shlex.quote(str(material.folder / FILE))}" if material.needs.declared else ""
    return f"{first}evalkit checklist {folder}{needs}"
