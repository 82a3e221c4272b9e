import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.intervals import (
    Estimate,
    bootstrap_percentiles,
    bootstrap_weights,
    clopper_pearson,
    cluster_ratio,
    cluster_ratio_difference,
    detectable,
    normal_interval,
    percentile,
    percentile_interval,
    percentile_ranks,
    sign_flip_p,
    sign_flip_ps,
    t_quantile,
    telling,
    units_for_upper_limit,
    unmeasurable,
    wilson,
    zero_event_bound,
    zero_failure_trials,
)

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


def test_the_pooled_ratio_of_equal_clusters_has_the_interval_of_a_mean() -> None:
    """With equal denominators the cluster estimator is Student's interval of the mean of the cluster rates."""
    errors = np.array([3.0, 5.0, 2.0, 8.0, 4.0, 6.0])
    found = cluster_ratio(errors, np.full(6, 20.0))
    expected = stats.t.interval(0.95, 5, np.mean(errors / 20), stats.sem(errors / 20))
    assert (found.lo, found.hi) == pytest.approx(expected)


def test_fewer_than_five_clusters_give_no_interval() -> None:
    found = cluster_ratio([1, 2, 3, 1], [10, 10, 10, 10])
    assert found.value == pytest.approx(0.175)
    assert found.se is not None
    assert (found.lo, found.hi) == (None, None)


def test_a_ratio_without_a_denominator_has_no_value() -> None:
    assert cluster_ratio([1], [0]) == Estimate(None, clusters=1)
    assert cluster_ratio_difference([1], [1], [1], [0]).value is None


def test_no_scatter_gives_no_interval() -> None:
    found = cluster_ratio([0.1] * 9, [1.0] * 9)
    assert (found.se, found.lo) == (0.0, None)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30)), min_size=5, max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_clusters_does_not_matter(clusters: list[tuple[int, int]], chance: object) -> None:
    found = cluster_ratio(*zip(*clusters, strict=True))
    chance.shuffle(clusters)  # type: ignore[attr-defined]
    again = cluster_ratio(*zip(*clusters, strict=True))
    assert found.value == pytest.approx(again.value)
    assert found.se == pytest.approx(again.se)


def test_a_system_against_itself_differs_by_nothing() -> None:
    errors, words = [1, 5, 2, 0, 3], [20, 30, 10, 20, 25]
    found = cluster_ratio_difference(errors, words, errors, words)
    assert (found.value, found.se) == (0.0, 0.0)


@pytest.mark.slow
def test_the_nominal_interval_covers_the_true_ratio() -> None:
    """95 % intervals over 20 unlike clusters cover the truth in 93 to 97 of 100 runs."""
    chance = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        rates = chance.gamma(4, 0.025, 20)
        words = chance.integers(200, 600, 20)
        found = cluster_ratio(chance.binomial(words, np.minimum(rates, 1)), words)
        covered += found.lo is not None and found.hi is not None and found.lo <= 0.1 <= found.hi
    assert 0.92 <= covered / 2000 <= 0.97


def test_detectable_difference_is_two_point_eight_standard_errors() -> None:
    assert detectable(1.0) == pytest.approx(2.8016, abs=1e-4)


def test_bounds_of_proportions() -> None:
    assert zero_event_bound(59) < 0.05 < zero_event_bound(58)
    assert zero_event_bound(50, two_sided=True) == pytest.approx(clopper_pearson(0, 50)[1])
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95]))
def test_intervals_of_proportions_are_those_of_scipy(counted: tuple[int, int], level: float) -> None:
    theirs = stats.binomtest(*counted)
    score, exact = theirs.proportion_ci(level, method="wilson"), theirs.proportion_ci(level, method="exact")
    assert wilson(*counted, level=level) == pytest.approx((score.low, score.high), abs=1e-9)
    assert clopper_pearson(*counted, level=level) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_sign_flips_are_enumerated_when_few_and_drawn_when_many() -> None:
    few = [3.0, 1.0, -2.0, 4.0]
    flipped = [
        abs(sum(s * d for s, d in zip(signs, few, strict=True))) for signs in itertools.product((-1, 1), repeat=4)
    ]
    assert sign_flip_p(few) == sum(total >= 6 for total in flipped) / 16
    assert sign_flip_p([1.0] * 20) == pytest.approx(1 / 10_001, abs=5e-4)
    assert sign_flip_p([1.0, -1.0] * 10) == 1.0


