"""How fast and how much a service may be asked: what it documents, dated, and what the user's console says instead."""

import asyncio
import datetime
import functools
import tomllib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, get_args

from aiolimiter import AsyncLimiter

from evalkit.errors import SettingsError
from evalkit.scoring.limits import HEADROOM, needed_concurrency
from evalkit.types import Route

# The network squeezes requests together: starts that leave evenly spaced may arrive closer.
SPARE = 1.05
STALE_DAYS = 30
CONSOLE = "your console"
MOST = 10**9
"""A stated value above this is a slip of the hand."""
REQUEST_S = 10.0
"""How long a request is taken to last of which nothing was said or seen."""
ASSUMED = "assumed"
_RATES = ("requests_per_s", "requests_per_min")
_VALUES = (*_RATES, "sessions", "upload_mb")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a route of a service allows; None where nothing is known."""

    requests_per_s: float | None = None
    """Requests, or new sessions of a stream."""
    requests_per_min: float | None = None
    sessions: int | None = None
    """Conversations open at once."""
    upload_mb: float | None = None
    source: str = ""
    date: str = ""
    note: str = ""
    origins: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Value -> where and when it was read, of those that are not from ``source``."""

    @property
    def interval_s(self) -> float:
        """Seconds to leave between two starts so that every known rate is kept; 0 when none is known."""
        gaps = [window / rate for window, rate in ((1, self.requests_per_s), (60, self.requests_per_min)) if rate]
        return SPARE * max(gaps, default=0.0)

    def age_days(self, today: datetime.date) -> int | None:
        """How old these values are."""
        return (today - datetime.date.fromisoformat(self.date)).days if self.date else None

    @property
    def upload_bytes(self) -> int | None:
        """The largest recording by the console; what a service documents its provider keeps to by itself."""
        if self.upload_mb is None or not self.origin("upload_mb").startswith(CONSOLE):
            return None
        return int(1e6 * self.upload_mb)

    @property
    def told(self) -> dict[str, dict[str, float]]:
        """Where and when -> what was read there: names of values and the values."""
        found: dict[str, dict[str, float]] = {}
        for name in _VALUES:
            if (value := getattr(self, name)) is not None:
                found.setdefault(self.origin(name), {})[name] = value
        return found

    def origin(self, name: str) -> str:
        """Where and when a value was read."""
        return self.origins.get(name) or ", ".join(filter(None, (self.source, self.date)))

    def said_otherwise(self, console: Mapping[str, Any]) -> "Limits":
        """The same with the values of the user's own console over them.

        Who states one rate has read how fast the account may be asked: no other rate than that holds.
        """
        if not console:
            return self
        stated = {name: console[name] for name in _VALUES if name in console}
        rest = {name: getattr(self, name) for name in _VALUES if name not in stated}
        if stated.keys() & set(_RATES):
            rest |= {name: None for name in _RATES if name in rest}
        origins = {name: self.origin(name) for name, value in rest.items() if value is not None}
        return Limits(**stated, **rest, source=CONSOLE, date=str(console.get("date", "")), origins=origins)


def strictest(known: Iterable[Limits]) -> Limits:
    """The lowest of every value: what a service allows that is asked under several names."""
    every = list(known)
    lowest: dict[str, Any] = {
        name: min((value for one in every if (value := getattr(one, name)) is not None), default=None)
        for name in _VALUES
    }
    return Limits(**lowest)


@functools.cache
def _table() -> Mapping[tuple[str, str], Limits]:
    lines = tomllib.loads(files(__package__).joinpath("limits.toml").read_text("utf-8"))["limit"]
    return {(line.pop("provider"), line.pop("route")): Limits(**line) for line in lines}


def documented(provider: str, route: Route) -> Limits:
    """What the service documents for a route; all unknown when the table has no line for it."""
    return _table().get((provider, route), Limits())


