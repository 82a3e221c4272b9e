"""When each frame of audio is due, and how well this process keeps such promises."""

import asyncio
import time
from collections import deque

BEAT_S = 0.010
STALL_S = 0.005
"""A beat that comes this late or later is a stall worth noting; timers of an idle machine are 1 ms late."""


def start_s(now_s: float, frame_s: float, stagger: float) -> float:
    """The first moment from now at which a session may begin to speak.

    All sessions share one grid, each at its own place within a frame, so however they came to start, their frames
    are spread evenly and never leave in the same instant.

    Args:
        now_s: a clock that all sessions share.
        frame_s: seconds between two frames.
        stagger: the session's place, 0 to 1.

    Returns:
        At least ``now_s`` and less than one frame later.
    """
    return now_s + (stagger * frame_s - now_s) % frame_s


class Released:
    """The frame of audio that is due now, on its way from the clock to the socket."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}

    def put(self, due_s: float, **settings: float) -> None:
        """A frame is due; the first of a pacing tells its settings."""
        self._numbers = {"due_s": round(due_s, 6), **settings}

    def pop(self) -> dict[str, float]:
        """What is recorded of it, once."""
        numbers, self._numbers = self._numbers, {"due_s": self._numbers["due_s"]}
        return numbers


class Heartbeat:
    """A timer of the event loop whose lateness is that of everything else in the loop: frames, stamps, answers."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._stalls: deque[tuple[float, float]] = deque(maxlen=1000)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to beat in the running loop."""
        self._last_s = time.perf_counter()
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._last_s = None

    def stall_s(self, since_s: float) -> float | None:
        """How late the latest beat since a moment of ``time.perf_counter`` came, the one that is now due included.

        Returns:
            0 when none came later than ``STALL_S``; None when the heart does not beat.
        """
        if self._last_s is None:
            return None
        worst_s = time.perf_counter() - self._last_s - BEAT_S
        for ended_s, late_s in reversed(self._stalls):
            if ended_s < since_s:
                break
            worst_s = max(worst_s, late_s)
        return worst_s if worst_s >= STALL_S else 0.0

    def _beat(self) -> None:
        now_s = time.perf_counter()
        late_s = now_s - (self._last_s or now_s) - BEAT_S
        if late_s >= STALL_S:
            self._stalls.append((now_s, late_s))
        self._last_s = now_s
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)
