"""The caption rules on a planted script, without a socket; audio time is the only time."""

from typing import Any

import numpy as np
import pytest

from evalkit.emulator.captions import Captions, end_of_turn
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.scripted import ANY_CLIP, PlantedWord, Scripted
from evalkit.emulator.settings import StreamSettings
from evalkit.types import Word

FIRST = "Please book the small room for nine thirty and tell Dana I am running late."
TIMES = (0.32, 0.58, 0.8, 0.9, 1.26, 1.58, 2.02, 2.26, 3.06, 3.22, 3.44, 3.78, 3.84, 3.96, 4.22, 4.46)
WORDS = [Word(text, start, end) for text, start, end in zip(FIRST.split(), TIMES, TIMES[1:], strict=False)]
SECOND = [Word("uh", 5.5, 5.7), Word("Thanks.", 5.8, 6.1)]


def captions(words: list[Word], knobs: Knobs, **settings: Any) -> Captions:
    planted = tuple(PlantedWord(Word(word.text, word.start_s, word.end_s, channel=0)) for word in words)
    stream = Scripted({ANY_CLIP: planted}).stream(channel=0, diarize=False)
    return Captions(stream, StreamSettings(**{"interim_results": True, **settings}), knobs)


def told(words: list[Word], seconds: float, knobs: Knobs = Knobs(), **settings: Any) -> list[dict[str, Any]]:  # noqa: B008
    state = captions(words, knobs, **settings)
    messages = list(state.feed(np.zeros(round(seconds * 16000), dtype=np.int16)))
    return [*messages, *state.finish(), state.done(seconds)]


def only(messages: list[dict[str, Any]], *, is_final: bool, speech_final: bool) -> list[dict[str, Any]]:
    return [
        message
        for message in messages
        if (message.get("is_final"), message.get("speech_final")) == (is_final, speech_final) and message["text"]
    ]


def test_utterance_final_restates_all_its_chunks_and_keeps_its_start() -> None:
    messages = told([*WORDS, *SECOND], 6.6)
    chunks = only(messages, is_final=True, speech_final=False)
    finals = only(messages, is_final=True, speech_final=True)
    assert [message["text"] for message in finals] == [FIRST, "Thanks."]
    assert " ".join(message["text"] for message in chunks[:2]) == FIRST
    assert [message["text"] for message in chunks[2:]] == ["Thanks."]
    assert {message["start"] for message in messages if message in chunks[:2] or message is finals[0]} == {0.0}


def test_endpoint_comes_after_the_asked_silence() -> None:
    for endpointing_s in (0.4, 0.8):
        final = only(told(WORDS, 6.0, endpointing_s=endpointing_s), is_final=True, speech_final=True)[0]
        assert final["duration"] == pytest.approx(4.46 + endpointing_s, abs=0.03)


def test_chunk_is_locked_between_two_words_about_every_three_seconds() -> None:
    first = only(told(WORDS, 6.0), is_final=True, speech_final=False)[0]
    assert first["text"] in [" ".join(FIRST.split()[:count]) for count in range(1, 15)]
    assert 2.0 < first["words"][-1]["end"] <= 3.4


def test_interims_come_every_half_second_and_after_a_lock_cover_only_newer_audio() -> None:
    messages = told(WORDS, 6.0)
    interims = only(messages, is_final=False, speech_final=False)
    assert [message["duration"] for message in interims] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]
    locked = only(messages, is_final=True, speech_final=False)[0]["words"][-1]["end"]
    for message in interims:
        if message["duration"] > 3.4:
            assert message["words"][0]["start"] >= locked


def test_without_interim_results_there_is_none() -> None:
    assert not only(told(WORDS, 6.0, interim_results=False), is_final=False, speech_final=False)


def test_cumulative_chunks_and_interims_restate_the_utterance() -> None:
    messages = told(WORDS, 6.0, Knobs(chunk_text="cumulative"))
    chunks = only(messages, is_final=True, speech_final=False)
    assert len(chunks) == 2
    assert chunks[1]["text"] == FIRST
    assert all(FIRST.startswith(message["text"]) for message in only(messages, is_final=False, speech_final=False))


def test_single_chunk_is_repeated_or_not() -> None:
    for duplicate in (True, False):
        messages = told(WORDS[:4], 3.0, Knobs(duplicate_single_chunk=duplicate))
        chunks = only(messages, is_final=True, speech_final=False)
        assert [message["text"] for message in chunks] == ["Please book the small"] * duplicate
        assert len(only(messages, is_final=True, speech_final=True)) == 1


