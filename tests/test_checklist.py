from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.checklist import (
    Criterion,
    Finding,
    Verdict,
    attainable,
    item,
    judge,
    overall,
    stages,
    trials_needed,
    unattainable,
    with_evidence,
)
from evalkit.stats.intervals import clopper_pearson

WER = Criterion("acc.wer.en", "upper", 0.10, 0.20, {"n": 100, "words": 2000})
ENOUGH = {"n": 200, "words": 4000}
RATE = st.floats(0, 1)
VERDICTS = st.lists(st.sampled_from(get_args(Verdict)), max_size=5)


def finding(value: float | None, lo: float | None = None, hi: float | None = None, **support: float) -> Finding:
    return Finding(value, lo, hi, support or ENOUGH)


@given(RATE, RATE, RATE)
def test_lower_is_upper_turned_over(first: float, second: float, third: float) -> None:
    lo, value, hi = sorted((first, second, third))
    recall = Criterion("recall", "lower", 0.90, 0.80, WER.minimum)
    mirrored = judge(recall, finding(1 - value, 1 - hi, 1 - lo)).verdict
    near = any(abs(one - at) < 1e-9 for one in (lo, value, hi) for at in (0.1, 0.2))
    assert near or judge(WER, finding(value, lo, hi)).verdict == mirrored


@given(RATE, RATE, RATE)
def test_only_a_whole_interval_decides(first: float, second: float, third: float) -> None:
    lo, value, hi = sorted((first, second, third))
    verdict = judge(WER, finding(value, lo, hi)).verdict
    assert (verdict == "pass") == (hi <= 0.10)
    assert (verdict == "fail") == (lo > 0.20)


def test_reasons() -> None:
    assert judge(WER, finding(0.09, 0.05, 0.13)).reason == "point meets target but not proven"
    assert judge(WER, finding(0.15, 0.12, 0.18)).reason == "between target and limit"
    assert judge(WER, finding(0.25, 0.15, 0.35)).reason == "looks bad but not proven"
    assert judge(WER, finding(0.05, 0.04, 0.06, n=12, words=5000)) == ("insufficient", "only 12 of 100 n")
    assert judge(WER, finding(None)).verdict == "not_tested"


def test_a_threshold_finer_than_the_reference_is_refused() -> None:
    within = Criterion("ts.offset.start.within_50ms", "lower", 0.9, 0.75, threshold_s=0.05)
    flawless = Finding(1.0, 0.99, 1.0, ENOUGH, times_source="forced alignment")
    assert judge(within, flawless) == ("insufficient", "these reference times cannot judge errors below 100 ms")
    assert judge(within, replace(flawless, times_source="manual annotation")).verdict == "pass"
    assert judge(replace(within, threshold_s=0.1), flawless).verdict == "pass"
    assert judge(replace(within, threshold_s=None), flawless).verdict == "pass"


def test_without_an_interval_the_point_is_compared_and_it_says_so() -> None:
    for value, verdict in ((0.10, "pass"), (0.15, "warn"), (0.21, "fail")):
        found = judge(WER, finding(value))
        assert found.verdict == verdict
        assert "no interval" in found.reason


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Finding(0.8, 0.5, None), "warn"),
        (Finding(3.0, 2.6, None), "fail"),
        (Finding(0.8, None, 0.9), "pass"),
        (Finding(None, 2.6, None), "fail"),
        (Finding(None, 0.9, None), "warn"),
        (Finding(None, None, None), "not_tested"),
    ],
)
def test_an_open_side_is_infinite(found: Finding, verdict: str) -> None:
    assert judge(Criterion("lat.ttfs.p95", "upper", 1.0, 2.5), found).verdict == verdict
    if found.value is not None:
        over = Finding(-found.value, None if found.hi is None else -found.hi, None if found.lo is None else -found.lo)
        assert judge(Criterion("x", "lower", -1.0, -2.5), over).verdict == verdict


def test_failing_early_is_a_switch() -> None:
    early = Criterion("acc.wer.en", "upper", 0.10, 0.20, {"n": 100}, fail_early=True)
    assert judge(early, finding(0.5, 0.4, 0.6, n=50)).verdict == "fail"
    assert judge(early, finding(0.5, 0.4, 0.6, n=49)).verdict == "insufficient"
    assert judge(early, finding(0.05, 0.01, 0.09, n=50)).verdict == "insufficient"
    assert judge(WER, finding(0.5, 0.4, 0.6, n=50, words=5000)).verdict == "insufficient"


