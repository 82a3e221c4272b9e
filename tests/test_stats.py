import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from evalkit.intervals import cluster_ratio, zero_event_bound
from evalkit.scoring import METRICS, describe
from evalkit.stats import compare, summarise
from evalkit.types import Difference, Route, Score, SummaryRow

WER = "acc.wer.en"
ROUTES: tuple[Route, ...] = ("streaming", "rest")


def row(
    clip_id: str,
    *,
    provider: str = "new",
    route: Route = "streaming",
    cluster: str | None = None,
    errors: int = 0,
    words: int = 50,
    counts: Mapping[str, float] = {},
    values: Mapping[str, Sequence[float]] = {},
    absent: Mapping[str, str] = {},
    slices: Mapping[str, str] = {},
) -> Score:
    made = {
        "run.clips": 1,
        "run.answered": 1,
        "run.failed": 0,
        f"{WER}.hits": words - errors,
        f"{WER}.substitutions": errors,
        f"{WER}.deletions": 0,
        f"{WER}.insertions": 0,
    }
    return Score(
        clip_id=clip_id,
        provider=provider,
        route=route,
        evidence="simulated",
        kind="speech",
        cluster=clip_id if cluster is None else cluster,
        language="en",
        slices=dict(slices),
        audio_s=10.0,
        attempts=1,
        failure=None,
        counts={**made, **counts},
        values={name: tuple(list_) for name, list_ in values.items()},
        absent=dict(absent),
        pacing=None,
        reference="",
        hypothesis="",
    )


def figure(rows: Sequence[SummaryRow], metric: str, name: str = "all") -> SummaryRow:
    (found,) = [found for found in rows if found.metric == metric and found.slice == name]
    return found


def difference(rows: Sequence[Difference], metric: str) -> Difference:
    (found,) = [found for found in rows if found.metric == metric]
    return found


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
    half = figure(summarise(scores[:50]), "lat.word_first.p95")
    assert (half.value, half.ci_lo, half.ci_hi) == (48, None, None)


def test_a_p95_needs_twenty_units() -> None:
    few = [row(f"c{k}", values={"lat.ttfs": [k]}) for k in range(19)]
    assert figure(summarise(few), "lat.ttfs.p95").status == "insufficient"
    assert figure(summarise(few), "lat.ttfs.p95").value is None
    assert figure(summarise(few), "lat.ttfs.p50").value == 9
    enough = [*few, row("c19", values={"lat.ttfs": [19]})]
    assert figure(summarise(enough), "lat.ttfs.p95").value == 18


def test_failed_clips_count_as_never() -> None:
    """Two of twenty failed: the median moves, the p95 lies on a failure and has no value."""
    came = [row(f"c{k}", values={"lat.ttfs": [k]}) for k in range(18)]
    lost = [row(f"x{k}", counts={"lat.ttfs.failed": 1}) for k in range(2)]
    found = summarise(came + lost)
    assert figure(found, "lat.ttfs.p50").value == 9
    assert figure(found, "lat.ttfs.p50").numerator == 2
    late = figure(found, "lat.ttfs.p95")
    assert (late.value, late.ci_hi, late.status, late.n_units) == (None, None, "undefined", 20)


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


def pair(new: Sequence[int], old: Sequence[int], words: Sequence[int]) -> list[Score]:
    return [
        row(f"c{k}", provider=provider, errors=errors[k], words=words[k])
        for provider, errors in (("new", new), ("old", old))
        for k in range(len(words))
    ]


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


def test_a_known_price_difference_is_exact() -> None:
    rows = [
        row(f"c{k}", route=route, counts={"cost.usd": usd * (k + 1) / 3600, "cost.audio_s": k + 1})
        for route, usd in zip(ROUTES, (0.2, 0.1), strict=True)
        for k in range(6)
    ]
    found = difference(compare(rows, "new", None), "cost.per_audio_hour")
    assert (found.question, found.verdict) == ("streaming_vs_rest", "worse")
    assert (found.difference, found.ci_lo, found.ci_hi) == pytest.approx((0.1, 0.1, 0.1))


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
