"""Delays, as rows of scores."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import Refused
from evalkit.scoring.families import delays, locks, settling, stability
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import profile_for
from evalkit.types import Clip, Event, Hypothesis, Trace
from tests.conversations import answered, clip, final, heard, spoken, streamed, trace, update
from tests.scored import CASES, LOST, REFERENCE, columns, scored


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


def test_set_up_is_split_and_a_round_trip_nobody_measured_is_missing() -> None:
    row = scored(*CASES["stream"])
    assert row.values["lat.connect"] == pytest.approx([0.2])
    assert row.values["lat.ready"] == pytest.approx([0.1])
    assert row.absent["lat.rtt.p50"] == "missing_input"


def test_the_service_is_not_charged_for_our_lateness() -> None:
    """Every frame left 1 ms late."""
    row = scored(*CASES["stream"])
    assert row.values["lat.service.word_first"] == pytest.approx([t - 0.001 for t in row.values["lat.word_first"]])
    assert row.values["lat.service.ttfs"] == pytest.approx([row.values["lat.ttfs"][0] - 0.001])
    assert row.values["lat.pr"] == pytest.approx([3.2 - 0.5 - 2.5])


def test_words_count_as_committed_when_they_are_locked_and_as_never_when_they_are_not() -> None:
    row = scored(*CASES["stream"])
    assert row.values["lat.word_committed"] == pytest.approx([1.8, 1.4, 1.0, 0.6, 0.2])
    loose = heard(update(1.5, "the quick"), update(2.0, "brown", "utterance_final", (0, 1)))
    row = scored(clip(REFERENCE), streamed([(3.6, "done")]), loose)
    assert (len(row.values["lat.word_committed"]), row.counts["lat.word_committed.failed"]) == (1, 2)


def test_endpoints_found_by_the_service_and_those_it_was_told_are_kept_apart() -> None:
    """T0 is 0.5, the end of input was announced at 3.502."""
    reference = spoken(("hello", 0.2, 0.6), ("there", 1.4, 1.8), ("bob", 2.4, 2.8))
    said = heard(
        update(1.4, "hello", "utterance_final", (0, 0)),
        update(2.0, "there", "utterance_final", (0, 1)),
        update(3.7, "bob", "utterance_final", (0, 2)),
    )
    row = scored(clip(reference), streamed([(3.9, "done")]), said)
    assert row.values["lat.endpoint"] == pytest.approx([0.3])
    assert row.values["lat.endpoint_done"] == pytest.approx([0.4])
    assert [row.counts[f"lat.endpoint.{name}"] for name in ("utterances", "early", "missed")] == [3, 1, 1]
    assert row.counts["lat.end_mode.done"] == 1


def test_parts_of_a_request_add_up() -> None:
    phases = {"connected_s": 0.05, "sent_s": 0.06, "first_byte_s": 0.4}
    row = scored(clip(REFERENCE), with_phases(phases), final(REFERENCE))
    parts = [row.values[f"lat.rest_{part}"][0] for part in ("connect", "upload", "server", "download")]
    assert parts == pytest.approx([0.04, 0.01, 0.34, 0.11])
    assert sum(parts) == pytest.approx(row.values["lat.rest_total"][0])
    warm = scored(clip(REFERENCE), with_phases({"sent_s": 0.06, "first_byte_s": 0.4}), final(REFERENCE))
    assert warm.absent["lat.rest_connect.p50"] == "not_applicable"
    assert warm.values["lat.rest_upload"] == pytest.approx([0.05])
    assert scored(*CASES["rest"]).absent["lat.rest_server.p50"] == "missing_input"


def with_phases(phases: dict[str, float]) -> Trace:
    sent, got = answered().events
    return trace([sent, replace(got, data={**got.data, "phases": phases})], route="rest")


@settings(max_examples=20)
@given(st.sampled_from(sorted(CASES)), st.floats(0, 1000))
def test_no_delay_depends_on_when_the_trace_began(name: str, by_s: float) -> None:
    """Every stamp of a conversation moves: frames, deadlines, messages, phases and updates."""
    about, found, said = CASES[name]
    later = trace([moved(event, by_s) for event in found.events], route=found.route)
    shifted = Hypothesis(tuple(replace(item, t_s=item.t_s + by_s) for item in said.updates), said.failure)
    before, after = measured(about, found, said), measured(about, later, shifted)
    assert set(before.values) == set(after.values)
    assert before.counts == pytest.approx(after.counts, abs=1e-6)
    for metric, values in before.values.items():
        # Only these run from the start of the connection, which is where a trace begins.
        by = by_s if metric in ("lat.setup", "lat.connect") else 0.0
        assert [value + by for value in values] == pytest.approx(after.values[metric], abs=1e-6), metric


def moved(event: Event, by_s: float) -> Event:
    data = {**event.data, "due_s": event.data["due_s"] + by_s} if event.kind == "audio" else event.data
    return replace(event, t_s=event.t_s + by_s, data=data)


def measured(about: Clip, found: Trace, said: Hypothesis) -> Row:
    words = () if said.failure else said.words
    case = Case(about, [found], said, about.reference, words, profile_for(about.language), None)
    row = Row()
    for family in (stability, settling, locks, delays):
        family.measure(row, case)
    return row


def test_a_service_that_never_got_ready_is_not_left_out_of_set_up() -> None:
    row = scored(*CASES["never connected"])
    assert [row.counts[f"lat.{name}.failed"] for name in ("setup", "connect", "ready")] == [1, 1, 1]
    opened = trace([Event(0.2, 0.0, "open", {"url": "ws://x"}), Event(0.4, 0.0, "received", '{"type":"error"}')])
    row = scored(clip(REFERENCE), opened, heard(failure=LOST))
    assert row.values["lat.connect"] == (0.2,)
    assert [row.counts[f"lat.{name}.failed"] for name in ("setup", "ready")] == [1, 1]
    assert "lat.setup" not in row.values
    assert "lat.setup.failed" not in scored(*CASES["failed stream"]).counts


@pytest.mark.parametrize("told", [("Unavailable", "broken off by us (KeyboardInterrupt)"), ("Refused", "too large")])
def test_what_the_service_was_never_asked_or_not_waited_for_says_nothing_about_its_speed(told: tuple[str, str]) -> None:
    error = Event(1.0, 0.0, "error", dict(zip(("type", "message"), told, strict=True)))
    failure = Refused(told[1]) if told[0] == "Refused" else LOST
    streamed_row = scored(clip(REFERENCE), trace([error]), heard(failure=failure))
    asked = scored(clip(REFERENCE), trace([error], route="rest"), heard(failure=failure))
    for metric in ("lat.setup.p50", "lat.ttfs.p50", "lat.word_first.p95", "lat.endpoint.early"):
        assert streamed_row.absent[metric] == "missing_input"
    assert asked.absent["lat.rest_total.p50"] == "missing_input"
    assert not [name for name in (*streamed_row.counts, *asked.counts) if name.startswith("lat.") and "failed" in name]


def test_the_warm_up_is_printed_apart() -> None:
    found = streamed([(3.6, "done")])
    cold = replace(found, events=(replace(found.events[0], data={"url": "ws://x", "cold": True}), *found.events[1:]))
    row = scored(clip(REFERENCE), cold, CASES["stream"][2])
    assert row.values["lat.setup_cold"] == pytest.approx([0.3])
    assert row.absent["lat.setup.p50"] == row.absent["lat.ready.p50"] == "not_applicable"
    warm = scored(*CASES["stream"])
    assert warm.values["lat.setup"] == pytest.approx([0.3])
    assert warm.absent["lat.setup_cold.p50"] == "not_applicable"
    sent, got = answered().events
    first = trace([replace(sent, data={**sent.data, "cold": True}), got], route="rest")
    row = scored(clip(REFERENCE), first, final(REFERENCE))
    assert row.values["lat.rest_cold"] == pytest.approx([0.5])
    assert row.absent["lat.rest_total.p99"] == "not_applicable"
    lost = scored(clip(REFERENCE), first, heard(failure=LOST))
    assert lost.counts["lat.rest_total.failed"] == 1
    assert lost.absent["lat.rest_cold.p50"] == "not_applicable"


def test_every_round_trip_counts() -> None:
    found = streamed([(3.6, "done")])
    pings = [Event(t_s, 0.0, "ping", {"rtt_s": rtt_s}) for t_s, rtt_s in ((0.25, 0.04), (2.0, 0.09), (3.55, 0.05))]
    row = scored(clip(REFERENCE), trace([*found.events, *pings]), CASES["stream"][2])
    assert row.values["lat.rtt"] == (0.04, 0.09, 0.05)
    for name in ("word_first", "ttfs"):
        service, beyond = row.values[f"lat.service.{name}"], row.values[f"lat.beyond_rtt.{name}"]
        assert beyond == pytest.approx([seconds - 0.05 for seconds in service]), "the median round trip is taken off"
    unknown = scored(clip(REFERENCE), found, CASES["stream"][2])
    assert unknown.absent["lat.beyond_rtt.ttfs.p50"] == "missing_input"


def test_streams_that_end_otherwise_are_not_pooled() -> None:
    said = CASES["stream"][2]
    silent = scored(clip(REFERENCE), streamed([(4.6, "done")], duration_s=4.0), said)
    assert silent.values["lat.ttfs_silence"] == pytest.approx([3.2 - 0.5 - 2.5])
    for metric in ("lat.ttfs.p50", "lat.ttfs_forced.p50", "lat.service.ttfs.p50", "lat.finalize.p95"):
        assert silent.absent[metric] == "not_applicable"
    assert silent.counts["lat.end_mode.silence"] == 1
    told = streamed([(3.6, "done")])
    forced = scored(
        clip(REFERENCE),
        trace([*told.events[:12], Event(told.events[11].t_s, 1.0, "sent", "{}"), *told.events[12:]]),
        said,
    )
    assert forced.values["lat.ttfs_forced"] == pytest.approx([3.2 - 0.5 - 2.5])
    assert forced.absent["lat.ttfs_silence.p95"] == "not_applicable"


def test_without_partials_there_is_no_first_one() -> None:
    row = scored(*CASES["stream without interims"])
    assert row.absent["lat.ttfp_audio.p50"] == row.absent["lat.ttfp_speech.p99"] == "not_applicable"
    assert row.values["lat.pr"] == pytest.approx([3.2 - 0.5 - 2.5])
