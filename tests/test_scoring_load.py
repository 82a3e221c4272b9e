import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.load import corrected_for_omission, rtfx, throughput


def test_a_stall_hides_the_requests_that_were_never_sent() -> None:
    assert corrected_for_omission([100, 3500], 1000) == [100, 1500, 2500, 3500]
    assert corrected_for_omission([2000], 1000) == [1000, 2000]
    assert corrected_for_omission([5, 3], 0) == [3, 5]
    assert corrected_for_omission([0.3], 0.1) == pytest.approx([0.1, 0.2, 0.3])


@given(st.lists(st.integers(0, 50), max_size=10), st.integers(1, 20))
def test_correction_adds_what_an_open_loop_would_have_sent(latencies: list[int], interval: int) -> None:
    found = corrected_for_omission(latencies, interval)
    obvious = [
        value for latency in latencies for value in [latency, *range(latency - interval, interval - 1, -interval)]
    ]
    assert found == sorted(obvious)


def test_throughput_is_over_the_makespan_and_not_over_the_sum() -> None:
    assert throughput([10, 10], [(0.0, 4.0), (1.0, 5.0)]) == 4.0
    assert throughput([], []) is None
    assert throughput([1.0], [(2.0, 2.0)]) is None


@given(st.floats(0, 100))
def test_throughput_does_not_depend_on_when_it_began(by_s: float) -> None:
    spans = [(0.0, 4.0), (1.0, 5.0)]
    assert throughput([10, 10], [(start + by_s, end + by_s) for start, end in spans]) == pytest.approx(4.0)


def test_rtfx_is_pooled() -> None:
    assert rtfx([10, 10, 600], [2.0, 1.0, 20.0]) == pytest.approx(620 / 23)
    assert rtfx([], []) is None
