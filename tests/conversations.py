"""Conversations written by hand, shaped like recorded ones: what was said when, over a socket or in one answer."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from evalkit.errors import ParseError, ProviderError
from evalkit.types import Clip, Event, Hypothesis, Route, State, Trace, Update, Word

Said = tuple[str, float, float]
"""Text, start and end of one word in audio time."""

FRAME_S = 0.1


def word(text: str, start_s: float | None = None, end_s: float | None = None, **rest: Any) -> Word:
    return Word(text, start_s, end_s, **rest)


def spoken(*said: Said, **rest: Any) -> tuple[Word, ...]:
    return tuple(Word(text, start_s, end_s, **rest) for text, start_s, end_s in said)


def spread(text: str, start_s: float = 0.0, word_s: float = 0.4, **rest: Any) -> tuple[Word, ...]:
    """The words of ``text`` one after the other, each ``word_s`` long."""
    return tuple(
        Word(token, round(start_s + index * word_s, 6), round(start_s + (index + 1) * word_s, 6), **rest)
        for index, token in enumerate(text.split())
    )


def clip(reference: Sequence[Word] | None, duration_s: float = 3.0, *, clip_id: str = "c1", **rest: Any) -> Clip:
    about = {"language": "en", "cluster": "speaker-1", "tags": {"noise": "clean"}, **rest}
    words = None if reference is None else tuple(reference)
    return Clip(clip_id, f"/{clip_id}.wav", "0" * 64, duration_s, 16_000, about.pop("channels", 1), words, **about)


def trace(events: Iterable[Event], *, route: Route = "streaming", provider: str = "p", clip_id: str = "c1") -> Trace:
    return Trace(clip_id, provider, route, {}, 1, datetime(2026, 1, 1, tzinfo=UTC), tuple(events))


def streamed(
    messages: Iterable[tuple[float, str]] = (),
    *,
    duration_s: float = 3.0,
    opened_s: float = 0.2,
    ready_s: float | None = 0.3,
    origin_s: float = 0.5,
    late_s: float = 0.001,
    ended: bool = True,
    **about: Any,
) -> Trace:
    """A socket conversation: open, ready, frames paced from ``origin_s``, end of input, and what was received."""
    events = [Event(opened_s, 0.0, "open", {"url": "ws://127.0.0.1"})]
    if ready_s is not None:
        events.append(Event(ready_s, 0.0, "received", '{"type":"ready"}'))
    frames = round(duration_s / FRAME_S)
    for number in range(1, frames + 1):
        audio_s = round(number * FRAME_S, 6)
        due_s = round(origin_s + audio_s, 6)
        events.append(Event(round(due_s + late_s, 6), audio_s, "audio", {"bytes": 3200, "due_s": due_s}))
    if ended:
        events.append(Event(round(origin_s + duration_s + 0.002, 6), duration_s, "sent", '{"type":"audio.done"}'))
    events += [Event(t_s, 0.0, "received", text) for t_s, text in messages]
    events.sort(key=lambda event: event.t_s)
    return trace(events, **about)


def answered(
    seconds: float = 0.5,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    sent_s: float = 0.01,
    **about: Any,
) -> Trace:
    """A request and its answer."""
    request = {"method": "POST", "url": "http://127.0.0.1/v1/stt", "headers": {}, "fields": [], "file": {}}
    answer = {"status": status, "headers": headers or {}, "body": "{}", "phases": {}}
    events = [Event(sent_s, 0.0, "sent", request), Event(sent_s + seconds, 3.0, "received", answer)]
    return trace(events, route="rest", **about)


def update(t_s: float, said: str | Sequence[Word], state: State = "interim", segment: Sequence[int] = (0, 0)) -> Update:
    words = tuple(Word(text) for text in said.split()) if isinstance(said, str) else tuple(said)
    return Update(t_s, words, tuple(segment), state)


def heard(*updates: Update, failure: ProviderError | ParseError | None = None) -> Hypothesis:
    return Hypothesis(updates, failure)


def final(words: Sequence[Word], t_s: float = 1.0) -> Hypothesis:
    """What one REST answer says."""
    return heard(update(t_s, words, "utterance_final"))
