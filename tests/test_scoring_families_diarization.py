"""Diarization, as rows of scores."""

from dataclasses import replace

import pytest

from evalkit.scoring.recombination import Recombination
from evalkit.types import Turn, Word
from tests.conversations import answered, clip, final, heard, spoken, spread, streamed, update
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


def test_one_turn_given_to_the_wrong_speaker() -> None:
    reference = (
        *spread("good morning everyone", 0.0, speaker="A"),
        *spread("hello there", 1.2, speaker="B"),
        *spread("let us start", 2.0, speaker="A"),
    )
    labels = ("0", "0", "0", "1", "1", "1", "1", "1")
    said = [replace(word, speaker=label) for word, label in zip(reference, labels, strict=True)]
    row = scored(clip(reference, 4.0), answered(), final(said))
    assert columns(row, "dia.cpwer") == columns(row, "dia.tcpwer") == (5, 0, 3, 3)
    assert columns(row, "dia.orcwer") == (8, 0, 0, 0)
    assert row.counts["dia.orcbound.low"] == row.counts["dia.orcbound.high"] == 0
    assert (row.counts["dia.confusion_cost.errors"], row.counts["dia.confusion_cost.words"]) == (6, 8)
    assert (row.counts["dia.wder.wrong"], row.counts["dia.wder.aligned"]) == (3, 8)
    turn = [row.counts[f"dia.turn.{name}"] for name in ("both", "hypothesis", "reference")]
    assert turn == [1, 1, 2]
    assert row.counts["dia.jer.speakers"] == 2
    assert row.counts["dia.jer.errors"] == pytest.approx(1.2 / 2.4 + 1.2 / 2.0)
    assert row.counts["dia.count.exact"] == 1
    assert row.counts["dia.der.macro.rates"] == pytest.approx(1.2 / 3.2)
    assert row.counts["dia.der.macro.clips"] == 1


def test_a_phantom_of_one_word_is_counted_but_does_not_last() -> None:
    reference = (*spread("a b c d e f", 0.0, 0.5, speaker="A"), *spread("g h i j k l", 3.0, 0.5, speaker="B"))
    said = [*reference[:5], replace(reference[5], speaker="C"), *reference[6:]]
    row = scored(clip(reference, 6.0), answered(), final(said))
    assert [row.counts[f"dia.count.{name}"] for name in ("files", "exact", "signed", "absolute")] == [1, 0, 1, 1]
    assert [row.counts[f"dia.count.lasting.{name}"] for name in ("files", "exact", "signed")] == [1, 1, 0]


def test_the_gap_up_to_which_words_are_one_turn_moves_the_rate() -> None:
    said = spoken(("a", 0.0, 0.4), ("b", 0.8, 1.2), ("c", 2.0, 2.4), speaker="0")
    row = scored(clip(None, turns=(Turn("A", 0.0, 3.0),)), answered(), final(said))
    missed = [row.counts[f"{base}.miss_s"] for base in ("dia.der.gap300", "dia.der", "dia.der.gap1000")]
    assert missed == pytest.approx([1.8, 1.4, 0.6])


def test_without_times_words_can_still_be_given_to_speakers() -> None:
    reference = [Word(word.text, speaker=word.speaker) for word in DIALOGUE]
    said = [Word(word.text, speaker="0") for word in DIALOGUE]
    row = scored(clip(reference), answered(), final(said))
    assert columns(row, "dia.cpwer") == (2, 0, 2, 2)
    assert columns(row, "dia.orcwer") == (4, 0, 0, 0)
    assert (row.counts["dia.wder.wrong"], row.counts["dia.count.signed"]) == (2, -1)
    absent = ("dia.der", "dia.der.macro", "dia.jer", "dia.tcpwer", "dia.overlap", "dia.count.lasting.exact")
    assert {row.absent[name] for name in absent} == {"missing_input"}


def test_many_labels_are_borne() -> None:
    reference = spread("a b c d e f g h i j k l m n o p q r s t u v", 0.0, 0.4, speaker="A")
    said = [replace(word, speaker=str(index)) for index, word in enumerate(reference)]
    row = scored(clip(reference, 9.0), answered(), final(said))
    assert row.absent["dia.tcpwer"] == "missing_input"
    assert columns(row, "dia.cpwer") == (1, 0, 21, 21)
    assert row.counts["dia.orcbound.low"] == row.counts["dia.orcbound.high"] == 42


