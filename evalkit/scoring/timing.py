"""Drift of word times: hypothesis minus reference, positive when late."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.scoring.text import Profile
from evalkit.scoring.words import matched_words, word_tokens
from evalkit.types import Word

_SLACK_S = 1e-6
"""Stamps are decimals: 0.10 s read back may be 0.1000000001 s."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One matched word."""

    reference: int
    """Index of the reference word."""
    start_s: float
    end_s: float | None
    """None when a side has no end for this word."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """A set of signed drifts."""

    values_s: tuple[float, ...]

    @property
    def mean_s(self) -> float | None:
        return float(np.mean(self.values_s)) if self.values_s else None

    @property
    def median_s(self) -> float | None:
        return float(np.median(self.values_s)) if self.values_s else None

    @property
    def mean_absolute_s(self) -> float | None:
        return float(np.mean(np.abs(self.values_s))) if self.values_s else None

    @property
    def p95_absolute_s(self) -> float | None:
        """By nearest rank."""
        return float(np.percentile(np.abs(self.values_s), 95, method="inverted_cdf")) if self.values_s else None

    def within(self, limit_s: float) -> float | None:
        """Share of words at most ``limit_s`` off, or None without words."""
        return within(self.values_s, limit_s) / len(self.values_s) if self.values_s else None


def drifts(reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile) -> list[Drift]:
    """The drift of every word that both sides have, with a start on both sides.

    Substituted, inserted and number words do not take part: the times of "21" and "twenty one" cannot be compared.
    """
    numbers = number_words(reference, profile)
    found = []
    for mine, theirs in matched_words(reference, hypothesis, profile):
        expected, got = reference[mine], hypothesis[theirs]
        if mine not in numbers and expected.start_s is not None and got.start_s is not None:
            end_s = None if expected.end_s is None or got.end_s is None else got.end_s - expected.end_s
            found.append(Drift(mine, got.start_s - expected.start_s, end_s))
    return found


def number_words(words: Sequence[Word], profile: Profile) -> set[int]:
    """Indices of words that become digits."""
    tokens, owners = word_tokens(words, profile)
    return {owner for token, owner in zip(tokens, owners, strict=True) if any(char.isdigit() for char in token)}


def comparable_words(reference: Sequence[Word], profile: Profile) -> int:
    """Reference words that have a start, are not numbers and survive the text rules: the denominator of coverage."""
    _, owners = word_tokens(reference, profile)
    usable = set(owners) - number_words(reference, profile)
    return sum(reference[index].start_s is not None for index in usable)


def within(values_s: Sequence[float], limit_s: float) -> int:
    """How many drifts are at most ``limit_s`` off."""
    return sum(abs(value) <= limit_s + _SLACK_S for value in values_s)
