"""A run held against a baseline: planted regressions are seen, and without them nothing is."""

from dataclasses import replace

import numpy as np
import pytest

from evalkit import gate
from evalkit.gate import CANNOT_JUDGE, PASS, REGRESSION, Outcome, Side
from evalkit.manifest import yardstick
from tests import handmade, planted
from tests.benchmarks import gate as simulation
from tests.planted import side

RECORDINGS = ["first", "second"]
"""The same recording scored again, and the same clips answered anew."""


def check(run: Side, baseline: Side | None = None, **rest: float) -> Outcome:
    return gate.check(run, baseline or side(), yardstick(), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_same_passes(recording: str) -> None:
    held = check(side(recording=recording, name="now"))
    assert held.status == PASS
    assert held.lede.startswith("pass: now against baseline main: ")
    assert not held.having("regressed", "unjudged", "warned", "improved")


@pytest.mark.parametrize("recording", RECORDINGS)
def test_a_word_dropped_from_every_fifth_hypothesis(recording: str) -> None:
    rows = planted.dropping(handmade.scores())
    held = check(side(rows, recording=recording))
    assert held.status in (REGRESSION, CANNOT_JUDGE)
    told = [one.sentence for one in held.having("regressed", "unjudged") if one.what == "acc.wer.en"]
    assert told
    assert all("acc.wer.en" in sentence and "%" in sentence for sentence in told)
    assert recording == "second" or held.status == REGRESSION


def test_dropped_words_in_enough_new_answers_are_a_regression() -> None:
    clips = 200
    held = check(side(planted.dropping(handmade.scores(clips)), recording="second"), side(handmade.scores(clips)))
    assert held.status == REGRESSION


def test_a_doubled_latency_on_the_same_recording() -> None:
    held = check(side(planted.slower(handmade.scores())))
    assert held.status == REGRESSION
    assert "ms" in planted.found(held, "lat.word_first.p50", "regressed").sentence
    assert held.having("regressed")[0].remedy == "evalkit baseline accept main main --reason '...'"
    assert all(one.what.startswith("lat.word_first") for one in held.having("regressed"))


def test_a_doubled_latency_in_new_answers() -> None:
    few = check(side(planted.slower(handmade.scores()), recording="second"))
    assert few.status == CANNOT_JUDGE
    assert "9 speakers or calls are too few to tell" in planted.found(few, "lat.word_first.p50").sentence
    many = handmade.scores(40)
    own = [replace(row, cluster=row.clip_id) for row in many]
    held = check(side(planted.slower(own), recording="second"), side(own))
    assert held.status == REGRESSION
    assert "beyond a factor of 1.25; p = " in planted.found(held, "lat.word_first.p50", "regressed").sentence
    assert all(one.what.startswith("lat.word_first") for one in held.having("regressed"))


@pytest.mark.parametrize("recording", RECORDINGS)
def test_improvements_are_noted_and_never_fail(recording: str) -> None:
    held = check(side(recording=recording), side(planted.slower(handmade.scores())))
    assert held.status == PASS
    assert planted.found(held, "lat.word_first.p50").state == "improved"


def test_a_metric_gone_from_one_route_cannot_be_judged_and_the_rest_is() -> None:
    rows = planted.without(handmade.scores(), "ts.offset.start", handmade.CANDIDATE, "streaming")
    held = check(side(rows))
    assert held.status == CANNOT_JUDGE
    lacking = held.having("unjudged")
    assert {one.what.rpartition(".")[0] for one in lacking} == {"ts.offset.start"}
    assert {one.system for one in lacking} == {f"{handmade.CANDIDATE} over streaming"}
    assert len(held.having("passed")) > 20


def test_a_regression_stays_one_when_other_things_cannot_be_judged() -> None:
    run = side(planted.slower(handmade.scores()))
    planted.entry(run, handmade.INCUMBENT)["settings"]["rest"]["diarize"] = True
    held = check(run)
    assert held.status == REGRESSION
    assert held.having("unjudged")


def test_nothing_to_compare_is_never_a_pass() -> None:
    assert Outcome("run", "main", ()).status == CANNOT_JUDGE


def test_a_recording_played_again_has_the_same_words_and_its_own_delays() -> None:
    again = planted.slower(handmade.scores(), times=1.004)
    assert check(side(again, recording="first/again")).status == PASS
    held = check(side(planted.dropping(again), recording="first/again"))
    assert held.status == REGRESSION
    assert planted.found(held, "acc.wer.en", "regressed").check == "equality"


def test_another_price_leaves_out_the_costs_alone() -> None:
    run = side()
    for line in run.manifest["prices"]:
        line["usd_per_hour"] *= 2
    rows = [replace(row, counts={**row.counts, "cost.usd": 2 * row.counts["cost.usd"]}) for row in run.scores]
    held = check(replace(run, scores=rows))
    assert held.status == CANNOT_JUDGE
    assert {one.what for one in held.having("unjudged")} == {"price"}


def test_a_system_the_baseline_does_not_know_is_named() -> None:
    known = planted.only(handmade.scores(), (handmade.CANDIDATE, "rest"))
    held = check(side(), side(known))
    assert held.status == PASS
    assert len([one for one in held.having("skipped") if one.what == "system"]) == 3


def test_the_gate_keeps_its_promises_at_the_documented_size() -> None:
    """The full 500 pairs are in ``tests.benchmarks.gate``; the same question on fewer, seeded."""
    for plan in simulation.DOCUMENTED:
        equal = [simulation.held(plan, seed, worse=0.0).status for seed in range(40)]
        worse = [simulation.held(plan, seed, worse=0.02).status for seed in range(40)]
        assert np.mean([status != PASS for status in equal]) <= 0.05
        assert np.mean([status == REGRESSION for status in worse]) >= 0.90
