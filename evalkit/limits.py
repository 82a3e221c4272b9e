"""How fast and how much a service may be asked: what it documents, dated, and what the user's console says instead."""

import asyncio
import datetime
import functools
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from typing import Any

from aiolimiter import AsyncLimiter

from evalkit.errors import SettingsError
from evalkit.scoring.limits import HEADROOM, needed_concurrency
from evalkit.types import Route

# The network squeezes requests together: starts that leave evenly spaced may arrive closer.
SPARE = 1.05
STALE_DAYS = 30


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

    @property
    def interval_s(self) -> float:
        """Seconds to leave between two starts so that every known rate is kept; 0 when none is known."""
        gaps = [window / rate for window, rate in ((1, self.requests_per_s), (60, self.requests_per_min)) if rate]
        return SPARE * max(gaps, default=0.0)

    def age_days(self, today: datetime.date) -> int | None:
        """How old these values are."""
        return (today - datetime.date.fromisoformat(self.date)).days if self.date else None

    def said_otherwise(self, console: Mapping[str, Any]) -> "Limits":
        """The same with the values of the user's own console over them."""
        return replace(self, **{"source": "your console", "note": "", **console}) if console else self


@functools.cache
def _table() -> Mapping[tuple[str, str], Limits]:
    lines = tomllib.loads(files(__package__).joinpath("limits.toml").read_text("utf-8"))["limit"]
    return {(line.pop("provider"), line.pop("route")): Limits(**line) for line in lines}


def documented(provider: str, route: Route) -> Limits:
    """What the service documents for a route; all unknown when the table has no line for it."""
    return _table().get((provider, route), Limits())


def check(console: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Check ``[limits.NAME.ROUTE]`` of a plan.

    Raises:
        SettingsError: an unknown key, a value that is no positive number, or no date.
    """
    known = {field.name for field in fields(Limits)} - {"source", "note"}
    for name, routes in console.items():
        for route, values in routes.items():
            where = f"[limits.{name}.{route}]"
            for key, value in values.items():
                if key not in known:
                    raise SettingsError.unknown(f"key in {where}:", key, known)
                if key != "date" and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
                    raise SettingsError(f"{where}: {key} must be a number above 0, not {value!r}")
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
    """How long one of them lasts on average."""

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


class Admission:
    """Lets conversations with one provider start no faster, and no more of them at once, than it allows."""

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
