import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import endpoints
from evalkit.types import Event, Turn
from tests.conversations import answered, clip, heard, spoken, streamed, trace, update

SPANS = [(1.0, 3.0), (5.0, 6.0)]


def test_the_last_final_after_an_utterance_is_its_endpoint_and_one_inside_is_early() -> None:
    found = endpoints.endpoints(SPANS, [6.5, 2.1, 3.2, 3.6])
    assert (found.true, found.early, found.missed, found.early_rate) == (2, 1, 0, 0.5)
    assert found.latencies_s == pytest.approx((0.6, 0.5))
    assert found.at_s == (3.6, 6.5)


def test_a_final_that_comes_when_the_next_one_speaks_is_missed_and_early() -> None:
    found = endpoints.endpoints(SPANS, [0.5, 5.5])
    assert (found.true, found.early, found.missed) == (0, 1, 2)
    assert endpoints.endpoints([], [1.0]).early_rate is None


def test_a_final_exactly_at_an_end_or_a_start_is_there_in_binary_too() -> None:
    found = endpoints.endpoints([(0.15, 0.1 + 0.2)], [0.3])
    assert (found.early, found.latencies_s) == (0, (0.0,))
    found = endpoints.endpoints([(0.12, 0.2), (0.1 + 0.2, 0.5)], [0.3, 0.7])
    assert (found.true, found.early, found.missed) == (1, 1, 1)


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(0, 50))
def test_endpoints_move_with_the_clock_and_every_utterance_is_true_or_missed(finals: list[int], by: int) -> None:
    found = endpoints.endpoints([(4, 12), (20, 24)], finals)
    moved = endpoints.endpoints([(4 + by, 12 + by), (20 + by, 24 + by)], [t + by for t in finals])
    assert (found.latencies_s, found.early, found.missed) == (moved.latencies_s, moved.early, moved.missed)
    assert found.true + found.missed == 2
    assert all(value >= 0 for value in found.latencies_s)
    assert found.early + found.true <= len(finals)


def test_utterances_end_at_silence_whoever_speaks() -> None:
    turns = (Turn("A", 0.0, 2.0), Turn("B", 1.5, 3.0), Turn("A", 3.5, 4.0), Turn("A", 4.6, 5.0))
    assert endpoints.spoken_spans(clip(None, turns=turns)) == {None: [(0.0, 4.0), (4.6, 5.0)]}
    words = spoken(("a", 0.0, 1.0), ("b", 1.2, 2.0), ("c", 3.0, 3.5))
    assert endpoints.spoken_spans(clip(words)) == {None: [(0.0, 2.0), (3.0, 3.5)]}
    assert endpoints.spoken_spans(clip(None)) == {}


def test_each_channel_has_utterances_of_its_own() -> None:
    words = (*spoken(("a", 0.0, 1.0), channel=0), *spoken(("b", 0.9, 2.0), channel=1))
    spans = endpoints.spoken_spans(clip(words))
    assert spans == {0: [(0.0, 1.0)], 1: [(0.9, 2.0)]}
    assert endpoints.all_speech(spans) == [(0.0, 2.0)]
    assert endpoints.moved([(0.0, 1.0)], 0.5) == [(0.5, 1.5)]


def test_finals_are_the_first_of_each_text() -> None:
    said = heard(
        update(1, "a", "chunk_final", (0, 0, 0)),
        update(2, "a b", "utterance_final", (0, 0)),
        update(3, "a b", "utterance_final", (0, 0)),
        update(4, "", "utterance_final", (0, 1)),
        update(5, spoken(("x", 0, 1), channel=1), "utterance_final", (1, 0)),
    )
    assert endpoints.final_times_s(said) == [2, 5]
    assert endpoints.final_times_s(said, 0) == [2]
    assert endpoints.final_times_s(said, 1) == [2, 5]


def test_how_a_stream_was_ended() -> None:
    assert endpoints.end_mode(streamed(), 3.0) == "done"
    assert endpoints.end_mode(streamed(duration_s=4.0), 3.0) == "silence"
    events = streamed().events
    assert (
        endpoints.end_mode(trace([*events[:9], Event(events[9].t_s, 1.0, "sent", "{}"), *events[9:]]), 3.0) == "forced"
    )
    assert endpoints.end_mode(answered(), 3.0) is None
    assert endpoints.end_of_input_s(streamed()) == pytest.approx(3.502)
    assert endpoints.end_of_input_s(answered()) is None
