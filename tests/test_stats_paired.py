import json
import math
import random
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from evalkit.errors import SettingsError
from evalkit.scoring import describe
from evalkit.stats.bootstrap import every_resample
from evalkit.stats.decisions import benjamini_hochberg, holm, mcnemar_p
from evalkit.stats.intervals import (
    ARITHMETIC,
    BOOTSTRAP,
    CLUSTER_T,
    EXACT_BOUND,
    METHODS,
    cluster_ratio,
    cluster_ratio_difference,
    sign_flip_p,
    zero_event_bound,
    zero_failure_trials,
)
from evalkit.stats.paired import compare, segment_test
from evalkit.stats.power import clips_to_plan, scaled_up
from evalkit.types import Score
from tests import handmade
from tests.rows import ROUTES, WER, difference, pair, row


def test_a_paired_difference_has_the_interval_of_the_cluster_differences() -> None:
    """With equal references the interval is the t interval of (errors new - errors old) per word."""
    new, old, words = [4, 5, 3, 7, 2, 6], [10, 3, 7, 6, 7, 6], [120, 80, 150, 90, 110, 50]
    found = difference(compare(pair(new, old, words), "new", "old"), WER)
    changes = np.subtract(new, old)
    shares = (changes - changes.sum() / sum(words) * np.array(words)) / sum(words)
    reach = scipy_stats.t.ppf(0.975, 5) * math.sqrt(6 / 5 * (shares**2).sum())
    change = changes.sum() / sum(words)
    assert (found.difference, found.ci_lo, found.ci_hi) == pytest.approx((change, change - reach, change + reach))
    assert found.smallest_detectable == pytest.approx(2.8016 * math.sqrt(6 / 5 * (shares**2).sum()), rel=1e-4)
    assert (found.value, found.against_value) == pytest.approx((27 / 600, 39 / 600))


@pytest.mark.parametrize(
    ("new", "old", "verdict"),
    [
        ([1, 2, 1, 0, 1, 2], [9, 8, 9, 10, 9, 8], "better"),
        ([9, 8, 9, 10, 9, 8], [1, 2, 1, 0, 1, 2], "worse"),
        ([5, 1, 7, 2, 6, 3], [1, 7, 2, 6, 3, 5], "no_clear_difference"),
        ([3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3], "no_clear_difference"),
        ([1, 2, 1, 0], [9, 8, 9, 10], "insufficient"),
    ],
)
def test_the_verdict_comes_from_the_interval(new: list[int], old: list[int], verdict: str) -> None:
    assert difference(compare(pair(new, old, [50] * len(new)), "new", "old"), WER).verdict == verdict


def test_for_some_metrics_more_is_better() -> None:
    rows = [
        row(
            f"c{k}",
            provider=name,
            route="rest",
            counts={"lat.rtfx.audio_s": 10.0, "lat.rtfx.processing_s": wait + k / 100},
        )
        for name, wait in (("new", 1.0), ("old", 4.0))
        for k in range(8)
    ]
    assert describe("lat.rtfx").direction == "higher"
    assert difference(compare(rows, "new", "old"), "lat.rtfx").verdict == "better"


def test_a_difference_of_list_prices_is_a_figure_and_no_finding() -> None:
    rows = [
        replace(
            row(
                f"c{k}",
                route=route,
                counts={"cost.usd": usd * (k + 1) / 3600, "cost.audio_s": k + 1, "cost.clips": 1},
            ),
            audio_s=float(k + 1),
        )
        for route, usd in zip(ROUTES, (0.2, 0.1), strict=True)
        for k in range(6)
    ]
    found = difference(compare(rows, "new", None), "cost.per_audio_hour")
    assert (found.question, found.verdict) == ("streaming_vs_rest", "exact")
    assert (found.ci_method, found.note) == (ARITHMETIC, "")
    assert (found.p, found.p_holm, found.p_bh, found.poi, found.smallest_detectable, found.test) == (*[None] * 5, "")
    assert found.value is not None
    assert found.against_value is not None
    assert (found.difference, found.ci_lo, found.ci_hi) == (found.value - found.against_value,) * 3
    assert found.difference == pytest.approx(0.1)


