"""The eight questions, and what an answer to each must show: ``criteria.toml`` with the changes of ``needs.toml``."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, get_args

from evalkit.checklist import Criterion, Kind, unattainable
from evalkit.checklist.needs import Needs
from evalkit.errors import SettingsError
from evalkit.scoring import catalogue
from evalkit.types import Route

About = Literal["provider", "client"]

SUPPORT = ("clips", "words", "n", "kinds", "clusters", "minutes")
_CHANGEABLE = ("target", "limit", "required", "over", "fail_early", *SUPPORT)


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of one item over one route."""

    name: str
    title: str
    unit: str
    criterion: Criterion
    route: Route | None
    """None: of no route."""
    about: About
    metric: str
    """Of the catalogue, when the figure is one of the summary."""
    point: bool
    missed: bool
    """Whether what the metric does not count is counted, e.g. the files without the right number of channels."""
    long_s: float
    """Only clips at least so long are support."""
    count: str
    """The column that is counted for ``n``; empty: the metric's own units."""
    noun: str
    """What ``n`` counts."""
    larger: Mapping[str, float]
    """Thresholds that hold from so many trials (``n``) on."""

    @property
    def evidence_needed(self) -> Literal["live", "any"]:
        """What our own client does can be proven on this machine, what a service does cannot."""
        return "any" if self.about == "client" else "live"


@dataclass(frozen=True, slots=True)
class Item:
    """One of the eight questions, or (``extra``) one that only adoption asks."""

    key: str
    title: str
    lines: tuple[Line, ...]
    extra: bool
    why_not: str
    """Why it does not apply; empty when it does."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of adoption."""

    key: str
    title: str
    parts: tuple[tuple[str, Route], ...]
    """(item, route) that must be ready."""


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("criteria.toml").read_text("utf-8"))


def written_on() -> str:
    """The day the default thresholds were set."""
    return str(_data()["date"])


def stages() -> tuple[Stage, ...]:
    """The stages of adoption in order."""
    found = []
    for stage in _data()["stage"]:
        parts = tuple(tuple(part.split("@")) for part in stage["parts"])
        found.append(Stage(stage["key"], stage["title"], parts))
    return tuple(found)


def items(needs: Needs) -> tuple[Item, ...]:
    """Every question, with the criteria that the needs leave.

    Raises:
        SettingsError: the needs name an item or a criterion that does not exist, change one impossibly, or ask what
            even a flawless result of the minimum sample could not show.
    """
    keys = [item["key"] for item in _data()["item"]]
    for named in (*needs.not_applicable, *needs.accepted):
        if named not in keys:
            raise SettingsError.unknown("item in the needs:", named, keys)
    known = {line["name"]: line for item in _data()["item"] for line in item["criterion"]}
    changes = {name: _checked(name, change, known) for name, change in needs.criteria.items()}
    found = tuple(_item(item, needs, changes) for item in _data()["item"])
    lines = {line.name: line for item in found for line in item.lines}
    if impossible := unattainable(
        [_largest(line) for line in lines.values()] + [one.criterion for one in lines.values()]
    ):
        raise SettingsError(f"criteria: {impossible[0]}")
    return found


def _largest(line: Line) -> Criterion:
    """What is asked of the largest samples."""
    return within(line, line.larger.get("n", 0.0)) if line.larger else line.criterion


def within(line: Line, trials: float) -> Criterion:
    """The criterion for so many trials: large samples are held to more."""
    if not line.larger or trials < line.larger["n"]:
        return line.criterion
    base = line.criterion
    return Criterion(
        base.metric,
        base.kind,
        line.larger["target"],
        line.larger["limit"],
        {**base.minimum, "n": line.larger["n"]},
        base.required,
        base.share,
    )


