"""Timestamps, as rows of scores."""

import pytest

from evalkit.types import Word
from tests.conversations import answered, clip, final, spoken, spread, word
from tests.scored import CASES, REFERENCE, columns, scored


def test_drift_of_matched_words() -> None:
    row = scored(*CASES["stream"])
    assert row.counts["ts.matched_words"] == row.counts["ts.reference_words"] == 5
    assert row.counts["ts.offset.start.sum_s"] == pytest.approx(0.1)
    assert row.counts["ts.offset.end.within_100ms"] == 5
    assert row.values["ts.offset.start"] == pytest.approx([0.02] * 5)


def test_times_missing_everywhere_are_missing_input_and_missing_somewhere_are_counted() -> None:
    untimed = [word(said.text) for said in REFERENCE]
    assert scored(clip(REFERENCE), answered(), final(untimed)).absent["ts.coverage"] == "missing_input"
    row = scored(clip(REFERENCE), answered(), final([*REFERENCE[:4], untimed[4]]))
    assert (row.counts["ts.untimed_words"], row.counts["ts.matched_words"]) == (1, 4)


def test_fillers_and_numbers_do_not_disturb_word_times() -> None:
    reference = (word("um", 0.0, 0.2), *spread("call forty two men", 0.3))
    said = (*spoken(("call", 0.3, 0.7), ("42", 0.7, 1.5)), Word("men", 1.5, 1.9))
    row = scored(clip(reference), answered(), final(said))
    assert (row.counts["ts.matched_words"], row.counts["ts.reference_words"]) == (2, 2)
    assert columns(row, "acc.wer.en") == (3, 0, 0, 0)
