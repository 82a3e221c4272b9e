import json
import random
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import METRICS
from evalkit.stats import summarise
from evalkit.stats.intervals import (
    BOOTSTRAP,
    CLUSTER_T,
    EXACT_BOUND,
    METHODS,
    WILSON,
    cluster_ratio,
    wilson,
    zero_event_bound,
)
from evalkit.types import Score
from tests import handmade
from tests.rows import ROUTES, WER, figure, row


def test_rates_are_pooled_from_summed_counts_with_the_cluster_interval() -> None:
    errors, words = [3, 0, 5, 2, 8, 1], [60, 20, 70, 40, 90, 20]
    found = figure(
        summarise([row(f"c{k}", errors=e, words=n) for k, (e, n) in enumerate(zip(errors, words, strict=True))]), WER
    )
    expected = cluster_ratio(errors, words)
    assert (found.value, found.ci_lo, found.ci_hi) == pytest.approx((19 / 300, expected.lo, expected.hi))
    assert (found.numerator, found.denominator, found.n_clips, found.n_units, found.n_clusters) == (19, 300, 6, 300, 6)
    assert found.status == "ok"


def test_clips_of_one_speaker_are_one_cluster() -> None:
    found = figure(summarise([row(f"c{k}", errors=k % 3, cluster=f"s{k % 5}") for k in range(20)]), WER)
    assert (found.n_clips, found.n_clusters) == (20, 5)


def test_with_few_clusters_there_is_a_figure_but_no_interval() -> None:
    found = figure(summarise([row(f"c{k}", errors=k) for k in range(4)]), WER)
    assert found.value == pytest.approx(6 / 200)
    assert (found.ci_lo, found.ci_hi, found.status) == (None, None, "ok")


def test_no_event_at_all_gives_the_zero_event_bound() -> None:
    found = summarise([row(f"c{k}") for k in range(30)])
    assert figure(found, WER).ci_hi == pytest.approx(zero_event_bound(30, two_sided=True))
    assert figure(found, "fail.rate").ci_lo == 0.0
    coverage = figure(found, "run.coverage")
    assert (coverage.value, coverage.ci_hi) == (1.0, 1.0)
    assert coverage.ci_lo == pytest.approx(1 - zero_event_bound(30, two_sided=True))


def test_a_share_of_independent_clips_has_wilsons_interval_and_a_clustered_one_students() -> None:
    answered = [{"run.answered": float(k > 1)} for k in range(12)]
    alone = figure(summarise([row(f"c{k}", counts=made) for k, made in enumerate(answered)]), "run.coverage")
    assert (alone.ci_lo, alone.ci_hi, alone.ci_method) == (*wilson(10, 12), WILSON)
    rows = [row(f"c{k}", counts=made, cluster=f"s{k // 2}") for k, made in enumerate(answered)]
    grouped = figure(summarise(rows), "run.coverage")
    expected = cluster_ratio([0, *[2] * 5], [2] * 6)
    assert (grouped.ci_lo, grouped.ci_hi, grouped.ci_method) == (expected.lo, 1.0, CLUSTER_T)
    beside = [row(f"c{k}", errors=k % 2, words=1) for k in range(8)]
    assert figure(summarise(beside), WER).ci_method == CLUSTER_T, "a word error rate can exceed 1"
    made = {"run.clips": 0.0, "run.answered": 0.0}
    empty = [row("c0 again", cluster="c0", counts=made), *(row(f"c{k}", counts=answered[k]) for k in range(12))]
    assert figure(summarise(empty), "run.coverage").ci_method == CLUSTER_T, "a speaker of two clips is no single trial"


def test_every_interval_says_how_it_was_made() -> None:
    _, _, found, _ = handmade.demo()
    assert {one.ci_method for one in found if one.ci_lo is not None} >= {CLUSTER_T, EXACT_BOUND, BOOTSTRAP}
    for one in found:
        assert (one.ci_method in METHODS) == (one.ci_lo is not None or one.ci_hi is not None), one


def test_lower_limits_are_cut_at_zero() -> None:
    found = figure(summarise([row(f"c{k}", errors=30 * (k == 0)) for k in range(6)]), WER)
    assert found.ci_lo == 0.0


def test_a_signed_mean_keeps_its_negative_limit() -> None:
    counts = [{"ts.offset.start.sum_s": (-1) ** k * 0.5, "ts.offset.start.words": 10} for k in range(6)]
    found = figure(summarise([row(f"c{k}", counts=made) for k, made in enumerate(counts)]), "ts.offset.start.mean")
    assert found.ci_lo is not None
    assert found.ci_lo < 0


