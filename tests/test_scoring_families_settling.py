"""Settling of captions, as rows of scores."""

from dataclasses import replace

import pytest

from evalkit.scoring.families import settling
from evalkit.types import Score
from tests.conversations import clip, heard, streamed, update
from tests.scored import CASES, REFERENCE, scored


def talk(*texts: tuple[float, str]) -> Score:
    """Interims in turn over a reference that runs from 0.5 to 2.5 s; T0 is 0.5."""
    updates = [update(t_s, text) for t_s, text in texts]
    return scored(
        clip(REFERENCE), streamed([(3.6, "done")]), heard(*updates[:-1], replace(updates[-1], state="utterance_final"))
    )


def test_settling_of_a_stream() -> None:
    row = scored(*CASES["stream"])
    assert row.values["str.time_to_stable"] == pytest.approx([0.0, 1.7, 0.0, 0.0, 0.0])
    assert (row.counts["str.right_first_words"], row.counts["str.shown_words"]) == (4, 5)
    assert [row.counts[f"str.first_partial.{name}"] for name in ("words", "prefix_words", "hit_words")] == [2, 2, 2]
    assert [row.counts[f"str.last_vs_final.{name}"] for name in ("edits", "final_words", "differing")] == [4, 5, 1]
    assert row.values["str.wrong_text.stood"] == pytest.approx([0.5, 1.2])
    assert row.counts["str.wrong_text.word_s"] == pytest.approx(1.7)


def test_rhythm_is_that_of_running_speech() -> None:
    row = talk((1.5, "the"), (2.0, "the quick"), (4.0, "the quick brown"))
    assert row.values["str.cadence"] == pytest.approx([0.5])
    assert row.values["str.stall"] == pytest.approx([1.0])
    assert (row.counts["str.partial_wer.errors"], row.counts["str.partial_wer.words"]) == (4, 6)


def test_wrong_numbers_names_and_negations_are_flips() -> None:
    row = talk((1.5, "ask Diana for fifteen"), (2.0, "ask Dana for fifty"), (2.5, "do not ask Dana for fifty"))
    assert [row.counts[f"str.flips.{kind}"] for kind in ("numbers", "names", "negations")] == [1, 1, 1]
    foreign = scored(clip(REFERENCE, language="de"), streamed([(3.6, "done")]), CASES["stream"][2])
    assert foreign.absent["str.flips.negations"] == "not_applicable"
    assert foreign.counts["str.flips.numbers"] == 0


def test_without_interims_and_over_rest_nothing_settles() -> None:
    for name in ("rest", "stream without interims", "silent", "nonspeech stream"):
        absent = scored(*CASES[name]).absent
        assert {absent[metric.id] for metric in settling.METRICS} == {"not_applicable"}
    assert scored(*CASES["failed stream"]).absent["str.cadence.p50"] == "missing_input"


def test_the_clock_of_a_badly_paced_stream_is_not_used_but_its_captions_are() -> None:
    row = scored(*CASES["stream badly paced"])
    assert row.absent["str.cadence.p50"] == row.absent["str.stall.max"] == "invalid_pacing"
    assert row.counts["str.shown_words"] == 5


def test_a_transcript_that_was_never_made_final_is_marked() -> None:
    assert talk((1.5, "the"), (2.0, "the quick")).counts["str.interim_only.streams"] == 0
    loose = scored(clip(REFERENCE), streamed([(3.6, "done")]), heard(update(1.5, "the quick")))
    assert (loose.counts["str.interim_only.streams"], loose.counts["str.interim_only.all"]) == (1, 1)
