"""Whether word times can be true at all: order, lengths, bounds, and the grid they lie on. No reference is needed."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from evalkit.types import Word

OVERLAP_S = 0.010
LONGEST_S = 2.0
BEYOND_S = 0.050

_SLACK_S = 1e-6
"""Stamps are decimals: 0.10 s read back may be 0.1000000001 s."""

_Timed = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TimeFaults:
    """Words, and how many of their times cannot be true; one word may have several faults. Counts add."""

    words: int = 0
    missing: int = 0
    """Without a start or without an end; they have no other faults."""
    zero_length: int = 0
    negative_length: int = 0
    start_decreases: int = 0
    """Starts before the word in front of it, in its channel."""
    overlaps: int = 0
    """Begins before its neighbour has ended, in its channel and of its speaker."""
    beyond_audio: int = 0
    too_long: int = 0
    negative_start: int = 0

    def __add__(self, other: "TimeFaults") -> "TimeFaults":
        return TimeFaults(*(getattr(self, name) + getattr(other, name) for name in self.names()))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @property
    def broken(self) -> int:
        """What no contract allows: negative length, decreasing start, end beyond the audio."""
        return self.negative_length + self.start_decreases + self.beyond_audio

    @property
    def all(self) -> int:
        return sum(int(getattr(self, name)) for name in self.names()) - self.words


def time_faults(
    words: Sequence[Word],
    duration_s: float,
    *,
    overlap_s: float = OVERLAP_S,
    longest_s: float = LONGEST_S,
    beyond_s: float = BEYOND_S,
) -> TimeFaults:
    """Count what cannot be true of word times.

    Args:
        words: in the order in which they were given; channels and speakers are judged apart.
        duration_s: length of the audio.
        overlap_s: neighbours of positive length whose starts do not decrease may overlap by this.
        longest_s: a longer word is suspect.
        beyond_s: a word may end so much after the audio.
    """
    timed = [
        (word, (word.start_s, word.end_s)) for word in words if word.start_s is not None and word.end_s is not None
    ]
    spans: list[_Timed] = [span for _, span in timed]
    by_channel = _grouped((word.channel, span) for word, span in timed)
    by_voice = _grouped(((word.channel, word.speaker), span) for word, span in timed)
    return TimeFaults(
        words=len(words),
        missing=len(words) - len(timed),
        zero_length=sum(end == start for start, end in spans),
        negative_length=sum(end < start for start, end in spans),
        start_decreases=sum(after[0] < before[0] for group in by_channel for before, after in pairwise(group)),
        overlaps=sum(_overlap(*pair) > overlap_s + _SLACK_S for group in by_voice for pair in pairwise(group)),
        beyond_audio=sum(end > duration_s + beyond_s + _SLACK_S for _, end in spans),
        too_long=sum(end - start > longest_s + _SLACK_S for start, end in spans),
        negative_start=sum(start < 0 for start, _ in spans),
    )


def time_grid_s(times_s: Iterable[float]) -> float | None:
    """The greatest common divisor of all times in whole milliseconds; None when there is no time but 0.

    On a grid of 80 ms word times are off by 20 ms in the mean, whatever the recogniser does.
    """
    step_ms = math.gcd(*(round(1000 * time_s) for time_s in times_s))
    return step_ms / 1000 if step_ms else None


def _overlap(before: _Timed, after: _Timed) -> float:
    usable = before[0] < before[1] and after[0] < after[1] and before[0] <= after[0]
    return min(before[1], after[1]) - after[0] if usable else 0.0


def _grouped(spans: Iterable[tuple[Hashable, _Timed]]) -> list[list[_Timed]]:
    groups: defaultdict[Hashable, list[_Timed]] = defaultdict(list)
    for key, span in spans:
        groups[key].append(span)
    return list(groups.values())
