import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.turns import (
    Backchannel,
    BargeIn,
    Occasion,
    Pause,
    TurnEnd,
    TurnTaking,
    first_audible_s,
    turn_taking,
)
from evalkit.stats.intervals import percentile

T = st.floats(0, 100, allow_nan=False)
OCCASION = st.one_of(
    st.builds(TurnEnd, T, st.none() | T),
    st.builds(Pause, T, T, st.none() | T),
    st.builds(BargeIn, T, st.none() | T),
    st.builds(Backchannel, T, st.none() | T),
)


@given(st.lists(OCCASION, max_size=10), st.lists(OCCASION, max_size=10))
def test_counts_add(first: list[Occasion], second: list[Occasion]) -> None:
    found = turn_taking(first) + turn_taking(second)
    assert found == turn_taking([*first, *second])
    for rate in (found.response_rate, found.takeover_rate, found.pause_takeover_rate, found.barge_in_rate):
        assert rate is None or 0 <= rate <= 1


def test_no_answer_is_a_unit_that_never_came() -> None:
    found = turn_taking([TurnEnd(2.0, 2.5), TurnEnd(9.0, None)])
    assert (found.response_rate, found.takeover_rate, found.unanswered) == (0.5, 0.5, 1)
    assert percentile(found.answers_s, 0.95, failed=found.unanswered) is None


def test_a_late_answer_takes_over_but_does_not_respond() -> None:
    found = turn_taking([TurnEnd(0.0, 5.0), TurnEnd(10.0, 15.1)])
    assert (found.response_rate, found.takeover_rate) == (0.5, 1.0)


def test_what_is_exactly_in_time_is_in_time_in_binary_too() -> None:
    assert turn_taking([TurnEnd(3.3, 8.3), TurnEnd(3.8, 8.8)]).response_rate == 1.0
    assert turn_taking([BargeIn(0.7, 2.2), BargeIn(1.2, 2.7)]).barge_in_rate == 1.0


def test_a_pause_is_taken_only_while_it_lasts() -> None:
    found = turn_taking([Pause(1.0, 2.0, 1.0), Pause(1.0, 2.0, 2.0), Pause(1.0, 2.0, None)])
    assert (found.pauses_taken, found.pauses) == (1, 3)


def test_stopping_too_late_is_no_success() -> None:
    found = turn_taking([BargeIn(1.0, 2.5), BargeIn(1.0, 2.6), BargeIn(1.0, None)])
    assert found.barge_in_rate == pytest.approx(1 / 3)
    assert found.stops_s == pytest.approx((1.5, 1.6))


def test_a_backchannel_should_not_stop_the_agent() -> None:
    assert turn_taking([Backchannel(1.0, 1.2), Backchannel(3.0, None)]).false_stop_rate == 0.5


def test_nothing_has_no_rates() -> None:
    nothing = TurnTaking()
    assert nothing.response_rate is nothing.barge_in_rate is nothing.false_stop_rate is None


def test_audible_is_loud_and_not_the_first_byte() -> None:
    sound = np.zeros(16_000)
    assert first_audible_s(sound, 16_000) is None
    sound[4000:] = 0.001
    assert first_audible_s(sound, 16_000) is None
    sound[8000:] = 0.01
    assert first_audible_s(sound, 16_000) == pytest.approx(0.5)
    assert first_audible_s(np.zeros(0), 16_000) is None
    assert first_audible_s(np.full(7, 0.5), 16_000) == 0.0