def test_a_price_that_hangs_on_the_clip_is_tested_as_anything_else() -> None:
    rows = [
        row(f"c{k}", route=route, counts={"cost.usd": usd * (1 + k % 3), "cost.audio_s": 10.0})
        for route, usd in zip(ROUTES, (0.2, 0.1), strict=True)
        for k in range(6)
    ]
    found = difference(compare(rows, "new", None), "cost.per_audio_hour")
    assert (found.p, found.ci_method, found.verdict) == (2 / 64, CLUSTER_T, "worse")


def test_percentiles_are_compared_on_the_same_draws() -> None:
    """A constant delay added to every clip is seen exactly, however much the clips differ."""
    chance = random.Random(2)
    base = [[chance.expovariate(1) for _ in range(5)] for _ in range(12)]
    rows = [
        row(f"c{k}", provider=name, values={"lat.word_first": [value + extra for value in own]})
        for name, extra in (("new", 0.25), ("old", 0.0))
        for k, own in enumerate(base)
    ]
    found = difference(compare(rows, "new", "old"), "lat.word_first.p50")
    assert (found.difference, found.ci_lo, found.ci_hi) == pytest.approx((0.25, 0.25, 0.25))
    assert found.verdict == "worse"


def test_only_clips_that_both_have_are_compared() -> None:
    rows = pair([5, 5, 5, 5, 5, 5], [1, 2, 3, 4, 5, 6], [50] * 6)
    rows += [row("extra", provider="new", errors=50), replace(row("other", provider="old", errors=50), cluster="c1")]
    found = difference(compare(rows, "new", "old"), WER)
    assert (found.n_clips, found.n_clusters) == (6, 6)
    assert found.value == pytest.approx(0.1)


def test_each_provider_is_asked_streaming_against_rest() -> None:
    rows = [row(f"c{k}", provider=p, route=r, errors=k % 3) for k in range(6) for p in ("new", "old") for r in ROUTES]
    asked = {
        (found.question, found.provider, found.route, found.against_provider, found.against_route)
        for found in compare(rows, "new", "old")
    }
    assert asked == {
        ("candidate_vs_incumbent", "new", "rest", "old", "rest"),
        ("candidate_vs_incumbent", "new", "streaming", "old", "streaming"),
        ("streaming_vs_rest", "new", "streaming", "new", "rest"),
        ("streaming_vs_rest", "old", "streaming", "old", "rest"),
    }


def test_a_percentile_on_failures_cannot_be_compared() -> None:
    rows = [row(f"c{k}", provider="new", counts={"lat.ttfs.failed": 1}) for k in range(6)]
    rows += [row(f"c{k}", provider="old", values={"lat.ttfs": [1.0]}) for k in range(6)]
    found = difference(compare(rows, "new", "old"), "lat.ttfs.p50")
    assert (found.value, found.against_value, found.difference, found.verdict) == (None, 1.0, None, "insufficient")
    json.dumps([asdict(item) for item in compare(rows, "new", "old")], allow_nan=False)


def test_segments_of_the_texts() -> None:
    said = "the quick brown fox jumps over the lazy dog"
    scores = []
    for k in range(4):
        heard = "a quick brown fox jumps over the" + " lazy" * (k % 2) + " dog"
        for name, text in (("new", said), ("old", heard)):
            scores.append(replace(row(f"c{k}", provider=name, route="rest"), reference=said, hypothesis=text))
    found = segment_test(scores, "new", "old", "rest", "basic")
    assert (found.units, found.mean) == (6, -1)


@pytest.mark.slow
def test_equal_systems_are_called_different_in_about_one_of_twenty_runs() -> None:
    chance = np.random.default_rng(4)
    wrong = 0
    for _ in range(400):
        rates = np.minimum(chance.gamma(4, 0.025, 12), 1)
        words = chance.integers(100, 300, 12)
        sides = [chance.binomial(words, rates).tolist() for _ in range(2)]
        found = cluster_ratio(np.subtract(*sides), words)
        wrong += not (found.lo is not None and found.hi is not None and found.lo <= 0 <= found.hi)
    assert 0.02 <= wrong / 400 <= 0.09


NEW, OLD = [1, 0, 2, 3, 0, 1, 0, 2], [3, 1, 2, 5, 1, 1, 2, 4]


