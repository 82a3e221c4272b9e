"""A stream that was cut and taken up again: from where, and what the pieces say together.

A second attempt replays the audio from a little before the last locked word, so that no word loses its beginning; what
it says of the audio that was locked before is left out again by time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.types import CaptionState, Hypothesis, Trace, Update, Word

REPLAYED_S = 0.5
"""Audio before the last locked word's end that is sent once more."""


Edges = Mapping[int | None, float]
"""Channel -> audio time up to which everything that was said is locked."""


def edges(heard: Hypothesis) -> Edges:
    """How far each channel is locked; empty when that cannot be told.

    A word without times, or a piece of transcript whose path does not begin with its channel, cannot be placed.
    """
    caption = heard.last_caption
    if caption is None or not _by_channel(heard):
        return {}
    ends: dict[int | None, float] = {word.channel: 0.0 for word in caption.words}
    open_on: set[int | None] = set()
    for word, state in zip(caption.words, caption.states, strict=True):
        if state == "interim":
            open_on.add(word.channel)  # what is locked behind a guess locks nothing before it
        elif word.end_s is None:
            return {}
        elif word.channel not in open_on:
            ends[word.channel] = max(ends[word.channel], word.end_s)
    return ends


def resumption_s(heard: Hypothesis, channels: int = 1) -> float:
    """From which audio second on a clip must be sent again after ``heard`` broke off; 0 for all of it.

    Args:
        heard: what the attempts so far say together.
        channels: of the sound; one of which nothing was heard yet may have begun to speak at any moment.
    """
    found = edges(heard)
    return max(0.0, min(found.values()) - REPLAYED_S) if found and len(found) >= channels else 0.0


def chain(attempts: Sequence[Trace]) -> Sequence[Trace]:
    """The attempts at a clip that make its transcript: the last one, and those that it went on from."""
    first = len(attempts) - 1
    while first > 0 and attempts[first].from_s > 0:
        first -= 1
    return attempts[first:]


def stitched(attempts: Sequence[Trace], heard: Sequence[Hypothesis]) -> Hypothesis:
    """What the pieces of one stream say together, on the clock of the last.

    Args:
        attempts: as ``chain`` gives them.
        heard: what each says by itself, its times counted from where its audio began.

    Returns:
        One hypothesis: what earlier pieces had locked stays, the rest of what they showed is gone.
    """
    last, whole = attempts[-1], Hypothesis(())
    for trace, piece in zip(attempts, heard, strict=True):
        ahead_s = (trace.started_at - last.started_at).total_seconds()
        locked = edges(whole)
        updates = tuple(_moved(update, trace.from_s, ahead_s, locked) for update in piece.updates)
        whole = Hypothesis((*whole.updates, *_base(whole, locked), *updates), piece.failure)
    return whole


def _by_channel(heard: Hypothesis) -> bool:
    """Whether each path begins with a step of its own for each channel, and goes on from there.

    Only ``_base`` ends with that step, and it stands in the place of longer ones.
    """
    steps: dict[int, int | None] = {}
    for update in heard.updates:
        if not update.words:
            continue
        step = update.segment[0] if update.segment else None
        if step is None or (len(update.segment) == 1 and step not in steps):
            return False
        if {word.channel for word in update.words} != {steps.setdefault(step, update.words[0].channel)}:
            return False
    return len(set(steps.values())) == len(steps)


def _base(before: Hypothesis, locked: Edges) -> tuple[Update, ...]:
    """Channel by channel one locked piece with what stays, in the place of all that was shown."""
    caption = before.last_caption
    if caption is None or not locked:
        return ()
    steps = {update.segment[0]: word.channel for update in before.updates for word in update.words}
    return tuple(
        Update(caption.t_s, _kept(caption, channel, locked[channel]), (step,), "utterance_final")
        for step, channel in steps.items()
        if channel in locked
    )


def _kept(caption: CaptionState, channel: int | None, edge_s: float) -> tuple[Word, ...]:
    return tuple(
        word
        for word, state in zip(caption.words, caption.states, strict=True)
        if word.channel == channel and state != "interim" and (word.end_s or 0.0) <= edge_s
    )


def _moved(update: Update, from_s: float, ahead_s: float, locked: Edges) -> Update:
    """An update on the clock and the audio time of the whole, without the words that were locked before."""
    words = (_later(word, from_s) for word in update.words)
    fresh = tuple(
        word for word in words if (middle_s := _middle_s(word)) is None or middle_s > locked.get(word.channel, 0)
    )
    # What a later piece tells as the whole is the whole of that piece.
    return replace(update, t_s=update.t_s + ahead_s, words=fresh, restated=() if locked else update.restated)


def _later(word: Word, seconds: float) -> Word:
    if not seconds:
        return word
    start_s = None if word.start_s is None else word.start_s + seconds
    return replace(word, start_s=start_s, end_s=None if word.end_s is None else word.end_s + seconds)


def _middle_s(word: Word) -> float | None:
    return None if word.start_s is None or word.end_s is None else (word.start_s + word.end_s) / 2
