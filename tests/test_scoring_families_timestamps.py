"""Timestamps, as rows of scores."""

import pytest

from evalkit.scoring.timing import Slope
from evalkit.types import Word
from tests.conversations import answered, clip, final, heard, spoken, spread, streamed, update, word
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
    assert (row.counts["ts.numbers.words"], row.counts["ts.numbers.of"]) == (2, 5)
    assert columns(row, "acc.wer.en") == (3, 0, 0, 0)


def test_sizes_of_errors_and_both_conventions_of_their_mean() -> None:
    said = spoken(("the", 0.56, 0.9), ("quick", 0.9, 1.3), ("brown", 1.45, 1.5))
    row = scored(clip(REFERENCE[:3]), answered(), final(said))
    start, end = ([row.counts[f"ts.offset.{edge}.within_{ms}ms"] for ms in (50, 100, 200)] for edge in ("start", "end"))
    assert (start, end) == ([1, 2, 3], [2, 2, 3])
    assert row.counts["ts.offset.aas.absolute_s"] == pytest.approx(0.06 + 0.15 + 0.2)
    assert (row.counts["ts.offset.aas.boundaries"], row.counts["ts.offset.aas.words"]) == (6, 3)


def long_clip(per_min_s: float, words: int = 62, apart_s: float = 5.0) -> tuple[list[Word], list[Word]]:
    """Letters ``apart_s`` apart, and the same drifting by ``per_min_s``."""
    reference = [word(f"w{chr(97 + index % 26)}", apart_s * index, apart_s * index + 0.4) for index in range(words)]
    drifted = [
        word(said.text, at + at / 60 * per_min_s, at + at / 60 * per_min_s + 0.4)
        for said in reference
        if (at := said.start_s) is not None
    ]
    return reference, drifted


def test_drift_over_long_audio() -> None:
    reference, drifted = long_clip(0.06)
    row = scored(clip(reference, 320.0), answered(), final(drifted))
    assert row.values["ts.slope"] == row.values["ts.slope.absolute"] == pytest.approx([0.06])
    assert row.values["ts.slope.lo"][0] <= 0.06 + 1e-9
    assert row.values["ts.slope.hi"][0] >= 0.06 - 1e-9
    assert row.values["ts.intercept"] + row.values["ts.jitter"] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert row.values["ts.max_step"] == pytest.approx([0.03])
    early = scored(
        clip(reference, 320.0), answered(), final([word(w.text, (w.start_s or 0) * 0.999) for w in reference])
    )
    assert early.values["ts.slope"] == pytest.approx([-0.06])
    assert early.values["ts.slope.absolute"] == pytest.approx([0.06])


def test_a_slope_may_have_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, drifted = long_clip(0.06)
    monkeypatch.setattr("evalkit.scoring.timing.slope", lambda *points: Slope(0.0, None, None, 0.0, 0.0))
    row = scored(clip(reference, 320.0), answered(), final(drifted))
    assert row.values["ts.slope"] == (0.0,)
    assert row.absent["ts.slope.low"] == row.absent["ts.slope.high"] == "missing_input"
    assert "ts.slope.p50" not in row.absent


def test_short_audio_has_no_slope() -> None:
    reference, drifted = long_clip(0.06, words=40)
    row = scored(clip(reference, 320.0), answered(), final(drifted))
    assert {row.absent[f"ts.{name}"] for name in ("slope.p50", "slope.max", "intercept", "jitter")} == {"missing_input"}
    assert "ts.max_step" in row.values


def test_impossible_times_need_no_reference() -> None:
    said = spoken(("a", 0.5, 0.4), ("b", 0.2, 0.4), ("c", 2.9, 3.2))
    row = scored(clip(None), answered(), final(said))
    assert row.absent["ts.coverage"] == "missing_input"
    assert row.counts["ts.valid.words"] == row.counts["ts.valid.broken"] == 3
    assert row.counts["ts.valid.negative_length"] == row.counts["ts.valid.beyond_audio"] == 1
    assert row.counts["ts.valid.start_decreases"] == 1
    assert row.absent["ts.grid"] == "missing_input", "five times say nothing of a grid"


def test_starts_that_go_back_are_seen_on_every_channel() -> None:
    first = spoken(("a", 0.5, 0.6), ("b", 0.2, 0.3), channel=0)
    other = spoken(("c", 0.4, 0.5), channel=1)
    row = scored(clip(None, channels=2), answered(), final([*first, *other]))
    assert row.counts["ts.valid.start_decreases"] == 1


def test_the_grid_of_all_times() -> None:
    said = [word("a", 0.08 * index, 0.08 * (index + 1)) for index in range(12)]
    assert scored(clip(None), answered(), final(said)).values["ts.grid"] == (0.08,)


def test_starts_moved_by_finalising() -> None:
    said = heard(update(1.0, spread("the quick", 0.4)), update(3.2, REFERENCE, "utterance_final"))
    row = scored(clip(REFERENCE), streamed([(3.6, "done")]), said)
    assert row.values["ts.final_shift"] == pytest.approx([0.1, 0.1])
    assert row.values["ts.final_shift.absolute"] == pytest.approx([0.1, 0.1])
    assert scored(*CASES["stream"]).absent["ts.final_shift.p50"] == "missing_input", "its interims have no times"
    assert scored(*CASES["stream without interims"]).absent["ts.final_shift.p95"] == "not_applicable"
    assert scored(*CASES["rest"]).absent["ts.final_shift.p95"] == "not_applicable"


def test_a_stream_is_compared_with_the_rest_answer_of_the_same_provider() -> None:
    rest = spread("the quick brown fox jumps", 0.5)
    about, found, said = CASES["stream"]  # its words start 20 ms later
    row = scored(about, found, said, rest=rest)
    assert row.counts["ts.agree.words"] == row.counts["ts.agree.rest_words"] == 5
    assert row.values["ts.agree"] == pytest.approx([0.02] * 5)
    assert row.counts["ts.agree.within_50ms"] == 5
    assert scored(about, found, said).absent["ts.agree.mae"] == "missing_input"
    assert scored(*CASES["rest"]).absent["ts.agree.mae"] == "not_applicable"