def test_an_error_rate_has_its_whole_decision() -> None:
    found = difference(compare(pair(NEW, OLD), "new", "old"), WER)
    expected = cluster_ratio_difference(NEW, [50] * 8, OLD, [50] * 8)
    assert (found.difference, found.ci_lo, found.ci_hi) == (expected.value, expected.lo, expected.hi)
    assert (found.label, found.gate, found.verdict) == ("superior", "pass", "better")
    assert (found.p, found.p_holm) == (2 / 64, 2 / 64)
    assert found.margin == 0.005
    assert found.smallest_detectable is not None
    assert found.clips_needed == scaled_up(8, found.smallest_detectable, 0.005)
    assert (found.bootstrap_lo, found.note) == (None, "")


def test_the_probability_of_improvement_is_that_of_all_resamples() -> None:
    new, old = [3, 1, 2, 4, 0], [2, 2, 4, 4, 1]
    found = difference(compare(pair(new, old), "new", "old", draws=20_000), WER)
    exact = every_resample(np.subtract(new, old), [50] * 5)
    assert found.poi == pytest.approx(exact.below_zero, abs=0.01)


def test_where_more_is_better_improvement_is_more() -> None:
    scores = [
        replace(score, counts={**score.counts, "run.answered": float(score.provider == "new" or score.clip_id > "c3")})
        for score in pair(NEW, OLD)
    ]
    found = difference(compare(scores, "new", "old"), "run.coverage")
    assert found.verdict == "better"
    assert found.poi is not None
    assert found.poi > 0.95
    assert (found.margin, found.label, found.gate, found.clips_needed) == (None, None, None, None)


def test_a_bootstrap_interval_stands_beside_the_headline_from_twenty_clusters_on() -> None:
    chance = np.random.default_rng(1)
    new, old = (chance.poisson(rate, 20).tolist() for rate in (2.0, 4.0))
    found = difference(compare(pair(new, old), "new", "old"), WER)
    assert found.bootstrap_lo is not None
    assert found.bootstrap_hi is not None
    assert found.bootstrap_lo == pytest.approx(found.ci_lo, abs=0.008)
    assert found.bootstrap_lo < found.difference < found.bootstrap_hi  # type: ignore[operator]
    assert difference(compare(pair(new[1:], old[1:]), "new", "old"), WER).bootstrap_lo is None


def test_a_worse_system_fails_and_the_clips_needed_shrink_with_the_margin() -> None:
    scores = pair([5, 6, 7, 5, 6, 8], [1, 2, 1, 2, 1, 2])
    found = difference(compare(scores, "new", "old"), WER)
    assert (found.label, found.gate) == ("inferior", "fail")
    wide = difference(compare(scores, "new", "old", tolerated=0.5), WER)
    assert (wide.label, wide.gate, wide.margin) == ("non_inferior_but_worse", "warn", 0.5)
    assert found.clips_needed is not None
    assert wide.clips_needed is not None
    assert found.clips_needed > wide.clips_needed


def test_the_margin_is_a_share_of_a_high_old_rate() -> None:
    assert difference(compare(pair([20] * 6, [20] * 6), "new", "old"), WER).margin == pytest.approx(0.05 * 0.4)


@pytest.mark.parametrize(("clips", "label"), [(20, "inconclusive"), (800, "non_inferior")])
def test_a_system_against_itself_is_bounded_by_the_clips_that_were_heard(clips: int, label: str) -> None:
    found = difference(compare(pair([2] * clips, [2] * clips), "new", "old", draws=50), WER)
    bound = zero_event_bound(clips, two_sided=True)
    assert (found.ci_lo, found.ci_hi, found.label) == (-bound, bound, label)
    assert (found.p, found.poi, found.ties, found.verdict) == (1.0, 0.0, 1.0, "no_clear_difference")
    assert found.clips_needed == zero_failure_trials(0.005, two_sided=True)


def test_too_few_clusters_say_so_and_plan_by_rule_of_thumb() -> None:
    found = difference(compare(pair([1, 2, 3], [4, 4, 4]), "new", "old"), WER)
    assert (found.ci_lo, found.label, found.poi, found.verdict) == (None, "inconclusive", None, "insufficient")
    assert found.note == "no interval: 3 of 5 clusters"
    assert found.clips_needed == clips_to_plan(0.005, 50)


def test_comparisons_that_ask_the_same_are_adjusted_together() -> None:
    scores = [
        *pair(NEW, OLD, route="rest"),
        *pair(NEW, [wrong + (k < 2) for k, wrong in enumerate(OLD)], route="streaming"),
    ]
    found = [row for row in compare(scores, "new", "old") if row.metric == WER]
    first = [row for row in found if row.question == "candidate_vs_incumbent"]
    assert len(first) == 2
    assert [row.p_holm for row in first] == holm([row.p or 0.0 for row in first])
    assert all((row.p_holm or 0) > (row.p or 0) for row in first)


