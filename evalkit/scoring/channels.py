"""Channels of one recording: swapped, leaking into each other, drifting apart, merged in the wrong order.

Everywhere a *channel* is an index of a sequence: ``reference[1]`` and ``hypothesis[1]`` are the words of channel 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, matched_words, word_tokens
from evalkit.types import Word

Channel = Sequence[Word]

LEAK_WINDOW_S = 0.5
MIN_SWAP_ERRORS = 10
MIN_SWAP_SHARE = 0.5

_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class Swap:
    """How well each returned channel fits each that was sent."""

    errors: tuple[tuple[int, ...], ...]
    """Word errors of sent channel (row) against returned channel (column)."""
    best: tuple[int, ...]
    """For each sent channel the returned one of the assignment with the fewest errors."""

    @property
    def identity_errors(self) -> int:
        return sum(row[index] for index, row in enumerate(self.errors))

    @property
    def best_errors(self) -> int:
        return sum(row[column] for row, column in zip(self.errors, self.best, strict=True))

    @property
    def swapped(self) -> bool:
        """Another assignment saves at least half of the errors, and at least ten of them."""
        saved = self.identity_errors - self.best_errors
        return saved >= MIN_SWAP_ERRORS and saved >= MIN_SWAP_SHARE * self.identity_errors


@dataclass(frozen=True, slots=True)
class Leak:
    """Words of a channel that belong to another; counts add."""

    leaked: int = 0
    words: int = 0

    def __add__(self, other: "Leak") -> "Leak":
        return Leak(self.leaked + other.leaked, self.words + other.words)

    @property
    def rate(self) -> float | None:
        return self.leaked / self.words if self.words else None


@dataclass(frozen=True, slots=True)
class TurnOrder:
    """Neighbouring turns, and how many of them come in the wrong order; counts add."""

    wrong: int = 0
    pairs: int = 0

    def __add__(self, other: "TurnOrder") -> "TurnOrder":
        return TurnOrder(self.wrong + other.wrong, self.pairs + other.pairs)

    @property
    def rate(self) -> float | None:
        return self.wrong / self.pairs if self.pairs else None


def by_channel(words: Iterable[Word], channels: int) -> tuple[tuple[Word, ...], ...]:
    """The words of each of so many channels; words of none of them are left out."""
    words = tuple(words)
    return tuple(tuple(word for word in words if word.channel == channel) for channel in range(channels))


def swap(reference: Sequence[Sequence[str]], hypothesis: Sequence[Sequence[str]]) -> Swap:
    """Compare every sent channel with every returned one.

    Args:
        reference: tokens per channel.
        hypothesis: tokens per channel, as many; a channel that was not returned is empty.
    """
    errors = [[Levenshtein.distance(said, got) for got in hypothesis] for said in reference]
    table = np.array(errors, dtype=np.float64).reshape(len(reference), len(hypothesis))
    # Of equal assignments the identity: a channel is not swapped for being as bad as another.
    table -= np.eye(*table.shape) / (2 * table.size + 1) if table.size else 0.0
    _, columns = linear_sum_assignment(table)
    return Swap(tuple(map(tuple, errors)), tuple(int(column) for column in columns))


def timed(words: Channel) -> tuple[Word, ...]:
    """The words that have a start."""
    return tuple(word for word in words if word.start_s is not None)


def untimed_share(side: Sequence[Channel]) -> float:
    """Share of the words of all channels that have no start; 0 without words."""
    number = sum(map(len, side))
    return 1 - sum(len(timed(words)) for words in side) / number if number else 0.0


def leaks(
    reference: Sequence[Channel], hypothesis: Sequence[Channel], profile: Profile, *, window_s: float = LEAK_WINDOW_S
) -> list[Leak]:
    """For each channel, inserted or substituted words that another channel's reference has at that time.

    A recording may leak by itself; only with silence on the other side is it surely the service.

    Args:
        reference: words per channel, with starts.
        hypothesis: words per channel, with starts.
        profile: text rules, applied word by word; a word of several tokens counts as several.
        window_s: how far the start of the other channel's word may be away.
    """
    said = [_tokens(channel, profile) for channel in reference]
    found = []
    for index, channel in enumerate(hypothesis):
        expected, got = said[index], _tokens(channel, profile)
        others: dict[str, list[float]] = {}
        for other, (tokens, starts) in enumerate(said):
            for token, start_s in zip(tokens, starts, strict=True) if other != index else ():
                others.setdefault(token, []).append(start_s)
        leaked = 0
        for pair in align(expected[0], got[0], expected[1], got[1]):
            if pair.op in ("insertion", "substitution") and pair.hypothesis is not None:
                token, start_s = got[0][pair.hypothesis], got[1][pair.hypothesis]
                leaked += any(abs(start_s - other_s) <= window_s + _SLACK_S for other_s in others.get(token, ()))
        found.append(Leak(leaked, len(got[0])))
    return found


def skews_s(reference: Sequence[Channel], hypothesis: Sequence[Channel], profile: Profile) -> list[float | None]:
    """For each channel but the first, its median start drift minus that of the first; None where nothing matches."""
    medians = []
    for said, got in zip(reference, hypothesis, strict=True):
        drifts = [
            (got[theirs].start_s or 0.0) - (said[mine].start_s or 0.0)
            for mine, theirs in matched_words(said, got, profile)
            if said[mine].start_s is not None and got[theirs].start_s is not None
        ]
        medians.append(float(np.median(drifts)) if drifts else None)
    first = medians[0] if medians else None
    return [None if first is None or median is None else median - first for median in medians[1:]]


def turn_order(reference: Sequence[Channel], hypothesis: Sequence[Channel], profile: Profile) -> TurnOrder:
    """Neighbouring turns of the merged reference whose matched words start in the wrong order in the hypothesis.

    A turn is a run of words of one channel after merging by start. Its first matched word stands for it; a pair in
    which one has none is left out.
    """
    starts = {
        (channel, mine): got[theirs].start_s
        for channel, (said, got) in enumerate(zip(reference, hypothesis, strict=True))
        for mine, theirs in matched_words(said, got, profile)
    }
    merged = sorted(
        (word.start_s or 0.0, channel, index)
        for channel, said in enumerate(reference)
        for index, word in enumerate(said)
    )
    turns = [
        next((start_s for _, _, index in turn if (start_s := starts.get((channel, index))) is not None), None)
        for channel, turn in groupby(merged, key=lambda item: item[1])
    ]
    pairs = [(before, after) for before, after in pairwise(turns) if before is not None and after is not None]
    return TurnOrder(sum(after < before for before, after in pairs), len(pairs))


def _tokens(words: Channel, profile: Profile) -> tuple[list[str], list[float]]:
    tokens, owners = word_tokens(words, profile)
    return tokens, [words[owner].start_s or 0.0 for owner in owners]
