"""Who spoke when: diarization error rate by pyannote.metrics, and cpWER."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts, unit_counts
from evalkit.types import Turn, Word

MERGE_GAP_S = 0.5
"""Words of one speaker belong to one turn when no more than this lies between them."""


@dataclass(frozen=True, slots=True)
class SpeakerSeconds:
    """Seconds of speaker time that were missed, invented or given to the wrong speaker, and all there was to find."""

    miss: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0
    total: float = 0.0

    def __add__(self, other: "SpeakerSeconds") -> "SpeakerSeconds":
        return SpeakerSeconds(
            self.miss + other.miss,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
            self.total + other.total,
        )

    @property
    def errors(self) -> float:
        return self.miss + self.false_alarm + self.confusion

    @property
    def rate(self) -> float | None:
        """Diarization error rate; None when nobody spoke in the reference."""
        return self.errors / self.total if self.total else None


def turns_of(words: Iterable[Word], *, gap_s: float = MERGE_GAP_S) -> tuple[Turn, ...]:
    """Turns built from speaker-labelled words, channel by channel.

    Neighbours of one speaker merge when the gap is at most ``gap_s`` and no other word lies between. A word without
    a label closes the turn and is left out; a word without times takes no part.
    """
    timed = [word for word in words if word.start_s is not None and word.end_s is not None]
    channels = {word.channel for word in timed}
    return tuple(
        turn
        for channel in sorted(channels, key=lambda channel: -1 if channel is None else channel)
        for turn in _channel_turns([word for word in timed if word.channel == channel], gap_s)
    )


def _channel_turns(words: Sequence[Word], gap_s: float) -> list[Turn]:
    turns: list[Turn] = []
    is_open = False
    for word in sorted(words, key=lambda word: word.start_s or 0.0):
        if word.start_s is None or word.end_s is None or word.speaker is None:
            is_open = False
            continue
        last = turns[-1] if turns and is_open else None
        # A gap of 0.5 s read from decimal stamps may come out as 0.5000000001.
        if last and last.speaker == word.speaker and word.start_s - last.end_s <= gap_s + 1e-9:
            turns[-1] = Turn(last.speaker, last.start_s, max(last.end_s, word.end_s), word.channel)
        else:
            turns.append(Turn(word.speaker, word.start_s, max(word.start_s, word.end_s), word.channel))
        is_open = True
    return turns


def unlabelled_words(words: Iterable[Word]) -> int:
    """Words that carry no speaker."""
    return sum(word.speaker is None for word in words)


def distinct_speakers(words: Iterable[Word]) -> tuple[Word, ...]:
    """The same words with ``channel:speaker`` labels when several channels occur: speaker 0 is someone else on each."""
    words = tuple(words)
    if len({word.channel for word in words}) < 2:
        return words
    return tuple(
        word
        if word.speaker is None
        else Word(word.text, word.start_s, word.end_s, f"{word.channel}:{word.speaker}", word.channel, word.confidence)
        for word in words
    )


def merged_turns(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The same turns with overlapping or touching ones of one speaker made one; pyannote would count them twice."""
    merged: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.speaker, turn.start_s)):
        last = merged[-1] if merged else None
        if last and last.speaker == turn.speaker and turn.start_s <= last.end_s:
            merged[-1] = Turn(last.speaker, last.start_s, max(last.end_s, turn.end_s), last.channel)
        else:
            merged.append(turn)
    return tuple(merged)


def speaker_seconds(
    reference: Iterable[Turn],
    hypothesis: Iterable[Turn],
    duration_s: float,
    *,
    collar_s: float = 0.0,
    skip_overlap: bool = False,
    merge: bool = True,
) -> SpeakerSeconds:
    """Diarization errors of one recording after the best one-to-one map of speakers (pyannote.metrics).

    Args:
        reference: who spoke when.
        hypothesis: who spoke when, by any labels.
        duration_s: length of the recording; all of it is evaluated.
        collar_s: time not scored on *each* side of a reference boundary, as in NIST md-eval.
        skip_overlap: leave out stretches in which several reference speakers talk.
        merge: False passes overlapping turns of one speaker on to pyannote, which counts them twice.
    """
    from pyannote.metrics.diarization import DiarizationErrorRate  # importing it takes seconds

    # pyannote's collar is the total width, twice the one-sided collar.
    metric: Any = DiarizationErrorRate(collar=2 * collar_s, skip_overlap=skip_overlap)
    found = metric.compute_components(*_annotations(reference, hypothesis, merge), uem=_whole(duration_s))
    return SpeakerSeconds(found["missed detection"], found["false alarm"], found["confusion"], found["total"])


def jaccard_error(
    reference: Iterable[Turn],
    hypothesis: Iterable[Turn],
    duration_s: float,
    *,
    collar_s: float = 0.0,
    skip_overlap: bool = False,
) -> tuple[float, int]:
    """Sum over reference speakers of (missed + false alarm) / union, and the number of speakers (DIHARD II)."""
    from pyannote.metrics import diarization  # importing it takes seconds

    metric: Any = diarization.JaccardErrorRate(collar=2 * collar_s, skip_overlap=skip_overlap)  # type: ignore[no-untyped-call]
    found = metric.compute_components(*_annotations(reference, hypothesis, merge=True), uem=_whole(duration_s))
    return float(found["speaker error"]), int(found["speaker count"])


def _whole(duration_s: float) -> Any:
    from pyannote.core import Segment, Timeline  # importing it takes seconds

    return Timeline([Segment(0.0, duration_s)])


def _annotations(reference: Iterable[Turn], hypothesis: Iterable[Turn], merge: bool) -> list[Any]:
    from pyannote.core import Annotation, Segment  # importing it takes seconds

    made = []
    for turns in (reference, hypothesis):
        annotation = Annotation()
        for track, turn in enumerate(merged_turns(turns) if merge else turns):
            if turn.end_s > turn.start_s:
                annotation[Segment(turn.start_s, turn.end_s), track] = turn.speaker
        made.append(annotation)
    return made


def by_speaker(words: Iterable[Word], profile: Profile) -> dict[str, tuple[str, ...]]:
    """Tokens of each speaker in time order; words without a label are a speaker of their own (the empty name)."""
    words = list(words)
    if all(word.start_s is not None for word in words):
        words.sort(key=lambda word: word.start_s or 0.0)
    said: dict[str, list[str]] = {}
    for word in words:
        said.setdefault(word.speaker or "", []).append(word.text)
    return {speaker: profile.tokens(" ".join(texts)) for speaker, texts in said.items()}


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
    rows, columns = linear_sum_assignment(distances)
    return sum(
        (unit_counts(left[row], right[column]) for row, column in zip(rows, columns, strict=True)), ErrorCounts()
    )