def check(console: Mapping[str, Any]) -> None:
    """Check ``[limits.NAME.ROUTE]`` of a plan.

    Raises:
        SettingsError: no route or an unknown one, an unknown key, a value that is no positive number, or no date.
    """
    for name, routes in console.items():
        for route, values in routes.items() if isinstance(routes, Mapping) else [("", routes)]:
            if not isinstance(values, Mapping):
                raise SettingsError(f"[limits.{name}]: of which route? write [limits.{name}.rest]")
            if route not in get_args(Route):
                raise SettingsError.unknown(f"route in [limits.{name}]:", route, get_args(Route))
            _check(values, f"[limits.{name}.{route}]")


def _check(values: Mapping[str, Any], where: str) -> None:
    for key, value in values.items():
        if key == "date":
            continue
        if key not in _VALUES:
            raise SettingsError.unknown(f"key in {where}:", key, (*_VALUES, "date"))
        # Not a number is not below any.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST:
            raise SettingsError(f"{where}: {key} must be a number above 0, not {value!r}")
        if key == "sessions" and not isinstance(value, int):
            raise SettingsError(f"{where}: sessions must be a whole number, not {value!r}")
    try:
        datetime.date.fromisoformat(str(values["date"]))
    except (KeyError, ValueError) as error:
        raise SettingsError(f'{where}: needs the day you read it, date = "2026-11-20"') from error


@dataclass(frozen=True, slots=True)
class Need:
    """What a product will ask of a route at its peak, without headroom."""

    starts_per_s: float
    """Requests, or new sessions of a stream."""
    session_s: float
    """How long one of them lasts on average; 0 when nobody has said so."""
    basis: str = ""
    """How that length is known when nobody stated it: from a run, or not at all."""

    @property
    def sessions(self) -> float:
        """To have at once, with headroom: Little's law."""
        return needed_concurrency(self.starts_per_s, self.session_s)

    @property
    def rate(self) -> float:
        """Starts a second to be allowed, with headroom."""
        return HEADROOM * self.starts_per_s

    def beyond(self, known: Limits) -> list[str]:
        """What of it the limits do not cover, one phrase each; empty when all that is known of them does."""
        told = (
            ("starts a second", self.rate, known.requests_per_s),
            ("starts a minute", 60 * self.rate, known.requests_per_min),
            ("sessions at once", self.sessions, known.sessions),
        )
        return [f"needs {need:,.4g} {what}, allowed {most:,.4g}" for what, need, most in told if most and need > most]


@dataclass(frozen=True, slots=True)
class Load:
    """What a product will ask at its peak, whatever the route: a request does not last as long as a stream."""

    starts_per_s: float
    stream_s: float | None = None
    request_s: float | None = None

    def on(self, route: Route, response_s: float | None = None) -> Need:
        """What that comes to over a route.

        Args:
            route: over which it is asked.
            response_s: how long a request was seen to take.
        """
        if route != "rest":
            return Need(self.starts_per_s, self.stream_s or 0.0)
        if self.request_s is not None:
            return Need(self.starts_per_s, self.request_s)
        if response_s is not None:
            return Need(self.starts_per_s, response_s, "median of this run")
        return Need(self.starts_per_s, REQUEST_S, ASSUMED)


class Admission:
    """Lets conversations with one account start no faster, and no more of them at once, than it allows."""

    def __init__(self, limits: Limits, width: int) -> None:
        self._slots = asyncio.Semaphore(width)
        self._starts = AsyncLimiter(1, limits.interval_s) if limits.interval_s else None

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for a free place and for the next start, and hold the place."""
        async with self._slots:
            if self._starts is not None:
                await self._starts.acquire()
            yield


class Turn(Admission):
    """One name of an account that is asked under several: it keeps to its own width, and to what they share."""

    def __init__(self, account: Admission, width: int) -> None:
        super().__init__(Limits(), width)
        self._account = account

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for a free place of this name, and then for one of the account."""
        async with super().admitted(), self._account.admitted():
            yield


def admit(known: Collection[Limits], widths: Collection[int]) -> list[Admission]:
    """An admission for each name of one account, in order.

    Args:
        known: what is known for each name.
        widths: how many conversations each name has at once.
    """
    allowed = strictest(known)
    account = Admission(allowed, min(sum(widths), allowed.sessions or sum(widths)))
    return [account] if len(widths) == 1 else [Turn(account, width) for width in widths]
