"""The same recording read twice: every stored number must be equal, and the finding says which is not."""

from dataclasses import replace

import pytest

from evalkit.gate import exact
from evalkit.gate.exact import Pair
from evalkit.gate.findings import Finding, Side
from evalkit.gate.fingerprints import Fingerprint
from evalkit.scoring.catalogue import describe
from evalkit.types import Score
from tests import handmade, rows
from tests.planted import side

SYSTEM = ("new", "streaming")
AGREE = describe("ts.agree.coverage").numerator + describe("ts.agree.coverage").denominator


def held(now: list[Score], before: list[Score]) -> dict[str, Finding]:
    pairs = [Pair(*both) for both in zip(now, before, strict=True)]
    return {one.what: one for one in exact.compare(pairs, [], SYSTEM, "accept")}


def test_equal_numbers_pass_one_finding_for_every_metric() -> None:
    found = held([rows.row("a", errors=3)], [rows.row("a", errors=3)])
    assert {one.state for one in found.values()} == {"passed"}
    assert {"acc.wer.en", "acc.wer.en.sub_rate", "run.coverage"} <= found.keys()


def test_a_worse_numerator_is_a_regression_that_names_figure_and_clips() -> None:
    found = held([rows.row("a", errors=4), rows.row("b")], [rows.row("a", errors=3), rows.row("b")])
    assert found["acc.wer.en"].state == "regressed"
    assert found["acc.wer.en"].sentence == (
        "new over streaming: acc.wer.en is worse on the same recording, 3.00 % before and 4.00 % now; "
        "its numbers differ on 1 of 2 clips (a)"
    )
    assert found["run.coverage"].state == "passed"


def test_a_better_one_is_noted() -> None:
    found = held([rows.row("a", errors=1)], [rows.row("a", errors=3)])
    assert found["acc.wer.en"].state == "improved"
    assert found["acc.wer.en"].remedy == "accept"


def test_errors_that_moved_from_one_clip_to_another_are_not_equal() -> None:
    found = held([rows.row("a", errors=3), rows.row("b", errors=1)], [rows.row("a", errors=1), rows.row("b", errors=3)])
    assert found["acc.wer.en"].state == "regressed"
    assert "another on the same recording, 4.00 % as before" in found["acc.wer.en"].sentence


@pytest.mark.parametrize(("now", "state"), [((0.4, 0.6, 0.9), "regressed"), ((0.4, 0.6, 0.7), "improved")])
def test_values_whose_percentile_stays_are_judged_by_their_mean(now: tuple[float, ...], state: str) -> None:
    delays = "lat.word_first"
    found = held([rows.row("a", values={delays: now})], [rows.row("a", values={delays: (0.4, 0.6, 0.8)})])
    assert found["lat.word_first.p50"].state == state


def test_a_metric_gone_from_one_clip_is_a_difference() -> None:
    delays = {"lat.word_first": (0.5,)}
    found = held([rows.row("a", values=delays), rows.row("b")], [rows.row(name, values=delays) for name in "ab"])
    assert found["lat.word_first.p50"].state == "regressed"


def test_failures_count_as_never() -> None:
    came = rows.row("a", values={"lat.rest_total": (0.5,)})
    never = rows.row("a", values={"lat.rest_total": ()}, counts={"lat.rest_total.failed": 1})
    assert held([never], [came])["lat.rest_total.p50"].state == "regressed"


def test_numbers_no_metric_uses_must_be_equal_too() -> None:
    found = held([rows.row("a", counts={"acc.unused": 2})], [rows.row("a", counts={"acc.unused": 1})])
    assert found["columns"].state == "regressed"
    assert "acc.unused are not the stored numbers on 1 clips (a)" in found["columns"].sentence


def test_the_last_digit_of_a_sum_of_seconds_may_differ_and_a_count_may_not() -> None:
    first, second = ({"cost.audio_s": seconds, "cost.usd": 0.1} for seconds in (0.1 + 0.2, 0.3))
    assert held([rows.row("a", counts=first)], [rows.row("a", counts=second)])["cost.per_audio_hour"].state == "passed"
    now, before = ([rows.row("a", counts={"run.clips": clips})] for clips in (10**12, 10**12 + 1))
    assert held(now, before)["run.coverage"].state != "passed"


def test_of_a_figure_that_should_be_zero_farther_from_it_is_worse() -> None:
    def one(seconds: float) -> list[Score]:
        return [rows.row("a", counts={"ts.offset.start.sum_s": seconds, "ts.offset.start.words": 2})]

    assert held(one(-0.4), one(0.2))["ts.offset.start.mean"].state == "regressed"
    assert held(one(0.1), one(-0.3))["ts.offset.start.mean"].state == "improved"


def test_the_same_answer_at_other_times_binds_words_and_not_delays() -> None:
    before = rows.row("a", errors=3, values={"lat.word_first": (0.5,)})
    now = replace(before, values={"lat.word_first": (0.6,)})
    found = {one.what: one.state for one in exact.compare([], [Pair(now, before)], SYSTEM, "accept")}
    assert found["acc.wer.en"] == "passed"
    assert not any(name.startswith("lat.") for name in found)
    assert exact.timeless("dia.der")
    assert not exact.timeless("dia.flip")


def test_what_is_made_from_rest_too_is_bound_only_where_rest_said_the_same() -> None:
    streaming, rest = (("p", "streaming"), ("p", "rest"))

    def one(said: str, rest_words: float) -> Side:
        own = [replace(rows.row("a"), provider=name, route=route) for name, route in (streaming, rest)]  # type: ignore[arg-type]
        own[0] = replace(own[0], counts={**own[0].counts, **dict.fromkeys(AGREE, rest_words)})
        prints = {("a", *streaming): Fingerprint("same", "same"), ("a", *rest): Fingerprint(said, said)}
        return replace(side(own), fingerprints=prints)

    def states(now: Side) -> dict[str, str]:
        whole, said = exact.pairs(now, one("first", 9.0), streaming)
        return {found.what: found.state for found in exact.compare(whole, said, streaming, "accept")}

    again = states(one("second", 7.0))
    assert again["acc.wer.en"] == "passed"
    assert not any(name.startswith("ts.agree") or name == "columns" for name in again)
    assert "regressed" in {state for name, state in states(one("first", 7.0)).items() if name.startswith("ts.agree")}


def test_pairs_are_found_by_their_digests() -> None:
    system = (handmade.CANDIDATE, "rest")
    whole, said = exact.pairs(side(), side(), system)
    assert (len(whole), len(said)) == (24, 0)
    whole, said = exact.pairs(side(recording="first/again"), side(), system)
    assert (len(whole), len(said)) == (0, 24)
    assert exact.pairs(side(recording="second"), side(), system) == ([], [])
    assert exact.pairs(replace(side(), fingerprints={}), side(), system) == ([], [])


def test_a_figure_is_pooled_from_all_rows() -> None:
    pair = [rows.row("a", errors=1, words=10), rows.row("b", errors=4, words=30)]
    assert exact.figure(describe("acc.wer.en"), pair) == pytest.approx(5 / 40)
    assert exact.figure(describe("dia.der"), pair) is None
    values = [rows.row("a", values={"str.stall": (1.0, 3.0)}), rows.row("b", values={"str.stall": (2.0,)})]
    assert exact.figure(describe("str.stall.max"), values) == 3.0
