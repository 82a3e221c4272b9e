"""The same clips answered anew: a margin for word errors, a factor and a test for everything else."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.gate import sampled
from evalkit.gate.findings import Finding
from evalkit.gate.sampled import Matched
from evalkit.scoring.catalogue import METRICS, describe
from evalkit.types import Score
from tests import rows

SYSTEM = ("new", "streaming")
DELAY = "lat.word_first"


def matched(now: list[Score], before: list[Score]) -> Matched:
    return Matched({row.clip_id: row for row in now}, {row.clip_id: row for row in before}, SYSTEM)


def wrong(errors: list[int], words: int = 50) -> list[Score]:
    return [rows.row(f"c{place:03d}", errors=count, words=words) for place, count in enumerate(errors)]


def judged(now: list[int], before: list[int], tolerated: float | None = 0.01, noise: float | None = None) -> Finding:
    found = sampled.error_rate(matched(wrong(now), wrong(before)), tolerated, noise, "accept")
    assert found is not None
    return found


def delayed(delays: list[float], words: int = 20) -> list[Score]:
    return [
        rows.row(f"c{place:03d}", values={DELAY: tuple(delay + 0.001 * k for k in range(words))})
        for place, delay in enumerate(delays)
    ]


def findings(now: list[Score], before: list[Score], *, factor: float = 1.25) -> dict[str, Finding]:
    tests = list(sampled.watched(matched(now, before), factor, sampled.WATCHED, 0))
    return {one.what: one for one in sampled.tested(tests, factor, "accept")}


@pytest.mark.parametrize(
    ("now", "state", "word"),
    [
        ([5] * 60, "passed", "the same errors on every one of 60 clips"),
        ([5, 5, 5, 6, 4, 5] * 10, "passed", ": non-inferior"),
        ([4] * 59 + [5], "improved", ": superior"),
        ([7] * 59 + [5], "regressed", ": inferior"),
        ([5, 5, 6, 5, 5, 5] * 10, "warned", "non-inferior but worse"),
        ([11, 0] * 30, "unjudged", ": inconclusive; about"),
    ],
)
def test_a_margin_of_one_point(now: list[int], state: str, word: str) -> None:
    found = judged(now, [5] * 60)
    assert found.state == state
    assert word in found.sentence
    assert found.sentence.startswith("new over streaming: acc.wer.en was 10.00 % and is ")
    assert (found.remedy == "accept") == (state not in ("passed",))


def test_the_clips_that_lost_most_are_named() -> None:
    found = judged([7] * 58 + [9, 5], [5] * 60)
    assert found.sentence.endswith("; most errors more: c058, c000, c001 and 56 more")
    assert "most errors" not in judged([5, 5, 5, 6, 4, 5] * 10, [5] * 60).sentence


def test_worse_but_not_proven_to_be_beyond_the_margin_cannot_be_judged_below_it_and_fails_above() -> None:
    half = [5, 6, 5, 5] * 15  # half a point worse, margin of half a point
    assert judged(half, [5] * 60, tolerated=0.005).state == "unjudged"
    more = [5, 6, 6, 5] * 15
    beyond = judged(more, [5] * 60, tolerated=0.009)
    assert beyond.state == "regressed"
    assert ": worse, and as measured by more than that" in beyond.sentence


def test_too_few_speakers_are_never_a_pass() -> None:
    found = judged([5, 6, 5], [5, 5, 6])
    assert found.state == "unjudged"
    assert "3 of 5 speakers or calls are too few" in found.sentence


def test_the_margin_is_above_what_two_runs_differ_by() -> None:
    now = [7] * 59 + [5]  # four points worse
    assert judged(now, [5] * 60, tolerated=0.01, noise=0.001).state == "regressed"
    assert judged(now, [5] * 60, tolerated=0.01, noise=0.03).state == "warned"
    assert sampled.margin(0.2, None, None) == pytest.approx(0.01)
    assert sampled.margin(0.02, None, None) == pytest.approx(0.005)
    assert sampled.margin(0.2, None, 0.01) == pytest.approx(0.02)
    assert sampled.margin(0.2, 0.03, 0.01) == pytest.approx(0.03)


def test_the_error_rate_most_clips_have_is_the_one_question() -> None:
    cyrillic = [replace(row, counts={"acc.wer.basic.hits": 1}) for row in wrong([0])]
    assert sampled.primary(matched(wrong([1, 2]), wrong([1, 2]))) == describe("acc.wer.en")
    assert sampled.primary(matched(cyrillic, cyrillic)) is None
    assert sampled.error_rate(matched(cyrillic, cyrillic), None, None, "accept") is None


def test_clusters_are_those_of_now_on_both_sides() -> None:
    renamed = [replace(row, cluster="one") for row in wrong([1, 2])]
    both = matched(wrong([1, 2]), renamed).samples(describe("acc.wer.en"))
    assert both is not None
    assert both[0].names == both[1].names == ("c000", "c001")


def test_a_doubled_delay_needs_the_factor_and_the_test() -> None:
    before = [0.4 + 0.01 * place for place in range(12)]
    found = findings(delayed([2 * delay for delay in before]), delayed(before))
    assert found[f"{DELAY}.p50"].state == "regressed"
    assert "beyond a factor of 1.25; p = " in found[f"{DELAY}.p50"].sentence
    assert found[f"{DELAY}.p50"].remedy == "accept"
    # Significant on every clip, and too small to matter.
    found = findings(delayed([1.1 * delay for delay in before]), delayed(before))
    assert found[f"{DELAY}.p50"].state == "passed"
    found = findings(delayed([1.1 * delay for delay in before]), delayed(before), factor=1.05)
    assert found[f"{DELAY}.p50"].state == "regressed"


def test_a_large_shift_that_chance_explains_is_only_worth_a_look() -> None:
    wild = [0.2, 9.0, 0.3, 4.0, 0.5, 7.0, 0.4, 3.0, 0.6, 5.0, 0.5, 2.0]
    now = [*wild[1:], wild[0] + 3.0]
    assert findings(delayed(now), delayed(wild))[f"{DELAY}.p50"].state == "warned"


def test_a_shift_within_what_pacing_may_be_off_is_none() -> None:
    assert findings(delayed([0.015] * 12), delayed([0.005] * 12))[f"{DELAY}.p50"].state == "passed"


def test_too_few_speakers_for_any_test_cannot_be_judged() -> None:
    found = findings(delayed([1.0] * 4), delayed([0.4] * 4))
    assert found[f"{DELAY}.p50"].state == "unjudged"
    assert "4 speakers or calls are too few to tell that from chance" in found[f"{DELAY}.p50"].sentence


def test_a_percentile_of_too_few_units_is_skipped() -> None:
    found = findings(delayed([1.0] * 12, words=5), delayed([0.4] * 12, words=5))
    assert found[f"{DELAY}.p95"].state == "skipped"
    assert "p95: not measurable with n = 60; 72 needed" in found[f"{DELAY}.p95"].sentence


def test_answers_that_no_longer_come_are_worse_than_any_delay() -> None:
    gone = {f"{DELAY}.failed": 20}
    never = [replace(row, values={DELAY: ()}, counts={**row.counts, **gone}) for row in delayed([1.0] * 12)]
    found = findings(never, delayed([0.4] * 12))
    assert found[f"{DELAY}.p50"].state == "regressed"
    assert findings(never, never)[f"{DELAY}.p50"].state == "skipped"
    assert findings(delayed([0.4] * 12), never)[f"{DELAY}.p50"].state == "skipped"


def test_a_ratio_is_watched_the_same_way() -> None:
    def speakers(seconds: float) -> list[Score]:
        counts = {"dia.der.miss_s": seconds, "dia.der.false_alarm_s": 0, "dia.der.confusion_s": 0, "dia.der.total_s": 9}
        return [rows.row(f"c{place}", counts=counts) for place in range(12)]

    assert findings(speakers(2.0), speakers(1.0))["dia.der"].state == "regressed"
    assert findings(speakers(1.0), speakers(2.0))["dia.der"].state == "improved"
    assert findings(speakers(1.1), speakers(1.0))["dia.der"].state == "passed"


def test_of_a_share_of_which_more_is_better_less_is_a_regression() -> None:
    def recalled(hits: int) -> list[Score]:
        terms = dict.fromkeys(describe("acc.keyterm.recall").denominator, 20)
        terms |= dict.fromkeys(describe("acc.keyterm.recall").numerator, hits)
        return [rows.row(f"c{place}", counts=terms) for place in range(12)]

    assert findings(recalled(10), recalled(19))["acc.keyterm.recall"].state == "regressed"
    assert findings(recalled(19), recalled(10))["acc.keyterm.recall"].state == "improved"


@pytest.mark.parametrize(("before", "now"), [(0.01, -0.3), (-0.01, 0.3)])
def test_what_should_be_zero_is_worse_on_either_side_of_it(before: float, now: float) -> None:
    def off(seconds: float) -> list[Score]:
        counts = {"ts.offset.start.sum_s": 10 * seconds, "ts.offset.start.words": 10}
        return [rows.row(f"c{place}", counts=counts) for place in range(12)]

    both = matched(off(now), off(before))
    (test,) = sampled.watched(both, 1.25, ("ts.offset.start.mean",), 0)
    assert test.p < 0.001


def test_what_is_watched_and_nowhere_is_named() -> None:
    both = matched(wrong([1] * 6), wrong([1] * 6))
    (found,) = sampled.nowhere(both, ("lat.ttfs.p95", "acc.fwer"))
    assert (found.state, found.system) == ("skipped", "new over streaming")
    assert found.sentence.endswith("not looked at, for no clip has them before or now: lat.ttfs.p95, acc.fwer")
    assert not [*sampled.nowhere(matched(delayed([1.0]), wrong([1])), (f"{DELAY}.p50",))]


@pytest.mark.parametrize(
    ("metric", "before", "now", "worse"),
    [
        ("dia.der", 0.10, 0.13, True),
        ("dia.der", 0.10, 0.12, False),
        ("acc.keyterm.recall", 0.90, 0.85, True),
        ("acc.keyterm.recall", 0.90, 0.89, False),
        ("lat.rtfx", 20.0, 10.0, True),
        ("lat.rtfx", 20.0, 17.0, False),
        ("ts.offset.start.mean", 0.01, -0.05, True),
        ("ts.offset.start.mean", -0.05, 0.01, False),
        ("dia.der", 0.0, 0.01, True),
    ],
)
def test_worse_by_more_than_a_factor(metric: str, before: float, now: float, worse: bool) -> None:
    assert sampled.passes(describe(metric), before, now, 1.25) is worse


@given(st.lists(st.tuples(*[st.floats(0, 9) | st.just(math.inf)] * 2), min_size=1, max_size=30))
def test_signed_ranks_are_wilcoxons(pairs: list[tuple[float, float]]) -> None:
    now, before = (np.array(side) for side in zip(*pairs, strict=True))
    found = sampled.ranked(now, before)
    differing = [(one, two) for one, two in pairs if one != two]
    sizes = [abs(one - two) for one, two in differing]
    ranks = stats.rankdata(sizes) if sizes else np.array([])
    expected = [rank if one > two else -rank for rank, (one, two) in zip(ranks, differing, strict=True)]
    assert list(found[found != 0]) == pytest.approx(expected)
    assert len(found) == len(pairs)


def test_the_p_value_of_a_delay_is_that_of_scipys_signed_rank_test() -> None:
    before, now = [0.21, 0.5, 0.3, 0.9, 0.4, 0.6, 0.7], [0.6, 0.7, 0.2, 1.9, 0.9, 1.1, 0.66]
    (test,) = sampled.watched(matched(delayed(now), delayed(before)), 1.25, (f"{DELAY}.p50",), 0)
    assert test.beyond
    assert test.p == pytest.approx(stats.wilcoxon(now, before, alternative="greater", method="exact").pvalue)


def test_percentiles_of_each_speaker() -> None:
    values, owners = np.array([3.0, 1.0, math.inf, 2.0, 5.0]), np.array([0, 0, 2, 0, 2])
    assert list(sampled.own_percentiles(values, owners, 3, 0.5)) == pytest.approx([2.0, math.nan, 5.0], nan_ok=True)
    assert sampled.own_percentiles(values, owners, 3, 0.95)[2] == math.inf


def test_everything_that_is_watched_exists_and_has_a_test() -> None:
    known = {metric.id: metric for metric in METRICS}
    assert {*sampled.WATCHED, *sampled.ERROR_RATES} <= known.keys()
    assert not [name for name in sampled.WATCHED if known[name].statistic == "max"]
    assert not {*sampled.WATCHED} & {*sampled.ERROR_RATES}