@pytest.mark.parametrize(
    ("knobs", "finals", "done"),
    [
        (Knobs(), [FIRST], ""),
        (Knobs(done_text="full"), [FIRST], FIRST),
        (Knobs(flush_closes_utterance=False), [], FIRST),
        (Knobs(flush_closes_utterance=False, done_text="full"), [], FIRST),
        (Knobs(flush_closes_utterance=False, done_text="empty"), [], ""),
    ],
    ids=lambda value: str(value.settings()) if isinstance(value, Knobs) else None,
)
def test_audio_that_ends_in_the_middle_of_an_utterance(knobs: Knobs, finals: list[str], done: str) -> None:
    messages = told(WORDS, 4.5, knobs)
    assert [message["text"] for message in only(messages, is_final=True, speech_final=True)] == finals
    chunks = only(messages, is_final=True, speech_final=False)
    assert " ".join(message["text"] for message in chunks) == FIRST
    assert (messages[-1]["type"], messages[-1]["text"], messages[-1]["duration"]) == ("transcript.done", done, 4.5)


def test_full_done_holds_every_utterance() -> None:
    assert told([*WORDS, *SECOND], 6.2, Knobs(done_text="full"))[-1]["text"] == f"{FIRST} Thanks."


def test_fillers_are_kept_only_on_request() -> None:
    texts = [
        only(told(SECOND, 7.0, filler_words=asked), is_final=True, speech_final=True)[-1]["text"]
        for asked in (True, False)
    ]
    assert texts == ["uh Thanks.", "Thanks."]


def test_silence_gives_empty_partials_and_no_utterance_final() -> None:
    messages = told([], 25.0)
    partials = [message for message in messages if message["type"] == "transcript.partial"]
    assert 20 <= len(partials) <= 80
    assert not any(message["text"] or message["speech_final"] for message in partials)
    assert told([], 25.0, Knobs(empty_partials_on_noise=False))[:-1] == []


def test_finalize_closes_the_open_utterance_at_once() -> None:
    state = captions(WORDS, Knobs(), interim_results=False)
    list(state.feed(np.zeros(24000, dtype=np.int16)))
    messages = list(state.finalize())
    assert [message["text"] for message in messages] == ["Please book the small room"] * 2
    assert messages[-1]["speech_final"]
    assert messages[-1]["duration"] == 1.5
    later = list(state.feed(np.zeros(80000, dtype=np.int16)))
    assert only(later, is_final=True, speech_final=True)[0]["text"] == FIRST.removeprefix("Please book the small room ")


def test_finalize_without_speech_is_answered() -> None:
    (message,) = captions([], Knobs()).finalize()
    assert (message["text"], message["is_final"], message["speech_final"]) == ("", True, True)


def test_smart_turn_turns_an_unfinished_end_into_a_chunk() -> None:
    words = [Word("Call", 0.5, 0.8), Word("me", 0.8, 1.0), Word("tomorrow.", 2.0, 2.5)]
    messages = told(words, 4.0, smart_turn=0.5, interim_results=False)
    assert [(m["text"], m["speech_final"], m["end_of_turn_confidence"]) for m in messages[:-1] if m["text"]] == [
        ("Call me", False, 0.21),
        ("tomorrow.", False, 0.0),
        ("Call me tomorrow.", True, 0.94),
    ]


def test_smart_turn_timeout_forces_the_end() -> None:
    words = [Word("Call", 0.5, 0.8), Word("me", 0.8, 1.0), Word("tomorrow.", 2.9, 3.1)]
    messages = told(words, 4.0, smart_turn=0.5, smart_turn_timeout_s=1.0, interim_results=False)
    finals = only(messages, is_final=True, speech_final=True)
    assert [message["text"] for message in finals] == ["Call me", "tomorrow."]
    assert finals[0]["duration"] == pytest.approx(2.0, abs=0.03)


def test_start_of_a_later_utterance_is_a_knob() -> None:
    starts = [
        only(told([*WORDS, *SECOND], 6.6, Knobs(utterance_start=kind)), is_final=True, speech_final=True)[1]["start"]
        for kind in ("previous_end", "first_speech")
    ]
    assert starts == [pytest.approx(4.86, abs=0.03), pytest.approx(5.5, abs=0.03)]


@pytest.mark.parametrize(("text", "confidence"), [("late.", 0.94), ("late", 0.21)])
def test_end_of_turn_reads_punctuation(text: str, confidence: float) -> None:
    assert end_of_turn([Word(text)]) == confidence