def test_a_rate_without_a_denominator_is_undefined_and_not_zero() -> None:
    found = figure(summarise([row("c", words=0)]), WER)
    assert (found.value, found.status) == (None, "undefined")


def test_seconds_in_a_denominator_count_clips_as_units() -> None:
    counts = {"cost.usd": 0.001, "cost.audio_s": 36.0}
    found = figure(summarise([row(f"c{k}", counts=counts) for k in range(6)]), "cost.per_audio_hour")
    assert found.value == pytest.approx(0.1)
    assert found.n_units == 6


@pytest.mark.parametrize(
    ("reasons", "status"),
    [
        (["missing_input", "not_applicable"], "missing_input"),
        (["not_applicable", "not_applicable"], "not_applicable"),
        (["invalid_pacing", "not_applicable"], "insufficient"),
        ([], "not_tested"),
    ],
)
def test_a_metric_nobody_has_says_why(reasons: list[str], status: str) -> None:
    rows = [row(f"c{k}", absent={"lat.ttfs.p50": reason}) for k, reason in enumerate(reasons)] or [row("c")]
    found = figure(summarise(rows), "lat.ttfs.p50")
    assert (found.value, found.n_clips, found.status) == (None, 0, status)


def test_percentiles_are_nearest_rank_over_all_units_with_a_cluster_bootstrap() -> None:
    values = [[k + 0.1 * j for j in range(4)] for k in range(8)]
    rows = [row(f"c{k}", values={"lat.word_first": own}) for k, own in enumerate(values)]
    found = figure(summarise(rows), "lat.word_first.p50")
    everything = sorted(value for own in values for value in own)
    assert found.value == everything[15]
    assert found.ci_lo is not None
    assert found.ci_hi is not None
    assert found.ci_lo <= found.value <= found.ci_hi
    assert (found.n_units, found.numerator, found.denominator) == (32, 0, 32)


def test_a_percentile_of_one_value_per_cluster_has_the_limits_of_order_statistics() -> None:
    scores = [row(f"c{k}", values={"lat.word_first": [float(k + 1)]}) for k in range(200)]
    found = figure(summarise(scores), "lat.word_first.p95")
    assert (found.ci_lo, found.value, found.ci_hi) == (184, 190, 197)
    few = figure(summarise(scores[:71]), "lat.word_first.p95")
    assert (few.value, few.ci_hi, few.status) == (None, None, "insufficient")
    assert figure(summarise(scores[:72]), "lat.word_first.p95").ci_hi == 72


@pytest.mark.parametrize(("statistic", "needed"), [("p50", 6), ("p95", 72)])
def test_a_percentile_without_an_upper_limit_is_no_figure_and_says_what_it_needs(statistic: str, needed: int) -> None:
    rows = [row(f"c{k}", values={"lat.ttfs": [k]}) for k in range(needed)]
    found = figure(summarise(rows[1:]), f"lat.ttfs.{statistic}")
    assert (found.value, found.status, found.n_units) == (None, "insufficient", needed - 1)
    assert found.note == f"{statistic}: not measurable with n = {needed - 1}; {needed} needed"
    enough = figure(summarise(rows), f"lat.ttfs.{statistic}")
    assert (enough.status, enough.note) == ("ok", "")
    assert enough.value is not None
    assert enough.ci_hi is not None


def test_failed_clips_count_as_never() -> None:
    """Eight of eighty failed: the median moves, the p95 lies on a failure and has no value."""
    came = [row(f"c{k}", values={"lat.ttfs": [k]}) for k in range(72)]
    lost = [row(f"x{k}", counts={"lat.ttfs.failed": 1}) for k in range(8)]
    found = summarise(came + lost)
    assert figure(found, "lat.ttfs.p50").value == 39
    assert figure(found, "lat.ttfs.p50").numerator == 8
    late = figure(found, "lat.ttfs.p95")
    assert (late.value, late.ci_hi, late.status, late.n_units) == (None, None, "undefined", 80)
    assert late.note == "p95: falls on what never came: 8 of 80"


def test_an_upper_limit_that_lies_on_failures_is_explained() -> None:
    rows = [row(f"c{k}", values={"lat.ttfs": [k]}) for k in range(95)]
    rows += [row(f"x{k}", counts={"lat.ttfs.failed": 1}) for k in range(5)]
    found = figure(summarise(rows), "lat.ttfs.p95")
    assert (found.value, found.ci_hi, found.status) == (94, None, "ok")
    assert found.note == "upper limit falls on what never came: 5 of 100"