def perfect(right: dict[str, list[int]], cluster: str | None = None) -> list[Score]:
    return [
        row(
            f"c{k}",
            provider=name,
            cluster=cluster and f"{cluster}{k // 2}",
            counts={f"{WER}.perfect_clips": one, f"{WER}.imperfect_clips": 1 - one, f"{WER}.clips": 1},
        )
        for name, side in right.items()
        for k, one in enumerate(side)
    ]


@pytest.mark.parametrize(("first", "second"), [(4, 9), (4, 12)])
def test_a_share_of_independent_clips_has_mcnemars_exact_test(first: int, second: int) -> None:
    """Some clips only one system gets right, and others only the other; more than the permutation test enumerates."""
    right = {"new": [1] * first + [0] * second + [1] * 6, "old": [0] * first + [1] * second + [1] * 6}
    found = compare(perfect(right), "new", "old")
    for metric in (f"{WER}.perfect", f"{WER}.sentence_error"):
        one = difference(found, metric)
        assert (one.test, one.p) == ("McNemar", mcnemar_p(first, second))
    assert difference(found, WER).test == "sign-flip permutation"


def test_clips_of_one_speaker_are_no_independent_trials() -> None:
    right = {"new": [1] * 4 + [0] * 12 + [1] * 6, "old": [0] * 4 + [1] * 12 + [1] * 6}
    found = difference(compare(perfect(right, "speaker"), "new", "old"), f"{WER}.perfect")
    assert (found.test, found.n_clusters) == ("sign-flip permutation", 11)
    assert found.p == sign_flip_p([2, 2, *[-2] * 6])
    assert found.p > mcnemar_p(4, 12)


def test_draws_in_which_both_do_alike_are_ties_and_no_improvement() -> None:
    new, old = [1, 2, 3, 4, 5, 2], [2, 2, 3, 4, 5, 2]
    found = difference(compare(pair(new, old), "new", "old", draws=20_000), WER)
    exact = every_resample(np.subtract(new, old), [50] * 6)
    assert (found.poi, found.ties) == pytest.approx((exact.below_zero, exact.zero), abs=0.01)
    assert found.ties == pytest.approx((5 / 6) ** 6, abs=0.01)


def test_interval_and_p_value_that_disagree_are_noted_and_the_interval_decides() -> None:
    """Five clusters never give a p below 2 / 32, however far the interval is from 0."""
    found = difference(compare(pair([1, 2, 1, 0, 1], [9, 8, 9, 10, 9]), "new", "old"), WER)
    assert (found.p, found.verdict, found.label) == (2 / 32, "better", "superior")
    assert found.note == "the interval excludes 0 although p is 0.0625: the interval counts"
    assert difference(compare(pair(NEW, OLD), "new", "old"), WER).note == ""


def test_the_table_of_all_metrics_is_adjusted_as_one() -> None:
    found = compare(perfect({"new": [1, 0] * 8, "old": [0] * 16}), "new", "old")
    tested = [one for one in found if one.p is not None]
    assert len({one.metric for one in tested}) > 3
    assert [one.p_bh for one in tested] == benjamini_hochberg([one.p or 0.0 for one in tested])
    assert [one.p_holm for one in tested] == [one.p for one in tested], "each metric is asked once"


def test_every_interval_says_how_it_was_made() -> None:
    *_, found = handmade.demo()
    assert {one.ci_method for one in found if one.ci_lo is not None} >= {CLUSTER_T, BOOTSTRAP, EXACT_BOUND, ARITHMETIC}
    assert all((one.ci_method in METHODS) == (one.ci_lo is not None) for one in found)
    assert all(bool(one.test) == (one.p is not None) for one in found)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=9))
def test_turning_a_comparison_round_turns_its_signs(errors: list[tuple[int, int]]) -> None:
    new, old = [first for first, _ in errors], [second for _, second in errors]
    one = difference(compare(pair(new, old), "new", "old", draws=200), WER)
    other = difference(compare(pair(old, new), "new", "old", draws=200), WER)
    assert one.difference == pytest.approx(-(other.difference or 0.0))
    assert one.p == pytest.approx(other.p)
    assert one.ties == other.ties
    assert (one.poi or 0) + (other.poi or 0) + (one.ties or 0) == pytest.approx(1)


