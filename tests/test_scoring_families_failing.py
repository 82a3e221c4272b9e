"""Failing, as rows of scores."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evalkit import stats
from evalkit.errors import ParseError, Refused
from evalkit.scoring.families.failing import caption_words, locked_words
from evalkit.scoring.stitching import stitched
from evalkit.types import Event, Score, Trace, Word
from tests.conversations import answered, clip, final, heard, spoken, spread, streamed, trace, update
from tests.scored import CASES, LOST, PRICE, REFERENCE, scored

NAMES = ("requests", "attempts", "first_try", "eventual", "retryable", "recovered", "wrong_retries", "hangs")


def later(seconds: float, found: Trace) -> Trace:
    return replace(found, started_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def counted(row: Score) -> tuple[float, ...]:
    return tuple(row.counts[f"fail.{name}"] for name in NAMES)


def figures(*rows: Score) -> dict[str, Any]:
    each = [replace(row, clip_id=f"c{number}") for number, row in enumerate(rows)]
    return {row.metric: row for row in stats.summarise(each, slices=False)}


def retried(*attempts: Trace, failure: Any = None) -> Score:
    said = heard(failure=failure) if failure else final(REFERENCE)
    return scored(clip(REFERENCE), list(attempts), said)


HELD_BACK = answered(1.0, status=429, headers={"retry-after": "2"}, sent_s=0.0)


def test_the_worked_case_of_retries_as_a_run() -> None:
    """Five requests: answered, retried once, held back twice, given up, refused."""
    rows = [
        retried(answered()),
        retried(answered(status=503), later(2, answered())),
        retried(HELD_BACK, later(3.1, HELD_BACK), later(5.1, answered(1.0, sent_s=0.0))),
        retried(*(later(seconds, answered(status=503)) for seconds in (0, 2, 4, 6)), failure=LOST),
        retried(answered(status=400), failure=Refused("no")),
    ]
    found = figures(*rows)
    expected = {
        "fail.first_try": 0.2,
        "fail.eventual": 0.6,
        "fail.retry_success": 2 / 3,
        "fail.amplification": 2.2,
        "fail.retry_after": 0.5,
        "fail.wrong_retry": 0.0,
        "fail.rate_limited": 0.2,
        "fail.rate_limited.told": 1.0,
        "fail.hang": 0.0,
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected)
    # 2 s to recover, 5.1 s, and never.
    assert rows[1].values["fail.recover_s"] == pytest.approx((2.0,))
    assert rows[2].values["fail.recover_s"] == pytest.approx((5.1,))
    assert rows[3].counts["fail.recover_s.failed"] == 1
    assert rows[4].absent["fail.recover_s.p50"] == "not_applicable"
    assert (found["fail.recover_s.p50"].numerator, found["fail.recover_s.p50"].n_units) == (1, 3)
    assert found["fail.dropped"].status == "not_applicable"


def test_one_clean_answer() -> None:
    row = scored(*CASES["rest"])
    assert counted(row) == (1, 1, 1, 1, 0, 0, 0, 0)
    assert figures(row)["fail.retry_success"].status == figures(row)["fail.retry_after"].status == "undefined"


def test_an_unreadable_answer_is_no_success_and_no_reason_to_retry() -> None:
    assert counted(scored(*CASES["unreadable"])) == (1, 1, 0, 0, 0, 0, 0, 0)
    assert retried(answered(status=401), later(1, answered())).counts["fail.wrong_retries"] == 1


def test_requests_without_speech_fail_like_any_other() -> None:
    assert counted(scored(*CASES["failed nonspeech"])) == (1, 1, 0, 0, 1, 0, 0, 0)


def test_a_wait_nobody_can_tell_is_missing() -> None:
    row = retried(later(9, HELD_BACK), answered())
    assert row.absent["fail.retry_after"] == row.absent["fail.recover_s.p95"] == "missing_input"
    assert "fail.retry_after.told" not in row.counts


def test_a_hang_and_a_dropped_socket() -> None:
    opened = Event(0.1, 0, "open", {"url": "ws://127.0.0.1"})
    closed = Event(1.0, 0, "closed", {"code": 1006, "reason": ""})
    hung = Event(0.9, 0, "error", {"type": "Unavailable", "message": "no transcript.done within 60 s"})
    cut = Event(1.1, 0, "error", {"type": "Unavailable", "message": "the socket closed before transcript.done"})
    row = scored(clip(REFERENCE), trace([opened, hung, closed]), heard(failure=LOST))
    assert (row.counts["fail.hangs"], row.counts["fail.dropped.sockets"]) == (1, 0)
    row = scored(clip(REFERENCE), trace([opened, closed, cut]), heard(failure=LOST))
    assert (row.counts["fail.hangs"], row.counts["fail.dropped.sockets"]) == (0, 1)
    assert row.counts["fail.close_code.1006"] == row.counts["fail.dropped.opened"] == 1


def test_what_this_client_broke_off_is_missing_and_not_a_failure_of_the_service() -> None:
    ours = trace([Event(1.0, 0, "error", {"type": "Unavailable", "message": "broken off by us (KeyboardInterrupt)"})])
    row = scored(clip(REFERENCE), ours, heard(failure=LOST))
    assert row.absent["fail.first_try"] == row.absent["fail.salvage.locked"] == "missing_input"
    assert "fail.requests" not in row.counts


def test_the_worked_case_of_salvage() -> None:
    said = tuple(Word(f"w{k}", float(k), k + 0.8) for k in range(10))
    held = heard(
        update(3.5, "w0 w1 w2", "chunk_final", (0, 0, 0)), update(5.0, "w3 wX", segment=(0, 0, 1)), failure=LOST
    )
    row = scored(clip(said, 10.0), streamed(duration_s=6.0, ended=False), held)
    locked, caption = (
        tuple(row.counts[f"fail.salvage.{kind}.{name}"] for name in ("kept", "spoken"))
        for kind in ("locked", "caption")
    )
    assert (locked, caption) == ((3, 6), (4, 6))


def test_a_parser_that_lets_go_of_a_caption_at_the_end_did_not_take_it_from_the_reader() -> None:
    held = heard(
        update(2.0, "the quick", "chunk_final", (0, 0, 0)),
        update(2.5, "brown fox", segment=(0, 0, 1)),
        update(3.0, "the quick", "utterance_final", (0, 0)),
        failure=LOST,
    )
    assert [word.text for word in caption_words(held)] == ["the", "quick", "brown", "fox"]
    assert [word.text for word in locked_words(held)] == ["the", "quick"]
    # A service that says so earlier has taken it back.
    corrected = heard(*held.updates, update(4.0, "jumps", segment=(0, 1)), failure=LOST)
    assert [word.text for word in caption_words(corrected)] == ["the", "quick", "jumps"]
    taken_back = heard(
        update(2.0, "the quick fox"),
        update(2.5, "the quick"),
        update(3.0, "the quick", "utterance_final"),
        failure=LOST,
    )
    assert [word.text for word in caption_words(taken_back)] == ["the", "quick"]
    assert caption_words(heard(failure=LOST)) == locked_words(heard(failure=LOST)) == []


def test_channels_are_salvaged_apart() -> None:
    left, right = spread("a b c d", channel=0), spread("c d a b", channel=1)
    held = heard(
        update(2.0, [Word(w.text, channel=0) for w in left], "utterance_final", (0, 0)),
        update(2.0, [Word(w.text, channel=1) for w in right], "utterance_final", (1, 0)),
        failure=LOST,
    )
    merged = sorted((*left, *right), key=lambda word: word.start_s or 0.0)
    row = scored(clip(merged, channels=2), streamed(ended=False), held)
    assert row.counts["fail.salvage.locked.kept"] == row.counts["fail.salvage.locked.spoken"] == 8


def test_salvage_is_for_streams_that_were_cut_and_have_word_times() -> None:
    absent = {name: scored(*case).absent.get("fail.salvage.caption") for name, case in CASES.items()}
    assert absent["failed stream"] is absent["never connected"] is None
    assert {absent[name] for name in ("rest", "stream", "failed request", "unreadable stream")} == {"not_applicable"}
    untimed = scored(clip([Word("hello")]), streamed(), heard(failure=LOST))
    assert untimed.absent["fail.salvage.locked"] == "missing_input"
    assert isinstance(CASES["unreadable stream"][2].failure, ParseError)


def taken_up_again(*second: tuple[str, float, float], from_s: float) -> Score:
    """The reference's five words from 0.5 s, 0.4 s each; the first piece locked three (to 1.7 s), cut at 2.2 s."""
    first = streamed([(2.8, "cut")], duration_s=2.2, ended=False)
    begun = later(5, replace(streamed([(3.6, "done")], duration_s=3.0 - from_s), from_s=from_s))
    moved = tuple(replace(event, audio_s=event.audio_s + from_s) for event in begun.events)
    pieces = [later(0, first), replace(begun, events=moved)]
    said = [
        heard(
            update(2.5, REFERENCE[:3], "chunk_final", (0, 0, 0)), update(2.6, "jum", segment=(0, 0, 1)), failure=LOST
        ),
        heard(update(1.5, spoken(*second), "utterance_final", (0, 0))),
    ]
    return scored(clip(REFERENCE), pieces, stitched(pieces, said), price=PRICE)


