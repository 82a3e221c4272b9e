import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.decisions import (
    ADVICE,
    adjusted,
    benjamini_hochberg,
    broken_guards,
    disputed,
    gate,
    holm,
    margin,
    mcnemar_p,
    non_inferiority,
    z_test,
)
from evalkit.stats.intervals import cluster_ratio, cluster_ratio_difference
from evalkit.stats.power import clips_to_plan
from tests import handmade

P = st.lists(st.floats(0, 1), min_size=1, max_size=12)
LIMIT = st.floats(-0.1, 0.1)


@given(P)
def test_holm_rejects_what_its_steps_reject(p_values: list[float]) -> None:
    """The definition: in ascending order, compare with alpha / (m - k) and stop at the first that fails."""
    rejected = set[int]()
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[index] * (len(p_values) - rank) > 0.05:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def test_holm_never_ranks_a_smaller_p_behind_a_larger() -> None:
    assert holm([0.02, 0.03, 0.04]) == pytest.approx([0.06, 0.06, 0.06])


@given(P)
def test_benjamini_hochberg_is_scipys(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values).tolist())


@given(P)
def test_adjusting_never_makes_a_finding_stronger(p_values: list[float]) -> None:
    for p, bh, strict in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert p <= bh + 1e-12
        assert bh <= strict + 1e-12
        assert strict <= 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_p(first, second) == pytest.approx(expected)
    assert mcnemar_p(first, second) == mcnemar_p(second, first)


@given(st.lists(st.integers(-4, 4), max_size=30))
def test_the_z_test_is_the_t_statistic_under_the_normal(differences: list[int]) -> None:
    found = z_test(differences)
    assert found.units == len(differences)
    if len(set(differences)) < 2:
        assert (found.z, found.p) == (None, None)
        return
    statistic = float(stats.ttest_1samp(differences, 0).statistic)
    assert found.z == pytest.approx(statistic)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(statistic)))


@given(LIMIT, LIMIT, st.floats(0.001, 0.1))
def test_every_interval_has_one_label_and_only_a_proven_one_passes(first: float, second: float, allowed: float) -> None:
    lo, hi = sorted((first, second))
    label = non_inferiority(lo, hi, allowed)
    assert label in ADVICE
    assert (gate(label, (lo + hi) / 2, allowed) == "pass") == (hi < 0 or (hi < allowed and lo <= 0))
    if hi >= allowed:
        assert gate(label, (lo + hi) / 2, allowed) != "pass"


def test_the_edges_of_the_table() -> None:
    assert non_inferiority(-0.01, 0.0, 0.005) == "non_inferior"
    assert non_inferiority(-0.01, 0.005, 0.005) == "inconclusive"
    assert non_inferiority(0.005, 0.01, 0.005) == "worse_inconclusive"
    assert non_inferiority(None, None, 0.005) == "inconclusive"
    assert gate("worse_inconclusive", 0.006, 0.005) == "fail"
    assert gate("worse_inconclusive", 0.004, 0.005) == "warn"
    assert gate("inferior", 0.02, 0.005) == "fail"
    assert gate("non_inferior_but_worse", 0.002, 0.005) == gate("inconclusive", 0.02, 0.005) == "warn"


def test_the_margin_grows_with_the_old_rate_and_with_disagreement() -> None:
    assert margin(0.04) == 0.005
    assert margin(0.20) == pytest.approx(0.01)
    assert margin(0.04, disagreement=0.01) == 0.02


def test_guards() -> None:
    assert broken_guards(0.005) == []
    assert broken_guards(0.005, worst_slice=0.01, coverage=-0.005, must_be_zero={"x": 0}) == []
    found = broken_guards(0.005, worst_slice=0.011, coverage=-0.006, must_be_zero={"mch.swap": 2})
    assert [sentence.split()[0] for sentence in found] == ["mch.swap", "the", "coverage"]


