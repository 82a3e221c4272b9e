import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import captions, latency
from evalkit.scoring.text import profile
from evalkit.types import Event, Hypothesis, Trace, Turn, Update
from tests import obvious
from tests.conversations import answered, clip, heard, spoken, streamed, trace, update

EN = profile("en")
REFERENCE = spoken(("hello", 0.5, 0.9), ("world", 1.0, 1.4))


def test_ready_is_the_last_message_before_the_first_frame() -> None:
    assert latency.setup_s(streamed(opened_s=0.2, ready_s=0.3)) == 0.3
    assert latency.connect_s(streamed(opened_s=0.2, ready_s=0.3)) == 0.2


def test_without_a_message_before_audio_the_socket_is_ready_when_open() -> None:
    assert latency.setup_s(streamed([(0.9, "partial")], opened_s=0.2, ready_s=None)) == 0.2


def test_a_request_has_no_set_up_and_a_socket_no_request() -> None:
    assert latency.setup_s(answered()) is None
    assert latency.finalize_s(answered()) is None
    assert latency.request_s(streamed()) is None


def test_finalisation_runs_from_the_end_of_input_to_the_last_message() -> None:
    """A message received before the end of input was sent does not count, whatever its place in the record."""
    found = streamed([(2.0, "partial"), (3.6, "final"), (3.902, "done")], duration_s=3.0, origin_s=0.5)
    assert latency.finalize_s(found) == pytest.approx(0.4)
    assert latency.finalize_s(streamed([(2.0, "partial")])) is None
    assert latency.finalize_s(streamed([(3.6, "done")], ended=False)) is None


def test_a_request_lasts_to_the_last_byte() -> None:
    assert latency.request_s(answered(0.75)) == pytest.approx(0.75)
    assert latency.request_s(trace([Event(0.0, 0.0, "sent", {})], route="rest")) is None


def test_first_text_is_the_first_that_is_not_empty() -> None:
    assert latency.first_text_s(heard(update(1, ""), update(2, "hi"))) == 2
    assert latency.first_text_s(heard(update(1, ""))) is None


def test_final_text_is_the_last_change_and_not_a_repetition() -> None:
    said = heard(
        update(1, "hi"),
        update(2, "hi", "utterance_final"),
        update(3, "hi", "utterance_final"),
        update(4, "", "interim", (0, 1)),
    )
    assert latency.final_text_s(said) == 2
    assert latency.final_text_s(heard(update(1, "hi"))) is None
    confirmed = heard(update(1, "hi", "chunk_final", (0, 0, 0)), update(2, "hi", "utterance_final"))
    assert latency.final_text_s(confirmed) == 2


def test_speech_ends_where_the_reference_says() -> None:
    assert latency.speech_bounds_s(clip(REFERENCE)) == (0.5, 1.4)
    assert latency.speech_bounds_s(clip(None, turns=(Turn("A", 1.0, 2.0), Turn("B", 0.5, 1.5)))) == (0.5, 2.0)
    assert latency.speech_bounds_s(clip(None)) == (None, None)


def words(said: Hypothesis, origin_s: float) -> list[latency.WordLatency]:
    return latency.word_latencies(REFERENCE, captions.emissions(said, EN), origin_s, EN)


def test_words_are_timed_from_the_end_they_were_spoken_to() -> None:
    said = heard(update(11.3, "hello"), update(12.05, "hello world"), update(12.35, "Hello world.", "utterance_final"))
    found = words(said, 10.0)
    assert [word.first_s for word in found] == pytest.approx([0.4, 0.65])
    assert [word.committed_s for word in found] == pytest.approx([1.45, 0.95])


def test_a_word_guessed_early_has_a_negative_latency() -> None:
    assert words(heard(update(10.5, "hello")), 10.0)[0].first_s == pytest.approx(-0.4)


def test_wrong_and_number_words_have_no_latency() -> None:
    reference = spoken(("twenty", 0.0, 0.3), ("cats", 0.3, 0.6), ("ran", 0.6, 0.9))
    said = heard(update(2.0, "20 bats ran"))
    found = latency.word_latencies(reference, captions.emissions(said, EN), 0.0, EN)
    assert [word.reference for word in found] == [2]
    assert latency.expected_words(reference, EN) == 2