def test_a_stream_taken_up_again_without_a_scar() -> None:
    row = taken_up_again(("fox", 0.5, 0.9), ("jumps", 0.9, 1.3), from_s=1.2)
    assert row.hypothesis == "the quick brown fox jumps"
    assert row.failure is None
    assert [row.counts[f"fail.seam.{name}"] for name in ("reconnects", "duplicated", "lost")] == [1, 0, 0]
    assert row.counts["fail.salvage.locked.spoken"] == 4, "fox had been spoken to its end when the stream was cut"
    assert row.counts["fail.salvage.locked.kept"] == 3
    assert row.absent["fail.salvage.caption"] == "not_applicable"


def test_words_doubled_and_lost_at_a_seam_are_counted() -> None:
    """The second piece says "brown" once more, shifted past the seam, and never says "fox"."""
    row = taken_up_again(("brown", 0.5, 0.9), ("jumps", 0.9, 1.3), from_s=1.2)
    assert row.hypothesis == "the quick brown brown jumps"
    assert [row.counts[f"fail.seam.{name}"] for name in ("reconnects", "duplicated", "lost")] == [1, 1, 1]


def test_what_is_sent_again_is_billed_and_nothing_else() -> None:
    row = taken_up_again(("fox", 0.5, 0.9), ("jumps", 0.9, 1.3), from_s=1.2)
    assert row.counts["cost.billed_hours.billed_s"] == pytest.approx(2.2 + 1.8)


