"""Is this address a replay? What a run must know of whom it asks, so that no recording is taken for a live answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

import httpx

from evalkit.plan import Plan
from evalkit.scoring import METRICS
from evalkit.types import Evidence, Metric, Score
from evalkit.wire import Timeouts, http_client, is_loopback

MARK = "evalkit.replay"
EMBEDDED = "evalkit embedded server"
"""How the embedded server begins to say what it is."""
# On a busy machine a replay takes seconds to answer; given up too soon it would be taken for a live service.
_TIMEOUTS = Timeouts(connect_s=15.0, answer_s=15.0)
# Seconds that the speed of a replay does not change: those of words and channels in the sound, and our own lateness.
_TIMELESS = ("mch.", "pace.", "ts.")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay says of itself."""

    of: str
    """The run that was recorded."""
    evidence: Evidence
    """``recorded``; ``simulated`` when what was recorded was itself no live service."""
    speed: float
    recorded_at: str = ""

    @classmethod
    def told(cls, told: Any) -> "Replayed | None":
        """What an answer to GET says; None when it is not a replay's."""
        if not isinstance(told, Mapping) or told.get("server") != MARK:
            return None
        speed = told.get("speed", 1.0)
        return cls(
            str(told.get("of", "")),
            # No replay is live, whatever it calls itself.
            evidence_of(told.get("evidence")),
            float(speed) if isinstance(speed, int | float) else 0.0,
            str(told.get("recorded_at", "")),
        )

    @property
    def caution(self) -> str:
        """What a reader of the figures must know."""
        hurried = f" {self.speed:g} times as fast, so no delay is told" if self.speed != 1 else ""
        when = f" of {self.recorded_at[:10]}" if self.recorded_at else ""
        return f"What answered was a replay of run {self.of}{when}{hurried}."


def evidence_of(before: object) -> Evidence:
    """What the replay of a run is evidence for, by what the run was: a simulation stays one."""
    return "recorded" if before in ("live", "recorded") else "simulated"


async def replays(plan: Plan) -> dict[str, Replayed]:
    """The providers of a plan, by name, that are asked at the address of a replay."""
    found: dict[str, Replayed] = {}
    for name, base_url in _addresses(plan):
        if (replayed := Replayed.told(await _ask(base_url))) is not None:
            found.setdefault(name, replayed)
    return found


async def simulations(plan: Plan) -> set[str]:
    """The providers of a plan, by name, that are asked at the address of the embedded server."""
    found = set()
    for name, base_url in _addresses(plan):
        # Its knobs stand in the path.
        told = await _ask(urljoin(base_url, "/"))
        if isinstance(told, Mapping) and str(told.get("server", "")).startswith(EMBEDDED):
            found.add(name)
    return found


def _addresses(plan: Plan) -> list[tuple[str, str]]:
    """(provider's name, where it is asked), each once, of all who are not asked at the home of a service."""
    asked = (
        (choice.name, provider) for choice in plan.choices for route in plan.routes if (provider := choice.on(route))
    )
    places = (
        (name, place)
        for name, provider in asked
        if (place := str(provider.settings.get("base_url") or ""))
        and (provider.stands_in or not provider.home or is_loopback(place))
    )
    return list(dict.fromkeys(places))


async def _ask(base_url: str) -> Any:
    """What an address says of itself; None when it says nothing that could be understood."""
    url = f"http{base_url.removeprefix('ws')}" if base_url.startswith("ws") else base_url
    async with http_client(_TIMEOUTS, loopback=is_loopback(url)) as pool:
        try:
            answer = await pool.http.get(url)
            return json.loads(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
            return None  # any other server; whether it answers at all is for the run to find out


def without_delays(score: Score) -> Score:
    """A score of what was told faster than it was recorded: every delay is left out, as one badly paced would be."""
    void = [metric for metric in METRICS if _is_delay(metric)]
    kept = {name for metric in METRICS if not _is_delay(metric) for name in _columns(metric)}
    gone = {name for metric in void for name in _columns(metric)} - kept
    gone |= {name for name in (*score.counts, *score.values) if name.startswith("lat.")}
    return replace(
        score,
        counts={name: count for name, count in score.counts.items() if name not in gone},
        values={name: seconds for name, seconds in score.values.items() if name not in gone},
        absent={**dict.fromkeys((metric.id for metric in void), "invalid_pacing"), **score.absent},
    )


def _is_delay(metric: Metric) -> bool:
    return metric.id.startswith("lat.") or (metric.unit == "s" and not metric.id.startswith(_TIMELESS))


def _columns(metric: Metric) -> tuple[str, ...]:
    return (metric.values, f"{metric.values}.failed") if metric.values else (*metric.numerator, *metric.denominator)
