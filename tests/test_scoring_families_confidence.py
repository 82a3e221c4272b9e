"""Confidences, as rows of scores and as the figures they come to."""

from collections.abc import Sequence

import pytest

from evalkit import stats
from evalkit.scoring.catalogue import describe
from evalkit.stats.paired import compare
from evalkit.types import Score
from tests.conversations import answered, clip, final, word
from tests.scored import CASES, scored

SAID = [word(text) for text in "abcdefghij"]
SURE = [0.7] * 5 + [0.9] * 5


def row(got: str, sure: Sequence[float | None] = SURE, *, clip_id: str = "c1", provider: str = "p") -> Score:
    words = [word(text, confidence=value) for text, value in zip(got.split(), sure, strict=True)]
    about = clip(SAID, clip_id=clip_id, cluster=clip_id)
    return scored(about, answered(provider=provider, clip_id=clip_id), final(words))


def figures(*rows: Score) -> dict[str, float | None]:
    return {line.metric: line.value for line in stats.summarise(rows, slices=False) if line.metric[:8] == "acc.conf"}


def test_confidences_of_right_and_wrong_words() -> None:
    said = [word("yes"), word("no")]
    found = scored(clip(said), answered(), final([word("yes", confidence=0.9), word("now", confidence=0.4)]))
    assert found.counts["acc.conf.squared_gaps"] == pytest.approx(0.01 + 0.16)
    assert found.counts["acc.conf.confidence"] + found.counts["acc.conf.minus_right"] == pytest.approx(0.3)
    assert found.counts["acc.conf.gap_2"] == 0.4
    assert found.counts["acc.conf.gap_5"] == pytest.approx(-0.1)
    assert (found.counts["acc.conf.told_apart"], found.counts["acc.conf.pairs"]) == (1, 1)


def test_calibration_by_hand() -> None:
    """Of 0.7 said five times three are right, of 0.9 all five: half a word too many, half a word too few."""
    found = figures(row("x b x d e f g h i j"))
    assert found["acc.conf.ece"] == pytest.approx(0.1)
    assert found["acc.conf.excess"] == pytest.approx(0.0)
    assert found["acc.conf.auc"] == pytest.approx((2 * 5 + 2 * 1.5) / 16)


def test_clips_are_pooled_before_signs_are_dropped() -> None:
    """Half a word too many in one clip and half a word too few in the other are no error of calibration."""
    over, under = row("x x c d e f g h i j"), row("a b c d e f g h i j", clip_id="c2")
    both = stats.summarise([over, under], slices=False)
    (found,) = [line for line in both if line.metric == "acc.conf.ece"]
    assert over.counts["acc.conf.gap_3"] == pytest.approx(0.5)
    assert under.counts["acc.conf.gap_3"] == pytest.approx(-1.5)
    assert found.value == pytest.approx((abs(0.5 - 1.5) + abs(-0.5 - 0.5)) / 20)
    assert found.macro == pytest.approx(((0.5 + 0.5) / 10 + (1.5 + 0.5) / 10) / 2), "each clip by itself"


def test_a_comparison_pools_each_side_by_itself() -> None:
    names = [f"c{number}" for number in range(6)]
    new = [row("x b x d e f g h i j", clip_id=name, provider="new") for name in names]
    said = ["x x x x x f g h i j", "x x x x e f g h i j"] * 3
    old = [row(got, clip_id=name, provider="old") for name, got in zip(names, said, strict=True)]
    (found,) = compare([*new, *old], "new", "old", metrics=[describe("acc.conf.ece")])
    assert (found.value, found.against_value) == pytest.approx((0.1, (6 * 3.5 - 3 + 6 * 0.5) / 60))
    assert found.verdict == "better"


def test_without_confidences_there_is_nothing_to_calibrate() -> None:
    for name, reason in (
        ("rest", "missing_input"),
        ("failed request", "missing_input"),
        ("nonspeech", "not_applicable"),
    ):
        assert {scored(*CASES[name]).absent[f"acc.conf.{one}"] for one in ("ece", "auc", "brier")} == {reason}
    assert row("a b c d e f g h i j", [None] * 10).absent["acc.conf.ece"] == "missing_input"


def test_a_clip_without_an_error_finds_none() -> None:
    assert figures(row("a b c d e f g h i j"))["acc.conf.auc"] is None


@pytest.mark.parametrize("beyond", [87.0, -1.2, 1.01])
def test_scores_of_another_kind_are_no_confidences(beyond: float) -> None:
    assert row("a b c d e f g h i j", [*SURE[:9], beyond]).absent["acc.conf.ece"] == "missing_input"


def test_a_sum_of_shares_may_miss_one_by_rounding() -> None:
    assert row("a b c d e f g h i j", [*SURE[:9], 1 + 1e-7]).counts["acc.conf.words"] == 10
