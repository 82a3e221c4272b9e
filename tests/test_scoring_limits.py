import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.limits import (
    mean_concurrency,
    needed_concurrency,
    observed_rate,
    peak_calendar_rate,
    peak_concurrency,
    peak_rate,
)

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
