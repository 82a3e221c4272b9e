"""What is kept of a trace: what was said, after what, and how much later."""

from datetime import UTC, datetime

import pytest

from evalkit.replay.conversations import Conversation, of
from evalkit.types import Event, Route, Trace

URL = "ws://somewhere.example/deep/v1/stt?model=m"
OPEN = Event(0.2, 0.0, "open", {"url": URL})


def trace(*events: Event, route: Route = "streaming", from_s: float = 0.0) -> Trace:
    return Trace("a", "p", route, {}, 1, datetime(2026, 11, 20, tzinfo=UTC), events, from_s)


def told(*events: Event, route: Route = "streaming", from_s: float = 0.0) -> Conversation:
    found = of(trace(*events, route=route, from_s=from_s))
    assert found is not None
    return found


def frame(number: int, *, late_s: float = 0.002, from_s: float = 0.0) -> Event:
    due_s = 1.0 + 0.1 * number
    return Event(due_s + late_s, from_s + 0.1 * number, "audio", {"bytes": 3200, "due_s": due_s})


def said(t_s: float, text: str = "{}") -> Event:
    return Event(t_s, 0.0, "received", text)


def error(message: str, t_s: float = 5.0, kind: str = "Unavailable") -> Event:
    return Event(t_s, 0.0, "error", {"type": kind, "message": message})


def test_a_message_waits_for_what_the_client_had_done_by_then() -> None:
    found = told(
        OPEN,
        said(0.25, "hello"),
        *map(frame, (1, 2, 3)),
        said(1.352, "guess"),
        Event(1.4, 0.3, "sent", '{"type":"done"}'),
        said(1.45, "final"),
        Event(1.46, 0.3, "closed", {"code": 1000, "reason": "bye"}),
    )
    assert (found.opened_s, found.path) == (0.2, "/deep/v1/stt")
    assert found.bytes_per_s == pytest.approx(32_000)
    assert [(line.after, round(line.audio_s, 9), line.controls, line.text) for line in found.lines] == [
        ("open", 0.0, 0, "hello"),
        ("audio", 0.3, 0, "guess"),
        ("control", 0.3, 1, "final"),
        ("control", 0.3, 1, "bye"),
    ]
    assert [line.lag_s for line in found.lines] == pytest.approx([0.05, 0.05, 0.05, 0.06])
    assert (found.lines[-1].does, found.lines[-1].code) == ("close", 1000)
    assert (found.greeting, found.controls) == (1, ('{"type":"done"}',))
    assert found.reply_s == pytest.approx(0.3)


def test_the_accident_of_one_late_frame_is_not_told_again() -> None:
    usual, late = ([OPEN, frame(1), frame(2), frame(3, late_s=s), said(1.4)] for s in (0.002, 0.05))
    assert told(*late).lines == told(*usual).lines


def test_a_stream_taken_up_again_counts_from_where_it_began() -> None:
    found = told(OPEN, *(frame(n, from_s=3.2) for n in (1, 2)), said(1.25), from_s=3.2)
    assert found.lines[0].audio_s == pytest.approx(0.2)
    assert found.bytes_per_s == pytest.approx(32_000)


def test_an_answer_keeps_its_parts_and_the_headers_that_mean_anything() -> None:
    headers = {
        "date": "then", "Retry-After": "3", "content-length": "9", "content-encoding": "gzip", "connection": "close",
        "set-cookie": "a=1", "x-request-id": "7", "x-echo": "you sent ***",
    }  # fmt: skip
    data = {"status": 429, "headers": headers, "body": "no", "phases": {"sent_s": 0.31, "first_byte_s": 0.5}}
    sent = Event(0.01, 0.0, "sent", {"method": "POST", "url": "http://x.example/v1/stt"})
    answer = told(sent, Event(0.6, 1.0, "received", data), route="rest").answer
    assert answer is not None
    assert (answer.status, answer.body) == (429, "no")
    assert dict(answer.headers) == {"date": "then", "Retry-After": "3", "x-request-id": "7"}
    assert [answer.upload_s, answer.server_s, answer.download_s] == pytest.approx([0.3, 0.19, 0.1])
    assert answer.whole_s == pytest.approx(0.59)


def test_an_old_answer_without_phases_took_what_it_took() -> None:
    sent = Event(0.1, 0.0, "sent", {"method": "POST", "url": "http://x.example/v1/stt"})
    received = Event(2.1, 0.0, "received", {"status": 200, "headers": {}, "body": ""})
    answer = told(sent, received, route="rest").answer
    assert answer is not None
    assert [answer.upload_s, answer.server_s, answer.download_s] == pytest.approx([0.0, 2.0, 0.0])


def test_a_refused_socket_is_an_http_answer() -> None:
    refused = told(Event(0.3, 0.0, "received", {"status": 429, "headers": {}, "body": ""}))
    assert refused.answer is not None
    assert (refused.answer.status, refused.answer.whole_s, refused.opened_s) == (429, 0.3, None)


@pytest.mark.parametrize("code", [None, 1006, 1015])
def test_a_socket_that_ended_without_a_close_frame_is_cut(code: int | None) -> None:
    closed = Event(1.5, 0.0, "closed", {"code": code, "reason": ""})
    found = told(OPEN, frame(1), closed, error("the socket closed before x (close code 1006)", 1.51))
    assert [line.does for line in found.lines] == ["cut"]


def test_a_service_that_let_us_wait_is_silent() -> None:
    closed = Event(60.1, 0.0, "closed", {"code": 1000, "reason": ""})
    assert told(OPEN, frame(1), error("no transcript.done within 60 s", 60.0), closed).lines == ()
    sent = Event(0.1, 0.0, "sent", {"method": "POST", "url": "http://x.example/v1/stt"})
    assert told(sent, error("http://x.example did not answer in time (ReadTimeout)"), route="rest").lines == ()
    assert told(error("ws://x.example did not open a socket within 15 s")).lines == ()


def test_a_connection_that_failed_is_cut_when_it_failed() -> None:
    sent = Event(0.1, 0.0, "sent", {"method": "POST", "url": "http://x.example/v1/stt"})
    lines = told(sent, error("http://x.example cannot be reached (connection reset)", 0.7), route="rest").lines
    assert [(line.does, line.after, line.lag_s) for line in lines] == [("cut", "request", 0.7)]


@pytest.mark.parametrize(
    "events",
    [
        (),
        (error("p: 600 MB is over the documented 500 MB", kind="Refused"),),
        (OPEN, frame(1), error("broken off by us (CancelledError)")),
    ],
)
def test_what_says_nothing_of_the_service_is_left_out(events: tuple[Event, ...]) -> None:
    assert of(trace(*events)) is None
