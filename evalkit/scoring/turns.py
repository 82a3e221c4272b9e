"""Turn-taking of a voice agent: does it answer when the user has finished, wait when not, and stop when interrupted.

Takeover rates after Full-Duplex-Bench (Lin et al. 2025, arXiv 2503.04721). All times are those of the recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_ANSWER_S = 5.0
MAX_STOP_S = 1.5
AUDIBLE_DBFS = -45.0
FRAME_S = 0.020

# 8.3 - 3.3 is a hair more than 5.
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """The user has finished; the agent should speak."""

    user_end_s: float
    agent_start_s: float | None
    """First audible sample of the answer, or None when none came."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The user stops for a moment in mid-turn; the agent should wait."""

    start_s: float
    end_s: float
    agent_start_s: float | None


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The user speaks while the agent does; the agent should stop."""

    user_start_s: float
    agent_stop_s: float | None


@dataclass(frozen=True, slots=True)
class Backchannel:
    """An "uh-huh" or a noise while the agent speaks; the agent should go on."""

    start_s: float
    agent_stop_s: float | None


Occasion = TurnEnd | Pause | BargeIn | Backchannel


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """Counts that add, over turns of all conversations."""

    answers_s: tuple[float, ...] = ()
    """From the end of the user's speech to the first audible sample, of every answer."""
    turn_ends: int = 0
    answered: int = 0
    """Within ``MAX_ANSWER_S``."""
    pauses: int = 0
    pauses_taken: int = 0
    barge_ins: int = 0
    stopped: int = 0
    """Within ``MAX_STOP_S``."""
    stops_s: tuple[float, ...] = ()
    backchannels: int = 0
    false_stops: int = 0

    def __add__(self, other: "TurnTaking") -> "TurnTaking":
        return TurnTaking(
            self.answers_s + other.answers_s,
            self.turn_ends + other.turn_ends,
            self.answered + other.answered,
            self.pauses + other.pauses,
            self.pauses_taken + other.pauses_taken,
            self.barge_ins + other.barge_ins,
            self.stopped + other.stopped,
            self.stops_s + other.stops_s,
            self.backchannels + other.backchannels,
            self.false_stops + other.false_stops,
        )

    @property
    def unanswered(self) -> int:
        """Turn ends without any answer: units that never came, in percentiles of ``answers_s``."""
        return self.turn_ends - len(self.answers_s)

    @property
    def response_rate(self) -> float | None:
        return _share(self.answered, self.turn_ends)

    @property
    def takeover_rate(self) -> float | None:
        """At turn ends, where it is wanted."""
        return _share(len(self.answers_s), self.turn_ends)

    @property
    def pause_takeover_rate(self) -> float | None:
        """In pauses, where it is not."""
        return _share(self.pauses_taken, self.pauses)

    @property
    def barge_in_rate(self) -> float | None:
        """Interruptions after which the agent stopped in time."""
        return _share(self.stopped, self.barge_ins)

    @property
    def false_stop_rate(self) -> float | None:
        return _share(self.false_stops, self.backchannels)


def turn_taking(
    occasions: Sequence[Occasion], *, max_answer_s: float = MAX_ANSWER_S, max_stop_s: float = MAX_STOP_S
) -> TurnTaking:
    """Count what the agent did on each occasion."""
    found = TurnTaking()
    for occasion in occasions:
        found += _counted(occasion, max_answer_s, max_stop_s)
    return found


def first_audible_s(
    samples: NDArray[np.float64], sample_rate_hz: int, *, level_dbfs: float = AUDIBLE_DBFS
) -> float | None:
    """Start of the first 20 ms frame above a level: agents begin with silence, so the first byte says nothing.

    Args:
        samples: one channel, full scale 1.0; (n,).
        sample_rate_hz: of the samples.
        level_dbfs: root mean square of a frame against full scale.

    Returns:
        Seconds from the first sample, or None when nothing is audible.
    """
    size = max(round(FRAME_S * sample_rate_hz), 1)
    starts = np.arange(0, len(samples), size)
    if not len(starts):
        return None
    power = np.add.reduceat(samples**2, starts) / np.minimum(size, len(samples) - starts)
    loud = np.flatnonzero(power > 10 ** (level_dbfs / 10))
    return float(starts[loud[0]] / sample_rate_hz) if len(loud) else None


def _counted(occasion: Occasion, max_answer_s: float, max_stop_s: float) -> TurnTaking:
    match occasion:
        case TurnEnd(user_end_s, agent_start_s):
            waits = () if agent_start_s is None else (agent_start_s - user_end_s,)
            return TurnTaking(waits, turn_ends=1, answered=sum(wait <= max_answer_s + _ROUNDING_S for wait in waits))
        case Pause(start_s, end_s, agent_start_s):
            taken = agent_start_s is not None and start_s <= agent_start_s < end_s
            return TurnTaking(pauses=1, pauses_taken=int(taken))
        case BargeIn(user_start_s, agent_stop_s):
            stops = () if agent_stop_s is None else (agent_stop_s - user_start_s,)
            stopped = sum(stop <= max_stop_s + _ROUNDING_S for stop in stops)
            return TurnTaking(barge_ins=1, stopped=stopped, stops_s=stops)
        case Backchannel(_, agent_stop_s):
            return TurnTaking(backchannels=1, false_stops=int(agent_stop_s is not None))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