def test_percentiles_have_a_probability_of_improvement_too() -> None:
    rows = [
        row(f"c{k}", provider=name, values={"lat.word_first": [k / 10 + extra] * 3})
        for name, extra in (("new", 0.0), ("old", 0.25))
        for k in range(8)
    ]
    found = difference(compare(rows, "new", "old"), "lat.word_first.p50")
    assert (found.poi, found.p, found.label) == (1.0, None, None)
    late = difference(compare(rows, "new", "old"), "lat.word_first.p95")
    assert (late.difference, late.verdict) == (None, "insufficient")
    assert late.note == "p95: not measurable with n = 24; 72 needed"


def timed(matched: int) -> list[Score]:
    counts = {"ts.matched_words": matched, "ts.reference_words": 100, "ts.offset.start.words": matched}
    return [
        row(f"c{k}", provider=name, counts={**counts, "ts.offset.start.absolute_s": late * (1 + k / 10)})
        for name, late in (("new", 1.0), ("old", 9.0))
        for k in range(6)
    ]


def test_drift_of_the_easy_words_only_decides_nothing() -> None:
    assert difference(compare(timed(90), "new", "old"), "ts.offset.start.mae").verdict == "better"
    found = difference(compare(timed(60), "new", "old"), "ts.offset.start.mae")
    assert (found.verdict, found.note) == ("insufficient", "60 % of timed words matched; 70 % needed")
    assert found.difference is not None


def test_equal_rates_over_unlike_denominators_are_no_evidence() -> None:
    """One side has ten times the words of the other in every clip, and the same share of them right."""
    scores = [
        row(
            f"c{k}", provider=name, counts={"acc.keyterm.found": size * (k + 1), "acc.keyterm.invented": size * (k + 1)}
        )
        for name, size in (("new", 10), ("old", 1))
        for k in range(8)
    ]
    found = difference(compare(scores, "new", "old"), "acc.keyterm.precision")
    assert (found.difference, found.p) == (0.0, 1.0)


def test_clips_are_paired_by_name_whatever_their_order() -> None:
    scores = pair([3, 0, 5, 2, 8, 1], [9, 1, 0, 4, 2, 7], words=[60, 20, 70, 40, 90, 30])
    shuffled = [*scores[:6], *reversed(scores[6:])]
    assert compare(shuffled, "new", "old") == compare(scores, "new", "old")
    fewer = shuffled[1:]
    assert difference(compare(fewer, "new", "old"), WER).n_clips == 5


def test_clips_that_hold_nothing_do_not_bound_a_difference() -> None:
    counts = [{"acc.conf.pairs": float(k < 6), "acc.conf.told_apart": float(k < 6)} for k in range(50)]
    scores = [row(f"c{k}", provider=name, counts=made) for name in ("new", "old") for k, made in enumerate(counts)]
    found = difference(compare(scores, "new", "old"), "acc.conf.auc")
    assert (found.difference, found.ci_method) == (0.0, EXACT_BOUND)
    assert found.ci_hi == pytest.approx(zero_event_bound(6, two_sided=True))


def test_a_margin_of_nothing_is_one_and_no_number_is_none() -> None:
    for new in ([1] * 6, [1, 2, 3, 4, 5, 6]):
        found = difference(compare(pair(new, [1] * 6), "new", "old", tolerated=0.0), WER)
        assert (found.margin, found.clips_needed) == (0.0, None)
    for margin in (-0.1, math.nan, math.inf):
        with pytest.raises(SettingsError, match="a margin must be"):
            compare(pair([1] * 6, [1] * 6), "new", "old", tolerated=margin)


def test_clusters_that_hold_nothing_on_either_side_tell_no_difference() -> None:
    scores = [
        row(f"c{k}", provider=name, counts={"acc.conf.pairs": 9.0 * (k < 4), "acc.conf.told_apart": right * (k < 4)})
        for name, right in (("new", 8.0), ("old", 2.0))
        for k in range(50)
    ]
    found = difference(compare(scores, "new", "old"), "acc.conf.auc")
    assert (found.verdict, found.ci_lo, found.note) == ("insufficient", None, "no interval: 4 of 5 clusters")
