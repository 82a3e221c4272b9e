"""Words and speakers judged together: cpWER, and by meeteval ORC-WER and tcpWER.

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

from evalkit.scoring.speakers import MERGE_GAP_S
from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Word

COLLAR_S = 5.0
MAX_SPEAKERS = 20
"""meeteval pairs no more for tcpWER."""
MAX_STREAMS = 10
"""meeteval tries no more for ORC-WER."""
MAX_STEPS = 10**8
"""Exact ORC-WER takes about a second for so many steps; it multiplies the lengths of all streams."""


@dataclass(frozen=True, slots=True)
class OrcCounts:
    """ORC-WER of one recording."""

    counts: ErrorCounts
    exact: bool
    """False where the optimum was searched greedily: the errors are then an upper bound."""


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
    utterances: Sequence[Sequence[str]], streams: Mapping[str, Sequence[str]], *, max_steps: int = MAX_STEPS
) -> OrcCounts:
    """ORC-WER: each utterance may go to any stream, so who spoke does not matter (Sklyar et al. 2022).

    Args:
        utterances: tokens of each reference utterance, by start time.
        streams: tokens per hypothesis speaker in time order, at most `MAX_STREAMS` of them.
        max_steps: reference tokens times the lengths of all streams, beyond which the search is greedy.
    """
    wer = _meeteval()
    said = [" ".join(utterance) for utterance in utterances if utterance]
    heard = {name: " ".join(stream) for name, stream in streams.items() if stream}
    if not said or not heard:
        lengths = sum(map(len, utterances)), sum(map(len, streams.values()))
        return OrcCounts(ErrorCounts(deletions=lengths[0], insertions=lengths[1]), exact=True)
    steps = sum(map(len, utterances)) * math.prod(len(stream) + 1 for stream in streams.values())
    search = wer.orc_word_error_rate if steps <= max_steps else wer.greedy_orc_word_error_rate
    found = search(said, heard, reference_sort=False, hypothesis_sort=False)
    return OrcCounts(_counts(found), exact=steps <= max_steps)


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
