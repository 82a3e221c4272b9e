"""Endpointing: whether the service noticed that somebody had finished, and how soon.

Early and missed endpoints are counted beside the latency: either alone can be gamed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.types import Clip, Hypothesis, Trace

Span = tuple[float, float]
EndMode = Literal["done", "silence", "forced"]

UTTERANCE_GAP_S = 0.5
"""Speech with no more silence than this in it is one utterance."""

_SLACK_S = 0.05
# 0.1 + 0.2 is a hair more than 0.3.
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class Endpoints:
    """How the endpoints of some utterances were found."""

    utterances: int
    early: int
    """Endpoints inside an utterance: the speaker was cut off."""
    missed: int
    """Utterances without an endpoint before the next one began."""
    latencies_s: tuple[float, ...]
    """Of each utterance that has one: its endpoint minus its end."""
    at_s: tuple[float, ...]
    """When those endpoints came."""

    @property
    def true(self) -> int:
        """Utterances whose end was found."""
        return len(self.latencies_s)

    @property
    def early_rate(self) -> float | None:
        """Early endpoints per utterance; None without utterances."""
        return self.early / self.utterances if self.utterances else None


def endpoints(utterances: Sequence[Span], finals_s: Iterable[float]) -> Endpoints:
    """Endpoints against utterances, all on one clock.

    The endpoint of an utterance is the last final at or after its end and before the next utterance starts.

    Args:
        utterances: start and end of each, in order, not overlapping.
        finals_s: when each utterance_final came.
    """
    finals = sorted(finals_s)
    following_starts = [start for start, _ in utterances[1:]] + [float("inf")]
    early = 0
    found: list[Span] = []
    for (start, end), following in zip(utterances, following_starts, strict=False):
        began, ended, over = (bisect_left(finals, moment - _ROUNDING_S) for moment in (start, end, following))
        early += ended - began
        if over > ended:
            found.append((max(finals[over - 1] - end, 0.0), finals[over - 1]))
    return Endpoints(
        len(utterances),
        early,
        len(utterances) - len(found),
        tuple(latency for latency, _ in found),
        tuple(at_s for _, at_s in found),
    )


def spoken_spans(clip: Clip, *, gap_s: float = UTTERANCE_GAP_S) -> dict[int | None, list[Span]]:
    """The utterances of each channel in audio time: from turns, else from gaps between timed words, else none.

    Speech with no more than ``gap_s`` of silence in it is one utterance, whoever speaks: an endpointer hears silence,
    not people.
    """
    parts = [(turn.channel, turn.start_s, turn.end_s) for turn in clip.turns or ()] or [
        (word.channel, word.start_s, word.end_s)
        for word in clip.reference or ()
        if word.start_s is not None and word.end_s is not None
    ]
    found: dict[int | None, list[Span]] = {}
    for channel, start_s, end_s in sorted(parts, key=lambda part: part[1:]):
        spans = found.setdefault(channel, [])
        if spans and start_s - spans[-1][1] <= gap_s + 1e-9:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_s))
        else:
            spans.append((start_s, end_s))
    return found


def all_speech(spans: Mapping[int | None, Sequence[Span]]) -> list[Span]:
    """Stretches in which anybody spoke, on any channel; overlapping ones are one."""
    found: list[Span] = []
    for start_s, end_s in sorted(span for own in spans.values() for span in own):
        if found and start_s <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_s))
        else:
            found.append((start_s, end_s))
    return found


def moved(spans: Iterable[Span], by_s: float) -> list[Span]:
    """The same spans on another clock."""
    return [(start_s + by_s, end_s + by_s) for start_s, end_s in spans]


def final_times_s(hypothesis: Hypothesis, channel: int | None = None) -> list[float]:
    """Wire times at which an utterance was closed with text.

    A second utterance_final of the same segment, which only repeats it, closes nothing. With a ``channel``, those
    whose words are of that channel or of none.
    """
    found = []
    said: dict[tuple[int, ...], tuple[str, ...]] = {}
    for update in hypothesis.updates:
        texts = tuple(word.text for word in update.words)
        if update.state != "utterance_final" or not texts or said.get(update.segment) == texts:
            continue
        said[update.segment] = texts
        if channel is None or update.words[0].channel in (channel, None):
            found.append(update.t_s)
    return found


def end_of_input_s(trace: Trace) -> float | None:
    """Wire time at which the end of audio was announced: the first message sent after the last frame, or None."""
    audio = [index for index, event in enumerate(trace.events) if event.kind == "audio"]
    after = trace.events[audio[-1] + 1 :] if audio else ()
    return next((event.t_s for event in after if event.kind == "sent"), None)


def end_mode(trace: Trace, duration_s: float) -> EndMode | None:
    """How a stream was ended, which decides what its last final waited for; None when nothing was paced.

    ``forced``: the client sent a message among the frames; ``silence``: audio went on after the clip; ``done``: the
    end was announced right after the last frame. The three are different products and are never pooled.

    Args:
        trace: the conversation.
        duration_s: length of the clip.
    """
    audio = [event for event in trace.events if event.kind == "audio"]
    if not audio:
        return None
    if any(event.kind == "sent" and audio[0].t_s < event.t_s < audio[-1].t_s for event in trace.events):
        return "forced"
    return "silence" if audio[-1].audio_s > duration_s + _SLACK_S else "done"