def test_the_worst_frame_is_the_maximum() -> None:
    rows = [row(f"c{k}", values={"pace.late_max": [k / 1000]}) for k in range(3)]
    assert figure(summarise(rows), "pace.late_max").value == 0.002


def test_slices_keep_clips_without_the_tag_and_mark_thin_ones() -> None:
    thick = [row(f"c{k}", errors=k % 2, slices={"noise": "clean"}) for k in range(25)]
    thin = [row(f"n{k}", errors=5, slices={"noise": "pink"}) for k in range(19)]
    found = summarise([*thick, *thin, row("odd")])
    assert figure(found, WER, "noise=clean").status == "ok"
    assert figure(found, WER, "noise=pink").status == "insufficient"
    assert figure(found, WER, "noise=pink").value == pytest.approx(0.1)
    assert figure(found, WER, "noise=unknown").n_clips == 1
    assert {item.slice for item in summarise(thick, slices=False)} == {"all"}


def test_a_slice_needs_words_and_clusters_too() -> None:
    short = [row(f"c{k}", words=5, slices={"a": "b"}) for k in range(25)]
    assert figure(summarise(short), WER, "a=b").status == "insufficient"
    alike = [row(f"c{k}", cluster="one", slices={"a": "b"}) for k in range(25)]
    assert figure(summarise(alike), WER, "a=b").status == "insufficient"


@pytest.mark.parametrize(
    "counts",
    [
        {"ts.matched_words": 60, "ts.reference_words": 100},
        {"ts.matched_words": 90, "ts.reference_words": 100, "ts.untimed_words": 2, "ts.hypothesis_words": 100},
    ],
)
def test_drift_of_the_easy_words_only_is_insufficient(counts: dict[str, float]) -> None:
    drift = {"ts.offset.start.absolute_s": 1.0, "ts.offset.start.words": 60}
    found = summarise([row(f"c{k}", counts={**counts, **drift}) for k in range(6)])
    assert figure(found, "ts.offset.start.mae").status == "insufficient"
    assert figure(found, "ts.coverage").status == "ok"


def test_rows_follow_the_catalogue_and_can_be_stored() -> None:
    rows = [row(f"c{k}", provider=p, route=r) for k in range(3) for p in "ab" for r in ROUTES]
    found = summarise(rows, slices=False)
    assert [item.metric for item in found[: len(METRICS)]] == [metric.id for metric in METRICS]
    assert len(found) == 4 * len(METRICS)
    json.dumps([asdict(item) for item in found], allow_nan=False)


def test_the_order_of_clips_does_not_matter() -> None:
    rows = [row(f"c{k}", errors=k % 4, values={"lat.ttfs": [k / 7, k]}, cluster=f"s{k % 6}") for k in range(30)]
    shuffled = rows.copy()
    random.Random(0).shuffle(shuffled)
    for first, second in zip(summarise(rows), summarise(shuffled), strict=True):
        assert first.value == pytest.approx(second.value)
        assert first.n_clusters == second.n_clusters


def test_the_same_seed_gives_the_same_rows() -> None:
    rows = [row(f"c{k}", errors=k % 4, values={"lat.ttfs": [k / 7, k]}) for k in range(9)]
    assert summarise(rows, seed=3) == summarise(rows, seed=3)
    assert summarise([]) == []


def test_a_macro_figure_is_the_mean_of_the_clips_that_have_one() -> None:
    rows = [row("long", errors=1, words=99), row("short", errors=1, words=1), row("none", words=0)]
    found = figure(summarise(rows), WER)
    assert found.value == pytest.approx(2 / 100)
    assert found.macro == pytest.approx((1 / 99 + 1) / 2)
    assert figure(summarise(rows), "lat.ttfs.p50").macro is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=9))
def test_pooled_and_macro_agree_when_clips_are_equally_long(clips: list[tuple[int, int]]) -> None:
    rows = [row(f"c{k}", errors=errors, words=20) for k, (errors, _) in enumerate(clips)]
    found = figure(summarise(rows, slices=False), WER)
    assert found.macro == pytest.approx(found.value)


def test_a_share_never_exceeds_one_and_an_error_rate_may() -> None:
    counts = [{"run.clips": 10, "run.answered": 10 - 4 * (k == 0)} for k in range(6)]
    found = summarise([row(f"c{k}", errors=60 * (k % 2), counts=own) for k, own in enumerate(counts)], slices=False)
    assert figure(found, "run.coverage").ci_hi == 1.0
    assert figure(found, "run.coverage").value == pytest.approx(56 / 60)
    assert (figure(found, WER).ci_hi or 0) > 1
    assert (figure(found, "acc.wer.en.sub_rate").ci_hi or 0) <= 1


