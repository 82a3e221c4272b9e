"""How much of a service's allowance a product needs, and how much of it a run has seen to work."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from statistics import median

from evalkit.scoring.attempts import Ending, ending
from evalkit.scoring.failures import succeeded
from evalkit.types import Route, Trace

HEADROOM = 1.5
HANDSHAKE_WINDOW_S = 10.0
TRY_AGAIN_LATER = 1013
"""The close code of a service that is overloaded."""


def mean_concurrency(arrivals_per_s: float, mean_session_s: float) -> float:
    """Little's law: L = arrival rate x time in the system."""
    return _product(arrivals_per_s, mean_session_s)


def needed_concurrency(arrivals_per_s: float, mean_session_s: float, *, headroom: float = HEADROOM) -> float:
    """Concurrent sessions to ask for, with room above the mean."""
    return _product(headroom, arrivals_per_s, mean_session_s)


def _product(*factors: float) -> float:
    """In decimals, so that a need of exactly what is documented fits it."""
    return float(math.prod(Decimal(str(factor)) for factor in factors))


def peak_rate(times_s: Sequence[float], window_s: float = 60.0) -> int:
    """Most events in any half-open window [t, t + window_s)."""
    ranked = sorted(times_s)
    return max((bisect_left(ranked, start + window_s) - index for index, start in enumerate(ranked)), default=0)


