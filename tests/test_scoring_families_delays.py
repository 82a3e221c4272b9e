"""Delays, as rows of scores."""

import pytest

from tests.scored import CASES, columns, scored


def test_a_failed_stream_never_shows_its_words() -> None:
    """One unit for each latency of the clip, one per spoken word for latencies of words."""
    row = scored(*CASES["failed stream"])
    assert row.counts["lat.ttfs.failed"] == row.counts["lat.finalize.failed"] == 1
    assert row.counts["lat.word_first.failed"] == 5
    assert "lat.ttfs" not in row.values


def test_an_answer_we_could_not_read_says_nothing_about_the_speed_of_the_service() -> None:
    assert scored(*CASES["unreadable"]).absent["lat.rest_total.p50"] == "missing_input"
    assert scored(*CASES["unreadable stream"]).absent["lat.ttfs.p50"] == "missing_input"


def test_a_badly_paced_stream_is_scored_for_accuracy_but_not_for_latency() -> None:
    row = scored(*CASES["stream badly paced"])
    assert columns(row, "acc.wer.en")[0] == 5
    assert row.absent["lat.word_first.p50"] == row.absent["lat.finalize.p95"] == "invalid_pacing"
    assert row.counts["pace.invalid"] == 1
    assert row.values["lat.setup"] == (0.3,)


def test_latencies_of_a_stream() -> None:
    """T0 is 0.5; five words of 0.4 s from 0.5; the final text comes at 3.2, done at 3.6, input ends at 3.502."""
    row = scored(*CASES["stream"])
    assert row.values["lat.setup"] == pytest.approx([0.3])
    assert row.values["lat.ttfp_audio"] == pytest.approx([1.0])
    assert row.values["lat.ttfp_speech"] == pytest.approx([0.5])
    assert row.values["lat.ttfs"] == pytest.approx([3.2 - 0.5 - 2.5])
    assert row.values["lat.finalize"] == pytest.approx([3.6 - 3.502])
    assert row.values["lat.word_first"] == pytest.approx([0.1, -0.3, 1.0, 0.6, 0.2])
    assert row.values["lat.word_stable"] == pytest.approx([0.1, 1.4, 1.0, 0.6, 0.2])


def test_request_latency_and_throughput() -> None:
    row = scored(*CASES["rest"])
    assert row.values["lat.rest_total"] == pytest.approx([0.5])
    assert row.counts["lat.rtfx.audio_s"] / row.counts["lat.rtfx.processing_s"] == pytest.approx(6.0)
    assert row.absent["lat.ttfs.p50"] == "not_applicable"
    failed = scored(*CASES["failed request"])
    assert failed.counts["lat.rest_total.failed"] == 1
