"""Who spoke when: diarization errors in seconds, and words by speaker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalkit.scoring.sweep import Sweep, sweep
from evalkit.scoring.text import Profile
from evalkit.types import Turn, Word

MERGE_GAP_S = 0.5
"""Words of one speaker belong to one turn when no more than this lies between them."""

PHANTOM_S = 2.0
PHANTOM_SHARE = 0.01
"""Below either, a speaker may be an artefact."""


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
    """The same turns with overlapping or touching ones of one speaker made one, or they would count twice."""
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
    """Diarization errors of one recording after the best one-to-one map of speakers (NIST).

    Args:
        reference: who spoke when.
        hypothesis: who spoke when, by any labels.
        duration_s: length of the recording; all of it is evaluated.
        collar_s: time not scored on *each* side of a reference boundary, as in NIST md-eval.
        skip_overlap: leave out stretches in which several reference speakers talk.
        merge: False counts overlapping turns of one speaker twice, as pyannote.metrics does.
    """
    found = _swept(reference, hypothesis, duration_s, collar_s, skip_overlap, merge)
    return SpeakerSeconds(found.miss_s, found.false_alarm_s, found.confusion_s, found.total_s)


def jaccard_error(
    reference: Iterable[Turn],
    hypothesis: Iterable[Turn],
    duration_s: float,
    *,
    collar_s: float = 0.0,
    skip_overlap: bool = False,
    merge: bool = True,
) -> tuple[float, int]:
    """Sum over reference speakers of (missed + false alarm) / union, and the number of speakers (DIHARD II).

    Arguments as for `speaker_seconds`; without ``merge``, as in pyannote.metrics, only the map of speakers changes.
    """
    errors = _swept(reference, hypothesis, duration_s, collar_s, skip_overlap, merge).jaccard_errors()
    return sum(errors.values()), len(errors)


def overlap_seconds(reference: Iterable[Turn], duration_s: float) -> tuple[float, float]:
    """Seconds in which several reference speakers talk, and in which any does.

    In overlap the order of words is a matter of taste: everything that merges speakers by time is shaky there.
    """
    found = _swept(reference, (), duration_s, 0.0, skip_overlap=False, merge=True)
    return found.overlap_s, found.speech_s


def _swept(
    reference: Iterable[Turn],
    hypothesis: Iterable[Turn],
    duration_s: float,
    collar_s: float,
    skip_overlap: bool,
    merge: bool,
) -> Sweep:
    said, got = (merged_turns(turns) if merge else tuple(turns) for turns in (reference, hypothesis))
    return sweep(said, got, duration_s, collar_s=collar_s, skip_overlap=skip_overlap)


def speech_by_speaker(turns: Iterable[Turn]) -> dict[str, float]:
    """Seconds each speaker talks."""
    spoken: dict[str, float] = {}
    for turn in merged_turns(turns):
        spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + turn.end_s - turn.start_s
    return spoken


def lasting_speakers(turns: Iterable[Turn]) -> int:
    """Speakers who talk for at least 2 s and 1 % of all speech: services like to add a phantom of one word."""
    spoken = speech_by_speaker(turns)
    least_s = max(PHANTOM_S, PHANTOM_SHARE * sum(spoken.values())) - 1e-9
    return sum(seconds >= least_s for seconds in spoken.values())


def by_speaker(words: Iterable[Word], profile: Profile) -> dict[str, tuple[str, ...]]:
    """Tokens of each speaker in time order; words without a label are a speaker of their own (the empty name)."""
    words = list(words)
    if all(word.start_s is not None for word in words):
        words.sort(key=lambda word: word.start_s or 0.0)
    said: dict[str, list[str]] = {}
    for word in words:
        said.setdefault(word.speaker or "", []).append(word.text)
    return {speaker: profile.tokens(" ".join(texts)) for speaker, texts in said.items()}