def shifted(found: Trace, by_s: float) -> Trace:
    events = []
    for event in found.events:
        data = {**event.data, "due_s": event.data["due_s"] + by_s} if event.kind == "audio" else event.data
        events.append(Event(event.t_s + by_s, event.audio_s, event.kind, data))
    return trace(events)


@given(st.floats(0, 1000))
def test_latencies_do_not_depend_on_when_the_trace_began(by_s: float) -> None:
    """Shifting every stamp by the same amount changes no difference of stamps."""
    first = streamed([(1.5, "partial"), (3.7, "done")])
    second = shifted(first, by_s)
    said = [Update(t_s, tuple(spoken(("hello", 0.5, 0.9))), (0, 0), "interim") for t_s in (1.5, 1.9)]
    late = [Update(item.t_s + by_s, item.words, item.segment, item.state) for item in said]
    assert latency.finalize_s(first) == pytest.approx(latency.finalize_s(second), abs=1e-6)
    assert latency.lateness_s(first) == pytest.approx(latency.lateness_s(second), abs=1e-6)
    origins = [found.audio_origin_s() or 0.0 for found in (first, second)]
    pairs = zip(words(heard(*said), origins[0]), words(heard(*late), origins[1]), strict=True)
    assert all(mine.first_s == pytest.approx(theirs.first_s, abs=1e-6) for mine, theirs in pairs)


def test_the_frame_that_held_a_moment_has_its_lateness() -> None:
    frames = [Event(due_s + late_s, audio_s, "audio", {"due_s": due_s}) for audio_s, due_s, late_s in
              ((0.1, 1.1, 0.0), (0.2, 1.2, 0.05), (0.3, 1.3, 0.01))]  # fmt: skip
    found = latency.lateness_at_s(trace(frames), [0.1, 0.15, 0.2, 0.25, 9.0, 0.0])
    assert found == pytest.approx([0.0, 0.05, 0.05, 0.01, 0.01, 0.0])
    assert latency.lateness_at_s(answered(), [0.1]) == [None]


def test_a_delay_is_ours_the_networks_and_the_services() -> None:
    found = latency.Delay(0.65, 0.05, 0.04)
    assert found.service_s == pytest.approx(0.6)
    assert found.beyond_rtt_s == pytest.approx(0.56)
    assert latency.Delay(0.65, 0.05).beyond_rtt_s is None


def test_the_round_trip_is_what_the_wire_wrote_down() -> None:
    assert latency.rtt_s(streamed()) is latency.rtt_s(answered()) is None
    assert latency.rtt_s(trace([Event(0.2, 0.0, "open", {"url": "ws://x", "rtt_s": 0.03})])) == 0.03


def test_parts_need_stamps() -> None:
    assert latency.rest_parts(answered()) is None
    assert latency.rest_parts(trace([], route="rest")) is None
    assert latency.rest_parts(streamed()) is None


def test_the_last_word_is_the_last_of_the_transcript() -> None:
    said = heard(update(1, "hello"), update(2, "world", "interim", (0, 1)), update(3, "hello there"))
    assert latency.last_word_shown_s(captions.emissions(said, EN)) == 2
    assert latency.last_word_shown_s([]) is None


@given(obvious.conversations())
def test_final_text_came_when_whole_captions_last_changed_it(said: Hypothesis) -> None:
    assert latency.final_text_s(said) == obvious.final_text_s(said)


def test_round_trips_are_read_wherever_they_were_measured() -> None:
    opened = Event(0.2, 0.0, "open", {"url": "ws://x", "rtt_s": 0.03})
    pings = [Event(0.3, 0.0, "ping", {"rtt_s": 0.05}), Event(5.0, 3.0, "ping", {"rtt_s": 0.04})]
    assert latency.round_trips_s(trace([opened, *pings])) == (0.03, 0.05, 0.04)
    assert latency.round_trips_s(streamed()) == latency.round_trips_s(answered()) == ()


def test_the_first_conversation_of_a_run_is_its_warm_up() -> None:
    assert not latency.is_cold(streamed())
    assert not latency.is_cold(trace([]))
    assert latency.is_cold(trace([Event(0.2, 0.0, "open", {"url": "ws://x", "cold": True})]))


def test_audio_is_only_sent_to_a_service_that_is_ready() -> None:
    assert latency.was_ready(streamed())
    assert not latency.was_ready(trace([Event(0.2, 0.0, "open", {"url": "ws://x"})]))
