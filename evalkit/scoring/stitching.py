"""A stream that was cut and taken up again: from where, and what the pieces say together.

A second attempt replays the audio from a little before the last locked word, so that no word loses its beginning; what
it says of the audio that was locked before is left out again by time.
"""

from collections.abc import Sequence
from dataclasses import replace

from evalkit.types import CaptionState, Hypothesis, Segment, Trace, Update, Word

REPLAYED_S = 0.5
"""Audio before the last locked word's end that is sent once more."""


def locked_s(heard: Hypothesis) -> float | None:
    """Audio time up to which everything that was said is locked, or None when nothing is or its times are unknown.

    Several channels count as far as the one that is furthest behind.
    """
    caption = heard.last_caption
    if caption is None:
        return None
    ends: dict[int | None, float | None] = {word.channel: 0.0 for word in caption.words}
    for word, state in zip(caption.words, caption.states, strict=True):
        if state == "interim":
            continue
        end_s = ends[word.channel]
        ends[word.channel] = None if word.end_s is None or end_s is None else max(end_s, word.end_s)
    known = [end_s for end_s in ends.values() if end_s is not None]
    return min(known) or None if known and len(known) == len(ends) else None


def resumption_s(heard: Hypothesis) -> float:
    """From which audio second on a clip must be sent again after ``heard`` broke off; 0 for all of it."""
    return max(0.0, (locked_s(heard) or 0.0) - REPLAYED_S)


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
        edge_s = locked_s(whole) if whole.updates else None
        base = _base(whole, edge_s) if edge_s is not None else ()
        updates = tuple(_moved(update, trace.from_s, ahead_s, edge_s) for update in piece.updates)
        whole = Hypothesis((*whole.updates, *base, *updates), piece.failure)
    return whole


def _base(before: Hypothesis, edge_s: float) -> tuple[Update, ...]:
    """Channel by channel one locked piece with what stays, in the place of all that was shown."""
    caption = before.last_caption
    if caption is None:
        return ()
    return tuple(
        Update(caption.t_s, _kept(caption, channel, edge_s), segment, "utterance_final")
        for segment, channel in _channels(before).items()
    )


def _channels(heard: Hypothesis) -> dict[Segment, int | None]:
    """The first step of each path, and the channel its words are on."""
    return {
        update.segment[:1]: next((word.channel for word in update.words), None)
        for update in sorted(heard.updates, key=lambda update: bool(update.words))
    }


def _kept(caption: CaptionState, channel: int | None, edge_s: float) -> tuple[Word, ...]:
    return tuple(
        word
        for word, state in zip(caption.words, caption.states, strict=True)
        if word.channel == channel and state != "interim" and word.end_s is not None and word.end_s <= edge_s
    )


def _moved(update: Update, from_s: float, ahead_s: float, edge_s: float | None) -> Update:
    """An update on the clock and the audio time of the whole, without the words that were locked before."""
    words = (_later(word, from_s) for word in update.words)
    fresh = tuple(
        word for word in words if edge_s is None or _middle_s(word) is None or (_middle_s(word) or 0) > edge_s
    )
    return replace(update, t_s=update.t_s + ahead_s, words=fresh)


def _later(word: Word, seconds: float) -> Word:
    if not seconds:
        return word
    start_s = None if word.start_s is None else word.start_s + seconds
    return replace(word, start_s=start_s, end_s=None if word.end_s is None else word.end_s + seconds)


def _middle_s(word: Word) -> float | None:
    return None if word.start_s is None or word.end_s is None else (word.start_s + word.end_s) / 2
