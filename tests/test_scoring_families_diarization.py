"""Diarization, as rows of scores."""

from dataclasses import replace

import pytest

from tests.conversations import answered, clip, final, heard, spoken, spread, update
from tests.scored import CASES, DIALOGUE, LOST, REFERENCE, columns, scored


def test_without_a_reference_text_there_is_no_error_rate_but_speakers_are_scored() -> None:
    row = scored(*CASES["speakers only"])
    assert row.absent["acc.wer.en"] == row.absent["dia.cpwer"] == row.absent["ts.coverage"] == "missing_input"
    assert row.counts["dia.der.total_s"] == 3.0
    assert row.counts["dia.der.miss_s"] == pytest.approx(3.0 - 0.8)
    assert row.reference is None


def test_speakers_of_a_dialogue() -> None:
    said = (*spread("good morning", 0.0, speaker="1"), *spread("hello there", 1.0, speaker="0"))
    row = scored(clip(DIALOGUE), answered(), final(said))
    assert row.counts["dia.der.total_s"] == pytest.approx(1.6)
    assert row.counts["dia.der.confusion_s"] == row.counts["dia.der.miss_s"] == 0
    assert columns(row, "dia.cpwer") == (4, 0, 0, 0)
    assert row.counts["dia.der.collar250.total_s"] < row.counts["dia.der.total_s"]


def test_no_speaker_labels_are_missing_input_and_not_an_error_of_one() -> None:
    row = scored(clip(DIALOGUE), answered(), final(spread("good morning hello there")))
    assert row.absent["dia.der"] == row.absent["dia.cpwer"] == "missing_input"
    unknown = scored(clip(REFERENCE), answered(), final(spread("the quick", speaker="0")))
    assert unknown.absent["dia.der"] == "missing_input"


def test_a_failed_dialogue_misses_everybody() -> None:
    row = scored(clip(DIALOGUE), answered(), heard(failure=LOST))
    assert row.counts["dia.der.miss_s"] == pytest.approx(row.counts["dia.der.total_s"])
    assert columns(row, "dia.cpwer") == (0, 0, 4, 0)


def test_channels_are_merged_by_time_and_their_speakers_kept_apart() -> None:
    reference = (
        *spoken(("hello", 0.0, 0.4), ("fine", 2.0, 2.4), speaker="A", channel=0),
        *spoken(("hi", 1.0, 1.4), ("bye", 3.0, 3.4), speaker="B", channel=1),
    )
    said = heard(
        update(1, spoken(("hello", 0.0, 0.4), ("fine", 2.0, 2.4), speaker="0", channel=0), "utterance_final", (0, 0)),
        update(2, spoken(("hi", 1.0, 1.4), ("bye", 3.0, 3.4), speaker="0", channel=1), "utterance_final", (1, 0)),
    )
    row = scored(clip(reference, 4.0, channels=2), answered(), said)
    assert row.reference == row.hypothesis == "hello hi fine bye"
    assert columns(row, "acc.wer.en") == (4, 0, 0, 0)
    assert columns(row, "dia.cpwer") == (4, 0, 0, 0)
    assert row.counts["dia.der.confusion_s"] == 0
    bare = heard(*(replace(item, words=tuple(replace(w, speaker=None) for w in item.words)) for item in said.updates))
    unlabelled = scored(clip(reference, 4.0, channels=2), answered(), bare)
    assert unlabelled.absent["dia.cpwer"] == "missing_input", "a channel is no speaker label"