def peak_calendar_rate(times_s: Sequence[float], window_s: float = 60.0) -> int:
    """Most events between two ticks of the clock: what a naive counter sees, never more than ``peak_rate``."""
    return max(Counter(int(time // window_s) for time in times_s).values(), default=0)


def peak_concurrency(sessions: Sequence[tuple[float, float]]) -> int:
    """Most sessions open at once; one that ends as another begins has gone."""
    return max(_levels(sessions)[1], default=0)


def sustained_concurrency(sessions: Sequence[tuple[float, float]]) -> int:
    """Most sessions open at once for as long as one whole session lasts; one of no length has lasted for nothing."""
    times, levels = _levels(sessions)
    held = (levels[bisect_left(times, start) : bisect_left(times, end)] for start, end in sessions)
    return max((min(during) for during in held if during), default=0)


def _levels(sessions: Sequence[tuple[float, float]]) -> tuple[list[float], list[int]]:
    """The moments at which sessions begin or end, and how many are open from each on."""
    changes = Counter(start for start, _ in sessions)
    changes.subtract(end for _, end in sessions)
    times = sorted(changes)
    return times, list(accumulate(changes[time] for time in times))


@dataclass(frozen=True, slots=True)
class ObservedRate:
    """What a run has seen: a lower bound of the limit, never the limit."""

    peak: int
    """Most requests in a window that ended before the first rejection."""
    window_s: float
    rejections: int
    rejected_at: int | None
    """Requests in the window that ended with the first rejection, itself included; None when there was none."""

    @property
    def claim(self) -> str:
        """The most that may be said."""
        if self.rejected_at is None:
            return f"observed >= {self.peak} per {self.window_s:g} s without rejection"
        return f"observed >= {self.peak} per {self.window_s:g} s; first rejection at {self.rejected_at}"


def observed_rate(
    times_s: Sequence[float], rejected_s: Sequence[float] = (), *, window_s: float = 60.0
) -> ObservedRate:
    """The highest rate that was let through.

    Args:
        times_s: when each request (or handshake) was sent, rejected ones included.
        rejected_s: those that met 429 or a refusal.
        window_s: 60 for requests, 10 for new connections.
    """
    if not rejected_s:
        return ObservedRate(peak_rate(times_s, window_s), window_s, 0, None)
    first = min(rejected_s)
    accepted = [time for time in times_s if time < first]
    within = sum(first - window_s < time <= first for time in times_s)
    return ObservedRate(peak_rate(accepted, window_s), window_s, len(rejected_s), within)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first time a service said that it was too much."""

    at: float
    """Seconds since the epoch, by the wall clock."""
    status: int | None
    """429 or 503; None for a socket closed with 1013, try again later."""
    retry_after_s: float | None
    clip_id: str


@dataclass(frozen=True, slots=True)
class Observed:
    """How much of a service a run has used, by the wall clock that labels its traces; lower bounds, never limits."""

    requests: ObservedRate
    """Accepted attempts per 60 s, whatever the route."""
    connections: ObservedRate | None
    """New sockets per 10 s, refused upgrades included; None when none was asked for."""
    concurrency: int
    """Most accepted attempts in flight at once before the first refusal."""
    sustained: int
    """The same, held for as long as one of them lasted."""
    later_closes: int
    """Sockets that were opened and then closed with 1013, try again later."""
    first_refusal: Refusal | None
    response_s: float | None
    """Median time that a request took, from its start to the end of its answer; None over sockets, which last as long
    as what is said, and when none was answered."""

    @property
    def claims(self) -> list[str]:
        """The most that may be said, one sentence each."""
        found = [f"requests: {self.requests.claim}"]
        if self.connections is not None:
            found.append(f"new sockets: {self.connections.claim}")
        return [*found, f"in flight: observed >= {self.concurrency}, >= {self.sustained} for a whole one"]


def observed(traces: Iterable[Trace]) -> dict[tuple[str, Route], Observed]:
    """What a run shows of the limits of each provider on each route.

    Args:
        traces: of every attempt. One counts that was accepted: a request that was answered with success, a socket
            over which something came once audio was sent, and what this client broke off while it was in flight. What
            failed before an answer (a wrong key, a dead host) shows nothing of a limit.
    """
    systems: dict[tuple[str, Route], list[tuple[Trace, Ending]]] = {}
    for trace in traces:
        systems.setdefault((trace.provider, trace.route), []).append((trace, ending(trace)))
    return {system: _observed(attempts) for system, attempts in systems.items()}


def _observed(attempts: Sequence[tuple[Trace, Ending]]) -> Observed:
    refusals = [
        Refusal(end.ended_at if end.opened else end.began_at, end.status, end.told_s, trace.clip_id)
        for trace, end in attempts
        if turned_away(end)
    ]
    first = min(refusals, key=lambda refusal: refusal.at, default=None)
    handshakes = [end for trace, end in attempts if trace.route != "rest" and (end.opened or turned_away(end))]
    accepted = [end for trace, end in attempts if _accepted(trace, end)]
    told = [*(refusal.at for refusal in refusals), *(end.began_at for end in accepted)]
    in_flight = [(end.began_at, end.ended_at) for end in accepted if first is None or end.began_at < first.at]
    answers = [
        end.ended_at - end.began_at for trace, end in attempts if trace.route == "rest" and succeeded(end.status)
    ]
    return Observed(
        requests=observed_rate(told, [refusal.at for refusal in refusals]),
        connections=observed_rate(
            [end.began_at for end in handshakes],
            [end.began_at for end in handshakes if turned_away(end) and not end.opened],
            window_s=HANDSHAKE_WINDOW_S,
        )
        if handshakes
        else None,
        concurrency=peak_concurrency(in_flight),
        sustained=sustained_concurrency(in_flight),
        later_closes=sum(end.close_code == TRY_AGAIN_LATER for _, end in attempts),
        first_refusal=first,
        response_s=median(answers) if answers else None,
    )


def _accepted(trace: Trace, end: Ending) -> bool:
    """Whether the service took an attempt on, as far as its record shows."""
    if turned_away(end):
        return False
    if end.ours or not end.opened:
        return end.ours or succeeded(end.status)
    spoke_at = next((event.t_s for event in trace.events if event.kind == "audio"), None)
    return spoke_at is not None and any(event.kind == "received" and event.t_s > spoke_at for event in trace.events)


def turned_away(end: Ending) -> bool:
    """Whether a service said that it was too much."""
    return end.status in (429, 503) or end.close_code == TRY_AGAIN_LATER
