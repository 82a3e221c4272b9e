"""Words where nobody speaks, as rows of scores."""

import pytest

from tests.conversations import answered, clip, final, heard, spoken, spread, word
from tests.scored import CASES, LOST, scored


def test_clips_without_speech() -> None:
    looping = scored(clip((), kind="nonspeech"), answered(), final(spread("thank you " * 4)))
    assert (looping.counts["acc.halluc.clips_with_words"], looping.counts["acc.halluc.words"]) == (1, 8)
    assert looping.counts["acc.halluc.loops"] == 1
    assert looping.values["acc.halluc.words_of_clip"] == (8.0,)
    assert scored(*CASES["nonspeech"]).counts["acc.halluc.loops"] == 0
    failed = scored(*CASES["failed nonspeech"])
    assert failed.absent["acc.halluc.loop_rate"] == "missing_input"
    assert failed.absent["acc.halluc.nonspeech_insertions_per_min"] == "not_applicable"


def test_words_inserted_in_the_silence_of_a_speech_clip() -> None:
    said = spoken(("hello", 0.5, 1.0), ("bye", 9.0, 9.5))
    row = scored(
        clip(said, 10.0), answered(), final(spoken(("hello", 0.5, 1.0), ("thanks", 4.0, 4.5), ("bye", 9.0, 9.5)))
    )
    assert row.counts["acc.halluc.gap_words"] == 1
    assert row.counts["acc.halluc.gap_s"] == pytest.approx(7.5 + 0.0 + 0.0)
    assert row.absent["acc.halluc.clip_rate"] == "not_applicable"


def test_without_times_or_an_answer_nothing_is_known_of_silence() -> None:
    untimed = scored(clip([word("hello")]), answered(), final([word("hello")]))
    failed = scored(clip(spread("hello")), answered(), heard(failure=LOST))
    for row in (untimed, failed):
        assert row.absent["acc.halluc.nonspeech_insertions_per_min"] == "missing_input"