def _checked(name: str, change: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if name not in known:
        raise SettingsError.unknown("criterion in the needs:", name, known)
    where = f'[criteria."{name}"]'
    for key, value in change.items():
        if key not in _CHANGEABLE:
            raise SettingsError.unknown(f"key in {where}:", key, _CHANGEABLE)
        if key in ("required", "fail_early") and not isinstance(value, bool):
            raise SettingsError(f"{where}: {key} must be true or false, not {value!r}")
        if key == "over" and value not in (*get_args(Route), "each"):
            raise SettingsError.unknown(f"route in {where}:", str(value), [*get_args(Route), "each"])
        number = key in ("target", "limit", *SUPPORT)
        if number and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf")):
            raise SettingsError(f"{where}: {key} must be a number, 0 or more, not {value!r}")
    told = {**known[name], **change}
    target, limit = told.get("target"), told.get("limit")
    if told["kind"] in ("must_be_zero", "presence", "non_inferiority") and change.keys() & {"target", "limit"}:
        raise SettingsError(f"{where}: has no target and no limit to change ({told['kind'].replace('_', ' ')})")
    if target is not None and limit is not None and (target - limit) * (1 if told["kind"] == "upper" else -1) > 0:
        raise SettingsError(f"{where}: the limit {limit:g} is stricter than the target {target:g}")
    return change


def _item(told: Mapping[str, Any], needs: Needs, changes: Mapping[str, Mapping[str, Any]]) -> Item:
    key = told["key"]
    why_not = needs.not_applicable.get(key, "") or _ruled_out(key, needs)
    lines: list[Line] = []
    for one in told["criterion"]:
        change = changes.get(one["name"], {})
        if _wanted(one.get("when", ""), needs):
            lines += [_line({**one, **change}, change, route, needs) for route in _routes({**one, **change}, needs)]
    return Item(key, told["title"], tuple(lines), told.get("extra", False), why_not)


def _ruled_out(key: str, needs: Needs) -> str:
    """The plain "no" of the needs that takes an item off the list."""
    return {
        "diarization": "the product need not know who spoke" if needs.diarization is False else "",
        "timestamps": "the product uses no word times" if needs.timestamps == "none" else "",
        "streaming": "the product does not stream" if needs.streaming is False else "",
        "multichannel": "all audio has one channel" if needs.channels == 1 else "",
        "agent": "" if needs.voice_agent else "live conversation is not the product",
    }.get(key, "")


def _wanted(when: str, needs: Needs) -> bool:
    """Whether a conditional criterion is asked; what the needs do not say about timestamps is read as captions."""
    if not when:
        return True
    if when in ("key_terms", "languages"):
        return bool(getattr(needs, when))
    if when == "acts_on_chunks":
        return needs.acts_on_chunks is not False
    return (needs.timestamps or "captions") in when.split(" or ")


def _routes(told: Mapping[str, Any], needs: Needs) -> tuple[Route, ...]:
    over = told["over"]
    if over == "each":
        return tuple(route for route in needs.routes if route != "agent")
    if over == "needed":
        # The delay that is declared belongs to one route; undeclared, it is asked of the fastest one that is needed.
        rest = needs.latency_of.startswith("lat.rest") or needs.streaming is False
        return ("rest",) if rest else ("streaming",)
    return (over,) if over in ("rest", *needs.routes) or over == "agent" else ()


def _line(told: Mapping[str, Any], change: Mapping[str, Any], route: Route, needs: Needs) -> Line:
    name, kind = told["name"], told["kind"]
    metric = told.get("metric", name)
    described = {one.id: one for one in catalogue.METRICS}.get("acc.wer.en" if metric == "acc.wer" else metric)
    target, limit = told.get("target"), told.get("limit")
    if name == "cost.per_audio_hour":
        target = limit = change.get("target", needs.usd_per_audio_hour)
    if name == "latency":
        target = limit = change.get("target", needs.latency_s)
    minimum = {**told.get("minimum", {}), **{key: change[key] for key in SUPPORT if key in change}}
    if kind not in get_args(Kind):
        raise SettingsError.unknown(f"kind of {name}:", kind, get_args(Kind))
    return Line(
        name=name,
        title=told.get("title") or ("Word error rate" if name == "acc.wer" else described.title if described else name),
        unit=told.get("unit") or (described.unit if described else "count"),
        criterion=Criterion(
            name,
            kind,
            target,
            limit,
            minimum,
            told.get("required", True),
            told.get("share", False),
            told.get("threshold_s"),
            told.get("fail_early", False),
        ),
        route=route,
        about=told.get("about", "provider"),
        metric=metric if described else "",
        point=told.get("point", False),
        missed=told.get("missed", False),
        long_s=told.get("long_s", 0.0),
        count=told.get("count", ""),
        noun=told.get("noun", "units"),
        larger={} if change.keys() & {"target", "limit", "n"} else told.get("larger", {}),
    )
