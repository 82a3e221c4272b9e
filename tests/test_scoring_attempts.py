"""How attempts ended: by hand, and against what the wire really records."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.providers import raise_for_answer
from evalkit.scoring.attempts import RESUMED_S, Course, Ending, courses, ending, retry_after_s
from evalkit.scoring.failures import REFUSED, UNREADABLE, retries
from evalkit.types import Event, Trace
from evalkit.wire import Timeouts, Wire, http_client
from tests.conversations import answered, streamed, trace
from tests.peers import closed_port, http_answer, http_server, tcp_server, ws_server

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SOON = Timeouts(message_s=0.1, answer_s=0.1)
LOST = Unavailable("lost")


def at(seconds: float, found: Trace) -> Trace:
    return replace(found, started_at=EPOCH + timedelta(seconds=seconds))


def told(*events: Event) -> Ending:
    return ending(trace(events))


def broken_off(t_s: float = 1.0) -> Trace:
    message = "broken off by us (CancelledError)"
    return trace([Event(t_s, 0.0, "error", {"type": "Unavailable", "message": message})])


async def held(url: str, *, socket: bool, timeouts: Timeouts = Timeouts()) -> Ending:  # noqa: B008 frozen
    """What the wire records of a conversation that fails."""
    async with http_client(timeouts, loopback=True) as http:
        wire = Wire(http, timeouts=timeouts)
        with suppress(Unavailable):
            if socket:
                async with wire.websocket(url.replace("http", "ws")) as live:
                    await live.until(lambda _: False, what="answer")
            else:
                await wire.request("POST", url)
        return ending(trace(wire.events, route="streaming" if socket else "rest"))


async def test_a_request_without_an_answer_has_timed_out() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp_server(silent) as url:
        found = await held(url, socket=False, timeouts=SOON)
    assert found.timed_out
    assert (found.status, found.opened, found.dropped, found.ours) == (None, False, False, False)


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_silent_socket_hangs_and_a_closed_one_was_dropped(hangs: bool) -> None:
    async def talk(peer: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await (peer.wait_closed() if hangs else peer.close(1013, "busy"))

    async with ws_server(talk) as url:
        found = await held(url, socket=True, timeouts=SOON if hangs else Timeouts())
    assert found.opened
    assert (found.timed_out, found.dropped) == (hangs, not hangs)
    assert hangs or found.close_code == 1013


async def test_an_upgrade_that_never_ends_has_timed_out() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp_server(silent) as url:
        found = await held(url, socket=True, timeouts=Timeouts(connect_s=0.2))
    assert found.timed_out
    assert not found.opened


@pytest.mark.parametrize("socket", [True, False])
async def test_a_refusal_that_says_how_long_to_wait(socket: bool) -> None:
    async with http_server(lambda _: http_answer(429, "slow down", Retry_After="2")) as url:
        found = await held(url, socket=socket)
    assert (found.status, found.told_s, found.timed_out, found.dropped) == (429, 2.0, False, False)


@pytest.mark.parametrize("socket", [True, False])
async def test_nobody_there_is_no_timeout(socket: bool) -> None:
    found = await held(await closed_port(), socket=socket)
    assert (found.status, found.timed_out, found.dropped, found.refused) == (None, False, False, False)


def test_a_socket_that_stays_full_hangs() -> None:
    message = "the service took nothing more for 60 s"
    assert told(Event(1, 0, "error", {"type": "Unavailable", "message": message})).timed_out


def test_what_this_client_did() -> None:
    assert ending(broken_off()).ours
    assert told(Event(0, 0, "error", {"type": "Refused", "message": "too large"})).refused
    assert told() == Ending(datetime(2026, 1, 1, tzinfo=UTC).timestamp(), datetime(2026, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", "Date": "Fri, 20 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_told_waits_are_read_as_the_providers_read_them(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected
    lower = {name.lower(): value for name, value in headers.items()}
    with pytest.raises(Unavailable) as caught:
        raise_for_answer({"status": 429, "headers": lower, "body": ""}, "p")
    assert caught.value.retry_after_s == expected


def course(attempts: list[Trace], failure: Refused | Unavailable | ParseError | None = None) -> Course:
    (found,) = courses([ending(attempt) for attempt in attempts], failure)
    return found


def test_waits_and_recovery_are_between_attempts() -> None:
    held_back = answered(1.0, status=429, headers={"retry-after": "2"}, sent_s=0.0)
    found = course([at(0, held_back), at(3.5, held_back), at(5.0, answered(1.0, sent_s=0.0))])
    assert found.request.statuses == (429, 429, 200)
    assert found.request.told_s == (2.0, 2.0)
    assert found.request.waited_s == pytest.approx((2.5, 0.5))
    assert found.recovery_s == pytest.approx(5.0)
    assert found.waits_known
    assert retries([found.request]).honoured_rate == 0.5


def test_a_clock_that_was_set_back_tells_nothing() -> None:
    found = course([at(9, answered(status=429, headers={"retry-after": "1"})), at(0, answered())])
    assert (found.waits_known, found.recovery_s) == (False, None)
    assert retries([found.request]).waits_told == 0
    # Nobody asked for a wait, so nothing is missing.
    assert course([at(9, answered(status=503)), at(0, answered())]).waits_known


@pytest.mark.parametrize(
    ("failure", "status", "expected"),
    [
        (None, 200, 200),
        (LOST, 503, 503),
        (LOST, 200, None),
        (Refused("no"), 413, 413),
        (Refused("no"), 200, REFUSED),
        (ParseError("odd"), 200, UNREADABLE),
    ],
)
def test_the_last_attempt_ended_as_it_was_understood(
    failure: Refused | Unavailable | ParseError | None, status: int, expected: int | None
) -> None:
    assert course([answered(status=status)], failure).request.statuses == (expected,)


def test_a_stream_without_an_answer_has_no_status() -> None:
    assert course([streamed()], LOST).request.statuses == (None,)
    assert course([streamed()]).request.statuses == (200,)
    assert course([streamed(), streamed()]).request.statuses == (None, 200)
    # What was followed by another attempt was no answer, whatever its status.
    assert course([answered(status=200), answered()]).request.statuses == (None, 200)
    refused = trace([Event(0, 0, "error", {"type": "Refused", "message": "too large"})])
    assert course([refused, streamed()]).request.statuses == (REFUSED, 200)


def test_a_run_taken_up_again_asks_anew() -> None:
    first, later = at(0, answered(status=503)), at(RESUMED_S + 10, answered())
    found = courses([ending(first), ending(later)], None)
    assert [one.request.statuses for one in found] == [(503,), (200,)]


def test_what_this_client_broke_off_is_nobodys_failure() -> None:
    attempts = [ending(found) for found in (answered(status=503), broken_off(), at(9, answered()))]
    assert [one.request.statuses for one in courses(attempts, None)] == [(200,)]
    assert courses([ending(broken_off())], LOST) == []


ATTEMPT = st.builds(
    lambda status, pause_s: (status, pause_s), st.sampled_from([200, 401, 429, 503]), st.floats(0, 2 * RESUMED_S)
)


@given(st.lists(ATTEMPT, min_size=1, max_size=6), st.floats(-1e6, 1e6))
def test_no_attempt_is_lost_and_the_time_of_day_does_not_matter(tries: list[tuple[int, float]], by_s: float) -> None:
    clock, attempts = 0.0, []
    for status, pause_s in tries:
        attempts.append(at(clock, answered(1.0, status=status, sent_s=0.0)))
        clock += 1.0 + pause_s
    failure = None if tries[-1][0] == 200 else LOST
    found = courses([ending(attempt) for attempt in attempts], failure)
    assert sum(len(one.endings) for one in found) == len(tries)
    assert sum(len(one.request.statuses) for one in found) == len(tries)
    moved = [replace(attempt, started_at=attempt.started_at + timedelta(seconds=by_s)) for attempt in attempts]
    again = courses([ending(attempt) for attempt in moved], failure)
    if len(again) == len(found):  # a pause of exactly the limit may fall on either side
        assert [one.request.statuses for one in again] == [one.request.statuses for one in found]
        for one, other in zip(found, again, strict=True):
            assert one.recovery_s == pytest.approx(other.recovery_s, abs=1e-4)
