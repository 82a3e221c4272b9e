"""Every latency as a difference of two stamps of one trace.

T0 is ``trace.audio_origin_s()``: audio second ``a`` is spoken at wire time T0 + a. Latencies here are the user's: the
lateness of our own frames is in them, which is why a badly paced trace is not used at all.

Nothing here knows a vendor's messages:

* ready is the last message received before the first audio frame, because that is what the client waited for; without
  one it is the end of the upgrade;
* the end of input is the first message sent after the last audio frame;
* done is the last message received after that: the service has nothing more to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.scoring.captions import Emission
from evalkit.scoring.text import Profile
from evalkit.scoring.timing import number_words
from evalkit.scoring.words import matched_words
from evalkit.types import Clip, Event, Hypothesis, State, Trace, Word


@dataclass(frozen=True, slots=True)
class WordLatency:
    """One final word that was said: seconds from its end in the audio until it was shown, stable and committed."""

    reference: int
    first_s: float
    stable_s: float
    committed_s: float | None


def lateness_s(trace: Trace) -> tuple[float, ...]:
    """How late each audio frame left, against its deadline."""
    return tuple(event.t_s - float(event.data["due_s"]) for event in trace.events if event.kind == "audio")


def connect_s(trace: Trace) -> float | None:
    """Start of the connection until the upgrade is done; None without a socket."""
    opened = _first(trace.events, "open")
    return opened.t_s if opened else None


def setup_s(trace: Trace) -> float | None:
    """Start of the connection until the service is ready for audio; None without a socket."""
    opened = _first(trace.events, "open")
    if opened is None:
        return None
    before_audio = []
    for event in trace.events:
        if event.kind == "audio":
            break
        before_audio.append(event)
    answers = [event.t_s for event in before_audio if event.kind == "received"]
    return answers[-1] if answers else opened.t_s


def finalize_s(trace: Trace) -> float | None:
    """End of input until the last message; None when either is missing."""
    audio = [index for index, event in enumerate(trace.events) if event.kind == "audio"]
    if not audio:
        return None
    after = trace.events[audio[-1] + 1 :]
    told = _first(after, "sent")
    if told is None:
        return None
    answers = [event.t_s for event in after if event.kind == "received" and event.t_s >= told.t_s]
    return answers[-1] - told.t_s if answers else None


def request_s(trace: Trace) -> float | None:
    """Start of an HTTP request until the last byte of its answer; None when there was no answer."""
    sent = _first(trace.events, "sent")
    if sent is None:
        return None
    answered = _first([event for event in trace.events if event.t_s >= sent.t_s], "received")
    return answered.t_s - sent.t_s if answered else None


def first_text_s(hypothesis: Hypothesis) -> float | None:
    """Wire time at which the first text was shown, or None."""
    return next((update.t_s for update in hypothesis.updates if update.words), None)


def final_text_s(hypothesis: Hypothesis) -> float | None:
    """Wire time of the last change of text that is final; None when none ever was.

    A message that only repeats final text changes nothing and does not count.
    """
    at: float | None = None
    before: list[tuple[str, State]] = []
    for caption in hypothesis.captions():
        held: list[tuple[str, State]] = [
            (word.text, state) for word, state in zip(caption.words, caption.states, strict=True) if state != "interim"
        ]
        if held != before:
            at, before = caption.t_s, held
    return at


def speech_bounds_s(clip: Clip) -> tuple[float | None, float | None]:
    """Where speech starts and ends in the audio: by reference words, else by turns, else unknown."""
    spans = [(word.start_s, word.end_s) for word in clip.reference or ()]
    starts = [start for start, _ in spans if start is not None]
    ends = [end for _, end in spans if end is not None]
    starts = starts or [turn.start_s for turn in clip.turns or ()]
    ends = ends or [turn.end_s for turn in clip.turns or ()]
    return (min(starts) if starts else None, max(ends) if ends else None)


def word_latencies(
    reference: Sequence[Word], emissions: Sequence[Emission], origin_s: float, profile: Profile
) -> list[WordLatency]:
    """Latency of every final word that matches a reference word with an end time; number words are left out.

    Args:
        reference: words in time order.
        emissions: final words with the wire times at which they came, in the order of the transcript.
        origin_s: T0.
        profile: text rules, applied word by word.
    """
    numbers = number_words(reference, profile)
    found = []
    for mine, theirs in matched_words(reference, [emission.word for emission in emissions], profile):
        end_s = reference[mine].end_s
        if end_s is None or mine in numbers:
            continue
        said, emission = origin_s + end_s, emissions[theirs]
        committed = None if emission.committed_s is None else emission.committed_s - said
        found.append(WordLatency(mine, emission.first_s - said, emission.stable_s - said, committed))
    return found


def expected_words(reference: Sequence[Word], profile: Profile) -> int:
    """How many words of a reference could have a latency."""
    numbers = number_words(reference, profile)
    return sum(
        word.end_s is not None and index not in numbers and bool(profile.tokens(word.text))
        for index, word in enumerate(reference)
    )


def _first(events: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in events if event.kind == kind), None)
