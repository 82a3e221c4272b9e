"""Spending, as rows of scores."""

from dataclasses import replace

import pytest

from evalkit import stats
from evalkit.scoring import Price
from evalkit.types import Score, Word
from tests.conversations import answered, clip, final, heard, spread, streamed
from tests.scored import CASES, LOST, PRICE, REFERENCE, scored


def figures(*rows: Score) -> dict[str, float | None]:
    each = [replace(row, clip_id=f"c{number}") for number, row in enumerate(rows)]
    return {row.metric: row.value for row in stats.summarise(each, slices=False)}


def test_the_worked_case_as_a_run() -> None:
    """An hour of clips, a tenth of which was paid twice: 20 clips of 180 s, two billed attempts that failed."""
    about = clip(REFERENCE, 180.0)
    once = scored(about, answered(), final(REFERENCE), price=PRICE)
    # A stream that sent everything and got nothing is billed, and so is the one that follows.
    twice = scored(about, [streamed(duration_s=180.0), streamed(duration_s=180.0)], final(REFERENCE), price=PRICE)
    found = figures(*[once] * 18, *[replace(twice, route="rest")] * 2)
    assert found["cost.per_audio_hour"] == pytest.approx(0.11)
    assert found["cost.per_1000_clips"] == pytest.approx(1000 * 0.11 / 20)
    assert found["cost.per_1000_correct_words"] == pytest.approx(1000 * 0.11 / (20 * 5))
    assert found["cost.retry_overhead"] == pytest.approx(0.1)
    assert found["cost.billed_hours"] == pytest.approx(1.1)


def test_all_attempts_cost_and_the_last_one_is_scored() -> None:
    row = scored(clip(REFERENCE, 36.0), [answered(9.0), answered(0.5)], final(REFERENCE), price=PRICE)
    assert row.counts["cost.usd"] == pytest.approx(0.002)
    assert row.counts["cost.failed_usd"] == row.counts["cost.answered_usd"] == pytest.approx(0.001)
    assert row.counts["cost.audio_s"] == 36.0


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    row = scored(*CASES["rest"], price=None)
    assert {row.absent[f"cost.{name}"] for name in ("per_audio_hour", "per_1000_clips", "retry_overhead")} == {
        "missing_input"
    }
    assert not {"cost.usd", "cost.clips", "cost.correct.words"} & row.counts.keys()
    # What was sent is known whatever it costs.
    assert row.counts["cost.billed_hours.billed_s"] == row.counts["cost.billed_hours.audio_s"] == 3.0
    unreported = scored(*CASES["rest"], price=Price("p", "rest", "cpu", 0.04, "a list", "2026-11-20"))
    assert unreported.absent["cost.per_1000_clips"] == "missing_input"


def test_a_failed_clip_costs_and_brings_no_word() -> None:
    row = scored(clip(REFERENCE), streamed(), heard(failure=LOST), price=PRICE)
    assert row.counts["cost.answered_usd"] == row.counts["cost.correct.words"] == 0
    assert row.counts["cost.failed_usd"] == row.counts["cost.usd"] > 0


def test_words_are_counted_as_accuracy_counts_them() -> None:
    row = scored(clip(REFERENCE), answered(), final(spread("The quick brown dog jumps")), price=PRICE)
    assert row.counts["cost.correct.words"] == row.counts["acc.wer.en.hits"] == 4
    chinese = clip([Word("\u4eca\u5929")], language="zh")
    assert scored(chinese, answered(), final([Word("\u4eca")]), price=PRICE).counts["cost.correct.words"] == 1
    quiet = scored(*CASES["nonspeech"], price=PRICE)
    assert (quiet.counts["cost.correct.words"], quiet.counts["cost.correct.usd"]) == (0, quiet.counts["cost.usd"])
    assert scored(*CASES["no reference"], price=PRICE).absent["cost.per_1000_correct_words"] == "missing_input"