def test_must_be_zero() -> None:
    swap = Criterion("mch.swap", "must_be_zero", minimum={"n": 100})
    assert judge(swap, finding(1, n=3)).verdict == "fail"
    assert judge(swap, finding(0, n=99)).verdict == "insufficient"
    assert judge(swap, finding(0, n=300)) == ("pass", "none in 300: at most 1.2 %")


def test_presence_and_non_inferiority() -> None:
    assert judge(Criterion("console", "presence"), finding(1)).verdict == "pass"
    assert judge(Criterion("console", "presence"), finding(0)).verdict == "fail"
    switch = Criterion("acc.wer.en", "non_inferiority", 0.005)
    assert judge(switch, Finding(0.001, label="non_inferior")).verdict == "pass"
    assert judge(switch, Finding(0.006, label="worse_inconclusive")).verdict == "fail"
    assert judge(switch, Finding(0.001)).verdict == "warn"


def test_one_threshold_serves_as_both() -> None:
    assert judge(Criterion("x", "upper", 0.1), finding(0.11)).verdict == "fail"
    assert judge(Criterion("x", "lower", limit=0.9), finding(0.91)).verdict == "pass"
    with pytest.raises(ValueError, match="target or a limit"):
        judge(Criterion("x", "upper"), finding(0.1))


@given(st.floats(0.001, 0.5), st.integers(1, 3000))
def test_attainable_is_what_the_exact_bound_of_a_flawless_run_meets(target: float, trials: int) -> None:
    upper = clopper_pearson(0, trials)[1]
    if abs(upper - target) > 1e-9:
        wanted = Criterion("fail.rate", "upper", target, minimum={"n": trials}, share=True)
        assert attainable(wanted) == (upper <= target)


def test_what_cannot_pass_is_refused_with_what_it_needs() -> None:
    coverage = Criterion("run.coverage", "lower", 0.99, 0.97, {"n": 100}, share=True)
    assert trials_needed(coverage) == 368
    assert unattainable([coverage, WER]) == [
        "run.coverage: even a flawless result of 100 cannot prove 0.99; ask for 368"
    ]
    assert "no sample can" in unattainable([Criterion("x", "lower", 1.0, minimum={"n": 100}, share=True)])[0]
    assert attainable(Criterion("x", "lower", 0.0, share=True))


@given(VERDICTS, VERDICTS)
def test_optional_criteria_only_turn_pass_into_warn(required: list[Verdict], optional: list[Verdict]) -> None:
    alone, both = item(required), item(required, optional)
    assert both == alone or (alone, both) == ("pass", "warn")
    assert item(required, optional, applicable=False) == "not_applicable"


def test_the_overall_answer() -> None:
    assert overall(["pass", "not_applicable"]) == "go"
    assert overall(["pass", "warn"]) == "go_with_conditions"
    assert overall(["warn", "insufficient"]) == overall(["pass", "not_tested"]) == overall([]) == "not_ready"
    assert overall(["insufficient", "fail"]) == "no_go"


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_evidence(verdict: Verdict) -> None:
    assert with_evidence(verdict, "simulated") == "not_tested"
    assert with_evidence(verdict, "simulated", about="client") == verdict
    assert with_evidence(verdict, "live", age_days=30) == verdict
    assert with_evidence(verdict, "recorded") == verdict
    stale = "warn" if verdict == "pass" else verdict
    assert with_evidence(verdict, "live", age_days=31) == stale
    assert with_evidence(verdict, "live", same_setup=False) == stale


def test_stages_open_one_after_the_other() -> None:
    plan = {"1": ["accuracy", "cost"], "2": ["timestamps"], "3": ["non_inferiority"]}
    found = stages(plan, {"accuracy": "pass"})
    assert found.status == {"1": "blocked", "2": "locked", "3": "locked"}
    assert (found.reached, found.blocker, found.next_action) == (None, "cost", "test cost")
    done = stages(plan, {"accuracy": "pass", "cost": "warn", "timestamps": "not_applicable"}, ["cost"])
    assert (done.reached, done.blocker) == ("2", "non_inferiority")
    assert stages(plan, {"accuracy": "pass", "cost": "warn"}).blocker == "cost"
    assert stages({"1": ["a"]}, {"a": "fail"}).next_action == "mend what failed in a"
    assert stages({"1": ["a"]}, {"a": "pass"}).next_action is None
