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


def test_each_clip_counts_once_in_the_mean_and_the_share_of_perfect_clips() -> None:
    row = scored(clip(spread("a b c d")), answered(), final(spread("a b c x")))
    counts = {
        name: row.counts[f"acc.wer.basic.{name}"] for name in ("clip_rates", "clips_with_rate", "wip_sum", "clips")
    }
    assert counts == {"clip_rates": 0.25, "clips_with_rate": 1, "wip_sum": pytest.approx(9 / 16), "clips": 1}
    assert (row.counts["acc.wer.basic.perfect_clips"], row.counts["acc.wer.basic.imperfect_clips"]) == (0, 1)
    assert row.values["acc.wer.basic.clip"] == (0.25,)


def test_a_clip_without_words_has_no_rate_but_its_inventions_stay_in_the_pooled_one() -> None:
    row = scored(*CASES["empty reference"])
    assert row.counts["acc.wer.en.insertions"] == 1
    for name in ("acc.wer.en.macro", "acc.wer.en.median", "acc.wer.en.speech_only", "acc.wip.en"):
        assert row.absent[name] == "not_applicable"
    assert row.counts["acc.wer.en.imperfect_clips"] == 1


def test_compounds_are_free_beside_the_headline() -> None:
    row = scored(clip(spread("next week night")), answered(), final(spread("next weeknight")))
    assert (row.counts["acc.wer_compound.errors"], row.counts["acc.wer_compound.reference_words"]) == (0, 3)


def test_indic_characters_are_graphemes_and_mixed_text_has_a_rate_of_its_own() -> None:
    hindi = "\u0928\u092e\u0938\u094d\u0924\u0947"
    row = scored(clip([word(hindi)], language="hi"), answered(), final([word(hindi[:-1])]))
    assert columns(row, "acc.cer") == (2, 1, 0, 0)
    assert row.absent["acc.ter_mixed"] == "not_applicable"
    assert columns(scored(*CASES["Chinese"]), "acc.ter_mixed") == (2, 0, 0, 0)


def test_people_on_two_channels_may_start_late_without_losing_words() -> None:
    """Merged by time, a channel that is 100 ms late would put its words in another order and count as errors."""
    said = [("alpha", 0.0, 0), ("bravo", 1.0, 0), ("other", 0.05, 1), ("words", 1.05, 1)]
    reference = tuple(word(text, start, start + 0.4, channel=channel) for text, start, channel in said)
    late = tuple(word(text, start + 0.1 * (channel == 0), channel=channel) for text, start, channel in said)
    row = scored(clip(reference, channels=2), answered(), final(late))
    assert columns(row, "acc.wer.en") == (4, 0, 0, 0)
    assert columns(row, "acc.wer.basic") == (4, 0, 0, 0)
