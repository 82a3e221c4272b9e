"""What forbids a pass whatever the margin says."""

from dataclasses import replace

from evalkit.gate import guards, sampled
from evalkit.gate.findings import Finding
from evalkit.scoring.catalogue import METRICS
from evalkit.types import Score
from tests import rows


def held(now: list[Score], before: list[Score]) -> dict[str, Finding]:
    rows_now, rows_before = ({row.clip_id: row for row in side} for side in (now, before))
    matched = sampled.Matched(rows_now, rows_before, ("new", "streaming"))
    return {one.what: one for one in guards.check(matched, 0.01, None, "accept")}


def hung(*hangs: int) -> list[Score]:
    return [rows.row(f"c{k}", counts={"fail.hangs": count, "fail.attempts": 1}) for k, count in enumerate(hangs)]


def answered(failed: int, clips: int = 100) -> list[Score]:
    return [
        replace(rows.row(f"c{k:03d}", counts={"run.answered": k >= failed}), failure="late" if k < failed else None)
        for k in range(clips)
    ]


def sliced(noisy: list[int]) -> list[Score]:
    return [
        rows.row(f"{noise}{k:03d}", errors=errors, slices={"noise": noise})
        for noise, wrong in (("clean", [5] * 60), ("noisy", noisy))
        for k, errors in enumerate(wrong)
    ]


def test_what_must_never_be() -> None:
    assert held(hung(0, 0), hung(0, 0))["fail.hang"].state == "passed"
    found = held(hung(1, 0), hung(0, 0))["fail.hang"]
    assert found.state == "regressed"
    assert found.sentence == "new over streaming: fail.hang must never be; seen 0 times before and 1 times now"
    assert held(hung(1, 0), hung(1, 0))["fail.hang"].state == "warned"
    assert held(hung(0, 0), hung(1, 0))["fail.hang"].state == "passed"
    assert {*guards.MUST_BE_ZERO} <= {metric.id for metric in METRICS}


def test_coverage_may_not_fall_by_more_than_half_a_point() -> None:
    assert held(answered(0), answered(0))["run.coverage"].state == "passed"
    assert held(answered(1, 200), answered(0, 200))["run.coverage"].state == "passed"
    found = held(answered(1), answered(0))["run.coverage"]
    assert found.state == "regressed"
    assert found.sentence.endswith("100.00 % of clips were answered and 99.00 % are, more than 0.5 points fewer; "
                                   "without an answer now: c000")  # fmt: skip
    assert held(answered(0), answered(3))["run.coverage"].state == "passed"


def test_the_worst_slice_may_lose_twice_the_margin() -> None:
    before = sliced([5] * 30)
    assert held(sliced([5] * 30), before)["worst slice"].state == "passed"
    assert held(sliced([5, 6] * 15), before)["worst slice"].state == "passed"
    found = held(sliced([7] * 29 + [5]), before)["worst slice"]
    assert found.state == "regressed"
    told = "noise=noisy, worst of 2 slices, lost 3.87 points of acc.wer.en where 2.00 are allowed; p = "
    assert told in found.sentence


def test_a_slice_whose_loss_may_be_chance_is_only_worth_a_look() -> None:
    found = held(sliced([40] + [5] * 29), sliced([5] * 30))["worst slice"]
    assert found.state == "warned"
    assert found.sentence.endswith("may be chance")


def test_a_slice_with_too_few_clips_is_not_held_against_anybody() -> None:
    found = held(sliced([50] * 5), sliced([5] * 5))["worst slice"]
    assert found.state == "passed"
    assert "noise=clean, worst of 1 slices" in found.sentence
