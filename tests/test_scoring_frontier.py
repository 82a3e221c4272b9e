import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.frontier import dominated, frontier, price_of_latency

POINTS = st.dictionaries(
    st.sampled_from("abcdef"), st.fixed_dictionaries({"usd": st.integers(0, 4), "wer": st.integers(0, 4)}), min_size=1
)


@given(POINTS)
def test_the_frontier_and_the_dominated_are_everybody(points: dict[str, dict[str, float]]) -> None:
    beaten = dominated(points)
    kept = frontier(points)
    assert set(kept) | set(beaten) == set(points)
    assert not set(kept) & set(beaten)
    assert kept
    for name, rival in beaten.items():
        assert all(points[rival][axis] <= points[name][axis] for axis in points[name])
        assert points[rival] != points[name]


def test_equal_systems_do_not_dominate_each_other() -> None:
    assert frontier({"a": {"usd": 1.0}, "b": {"usd": 1.0}}) == ["a", "b"]


def test_systems_are_compared_on_the_axes_both_have() -> None:
    assert dominated({"a": {"usd": 1.0, "wer": 0.1}, "b": {"wer": 0.2}}) == {"b": "a"}
    assert dominated({"a": {"usd": 1.0}, "b": {"wer": 0.2}}) == {}


def test_overlapping_intervals_dominate_nobody_clearly() -> None:
    points = {"a": {"wer": 0.05, "usd": 0.1}, "b": {"wer": 0.06, "usd": 0.1}}
    apart = {"a": {"wer": (0.04, 0.054)}, "b": {"wer": (0.055, 0.07)}}
    close = {"a": {"wer": (0.04, 0.06)}, "b": {"wer": (0.055, 0.07)}}
    assert dominated(points) == dominated(points, intervals=apart) == {"b": "a"}
    assert dominated(points, intervals=close) == {}


def test_the_price_of_a_second() -> None:
    found = price_of_latency(0.1, 0.2, 9.0, 1.0, need_s=2.0)
    assert found.usd_per_h_per_s == pytest.approx(0.0125)
    assert not found.rest_is_enough
    assert price_of_latency(0.1, 0.2, 1.5, 1.0, need_s=2.0).rest_is_enough
    assert price_of_latency(0.1, 0.2, 1.0, 1.5, need_s=2.0).usd_per_h_per_s is None
