"""What can be made to go wrong at the server: named faults, what a correct client makes of each, and a seeded plan.

A fault strikes some of the requests that arrive at one address. The knob ``faults`` carries it to the server as text
(``Knobs(faults=written([fault]), trial="7")``), so the client under test stays as it is and only its address changes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

from evalkit.errors import EvalkitError, ParseError, Refused, SettingsError, Unavailable
from evalkit.types import Route
from evalkit.weather import outcomes

Place = Literal["request", "answer", "greeting", "audio", "done"]
"""Where a fault strikes: before anything is looked at, the answer to a file, ``transcript.created``, the first message
that reaches an audio time, or ``transcript.done``."""

BOTH: tuple[Route, ...] = ("rest", "streaming")
REST: tuple[Route, ...] = ("rest",)
STREAMING: tuple[Route, ...] = ("streaming",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to go wrong, and what must come of it."""

    what: str
    failure: type[EvalkitError] | None
    """How the struck attempt must be read; None: the answer must be understood in spite of it."""
    routes: tuple[Route, ...]
    place: Place
    status: int = 0
    """HTTP status it answers with, or the code with which it closes a socket."""
    stops_run: bool = False
    """Whether no later request can succeed either, so that the whole provider must be given up."""
    seconds: float = 0.0
    """Default of the parameter: told wait, stall, gap between bytes."""
    always: bool = False
    """Whether it strikes every request once it has begun."""
    first: int = 1
    """Default number of the first request it strikes."""
    later: str = ""
    """Another kind that strikes the requests after the first one."""


