"""A recorded conversation as the other side saw it: what to say, after what, and how much later. Pure.

Every message is tied to the last thing the client had done by then: opened the socket, spoken so much of the clip, sent
so many messages. What it waits for and how long after that it leaves is all that is kept of the clock, so a client that
speaks a little earlier or later than the recorded one is answered as much earlier or later.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from statistics import median
from typing import Any, Literal
from urllib.parse import urlsplit

from evalkit.types import Event, Route, Trace
from evalkit.wire import MASK, is_secret

After = Literal["request", "open", "audio", "control"]

# RFC 9110, 7.6.1 and 6.6: of one connection; and what the body no longer is, because it was decoded and is sent anew.
_OF_THE_CONNECTION = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("content-length", "content-encoding"),
    )
)
_GAVE_UP = re.compile(r" did not answer in time\b| (within|took nothing more for) [\d.e+-]+ s$")
_OURS = "broken off by us"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing the service did on a connection, and when."""

    does: Literal["say", "close", "cut"]
    after: After
    lag_s: float
    """How long after that."""
    audio_s: float = 0.0
    """Seconds of the clip that must have been heard before."""
    controls: int = 0
    """Messages of the client that must have arrived before."""
    text: str = ""
    """What is said, or the reason of the close."""
    code: int = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, and the seconds it took, one part after the other."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    upload_s: float
    """Until the last byte of the request had left, connecting included; 0 when it was not recorded."""
    server_s: float
    """From then until the first byte of the answer."""
    download_s: float
    """From then until its last byte."""

    @property
    def whole_s(self) -> float:
        """All of it."""
        return self.upload_s + self.server_s + self.download_s


@dataclass(frozen=True, slots=True, eq=False)
class Conversation:
    """One attempt at one clip; two of them are never equal."""

    clip_id: str
    provider: str
    route: Route
    attempt: int
    from_s: float
    """Audio second of the clip at which it began."""
    path: str | None
    """Of the recorded URL; None when it is not known, as of a refused upgrade."""
    answer: Answer | None = None
    """What was answered over HTTP, to a request or in the place of a socket."""
    opened_s: float | None = None
    """How long the socket took to open; None when it did not."""
    lines: tuple[Line, ...] = ()
    """In order; when they are told the service is silent until the client has gone."""
    controls: tuple[str, ...] = ()
    """What the client sent beside sound."""
    bytes_per_s: float = 0.0
    """Of the sound; 0 when none was sent."""

    @property
    def greeting(self) -> int:
        """How many lines were told before any sound."""
        return sum(line.audio_s <= 0 for line in self.lines)

    @property
    def reply_s(self) -> float:
        """How much of the clip is heard before the first line that answers it; infinite when none does."""
        return next((line.audio_s for line in self.lines[self.greeting :]), float("inf"))


def of(trace: Trace) -> Conversation | None:
    """What a trace holds of the service; None when nothing was asked of it, or this client broke it off."""
    error = _first(trace.events, "error")
    if not trace.events or str(_data(error).get("message", "")).startswith(_OURS):
        return None
    if _data(error).get("type") == "Refused" and len(trace.events) == 1:
        return None
    opened, sent = _first(trace.events, "open"), _first(trace.events, "sent")
    url = str(_data(opened).get("url") or _data(sent).get("url") or "")
    about = (trace.clip_id, trace.provider, trace.route, trace.attempt, trace.from_s, urlsplit(url).path or None)
    answered = next((event for event in trace.events if event.kind == "received" and "status" in _data(event)), None)
    if answered is not None:
        return Conversation(*about, answer=_answer(answered, sent.t_s if sent else 0.0))
    if opened is None:
        gone = error is not None and not _gave_up(error)
        return Conversation(*about, lines=(Line("cut", "request", error.t_s),) if gone and error else ())
    frames = [event for event in trace.events if event.kind == "audio"]
    spoken_s = frames[-1].audio_s - trace.from_s if frames else 0.0
    return Conversation(
        *about,
        opened_s=opened.t_s,
        lines=tuple(_lines(trace)),
        controls=tuple(event.data for event in trace.events if _is_control(event)),
        bytes_per_s=sum(frame.data["bytes"] for frame in frames) / spoken_s if spoken_s > 0 else 0.0,
    )


def _answer(event: Event, began_s: float) -> Answer:
    data, phases = _data(event), _data(event).get("phases") or {}
    left_s, first_s = phases.get("sent_s", began_s), phases.get("first_byte_s", event.t_s)
    headers = tuple((name, str(value)) for name, value in data["headers"].items() if _may_pass(name, str(value)))
    return Answer(
        int(data["status"]), headers, str(data["body"]), left_s - began_s, first_s - left_s, event.t_s - first_s
    )


def _may_pass(name: str, value: str) -> bool:
    return name.lower() not in _OF_THE_CONNECTION and not (is_secret(name) or MASK in value)


def _lines(trace: Trace) -> Iterator[Line]:
    marks = list(_marks(trace))
    times_s = [t_s for t_s, *_ in marks]
    closed, error = _first(trace.events, "closed"), _first(trace.events, "error")
    # A socket that closed after our error was closed by us.
    theirs = closed is not None and (error is None or trace.events.index(closed) < trace.events.index(error))
    for event in trace.events:
        if event.kind == "received" or (event is closed and theirs):
            t_s, after, audio_s, controls = marks[max(0, bisect_right(times_s, event.t_s) - 1)]
            when = (after, max(0.0, event.t_s - t_s), audio_s, controls)
            if event.kind == "received":
                yield Line("say", *when, str(event.data))
            else:
                yield _end(when, event.data.get("code"), str(event.data.get("reason") or ""))


def _end(when: tuple[After, float, float, int], code: int | None, reason: str) -> Line:
    if code is None or code in (1006, 1015):  # no close frame ever came
        return Line("cut", *when)
    return Line("close", *when, reason, code)


def _marks(trace: Trace) -> Iterator[tuple[float, After, float, int]]:
    """What the client did: when, what, and how much it had spoken and sent by then.

    A frame counts from the moment it was due, and what frames were late in the median: what one of them was late beyond
    that was an accident.
    """
    late_s = median([event.t_s - event.data["due_s"] for event in trace.events if event.kind == "audio"] or [0.0])
    timed = [(event.data["due_s"] + late_s if event.kind == "audio" else event.t_s, event) for event in trace.events]
    audio_s, controls = 0.0, 0
    for t_s, event in sorted(timed, key=itemgetter(0)):
        if event.kind == "open":
            yield t_s, "open", audio_s, controls
        elif event.kind == "audio":
            audio_s = event.audio_s - trace.from_s
            yield t_s, "audio", audio_s, controls
        elif _is_control(event):
            controls += 1
            yield t_s, "control", audio_s, controls


def _is_control(event: Event) -> bool:
    return event.kind == "sent" and isinstance(event.data, str)


def _gave_up(error: Event) -> bool:
    """Whether the client waited until its time was up: the service said nothing."""
    return bool(_GAVE_UP.search(str(_data(error).get("message", ""))))


def _first(events: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in events if event.kind == kind), None)


def _data(event: Event | None) -> Mapping[str, Any]:
    return event.data if event is not None and isinstance(event.data, Mapping) else {}
