"""Words and speakers judged together: cpWER, ORC-WER, and by meeteval tcpWER.

Take them together: ORC-WER forgives every mistake about who spoke, cpWER none, and tcpWER also wants the words at
their time.
"""

import itertools
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from evalkit.scoring.recombination import ROUNDS, joined, recombine
from evalkit.scoring.speakers import MERGE_GAP_S
from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Word

COLLAR_S = 5.0
MAX_SPEAKERS = 20
"""meeteval pairs no more for tcpWER."""
MAX_STREAMS = 10
"""meeteval tries no more for ORC-WER."""
MAX_STEPS = 2 * 10**7
"""The product of the lengths of all streams; meeteval's exact ORC-WER takes a fifth of a second for so many."""


@dataclass(frozen=True, slots=True)
class OrcCounts:
    """ORC-WER of one recording."""

    counts: ErrorCounts
    """Of the best assignment that was found."""
    low: int
    """No assignment has fewer errors."""

    @property
    def exact(self) -> bool:
        """Whether the best assignment is proven to be the best of all."""
        return self.counts.errors == self.low


def cp_counts(reference: Mapping[str, Sequence[str]], hypothesis: Mapping[str, Sequence[str]]) -> ErrorCounts:
    """cpWER: the errors of the speaker pairing that has the fewest (Watanabe et al. 2020).

    Unpaired reference speakers are deletions, unpaired hypothesis speakers insertions.

    Args:
        reference: tokens per speaker.
        hypothesis: tokens per speaker, by any labels.
    """
    left, right = list(reference.values()), list(hypothesis.values())
    size = max(len(left), len(right))
    left += [()] * (size - len(left))
    right += [()] * (size - len(right))
    distances = np.zeros((size, size))
    for row, column in itertools.product(range(size), repeat=2):
        distances[row, column] = Levenshtein.distance(left[row], right[column])
    pairs = zip(*linear_sum_assignment(distances), strict=True)
    return sum((_single(left[row], right[column]) for row, column in pairs), ErrorCounts())


def orc_counts(
    utterances: Sequence[Sequence[str]],
    streams: Mapping[str, Sequence[str]],
    *,
    rounds: int = ROUNDS,
    max_steps: int = MAX_STEPS,
) -> OrcCounts:
    """ORC-WER: each utterance may go to any stream, so who spoke does not matter (Sklyar et al. 2022).

    Args:
        utterances: tokens of each reference utterance, by start time.
        streams: tokens per hypothesis speaker in time order.
        rounds: how long to look for a proof of the optimum, see `recombine`.
        max_steps: where there is none, reference tokens times the lengths of all streams up to which meeteval's exact
            search is asked.
    """
    said = [utterance for utterance in utterances if utterance]
    heard = [stream for stream in streams.values() if stream]
    if not said or not heard:
        counts = ErrorCounts(deletions=sum(map(len, said)), insertions=sum(map(len, heard)))
        return OrcCounts(counts, counts.errors)
    found = recombine(said, heard, rounds=rounds)
    steps = sum(map(len, said)) * math.prod(len(stream) + 1 for stream in heard)
    if not found.proven and steps <= max_steps and len(heard) <= MAX_STREAMS:
        sides = [[" ".join(part) for part in side] for side in (said, heard)]
        counts = _counts(_meeteval().orc_word_error_rate(*sides, reference_sort=False, hypothesis_sort=False))
        return OrcCounts(counts, counts.errors)
    given = joined(said, len(heard), found.owners)
    return OrcCounts(sum(map(_single, given, heard), ErrorCounts()), found.low)


def confusion_cost(paired: ErrorCounts, free: ErrorCounts) -> float | None:
    """Word errors per reference word that are only mistakes about who spoke: cpWER minus ORC-WER."""
    return (paired.errors - free.errors) / paired.reference_words if paired.reference_words else None


def tcp_counts(
    reference: Iterable[Word], hypothesis: Iterable[Word], profile: Profile, *, collar_s: float = COLLAR_S
) -> ErrorCounts:
    """tcpWER: cpWER in which words further apart than a collar may not match (von Neumann et al. 2023).

    Args:
        reference: words (or utterances of several) with speaker, start and end.
        hypothesis: the same, by any labels, at most `MAX_SPEAKERS` of them.
        profile: text rules, applied word by word.
        collar_s: how far a hypothesis word may be off, to each side.

    Raises:
        ValueError: a word has no times.
    """
    wer = _meeteval()
    sides = [_segments(side, profile) for side in (reference, hypothesis)]
    return _counts(wer.time_constrained_minimum_permutation_word_error_rate(*sides, collar=collar_s))


def utterances(words: Iterable[Word], *, gap_s: float = MERGE_GAP_S) -> list[list[Word]]:
    """The words of each speaker up to a pause longer than ``gap_s``, by start; without times, runs of one speaker."""
    words = list(words)
    if any(word.start_s is None or word.end_s is None for word in words):
        return [list(run) for _, run in itertools.groupby(words, key=lambda word: word.speaker)]
    found: list[list[Word]] = []
    latest: dict[str | None, list[Word]] = {}
    for word in sorted(words, key=_start_s):
        own = latest.get(word.speaker)
        if own is None or _start_s(word) - (own[-1].end_s or 0.0) > gap_s + 1e-9:
            own = latest[word.speaker] = []
            found.append(own)
        own.append(word)
    return found


def _start_s(word: Word) -> float:
    return word.start_s or 0.0


def _segments(words: Iterable[Word], profile: Profile) -> list[dict[str, Any]]:
    found = []
    for word in words:
        if word.start_s is None or word.end_s is None:
            raise ValueError(f"{word.text!r} has no times")
        text = " ".join(profile.tokens(word.text))
        end_s = max(word.start_s, word.end_s)
        found.append({"words": text, "speaker": word.speaker or "", "start_time": word.start_s, "end_time": end_s})
    return found


def _single(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Fewest errors, split into kinds as meeteval splits those of the other two rates."""
    if not reference or not hypothesis:
        return ErrorCounts(deletions=len(reference), insertions=len(hypothesis))
    return _counts(_meeteval().siso_word_error_rate(" ".join(reference), " ".join(hypothesis)))


def _counts(found: Any) -> ErrorCounts:
    hits = found.length - found.substitutions - found.deletions
    return ErrorCounts(hits, found.substitutions, found.deletions, found.insertions)


def _meeteval() -> ModuleType:
    from meeteval import wer  # a run without speakers never needs it

    # It warns of words that are out of order; how many there are is counted elsewhere.
    logging.getLogger("preprocess").setLevel(logging.ERROR)
    module: ModuleType = wer
    return module
