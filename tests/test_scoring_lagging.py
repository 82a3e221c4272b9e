import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.lagging import (
    average_lagging,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
)

DELAYS = st.lists(st.floats(1, 4000), min_size=1, max_size=10).map(sorted)


def test_an_offline_system_lags_by_the_whole_source() -> None:
    assert average_lagging([4000] * 4, 4000, 4) == differentiable_average_lagging([4000] * 4, 4000) == 4000
    assert average_lagging([5000, 6000], 4000, 4) == 5000, "the first word comes after the end"


def test_words_after_the_first_beyond_the_source_do_not_count() -> None:
    assert average_lagging([1000, 4000, 9000], 4000, 4) == pytest.approx((1000 + 3000) / 2)


def test_saying_more_than_the_reference_is_not_rewarded_by_laal() -> None:
    delays = [1200, 1200, 2400, 2400, 4000, 4000]
    assert average_lagging(delays, 4000, 5) == pytest.approx(640)
    assert length_adaptive_average_lagging(delays, 4000, 5) == pytest.approx(906.6666667)


def test_nothing_said_or_heard_has_no_lag() -> None:
    assert average_lagging([], 4000, 4) is average_lagging([1.0], 0, 4) is average_lagging([1.0], 4000, 0) is None
    assert differentiable_average_lagging([], 4000) is differentiable_average_lagging([1.0], 0) is None


@given(DELAYS, st.integers(1, 10), st.floats(0.1, 10))
def test_lagging_scales_with_the_unit(delays: list[float], words: int, factor: float) -> None:
    scaled = [delay * factor for delay in delays]
    for lag in (average_lagging, length_adaptive_average_lagging):
        assert lag(scaled, 4001 * factor, words) == pytest.approx((lag(delays, 4001, words) or 0.0) * factor, abs=1e-6)


@given(DELAYS, st.integers(1, 10))
def test_laal_is_never_below_al_and_dal_never_below_plain_lag(delays: list[float], words: int) -> None:
    al, laal = average_lagging(delays, 4001, words), length_adaptive_average_lagging(delays, 4001, words)
    dal = differentiable_average_lagging(delays, 4001)
    assert al is not None
    assert laal is not None
    assert dal is not None
    assert laal >= al - 1e-6
    own_pace = average_lagging(delays, 4001, len(delays))
    assert dal >= (own_pace or 0.0) - 1e-6