KINDS = {
    # An answer instead of service; on the socket route this is a refused upgrade.
    "busy_told": Kind("429 with Retry-After", Unavailable, BOTH, "request", 429, seconds=1.0),
    "busy": Kind("429 without Retry-After", Unavailable, BOTH, "request", 429),
    "storm": Kind("429 without header or body, for ever", Unavailable, BOTH, "request", 429, always=True),
    "timed_out": Kind("408", Unavailable, BOTH, "request", 408),
    "internal_error": Kind("500", Unavailable, BOTH, "request", 500),
    "bad_gateway": Kind("502 with a page of HTML", Unavailable, BOTH, "request", 502),
    "closed": Kind("503 without Retry-After", Unavailable, BOTH, "request", 503),
    "closed_told": Kind("503 with Retry-After", Unavailable, BOTH, "request", 503, seconds=1.0),
    "bad_request": Kind("400 that says what is wrong", Refused, BOTH, "request", 400, always=True),
    "not_found": Kind("404", Refused, BOTH, "request", 404, always=True),
    "wrong_key": Kind("400 that names the key", Refused, BOTH, "request", 400, stops_run=True, always=True),
    "unauthorised": Kind("401", Refused, BOTH, "request", 401, stops_run=True, always=True),
    "forbidden": Kind("403 with two cookies", Refused, BOTH, "request", 403, stops_run=True, always=True),
    "revoked_key": Kind(
        "401 from the second request on", Refused, BOTH, "request", 401, stops_run=True, always=True, first=2
    ),
    "too_large": Kind("413 before the body is read", Refused, REST, "request", 413, always=True),
    "not_upgraded": Kind("200 with a page of HTML instead of a socket", Refused, STREAMING, "request", 200),
    # Connections.
    "unanswered": Kind("the request is taken and nothing follows", Unavailable, BOTH, "request"),
    "cut_request": Kind("the connection is reset instead of an answer", Unavailable, BOTH, "request"),
    # Bodies.
    "cut_body": Kind("the connection ends before the announced length", Unavailable, REST, "answer"),
    "slow_body": Kind("the body comes a few bytes at a time", None, REST, "answer", seconds=0.01),
    "endless_body": Kind("the body never ends, a byte at a time", Unavailable, REST, "answer", seconds=0.05),
    "late_answer": Kind("the answer is held back", None, REST, "answer", seconds=0.3),
    "half_json": Kind("200 with the first half of the JSON", ParseError, REST, "answer"),
    "empty_body": Kind("200 with no body", ParseError, REST, "answer"),
    "html_body": Kind("200 with a page of HTML", ParseError, REST, "answer"),
    "huge_body": Kind("200 with 8 MB in a field nobody knows", None, REST, "answer"),
    # Sockets that end.
    "no_greeting": Kind("transcript.created never comes", Unavailable, STREAMING, "greeting"),
    "error_at_once": Kind("an error event instead of transcript.created", Refused, STREAMING, "greeting", 1011),
    "close_1001": Kind("close 1001, going away", Unavailable, STREAMING, "audio", 1001),
    "close_1008": Kind("close 1008, against the policy", Refused, STREAMING, "audio", 1008),
    "close_1009": Kind("close 1009, message too big", Refused, STREAMING, "audio", 1009),
    "close_1011": Kind("close 1011, internal error", Unavailable, STREAMING, "audio", 1011),
    "close_1012": Kind("close 1012, restart", Unavailable, STREAMING, "audio", 1012),
    "close_1013": Kind("close 1013, try again later", Unavailable, STREAMING, "audio", 1013),
    "close_4000": Kind("close 4000, a private code", Unavailable, STREAMING, "audio", 4000),
    "reset": Kind("the connection is reset", Unavailable, STREAMING, "audio"),
    "half_open": Kind("nothing is answered any more, not even a ping", Unavailable, STREAMING, "audio"),
    "error_event": Kind("an error event, then close 1011", Unavailable, STREAMING, "audio", 1011),
    "expired_token": Kind(
        "an error event, then close 1008; afterwards 401", Unavailable, STREAMING, "audio", 1008,
        stops_run=True, always=True, later="unauthorised",
    ),
    "missing_done": Kind("close 1000 without transcript.done", Unavailable, STREAMING, "done", 1000),
    "silent_end": Kind("transcript.done never comes, the socket stays", Unavailable, STREAMING, "done"),
    # Messages.
    "stall": Kind("silence for a while", None, STREAMING, "audio", seconds=0.3),
    "duplicated": Kind("every message comes twice", None, STREAMING, "audio"),
    "reordered": Kind("every two messages change places", None, STREAMING, "audio"),
    "unknown_event": Kind("events of a type nobody knows", None, STREAMING, "audio"),
    "huge_message": Kind("a message with 8 MB in a field nobody knows", None, STREAMING, "audio"),
    "malformed_json": Kind("a message breaks off in the middle", ParseError, STREAMING, "audio"),
    "malformed_word": Kind("a word without its text", ParseError, STREAMING, "audio"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind at work on one route of one address."""

    kind: str
    route: Route
    at_s: float = 0.0
    """Audio time it strikes at, for kinds in the place ``audio``; ``transcript.done`` at the latest."""
    seconds: float = 0.0
    first: int = 1
    """Number of the first request struck, from 1."""
    times: int | None = 1
    """How many requests in a row are struck; None: all from the first on."""

    @classmethod
    def of(cls, kind: str, route: Route, *, at_s: float = 0.0, times: int | None = 1) -> Fault:
        """A fault with the defaults of its kind.

        Raises:
            SettingsError: unknown kind, or one that the route does not know.
        """
        known = _known(kind, route)
        return cls(kind, route, at_s, known.seconds, known.first, None if known.always else times)

    @property
    def about(self) -> Kind:
        """What it does and what must come of it."""
        return KINDS[self.kind]

    @property
    def retried(self) -> bool:
        """Whether a correct client sends the struck request again."""
        return self.about.failure is Unavailable

    @property
    def told_s(self) -> float | None:
        """The wait that the answer asks for, if any."""
        return self.seconds if self.kind.endswith("_told") else None

    def outcomes(self, attempts: int) -> tuple[type[EvalkitError] | None, ...]:
        """How each attempt of a correct client at the struck request ends, in order; None is an answer.

        Args:
            attempts: the most that its policy allows.
        """
        if self.about.later and attempts > 1:
            return (Unavailable, KINDS[self.about.later].failure)
        return outcomes(self.about.failure, self.times, attempts)


def plan(seed: int, *, audio_s: float, kinds: Iterable[str] = KINDS) -> tuple[Fault, ...]:
    """Every kind once on each of its routes, in an order and at audio times that depend on the seed alone.

    Args:
        seed: the same seed gives the same plan.
        audio_s: length of the clip that is sent; faults strike in its middle half.
        kinds: which.
    """
    chance = random.Random(seed)
    faults = [
        Fault.of(
            kind,
            route,
            at_s=round(chance.uniform(0.25, 0.75) * audio_s, 2) if KINDS[kind].place == "audio" else 0.0,
            times=chance.choice((1, 2)),
        )
        for kind in kinds
        for route in KINDS[kind].routes
    ]
    chance.shuffle(faults)
    return tuple(faults)


def written(faults: Iterable[Fault]) -> str:
    """The faults as the knob ``faults`` takes them, such as ``streaming:reset:at_s=1.5:times=2;rest:busy``."""
    return ";".join(":".join((fault.route, fault.kind, *_parameters(fault))) for fault in faults)


def read(text: str) -> tuple[Fault, ...]:
    """The faults in such a text.

    Raises:
        SettingsError: not such a text.
    """
    return tuple(_fault(part) for part in text.split(";") if part)


def struck(faults: Sequence[Fault], route: Route, number: int) -> Fault | None:
    """The fault that strikes request ``number`` (from 1) of a route: the first that applies."""
    for fault in faults:
        if fault.route == route and number >= fault.first:
            past = number - fault.first
            if past and fault.about.later:
                return Fault.of(fault.about.later, route)
            if fault.times is None or past < fault.times:
                return fault
    return None


def _parameters(fault: Fault) -> list[str]:
    usual = Fault.of(fault.kind, fault.route)
    return [
        f"{field.name}={'always' if value is None else format(value, 'g')}"
        for field in fields(Fault)[2:]
        if (value := getattr(fault, field.name)) != getattr(usual, field.name)
    ]


def _fault(text: str) -> Fault:
    route, _, rest = text.partition(":")
    kind, *parameters = rest.split(":")
    if route not in get_args(Route):
        raise SettingsError.unknown("route of a fault", route, BOTH)
    usual = Fault.of(kind, cast(Route, route))
    values: dict[str, Any] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name not in _READ:
            raise SettingsError.unknown("parameter of a fault", name, _READ)
        try:
            values[name] = None if (name, value) == ("times", "always") else _READ[name](value)
        except ValueError:
            raise SettingsError(f"parameter {name} of fault {kind!r} must be a number, not {value!r}") from None
        if not 0 <= (values[name] or 0) < float("inf"):
            raise SettingsError(f"parameter {name} of fault {kind!r} cannot be {value}")
    return replace(usual, **values)


_READ = {"at_s": float, "seconds": float, "first": int, "times": int}


def _known(kind: str, route: Route) -> Kind:
    if kind not in KINDS:
        raise SettingsError.unknown("fault", kind, KINDS)
    if route not in KINDS[kind].routes:
        raise SettingsError(f"the fault {kind!r} is none of route {route}, only of {', '.join(KINDS[kind].routes)}")
    return KINDS[kind]
