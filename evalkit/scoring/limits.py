"""How much of a service's allowance a product needs, and how much of it a run has seen to work."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HEADROOM = 1.5


def mean_concurrency(arrivals_per_s: float, mean_session_s: float) -> float:
    """Little's law: L = arrival rate x time in the system."""
    return arrivals_per_s * mean_session_s


def needed_concurrency(arrivals_per_s: float, mean_session_s: float, *, headroom: float = HEADROOM) -> float:
    """Concurrent sessions to ask for, with room above the mean."""
    return headroom * mean_concurrency(arrivals_per_s, mean_session_s)


def peak_rate(times_s: Sequence[float], window_s: float = 60.0) -> int:
    """Most events in any half-open window [t, t + window_s)."""
    ranked = sorted(times_s)
    return max((bisect_left(ranked, start + window_s) - index for index, start in enumerate(ranked)), default=0)


def peak_calendar_rate(times_s: Sequence[float], window_s: float = 60.0) -> int:
    """Most events between two ticks of the clock: what a naive counter sees, never more than ``peak_rate``."""
    return max(Counter(int(time // window_s) for time in times_s).values(), default=0)


def peak_concurrency(sessions: Sequence[tuple[float, float]]) -> int:
    """Most sessions open at once; one that ends as another begins has gone."""
    changes = sorted((time, step) for start, end in sessions for time, step in ((start, 1), (end, -1)))
    most = now = 0
    for _, step in changes:
        now += step
        most = max(most, now)
    return most


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