def bursts(chance: np.random.Generator, clips: int, shift: float) -> np.ndarray:
    """New minus old errors of clips of 20 words: 8 % of words differ, in bursts that overdisperse them 2.5 times."""
    events = chance.poisson(1.0, clips)
    sizes = chance.choice([1, 4], size=events.sum(), p=[0.8, 0.2])
    signs = chance.choice([-1, 1], size=events.sum())
    summed = np.zeros(clips)
    np.add.at(summed, np.repeat(np.arange(clips), events), sizes * signs)
    return summed + chance.poisson(20 * shift, clips)


def gates(shift: float, repeats: int, *, allowed: float = 0.02) -> list[str]:
    chance = np.random.default_rng(7)
    clips = clips_to_plan(allowed, 20.0)
    words = np.full(clips, 20.0)
    found: list[str] = []
    for _ in range(repeats):
        estimate = cluster_ratio(bursts(chance, clips, shift), words)
        found.append(gate(non_inferiority(estimate.lo, estimate.hi, allowed), estimate.value, allowed))
    return found


def test_the_gate_passes_an_equal_system_and_fails_a_stated_regression() -> None:
    """At the planned n equal passes in 80 of 100, two margins worse fails in 90, one margin worse hardly passes."""
    repeats = 8000
    assert gates(0.0, repeats).count("pass") / repeats >= 0.80
    assert gates(0.04, 2000).count("fail") / 2000 >= 0.90
    assert gates(0.02, 2000).count("pass") / 2000 <= 0.04


@pytest.mark.parametrize("clusters", [20])
def test_the_interval_of_a_difference_covers_the_truth(clusters: int) -> None:
    """Equal systems, gamma speaker effects, 20 clips of 20 words per speaker: nominal 95 % covers 93 to 97 %."""
    chance = np.random.default_rng(11)
    repeats, covered = 2000, 0
    words = np.full(clusters, 400.0)
    for _ in range(repeats):
        rates = chance.gamma(2.0, 0.05, (2, clusters))
        errors = chance.poisson(rates * words)
        found = cluster_ratio_difference(errors[0], words, errors[1], words)
        assert found.lo is not None
        assert found.hi is not None
        covered += found.lo <= 0 <= found.hi
    assert 0.93 <= covered / repeats <= 0.97


@pytest.mark.parametrize(
    ("lo", "hi", "p", "among", "told"),
    [
        (0.01, 0.02, 0.0625, 0.0625, "the interval excludes 0 although p is 0.0625: the interval counts"),
        (0.01, 0.02, 0.0504, 0.9, "the interval excludes 0 although p is 0.0504: the interval counts"),
        (-0.02, -0.01, 0.051, 0.9, "the interval excludes 0 although p is 0.051: the interval counts"),
        (-0.01, 0.02, 0.03, 0.04, "the interval holds 0 although p is 0.03: the interval counts"),
        (0.0, 0.02, 0.05, 0.05, "the interval holds 0 although p is 0.05: the interval counts"),
        (
            0.01,
            0.02,
            0.01,
            0.2,
            "the interval counts; p is 0.2 adjusted, so among so many comparisons this may be chance",
        ),
        (0.01, 0.02, 0.01, 0.04, ""),
        (0.01, 0.02, 0.01, None, ""),
        (-0.01, 0.02, 0.4, 0.9, ""),
        (None, None, 0.01, 0.01, ""),
        (0.01, 0.02, None, None, ""),
    ],
)
def test_a_dispute_names_both_sides_and_which_counts(
    lo: float | None, hi: float | None, p: float | None, among: float | None, told: str
) -> None:
    assert disputed(lo, hi, p, among) == told


def test_adjusting_again_over_more_rows_counts_them_all() -> None:
    *_, rows = handmade.demo()
    bare = [dataclasses.replace(row, p_holm=None, p_bh=None, note="") for row in rows]
    assert [(row.p_holm, row.p_bh) for row in adjusted(bare)] == [(row.p_holm, row.p_bh) for row in rows]
    twice = adjusted([*bare, *bare])[: len(bare)]
    assert all((two.p_holm or 0) >= (one.p_holm or 0) for one, two in zip(rows, twice, strict=True))
    assert adjusted([dataclasses.replace(bare[0], p=None)])[0].p_bh is None
    assert adjusted([dataclasses.replace(rows[0], note="first")])[0].note == "first"
