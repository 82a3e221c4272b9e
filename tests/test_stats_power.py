import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.intervals import cluster_ratio, detectable
from evalkit.stats.power import (
    clips_to_plan,
    design_effect,
    effective_units,
    scaled_up,
    unit_spread,
    units_needed,
    words_needed,
)


@pytest.mark.parametrize(("points", "expected"), [(3, 1744), (2, 3924), (1, 15_698), (0.5, 62_791), (0.25, 251_164)])
def test_the_planning_table(points: float, expected: int) -> None:
    assert words_needed(points / 100) == pytest.approx(expected, abs=1)


def test_units_needed_is_what_makes_the_difference_detectable() -> None:
    """With n units the standard error is sd_u / (mean words * sqrt n), and 2.8 of those are the difference."""
    n = units_needed(1.8, 20.0, 0.01)
    assert detectable(1.8 / (20.0 * n**0.5)) == pytest.approx(0.01)
    assert units_needed(1.8, 20.0, 0.005) == pytest.approx(4 * n)
    assert units_needed(1.8, 20.0, 0.01, power=0.9) > n


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 30)), min_size=2, max_size=20))
def test_spread_and_standard_error_are_one_thing(units: list[tuple[int, int]]) -> None:
    differences, words = zip(*units, strict=True)
    spread = unit_spread(differences, words)
    assert spread is not None
    assert cluster_ratio(differences, words).se == pytest.approx(
        spread / (np.mean(words) * np.sqrt(len(words))), abs=1e-9
    )


def test_a_pilot_of_one_has_no_spread() -> None:
    assert unit_spread([1], [10]) is None
    assert unit_spread([0, 0], [0, 0]) is None


def test_half_the_difference_takes_four_times_the_clips() -> None:
    assert scaled_up(100, 0.02, 0.01) == 400
    assert scaled_up(100, 0.01, 0.01) == 100
    assert scaled_up(10, 0.011, 0.01) == 13


def test_a_plan_asks_for_a_little_more_than_the_table() -> None:
    assert 1.0 < clips_to_plan(0.01, 20.0) / (words_needed(0.01) / 20.0) < 1.1
    assert clips_to_plan(0.01, 20.0, clustering=2.9) == pytest.approx(2.9 * clips_to_plan(0.01, 20.0), abs=3)


def test_clustered_clips_are_worth_less() -> None:
    assert design_effect(20, 0.1) == pytest.approx(2.9)
    assert design_effect(1, 0.9) == 1
    assert effective_units(1000, 20, 0.0) == 1000
    assert effective_units(1000, 20, 1.0) == pytest.approx(50)
