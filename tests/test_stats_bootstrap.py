import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.bootstrap import MAX_EXACT, Resamples, cluster_sums, every_resample, paired_draws, resampled

CLUSTERS = st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 30)), min_size=1, max_size=5)


def slow(numerator: list[int], denominator: list[int]) -> list[float]:
    """Every resample, one by one."""
    size = len(numerator)
    return sorted(
        sum(numerator[k] for k in drawn) / sum(denominator[k] for k in drawn)
        for drawn in itertools.product(range(size), repeat=size)
    )


@given(CLUSTERS, st.sampled_from([0.0, 0.025, 0.5, 0.8, 0.975, 1.0]))
def test_enumeration_by_compositions_equals_all_resamples_one_by_one(
    clusters: list[tuple[int, int]], share: float
) -> None:
    above, below = [d for d, _ in clusters], [m for _, m in clusters]
    found, expected = every_resample(above, below), slow(above, below)
    assert found.total == len(expected)
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.sd == pytest.approx(np.std(expected), abs=1e-9)
    assert found.below_zero == pytest.approx(sum(value < 0 for value in expected) / len(expected))
    assert found.quantile(share) == pytest.approx(np.percentile(expected, 100 * share))


@settings(max_examples=20)
@given(CLUSTERS)
def test_draws_come_close_to_the_enumeration(clusters: list[tuple[int, int]]) -> None:
    above, below = [d for d, _ in clusters], [m for _, m in clusters]
    found, exact = resampled(above, below, draws=20_000), every_resample(above, below)
    for name in ("below_zero", "zero", "above_zero"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=0.02)
    assert found.point == exact.point
    assert found.mean == pytest.approx(exact.mean, abs=0.15)


def test_draws_equal_multinomial_weights_in_distribution() -> None:
    chance = np.random.default_rng(3)
    above, below = chance.integers(-4, 5, 60), chance.integers(5, 40, 60)
    weights = chance.multinomial(60, np.full(60, 1 / 60), 20_000)
    slow = (weights @ above) / (weights @ below)
    found = resampled(above, below, draws=20_000)
    assert found.sd == pytest.approx(slow.std(), rel=0.03)
    assert found.interval() == pytest.approx(tuple(np.percentile(slow, [2.5, 97.5])), abs=0.1 * slow.std())


def test_blocks_do_not_change_what_a_draw_is() -> None:
    """More clusters than fit a block at once, and draws that do not divide by it."""
    below = np.full(3000, 20.0)
    found = resampled(np.arange(3000.0), below, draws=101)
    assert found.total == 101
    assert found.mean == pytest.approx(found.point, rel=0.05)
    assert not resampled(np.zeros(3000), below, draws=101).values.any()


def test_draws_are_seeded() -> None:
    pair = ([1, -2, 3, 0], [10, 20, 30, 5])
    assert (resampled(*pair, draws=50, seed=1).values == resampled(*pair, draws=50, seed=1).values).all()
    assert (resampled(*pair, draws=50, seed=1).values != resampled(*pair, draws=50, seed=2).values).any()
    assert resampled(*pair, draws=50, seed=7).seed == 7
    assert every_resample(*pair).seed is None


def test_the_two_signs_mirror_each_other() -> None:
    above, below = [3, -1, 0, -4, 2], [10, 12, 9, 20, 11]
    forth, back = every_resample(above, below), every_resample([-d for d in above], below)
    assert (forth.below_zero, forth.zero) == (back.above_zero, back.zero)


def test_nothing_has_no_figures() -> None:
    for found in (resampled([], [], draws=5), every_resample([0], [0]), resampled([0, 0], [0, 0], draws=5)):
        assert isinstance(found, Resamples)
        assert (found.point, found.mean, found.sd, found.below_zero, found.zero) == (None,) * 5
        assert found.interval() == (None, None)


def test_too_many_to_enumerate() -> None:
    with pytest.raises(ValueError, match="at most"):
        every_resample([1] * (MAX_EXACT + 1), [1] * (MAX_EXACT + 1))


def test_sums_by_cluster_keep_the_order_of_first_appearance() -> None:
    assert cluster_sums([1, 2, 3, 4], ["b", "a", "b", "c"]).tolist() == [4, 2, 4]


def test_paired_draws_are_those_of_the_difference_of_two_rates() -> None:
    """With one denominator for both sides, the difference of the rates is the rate of the differences."""
    chance = np.random.default_rng(5)
    new, old, sizes = chance.integers(0, 9, 30), chance.integers(0, 9, 30), chance.integers(20, 60, 30)
    sums = np.stack([new, sizes, old, sizes], axis=1)[:, np.newaxis, :].astype(float)
    drawn = paired_draws(np.concatenate([sums, 2 * sums], axis=1), draws=4000, seed=1)
    alone = resampled(new - old, sizes, draws=4000, seed=2)
    assert drawn[:, 0] == pytest.approx(drawn[:, 1])
    assert float(np.mean(drawn[:, 0] < 0)) == pytest.approx(alone.below_zero, abs=0.03)
    assert np.std(drawn[:, 0]) == pytest.approx(alone.sd, rel=0.06)


def test_a_draw_without_a_denominator_is_not_a_number() -> None:
    sums = np.zeros((3, 1, 4))
    sums[0] = [1, 10, 2, 10]
    drawn = paired_draws(sums, draws=400, seed=0)[:, 0]
    assert np.isnan(drawn).mean() == pytest.approx((2 / 3) ** 3, abs=0.08)
    assert set(drawn[~np.isnan(drawn)].round(6)) == {-0.1}
    sums[1] = [1, 0, 0, 10]
    assert not np.isinf(paired_draws(sums, draws=400, seed=0)).any()