def test_the_delays_are_those_of_the_words_the_last_piece_heard() -> None:
    row = taken_up_again(("fox", 0.5, 0.9), ("jumps", 0.9, 1.3), from_s=1.2)
    assert len(row.values["lat.word_committed"]) == 2, "fox and jumps"
    assert row.absent["lat.ttfp_speech.p50"] == "not_applicable"


def test_a_seam_needs_word_times_and_a_reconnect() -> None:
    assert scored(*CASES["stream"]).absent["fail.seam.lost"] == "not_applicable"
    pieces = [streamed([(2.8, "cut")], ended=False), replace(streamed([(3.6, "done")]), from_s=1.0)]
    untimed = scored(clip([replace(word, start_s=None, end_s=None) for word in REFERENCE]), pieces, heard())
    assert untimed.absent["fail.seam.lost"] == "missing_input"


def test_a_doubled_word_counts_also_when_both_copies_lie_before_the_seam() -> None:
    pieces = [later(0, streamed([(2.8, "cut")], duration_s=2.2, ended=False)), replace(streamed(), from_s=1.2)]
    pieces[1] = later(5, pieces[1])
    said = heard(
        update(-2.5, REFERENCE[:3], "utterance_final", (0,)), update(1.5, REFERENCE[2:], "utterance_final", (0, 0))
    )
    row = scored(clip(REFERENCE), pieces, said)
    assert row.hypothesis == "the quick brown brown fox jumps"
    assert [row.counts[f"fail.seam.{name}"] for name in ("reconnects", "duplicated", "lost")] == [1, 1, 0]


def test_a_piece_that_never_spoke_makes_no_seam() -> None:
    pieces = [later(0, streamed(ended=False)), later(5, replace(streamed(ended=False), from_s=1.2))]
    said = heard(update(-2.5, REFERENCE[:3], "utterance_final", (0,)), failure=LOST)
    row = scored(clip(REFERENCE), pieces, said)
    assert row.absent["fail.seam.lost"] == "not_applicable"
    assert row.counts["fail.salvage.locked.kept"] > 0
