"""Every latency as a difference of two stamps of one trace.

T0 is ``trace.audio_origin_s()``: audio second ``a`` is spoken at wire time T0 + a. Latencies here are the user's: the
lateness of our own frames is in them, which is why a badly paced trace is not used at all. ``Delay`` takes it out.

Nothing here knows a vendor's messages:

* ready is the last message received before the first audio frame, because that is what the client waited for; without
  one it is the end of the upgrade;
* the end of input is the first message sent after the last audio frame;
* done is the last message received after that: the service has nothing more to say.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.scoring.captions import Emission
from evalkit.scoring.text import Profile
from evalkit.scoring.timing import number_words
from evalkit.scoring.words import matched_words
from evalkit.types import Clip, Event, Hypothesis, State, Trace, Update, Word


@dataclass(frozen=True, slots=True)
class WordLatency:
    """One final word that was said: seconds from its end in the audio until it was shown, stable and committed."""

    reference: int
    first_s: float
    stable_s: float
    committed_s: float | None


@dataclass(frozen=True, slots=True)
class Delay:
    """One delay and whose it was."""

    user_s: float
    """What the user waited."""
    client_s: float
    """How late our own frame left that held the sound."""
    rtt_s: float | None = None
    """Round trip to the service; None when it was not measured."""

    @property
    def service_s(self) -> float:
        """The user's wait without our own lateness; the network is in it, and never subtracted silently."""
        return self.user_s - self.client_s

    @property
    def beyond_rtt_s(self) -> float | None:
        """The service's part without the network; None when the round trip is unknown."""
        return None if self.rtt_s is None else self.service_s - self.rtt_s


@dataclass(frozen=True, slots=True)
class RestParts:
    """Where the time of one request went; the parts that are known add up to the whole."""

    connect_s: float | None
    """New connection with TLS; None when one was kept open."""
    upload_s: float
    """Until the last byte was sent."""
    server_s: float
    """Until the headers of the answer."""
    download_s: float
    """Until its last byte."""


def lateness_s(trace: Trace) -> tuple[float, ...]:
    """How late each audio frame left, against its deadline."""
    return tuple(event.t_s - float(event.data["due_s"]) for event in trace.events if event.kind == "audio")


def lateness_at_s(trace: Trace, audio_s: Sequence[float]) -> list[float | None]:
    """How late the frame left that held each of these moments of the audio, or the last frame for those beyond.

    Args:
        trace: the conversation.
        audio_s: moments, in any order.

    Returns:
        One lateness per moment; None when nothing was paced.
    """
    frames = [event for event in trace.events if event.kind == "audio"]
    ends_s, late_s = [frame.audio_s for frame in frames], lateness_s(trace)
    # Ends of frames are rounded to microseconds.
    places = [bisect.bisect_left(ends_s, moment_s - 1e-6) for moment_s in audio_s]
    return [late_s[min(place, len(late_s) - 1)] if late_s else None for place in places]


def rtt_s(trace: Trace) -> float | None:
    """Round trip to the service before audio began, as the wire measured it; None when it did not.

    That is the first ``ping``, sent as the socket opened, or ``rtt_s`` in the data of ``open``.
    """
    return next(iter(round_trips_s(trace)), None)


def round_trips_s(trace: Trace) -> tuple[float, ...]:
    """Every round trip the wire measured, before, during and after audio: ``rtt_s`` of ``ping`` and ``open`` events."""
    told = [event.data for event in trace.events if event.kind in ("open", "ping") and isinstance(event.data, Mapping)]
    return tuple(float(data["rtt_s"]) for data in told if data.get("rtt_s") is not None)


def is_cold(trace: Trace) -> bool:
    """Whether this was the first conversation of a process with its host, as the wire noted: the warm-up."""
    first = next((event.data for event in trace.events if event.kind in ("open", "sent")), None)
    return isinstance(first, Mapping) and bool(first.get("cold"))


def was_ready(trace: Trace) -> bool:
    """Whether the service became ready for audio: some was sent."""
    return any(event.kind == "audio" for event in trace.events)


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


def rest_parts(trace: Trace) -> RestParts | None:
    """Connection, upload, server and download of a request, from the ``phases`` of its answer; None without them."""
    sent = _first(trace.events, "sent")
    answered = _first([event for event in trace.events if sent and event.t_s >= sent.t_s], "received")
    if sent is None or answered is None or not isinstance(answered.data, Mapping):
        return None
    phases = answered.data.get("phases") or {}
    if "sent_s" not in phases or "first_byte_s" not in phases:
        return None
    connected_s = phases.get("connected_s")
    begun_s = sent.t_s if connected_s is None else connected_s
    return RestParts(
        None if connected_s is None else connected_s - sent.t_s,
        phases["sent_s"] - begun_s,
        phases["first_byte_s"] - phases["sent_s"],
        answered.t_s - phases["first_byte_s"],
    )


def last_word_shown_s(emissions: Sequence[Emission]) -> float | None:
    """Wire time at which the last final word was first shown; None without words."""
    return emissions[-1].first_s if emissions else None


def first_text_s(hypothesis: Hypothesis) -> float | None:
    """Wire time at which the first text was shown, or None."""
    return next((update.t_s for update in hypothesis.updates if update.words), None)


def final_text_s(hypothesis: Hypothesis) -> float | None:
    """Wire time of the last change of text that is final; None when none ever was.

    A message that only repeats final text changes nothing and does not count.
    """
    at: float | None = None
    for update, replaced in hypothesis.replacements():
        if _locked([update]) != _locked(replaced):
            at = update.t_s
    return at


def _locked(shown: Sequence[Update]) -> list[tuple[str, State]]:
    return [(word.text, update.state) for update in shown if update.state != "interim" for word in update.words]


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