@given(VALUES, st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]))
def test_percentiles_are_nearest_rank(values: list[float], share: float) -> None:
    assert percentile(values, share) == np.percentile(values, 100 * share, method="inverted_cdf")


@given(VALUES, st.integers(0, 10), st.sampled_from([0.5, 0.95]))
def test_failures_count_as_infinite(values: list[float], failed: int, share: float) -> None:
    expected = np.percentile(values + [math.inf] * failed, 100 * share, method="inverted_cdf")
    assert percentile(values, share, failed=failed) == (None if math.isinf(expected) else expected)


def test_a_percentile_of_nothing_is_none() -> None:
    assert percentile([], 0.5) is None
    assert percentile([], 0.5, failed=3) is None


def test_percentile_ranks_and_the_units_they_need() -> None:
    for share in (0.5, 0.9, 0.95, 0.99):
        enough = units_for_upper_limit(share)
        assert percentile_ranks(enough, share)[1] <= enough
        assert percentile_ranks(enough - 1, share)[1] > enough - 1


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 10)), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_the_fast_bootstrap_equals_the_slow_one(units: list[tuple[int, float]], share: float) -> None:
    owners, values = [owner for owner, _ in units], [value for _, value in units]
    weights = bootstrap_weights(5, 20, seed=3)
    found = bootstrap_percentiles(values, owners, weights, share)
    for draw, got in zip(weights, found, strict=True):
        drawn = [value for owner, value in units for _ in range(int(draw[owner]))]
        expected = np.percentile(drawn, 100 * share, method="inverted_cdf") if drawn else math.inf
        assert got == expected


def test_many_values_of_many_clusters_are_ranked_exactly() -> None:
    chance = np.random.default_rng(1)
    values, owners = chance.normal(size=50_000), chance.integers(0, 5000, 50_000)
    found = bootstrap_percentiles(values, owners, np.ones((1, 5000)), 0.95)
    assert found[0] == np.percentile(values, 95, method="inverted_cdf")


def test_draws_are_seeded() -> None:
    assert (bootstrap_weights(7, 5, 1) == bootstrap_weights(7, 5, 1)).all()
    assert (bootstrap_weights(7, 5, 1) != bootstrap_weights(7, 5, 2)).any()
    assert (bootstrap_weights(7, 5, 1).sum(axis=1) == 7).all()


@given(st.floats(0.001, 0.9), st.booleans())
def test_trials_that_prove_a_rate_are_the_fewest(rate: float, two_sided: bool) -> None:
    found = zero_failure_trials(rate, two_sided=two_sided)
    assert zero_event_bound(found, two_sided=two_sided) <= rate + 1e-9
    if found > 1:
        assert zero_event_bound(found - 1, two_sided=two_sided) > rate - 1e-9


def test_the_normal_interval_is_the_t_interval_of_many() -> None:
    lo, hi = normal_interval(0.1, 0.01)
    assert (lo, hi) == pytest.approx((0.1 - 0.019600, 0.1 + 0.019600), abs=1e-6)
    assert t_quantile(10**6) * 0.01 == pytest.approx(0.1 - lo, rel=1e-5)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=120), st.sampled_from([0.05, 0.5, 0.9]))
def test_percentile_intervals_hold_the_percentile(values: list[float], share: float) -> None:
    found = percentile_interval(values, share)
    assert found.measurable == (len(values) >= found.needed)
    if found.measurable:
        assert found.value == percentile(values, share)
        assert found.lo is not None
        assert found.hi is not None
        assert found.value is not None
        assert found.lo <= found.value <= found.hi
        assert (found.status, found.explanation) == ("ok", "")
    else:
        assert (found.value, found.lo, found.hi, found.status) == (None, None, None, "insufficient")


def test_percentile_limits_stand_at_the_binomial_ranks() -> None:
    """Of 1 to 200 the values are their own ranks; those of p95 are 184 and 197."""
    found = percentile_interval([float(k) for k in range(200, 0, -1)], 0.95)
    assert (found.lo, found.value, found.hi) == (184, 190, 197)


