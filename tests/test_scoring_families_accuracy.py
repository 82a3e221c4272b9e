"""Accuracy, as rows of scores."""

import pytest

from tests.conversations import answered, clip, final, spread, word
from tests.scored import CASES, PRICE, columns, scored


def test_words_are_counted_under_two_profiles() -> None:
    row = scored(clip(spread("he won't pay thirty six dollars")), answered(), final([word("He will not pay $36.")]))
    assert columns(row, "acc.wer.en") == (5, 0, 0, 0)
    assert columns(row, "acc.wer.basic")[0] == 2
    assert columns(row, "acc.cer")[0] > 0


def test_a_failed_clip_loses_all_its_words_in_the_headline_and_is_left_out_of_the_other_view() -> None:
    row = scored(*CASES["failed stream"])
    assert columns(row, "acc.wer.en") == (0, 0, 5, 0)
    assert row.absent["acc.wer.en.scored_only"] == "missing_input"
    assert (row.counts["run.answered"], row.counts["run.failed"], row.counts["run.clips"]) == (0, 1, 1)
    assert row.failure == "unavailable: the socket closed before done"
    assert row.hypothesis == "the quick"


def test_clips_without_speech_measure_hallucination_and_no_error_rate() -> None:
    row = scored(*CASES["nonspeech"], price=PRICE)
    assert (row.counts["acc.halluc.clips_with_words"], row.counts["acc.halluc.words"]) == (1, 1)
    assert row.counts["acc.halluc.audio_s"] == 3.0
    assert {row.absent[name] for name in ("acc.wer.en", "dia.der", "ts.coverage", "lat.setup.p50")} == {
        "not_applicable"
    }
    assert row.values["lat.rest_total"] == pytest.approx([0.5])
    assert row.counts["cost.usd"] > 0
    assert scored(*CASES["nonspeech stream"]).counts["acc.halluc.clips_with_words"] == 0
    assert scored(*CASES["failed nonspeech"]).absent["acc.halluc.clip_rate"] == "missing_input"


def test_words_on_an_empty_reference_are_insertions() -> None:
    assert columns(scored(*CASES["empty reference"]), "acc.wer.en") == (0, 0, 0, 1)


def test_other_languages_have_no_english_rate_and_unspaced_ones_only_characters() -> None:
    assert scored(*CASES["Russian"]).absent["acc.wer.en"] == "not_applicable"
    assert columns(scored(*CASES["Russian"]), "acc.wer.basic")[0] == 1
    assert scored(*CASES["Chinese"]).absent["acc.wer.basic"] == "not_applicable"
    assert columns(scored(*CASES["Chinese"]), "acc.cer")[0] == 2