def test_bounds_far_apart_are_no_error_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = [replace(word, speaker="AB"[index % 2]) for index, word in enumerate(spread("a b a c a b c b"))]
    said = final([replace(word, speaker="1") for word in spread("b a a b c c b a")])
    proven = scored(clip(reference), answered(), said)
    assert proven.counts["dia.orcbound.low"] == sum(columns(proven, "dia.orcwer")[1:])
    monkeypatch.setattr(
        "evalkit.scoring.joint.recombine", lambda said, heard, rounds: Recombination((0,) * len(said), 1, 8)
    )
    monkeypatch.setattr("evalkit.scoring.joint.MAX_STREAMS", 0)
    row = scored(clip(reference), answered(), said)
    assert row.absent["dia.orcwer"] == row.absent["dia.confusion_cost"] == "missing_input"
    assert row.counts["dia.orcbound.low"] < row.counts["dia.orcbound.high"]


def test_nobody_speaks_but_somebody_is_heard() -> None:
    row = scored(clip((), 3.0), answered(), final(spread("hello", 1.0, speaker="0")))
    assert row.counts["dia.der.false_alarm_s"] == pytest.approx(0.4)
    assert (row.counts["dia.der.total_s"], row.counts["dia.der.macro.clips"], row.counts["dia.jer.speakers"]) == (
        0,
    ) * 3
    assert columns(row, "dia.cpwer") == columns(row, "dia.orcwer") == columns(row, "dia.tcpwer") == (0, 0, 0, 1)
    assert row.counts["dia.count.signed"] == 1


def test_words_without_a_label_among_labelled_ones() -> None:
    said = [DIALOGUE[0], replace(DIALOGUE[1], speaker=None), *DIALOGUE[2:]]
    row = scored(clip(DIALOGUE), answered(), final(said))
    assert (row.counts["dia.unlabelled.words"], row.counts["dia.unlabelled.of"]) == (1, 4)
    assert row.counts["dia.wder.wrong"] == 1


def test_overlapped_speech_of_the_reference() -> None:
    turns = (Turn("A", 0.0, 2.0), Turn("B", 1.5, 3.0))
    row = scored(clip(None, turns=turns), answered(), final(spread("a", speaker="0")))
    assert (row.counts["dia.overlap.overlap_s"], row.counts["dia.overlap.speech_s"]) == (0.5, 3.0)


def test_a_label_that_changes_live() -> None:
    first = spread("good morning", 0.0, speaker="0")
    last = [*first, *spread("hello there", 1.0, speaker="0")]
    relabelled = [last[0], replace(last[1], speaker="1"), *last[2:]]
    said = heard(update(1, first), update(2, last), update(3, relabelled, "utterance_final"))
    row = scored(clip(DIALOGUE), streamed([(3.6, "done")]), said)
    assert (row.counts["dia.flip.relabelled"], row.counts["dia.flip.final_words"]) == (1, 4)
    assert scored(clip(DIALOGUE), answered(), final(last)).absent["dia.flip"] == "not_applicable"
    locked = heard(update(3, last, "utterance_final"))
    assert scored(clip(DIALOGUE), streamed([(3.6, "done")]), locked).absent["dia.flip"] == "not_applicable"
    lost = scored(clip(DIALOGUE), streamed(), heard(failure=LOST))
    assert lost.absent["dia.flip"] == "missing_input"
    assert lost.counts["dia.count.signed"] == -2


def test_an_empty_answer_is_no_diarization_error_when_speakers_were_not_asked_for() -> None:
    reference = (*spread("good morning", 0.0, speaker="A"), *spread("hello there", 1.0, speaker="B"))
    asked, unasked = (replace(answered(), settings={"diarize": wanted}) for wanted in (True, False))
    assert scored(clip(reference), asked, heard()).counts["dia.der.miss_s"] > 0
    assert scored(clip(reference), unasked, heard()).absent["dia.der"] == "missing_input"