def test_random_signs_come_near_the_normal_whatever_the_blocks() -> None:
    differences = np.random.default_rng(4).normal(0.0, 1.0, 400)
    expected = 2 * stats.norm.sf(abs(differences.sum()) / np.sqrt((differences**2).sum()))
    assert sign_flip_p(differences) == pytest.approx(expected, abs=0.02)


def test_what_cannot_be_measured_says_so() -> None:
    found = percentile_interval([0.1] * 100, 0.99)
    assert (found.explanation, found.needed) == ("p99: not measurable with n = 100; 368 needed", 368)
    assert percentile_interval([0.1] * 95, 0.95, failed=5).status == "ok"
    lost = percentile_interval([0.1] * 90, 0.95, failed=10)
    assert (lost.value, lost.hi, lost.status) == (None, None, "undefined")
    assert lost.explanation == "p95: falls on units that never came"
    assert percentile_interval([0.1] * 94, 0.95, failed=2).hi is None


def test_the_interval_of_order_statistics_covers_the_percentile() -> None:
    chance = np.random.default_rng(0)
    true = float(stats.expon.ppf(0.95))
    covered = 0
    for _ in range(2000):
        found = percentile_interval(chance.exponential(size=200).tolist(), 0.95)
        assert found.lo is not None
        assert found.hi is not None
        covered += found.lo <= true <= found.hi
    assert covered / 2000 >= 0.94


@given(st.integers(1, 400), st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]))
def test_ranks_are_those_of_the_binomial_distribution(trials: int, share: float) -> None:
    tails = [int(stats.binom.ppf(tail, trials, share)) for tail in (0.025, 0.975)]
    assert percentile_ranks(trials, share) == (tails[0], tails[1] + 1)


@given(st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.integers(1, 500))
def test_a_percentile_is_measurable_exactly_when_its_interval_has_an_upper_end(share: float, units: int) -> None:
    found = percentile_interval([float(k) for k in range(units)], share)
    assert found.measurable == (unmeasurable(share, units) == "") == (found.hi is not None)


@pytest.mark.parametrize("units", [6, 40])
def test_many_metrics_are_flipped_as_each_alone(units: int) -> None:
    found = np.random.default_rng(3).integers(-2, 3, (units, 4)).astype(float)
    together = sign_flip_ps(found, draws=500, seed=7)
    assert together.tolist() == [sign_flip_p(found[:, k], draws=500, seed=7) for k in range(4)]


def test_units_that_do_not_differ_leave_a_test_exact() -> None:
    found = np.zeros((300, 1))
    found[-4:] = 1
    assert sign_flip_ps(found)[0] == 2 / 16


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    st.sampled_from([1e-9, 1 / 3, 1e6 / 7, 1e12]),
)
def test_the_size_of_differences_does_not_change_their_test(differences: list[int], scale: float) -> None:
    """Signs that give the same sum again must be counted whatever is lost to rounding."""
    assert sign_flip_p([scale * one for one in differences]) == sign_flip_p(differences)


def test_clusters_that_hold_nothing_are_no_evidence() -> None:
    sums = [np.array(side, dtype=float) for side in ([1, 0, 2, 0], [4, 0, 0, 0], [0, 0, 0, 3])]
    assert telling(*sums).tolist() == [[1, 2, 0], [4, 0, 0], [0, 0, 3]]
    assert telling(*(np.zeros(3) for _ in range(2))).shape == (2, 0)


def test_with_few_clusters_that_hold_anything_the_interval_still_covers() -> None:
    """Six or seven of sixty speakers say a word of the kind that is counted."""
    chance = np.random.default_rng(0)
    covered, made = 0, 0
    for _ in range(2000):
        sizes = np.where(chance.random(60) < 0.12, chance.integers(5, 30, 60), 0).astype(float)
        errors = chance.binomial(sizes.astype(int), np.clip(chance.normal(0.1, 0.05, 60), 0, 1)).astype(float)
        found = cluster_ratio(*telling(errors, sizes))
        if found.lo is not None and found.hi is not None:
            made += 1
            covered += found.lo <= 0.1005 <= found.hi
    assert covered / made > 0.91, "all sixty as evidence: 0.85"