def test_what_has_no_interval_says_why() -> None:
    few = figure(summarise([row(f"c{k}", errors=k) for k in range(4)]), WER)
    assert few.note == "no interval: 4 of 5 clusters"
    same = figure(summarise([row(f"c{k}", errors=2) for k in range(6)]), WER)
    assert (same.ci_lo, same.note) == (None, "no interval: all clusters are alike")
    none = figure(summarise([row(f"c{k}") for k in range(30)]), WER)
    assert none.note == "none seen: the interval is the exact bound of 30 clips"
    late = figure(summarise([row("c", absent={"lat.ttfs.p50": "invalid_pacing"})]), "lat.ttfs.p50")
    assert late.note == "our own frames were too late on every clip"


@pytest.mark.parametrize("metric", ["ts.offset.start.mae", "ts.slope.p50", "ts.intercept", "ts.jitter", "ts.max_step"])
def test_every_figure_that_needs_matched_words_says_when_they_are_few(metric: str) -> None:
    counts = {"ts.matched_words": 60.0, "ts.reference_words": 100.0, "ts.offset.start.words": 60.0}
    counts["ts.offset.start.absolute_s"] = 1.0
    values = {name: [0.1] for name in ("ts.slope", "ts.intercept", "ts.jitter", "ts.max_step")}
    found = figure(summarise([row(f"c{k}", counts=counts, values=values) for k in range(6)]), metric)
    assert (found.status, found.note) == ("insufficient", "60 % of timed words matched; 70 % needed")
    assert found.value is not None


def test_a_thin_slice_says_what_it_lacks() -> None:
    rows = [row(f"c{k}", words=20, slices={"noise": "ab"[k % 2]}) for k in range(30)]
    found = figure(summarise(rows), WER, "noise=a")
    assert found.note == "only 15 of 20 clips and 300 of 500 words"
    assert figure(summarise(rows), "acc.slice.en.worst_gap", "noise").status == "insufficient"


def test_signed_sums_that_cancel_are_no_absence_of_events() -> None:
    counts = [{"acc.conf.words": 10.0, "acc.conf.confidence": 9.0, "acc.conf.minus_right": -9.0 + k} for k in (-1, 1)]
    found = figure(summarise([row(f"c{k}", counts=counts[k % 2]) for k in range(8)]), "acc.conf.excess")
    assert (found.value, found.ci_method) == (0.0, CLUSTER_T)
    assert found.ci_lo == pytest.approx(-(found.ci_hi or 0.0))
    sure = {"acc.conf.words": 10.0, "acc.conf.confidence": 0.0, "acc.conf.minus_right": 0.0}
    none = figure(summarise([row(f"c{k}", counts=sure) for k in range(8)]), "acc.conf.excess")
    assert none.ci_hi == pytest.approx(zero_event_bound(8, two_sided=True))
    assert none.ci_lo == pytest.approx(-(none.ci_hi or 0.0)), "it could be below 0 as well"


def test_only_clips_that_hold_something_bound_a_flawless_rate() -> None:
    counts = [
        {"acc.conf.pairs": 9.0 if k < 6 else 0.0, "acc.conf.told_apart": 9.0 if k < 6 else 0.0} for k in range(99)
    ]
    found = figure(summarise([row(f"c{k}", counts=made) for k, made in enumerate(counts)]), "acc.conf.auc")
    assert (found.value, found.ci_method) == (1.0, EXACT_BOUND)
    assert found.ci_lo == pytest.approx(1 - zero_event_bound(6, two_sided=True))
    assert found.note.endswith("bound of 6 clips")


def test_clusters_without_anything_to_count_make_no_interval() -> None:
    def pairs(clips: int) -> list[Score]:
        counts = [(9.0, 5.0 + k) if k < clips else (0.0, 0.0) for k in range(99)]
        return [
            row(f"c{k}", counts={"acc.conf.pairs": below, "acc.conf.told_apart": above})
            for k, (below, above) in enumerate(counts)
        ]

    few, enough = (figure(summarise(pairs(clips)), "acc.conf.auc") for clips in (4, 5))
    assert (few.ci_lo, few.note, few.n_clusters) == (None, "no interval: 4 of 5 clusters", 99)
    expected = cluster_ratio([5, 6, 7, 8, 9], [9] * 5)
    assert enough.ci_lo == pytest.approx(expected.lo)
