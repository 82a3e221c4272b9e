from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.limits import (
    mean_concurrency,
    needed_concurrency,
    observed,
    observed_rate,
    peak_calendar_rate,
    peak_concurrency,
    peak_rate,
    sustained_concurrency,
)
from evalkit.types import Event, Trace
from tests.conversations import answered, streamed, trace

TIMES = st.lists(st.integers(0, 300), max_size=40)


@given(TIMES, st.integers(1, 90))
def test_the_sliding_peak_is_the_best_of_all_windows(times: list[int], window: int) -> None:
    slow = max((sum(start <= t < start + window for t in times) for start in times), default=0)
    assert peak_rate(times, window) == slow
    assert peak_calendar_rate(times, window) <= slow


@given(TIMES, st.integers(-1000, 1000))
def test_the_sliding_peak_does_not_depend_on_the_clock(times: list[int], shift: int) -> None:
    assert peak_rate([t + shift for t in times]) == peak_rate(times)


def test_calendar_minutes_miss_a_burst_across_the_tick() -> None:
    times = [57, 58, 59, 60, 61, 62]
    assert (peak_rate(times), peak_calendar_rate(times)) == (6, 3)
    assert peak_rate([0, 60]) == 1


def test_littles_law() -> None:
    assert mean_concurrency(2.0, 30.0) == 60
    assert needed_concurrency(2.0, 30.0) == 90
    assert needed_concurrency(0.0, 30.0) == 0
    assert (mean_concurrency(1.1, 100.0), needed_concurrency(1.1, 100.0)) == (110, 165)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=20))
def test_peak_concurrency_is_the_most_open_at_any_start(spans: list[tuple[int, int]]) -> None:
    sessions = [(float(start), float(start + length)) for start, length in spans]
    slow = max((sum(a <= t < b for a, b in sessions) for t, _ in sessions), default=0)
    assert peak_concurrency(sessions) == slow


def test_a_rejection_ends_what_may_be_claimed() -> None:
    times = [0.0, 1, 2, 3, 4, 5]
    assert observed_rate(times).claim == "observed >= 6 per 60 s without rejection"
    found = observed_rate(times, [4.0])
    assert (found.peak, found.rejected_at, found.rejections) == (4, 5, 1)
    assert "first rejection at 5" in found.claim
    assert observed_rate([]).peak == 0


@pytest.mark.parametrize("window_s", [10.0, 60.0])
def test_requests_after_the_rejection_prove_nothing(window_s: float) -> None:
    assert observed_rate([0.0, 100, 101, 102, 103], [100.0], window_s=window_s).peak == 1


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12))
def test_sustained_is_held_through_a_whole_session(spans: list[tuple[int, int]]) -> None:
    sessions = [(float(start), float(start + length)) for start, length in spans]
    slow = max(
        (
            min(sum(a <= t < b for a, b in sessions) for t in range(int(start), int(end)))
            for start, end in sessions
            if end > start
        ),
        default=0,
    )
    assert sustained_concurrency(sessions) == slow <= peak_concurrency(sessions)


def at(seconds: float, found: Trace) -> Trace:
    return replace(found, started_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def test_what_a_run_has_shown() -> None:
    held_back = answered(0.1, status=429, headers={"retry-after": "7"}, sent_s=0.0, clip_id="late")
    traces = [
        *(at(number, answered(3.0, sent_s=0.0)) for number in range(6)),
        at(6.0, held_back),
        *(at(7 + number / 2, answered(3.0, sent_s=0.0)) for number in range(9)),
        *(at(20 * number, streamed([(3.6, "done")])) for number in range(2)),
    ]
    found = observed(traces)
    assert list(found) == [("p", "rest"), ("p", "streaming")]
    rest, streaming = found.values()
    assert (rest.requests.peak, rest.requests.rejections, rest.requests.rejected_at) == (6, 1, 7)
    assert (rest.concurrency, rest.sustained) == (3, 3)
    assert rest.connections is None
    refusal = rest.first_refusal
    assert refusal is not None
    assert (refusal.status, refusal.retry_after_s, refusal.clip_id) == (429, 7.0, "late")
    assert rest.claims[0] == "requests: observed >= 6 per 60 s; first rejection at 7"
    assert rest.response_s == pytest.approx(3.0)
    assert streaming.response_s is None, "a stream lasts as long as its audio"
    assert streaming.connections is not None
    assert (streaming.requests.peak, streaming.connections.peak, streaming.concurrency) == (2, 1, 1)
    assert (streaming.first_refusal, streaming.later_closes) == (None, 0)
    assert len(streaming.claims) == 3
    assert observed([]) == {}


def test_how_long_a_request_takes_is_told_only_by_answers() -> None:
    (seen,) = observed(at(0, answered(total_s, sent_s=0.0)) for total_s in (1.0, 2.0, 9.0)).values()
    assert seen.response_s == pytest.approx(2.0)
    (seen,) = observed([at(0, answered(1.0, status=500))]).values()
    assert seen.response_s is None


def test_a_refused_upgrade_and_a_later_close_are_told_apart() -> None:
    answer = {"status": 503, "headers": {}, "body": "", "phases": {}}
    refused = trace([Event(0.1, 0.0, "received", answer)])
    opened = Event(0.1, 0.0, "open", {"url": "ws://127.0.0.1"})
    closed = trace([opened, Event(5.0, 0.0, "closed", {"code": 1013, "reason": "busy"})])
    for found, handshakes, later in ((refused, 1, 0), (closed, 0, 1)):
        (seen,) = observed([at(0, streamed()), at(1, found)]).values()
        assert seen.connections is not None
        assert (seen.connections.rejections, seen.later_closes, seen.requests.rejections) == (handshakes, later, 1)
        assert seen.first_refusal is not None
        assert seen.first_refusal.status == (503 if handshakes else None)


def test_only_what_was_accepted_is_seen_to_work() -> None:
    """A wrong key, a dead host and a socket that said nothing more show nothing of a limit."""
    dead = [Event(0.1, 0.0, "error", {"type": "Unavailable", "message": "https://h cannot be reached"})]
    ours = [Event(5.0, 0.0, "error", {"type": "Unavailable", "message": "broken off by us (CancelledError)"})]
    traces = [
        *(at(number / 10, answered(3.0, status=401)) for number in range(9)),
        *(at(number / 10, trace(dead, route="rest")) for number in range(9)),
        *(at(number / 10, answered(3.0)) for number in range(2)),
        at(0.5, trace(ours, route="rest")),
        *(at(number / 10, streamed()) for number in range(4)),
        at(0.5, trace(dead)),
        at(0.6, streamed([(3.6, "done")])),
    ]
    rest, streaming = observed(traces).values()
    assert (rest.requests.peak, rest.concurrency) == (3, 3)
    assert rest.response_s == pytest.approx(3.01), "what was refused or broken off is no answer"
    assert (streaming.requests.peak, streaming.concurrency) == (1, 1)
    assert streaming.connections is not None
    assert streaming.connections.peak == 5, "a socket that opened was let in"


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=1, max_size=12), st.integers(-1000, 1000))
def test_what_was_shown_does_not_depend_on_the_clock(tries: list[tuple[int, bool]], by_s: int) -> None:
    def shown(shift_s: int) -> tuple[object, ...]:
        (seen,) = observed(at(start + shift_s, answered(status=200 if ok else 429)) for start, ok in tries).values()
        return seen.requests, seen.concurrency, seen.sustained

    assert shown(by_s) == shown(0)
