"""Deepgram: what is sent, and a transcript that is right under every reading of its documents."""

import asyncio
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection

from evalkit import corpora, emulator, providers
from evalkit.emulator.scripted import PlantedWord, opening
from evalkit.errors import ParseError, ProviderError, Refused, SettingsError, Unavailable
from evalkit.plan import Choice
from evalkit.providers.deepgram import CLOSE, Deepgram
from evalkit.types import Audio, Event, Hypothesis, Word
from evalkit.wire import Timeouts, Wire, http_client
from tests import fakes_deepgram
from tests.conftest import OPEN
from tests.fakes_deepgram import Knobs, Session
from tests.peers import http_answer, http_server, ws_server
from tests.shell import SHORT, evalkit, here, refused

__all__ = ["here"]

STREAM = Deepgram(route="streaming")
URL = "wss://api.deepgram.com/v1/listen?model=nova-3&channels=1"
Said = tuple[str, float, float]


def alternative(*said: Said, **more: Any) -> dict[str, Any]:
    words = [
        {
            "word": text.lower().strip(".,"),
            "punctuated_word": text,
            "start": start,
            "end": end,
            "confidence": 0.9,
            **more,
        }
        for text, start, end in said
    ]
    return {"alternatives": [{"transcript": " ".join(text for text, _, _ in said), "confidence": 0.9, "words": words}]}


def result(*said: Said, start: float = 0.0, length: float = 1.0, index: int = 0, **flags: bool) -> dict[str, Any]:
    return {
        "type": "Results",
        "channel_index": [index, 1],
        "start": start,
        "duration": length,
        "is_final": False,
        "speech_final": False,
        "from_finalize": False,
        "channel": alternative(*said),
        **flags,
    }


def utterance_end(last_word_end: float, index: int = 0) -> dict[str, Any]:
    return {"type": "UtteranceEnd", "channel": [index, 1], "last_word_end": last_word_end}


METADATA = {"type": "Metadata", "transaction_key": "deprecated", "request_id": "r", "duration": 3.1, "channels": 1}
SET_A = (("Set", 0.2, 0.4), ("a", 0.4, 0.5))
TIMER = (("timer", 0.5, 0.9), ("for", 1.1, 1.3))
NINE = (("nine", 1.4, 1.7), ("minutes.", 1.7, 2.2))


def conversation(*messages: Mapping[str, Any] | str, url: str = URL, ended: bool = True) -> tuple[Event, ...]:
    """Messages 0.1 s apart; what is a string was sent by us."""
    end = (CLOSE, METADATA) if ended else ()
    events = [Event(0.05, 0.0, "open", {"url": url}), Event(0.06, 0.1, "audio", {"bytes": 3200, "due_s": 0.06})]
    for number, message in enumerate((*messages, *end), start=1):
        kind, data = ("sent", message) if isinstance(message, str) else ("received", json.dumps(message))
        events.append(Event(round(number / 10, 3), number / 10, kind, data))  # type: ignore[arg-type]
    return tuple(events)


def heard(*messages: Mapping[str, Any] | str, **how: Any) -> Hypothesis:
    return Hypothesis.of(STREAM.parse(conversation(*messages, **how)))


def test_pieces_that_end_no_utterance_are_kept() -> None:
    """Keeping only what has speech_final gives `timer for` here."""
    found = heard(
        result(*SET_A, length=0.5, is_final=True),
        result(*TIMER, start=0.5, length=0.9, is_final=True, speech_final=True),
    )
    assert found.text == "Set a timer for"
    assert [(update.segment, update.state) for update in found.updates] == [
        ((0, 0, 0), "chunk_final"),
        ((0, 0), "utterance_final"),
    ]


def test_an_interim_replaces_the_one_before_and_is_replaced_by_its_final() -> None:
    found = heard(
        result(("Sat", 0.2, 0.4)),
        result(*SET_A),
        result(*SET_A, length=0.5, is_final=True),
        result(("tie", 0.5, 0.7), start=0.5),
        result(*TIMER, start=0.5, is_final=True),
    )
    shown = [" ".join(word.text for word in caption.words) for caption in found.captions()]
    assert shown == ["Sat", "Set a", "Set a", "Set a tie", "Set a timer for", "Set a timer for"]
    assert found.updates[-1].state == "utterance_final"


@pytest.mark.parametrize(
    "flushed",
    [
        [],
        [result(start=0.9, length=0.0, is_final=True, from_finalize=True)],
        [result(*TIMER, start=0.5, is_final=True, from_finalize=True)],
        [result(*TIMER, start=0.5, is_final=True)],
        [result(*TIMER, start=0.5, is_final=True, speech_final=True), result(start=1.5, is_final=True)],
    ],
    ids=["no-reply", "empty", "flagged", "unflagged", "empty-after"],
)
@pytest.mark.parametrize("left", ["closed", "flushed"])
def test_a_flush_may_be_answered_in_any_way(flushed: list[dict[str, Any]], left: str) -> None:
    rest = (
        [result(*TIMER, start=0.5, is_final=True)]
        if not any(m["channel"]["alternatives"][0]["words"] for m in flushed)
        else []
    )
    found = heard(
        result(*SET_A, length=0.5, is_final=True),
        result(*TIMER, start=0.5),
        '{"type":"Finalize"}',
        *flushed,
        *([CLOSE] if left == "closed" else []),
        *rest,
    )
    assert found.text == "Set a timer for"
    assert found.failure is None


def test_an_empty_final_takes_back_the_guess_it_covers_and_no_other() -> None:
    guess = result(*NINE, start=1.3, length=1.0)
    assert heard(guess, result(start=1.3, length=1.0, is_final=True)).text == ""
    assert heard(guess, result(start=0.0, length=1.3, is_final=True), METADATA).text == "nine minutes."
    assert heard(guess, result(start=2.3, length=0.0, is_final=True, from_finalize=True)).text == "nine minutes."


def test_a_guess_that_was_neither_made_final_nor_taken_back_is_what_the_service_believes() -> None:
    found = heard(result(*SET_A, length=0.5, is_final=True), result(*TIMER, start=0.5))
    assert found.text == "Set a timer for"
    assert found.last_caption is not None
    assert set(found.last_caption.states) == {"utterance_final"}


def test_what_close_stream_brings_ends_its_utterance_as_it_comes() -> None:
    found = heard(CLOSE, result(*SET_A, is_final=True), result(*TIMER, is_final=True))
    assert found.text == "Set a timer for"
    assert {update.state for update in found.updates} == {"utterance_final"}
    assert [update.t_s for update in found.updates] == [0.2, 0.3]


def test_an_utterance_end_closes_what_no_speech_final_did() -> None:
    found = heard(
        result(*SET_A, length=0.5, is_final=True),
        utterance_end(0.5),
        result(*NINE, start=1.3, is_final=True, speech_final=True),
        utterance_end(2.2),
    )
    assert [update.segment for update in found.updates if update.state == "utterance_final"] == [(0, 0), (0, 1)]
    assert found.text == "Set a nine minutes."


def test_an_utterance_end_that_comes_late_or_without_words_closes_nothing_new() -> None:
    for end in (utterance_end(0.5), utterance_end(-1)):
        found = heard(result(*NINE, start=1.3, is_final=True), end, result(*TIMER, is_final=True, speech_final=True))
        assert sum(update.state == "utterance_final" for update in found.updates) == 1


def test_an_utterance_end_waits_for_what_is_still_a_guess() -> None:
    found = heard(
        result(*SET_A, length=0.5, is_final=True),
        result(*TIMER, start=0.5),
        utterance_end(1.3),
        result(*TIMER, start=0.5, is_final=True),
        result(*NINE, start=1.3, is_final=True, speech_final=True),
    )
    finals = [update for update in found.updates if update.state == "utterance_final"]
    assert [" ".join(word.text for word in update.words) for update in finals] == ["Set a timer for", "nine minutes."]
    shown = [len(caption.words) for caption in found.captions()]
    assert shown == sorted(shown), "no word was taken back"


def test_a_guess_of_the_next_utterance_stays_in_sight() -> None:
    found = heard(result(*SET_A, length=0.5, is_final=True), result(*NINE, start=1.3), utterance_end(0.5))
    assert found.words_at(0.35) == found.words
    assert found.text == "Set a nine minutes."


def test_noise_opens_nothing() -> None:
    empty = [result(start=float(at), is_final=final) for at in range(3) for final in (False, True)]
    started = {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.2}
    assert heard(started, *empty, {"type": "SomethingNew"}) == Hypothesis(())


def test_messages_that_come_twice_say_nothing_twice() -> None:
    told = [
        result(*SET_A),
        result(*SET_A, length=0.5, is_final=True),
        result(*TIMER, start=0.5),
        result(*TIMER, start=0.5, is_final=True, speech_final=True),
        utterance_end(1.3),
        result(("nine", 1.4, 1.7), start=1.4, is_final=True),
    ]
    for twice in (
        [copy for message in told for copy in (message, message)],
        [*told, *told],
        [*told[:4], *told[:4], *told[4:]],
    ):
        found = heard(*twice)
        assert found.text == "Set a timer for nine"
        assert len(set(map(len, (c.words for c in found.captions())))) <= 4


def test_a_word_said_twice_is_no_repetition() -> None:
    again = [(("no", at, at + 0.3),) for at in (0.2, 0.6, 1.0)]
    assert heard(*(result(*said, start=0.0, is_final=True) for said in again)).text == "no no no"
    bare = {"transcript": "no", "words": []}
    pieces = [{**result(start=float(at), is_final=True), "channel": {"alternatives": [bare]}} for at in range(3)]
    assert heard(*pieces).text == "no no no"
    assert heard(*pieces, *pieces).text == "no no no", "a stretch of audio is told once"
    nowhere = [{key: value for key, value in piece.items() if key not in ("start", "duration")} for piece in pieces]
    assert heard(*nowhere).text == "no no no", "nothing tells them apart, so nothing is left out"


def test_channels_are_kept_apart() -> None:
    url = URL.replace("channels=1", "channels=2&multichannel=true")
    found = heard(
        result(("how", 0.0, 0.2), index=0),
        result(("fine", 0.5, 0.7), index=1, is_final=True),
        result(("how", 0.0, 0.2), index=0, is_final=True, speech_final=True),
        utterance_end(0.7, index=1),
        result(("thanks", 0.8, 1.0), index=1, is_final=True, speech_final=True),
        url=url,
    )
    assert [(word.text, word.channel) for word in found.words] == [("how", 0), ("fine", 1), ("thanks", 1)]
    assert {update.segment[0] for update in found.updates} == {0, 1}
    assert heard(result(*SET_A, is_final=True)).words[0].channel is None


def test_a_word_is_what_is_displayed_with_all_that_is_told_of_it() -> None:
    told = {"word": "nine", "punctuated_word": "Nine", "start": 0.2, "end": 0.5, "confidence": 0.8, "speaker": 1}
    message = result(is_final=True)

    def word(transcript: str, *words: dict[str, Any]) -> Word:
        alternatives = [{"transcript": transcript, "words": list(words)}]
        return heard({**message, "channel": {"alternatives": alternatives}}).words[0]

    assert word("Nine", told) == Word("Nine", 0.2, 0.5, "1", None, 0.8)
    bare = {name: value for name, value in told.items() if name not in ("punctuated_word", "speaker")}
    assert word("Nine", bare) == Word("Nine", 0.2, 0.5, None, None, 0.8), "the specification has no punctuated_word"
    assert word("", bare).text == "nine"
    assert word("Ni ne", told).text == "Nine", "pieces of the same word"
    assert word("only text") == Word("only")
    amount = [{"word": "five", "start": 0.2, "end": 0.5}, {"word": "dollars", "start": 0.5, "end": 0.9}]
    assert word("$5.00", *amount).text == "$5.00", "what a smart format rewrote is what is displayed"


def test_the_two_naive_readings_fail() -> None:
    events = conversation(
        result(*SET_A),
        result(*SET_A, is_final=True),
        result(*TIMER, is_final=True, speech_final=True),
        result(*NINE, is_final=True),
    )
    results = [m for e in events if e.kind == "received" and (m := json.loads(e.data))["type"] == "Results"]

    def joined(flag: str) -> str:
        return " ".join(m["channel"]["alternatives"][0]["transcript"] for m in results if m.get(flag, True))

    right = Hypothesis.of(STREAM.parse(events)).text
    assert right == joined("is_final") == "Set a timer for nine minutes."
    assert right not in (joined("every message"), joined("speech_final"))


FAILED = Event(
    9.0, 1.0, "error", {"type": "Unavailable", "message": "the socket closed before Metadata (close code x)"}
)


@pytest.mark.parametrize(
    ("code", "reason", "failure"),
    [(1000, "", Unavailable), (1011, "NET-0000", Unavailable), (1011, "NET-0001", Unavailable), (1006, "", Unavailable),
     (1008, "DATA-0000", Refused)],
)  # fmt: skip
def test_a_close_code_says_whether_to_come_again_and_what_was_final_stays(
    code: int, reason: str, failure: type[Exception]
) -> None:
    events = conversation(result(*SET_A, is_final=True), result(*TIMER), ended=False)
    found = Hypothesis.of(STREAM.parse((*events, Event(8.9, 1.0, "closed", {"code": code, "reason": reason}), FAILED)))
    assert type(found.failure) is failure
    assert found.text == "Set a"
    assert found.updates[-1].state == "utterance_final"


def test_metadata_that_nobody_asked_for_is_no_end() -> None:
    found = heard(result(*SET_A, is_final=True), METADATA, ended=False)
    assert isinstance(found.failure, Unavailable)


def test_an_error_message_is_refused_before_audio_and_unavailable_after() -> None:
    error = {"type": "Error", "description": "bad things", "variant": "X"}
    events = conversation(result(*SET_A, is_final=True), error, ended=False)
    failure = Hypothesis.of(STREAM.parse(events)).failure
    assert isinstance(failure, Unavailable)
    assert str(failure) == "deepgram: Error message (bad things: X)"
    assert Hypothesis.of(STREAM.parse(events)).text == "Set a"
    silent = [event for event in events if event.kind != "audio"]
    assert isinstance(Hypothesis.of(STREAM.parse(silent)).failure, Refused)
    undecodable = conversation({"type": "Error", "code": "DATA-0000"}, ended=False)
    assert isinstance(Hypothesis.of(STREAM.parse(undecodable)).failure, Refused)


@pytest.mark.parametrize(
    "body", ["<html>", "[]", '{"type":"Results"}', '{"type":"Results","channel":{"alternatives":[{"words":[{}]}]}}']
)
def test_an_unreadable_message_is_a_parse_error(body: str) -> None:
    event = Event(0.3, 0.0, "received", body)
    assert isinstance(Hypothesis.of(STREAM.parse([event])).failure, ParseError)


def answered(status: int, body: Any, **headers: str) -> list[Event]:
    text = body if isinstance(body, str) else json.dumps(body)
    return [Event(1.0, 1.0, "received", {"status": status, "headers": headers, "body": text, "phases": {}})]


@pytest.mark.parametrize(
    ("status", "code", "failure", "everyone", "told"),
    [
        (400, "Bad Request", Refused, False, "no such model"),
        (401, "INVALID_AUTH", Refused, True, "check DEEPGRAM_API_KEY"),
        (402, "ASR_PAYMENT_REQUIRED", Refused, True, "no credit"),
        (403, "INSUFFICIENT_PERMISSIONS", Refused, True, "DEEPGRAM_API_KEY may do"),
        (404, "NOT_FOUND", Refused, False, "HTTP 404"),
        (408, "TIMEOUT", Unavailable, False, "HTTP 408"),
        (413, "TOO_LARGE", Refused, False, "HTTP 413"),
        (429, "TOO_MANY_REQUESTS", Unavailable, False, "HTTP 429"),
        (500, "INTERNAL", Unavailable, False, "HTTP 500"),
        (503, "INTERNAL", Unavailable, False, "HTTP 503"),
        (504, "SLOW", Unavailable, False, "HTTP 504"),
    ],
)
@pytest.mark.parametrize("route", ["rest", "streaming"])
def test_every_documented_status_is_mapped(
    route: Any, status: int, code: str, failure: type[ProviderError], everyone: bool, told: str
) -> None:
    body = {"err_code": code, "err_msg": "no such model", "request_id": "r"}
    found = Hypothesis.of(Deepgram(route=route).parse(answered(status, body))).failure
    assert type(found) is failure
    assert told in str(found)
    assert "no such model" in str(found)
    assert getattr(found, "whole_provider", False) is everyone
    assert getattr(found, "retry_after_s", None) is None


def test_a_refused_upgrade_tells_its_reason_in_a_header_or_in_its_body() -> None:
    reason = '{"err_code":"Bad Request","err_msg":"from the header"}'
    for event, told in (
        (answered(400, "", **{"dg-error": reason}), "from the header"),
        (answered(400, " ", **{"dg-error": "plain words"}), "plain words"),
        (answered(400, {"err_msg": "from the body"}, **{"dg-error": reason}), "from the body"),
    ):
        assert told in str(Hypothesis.of(STREAM.parse(event)).failure)
    page = Hypothesis.of(STREAM.parse(answered(200, "<html>"))).failure
    assert str(page) == "deepgram: HTTP 200 instead of a socket"


def rest(*channels: Any, **more: Any) -> Hypothesis:
    body = {"metadata": {}, "results": {"channels": list(channels), **more}}
    return Hypothesis.of(Deepgram().parse(answered(200, body)))


def test_a_rest_answer_is_one_update_with_channels() -> None:
    found = rest(alternative(*SET_A), alternative(*TIMER, speaker=0))
    assert [(word.text, word.channel, word.speaker) for word in found.words] == [
        ("Set", 0, None), ("a", 0, None), ("timer", 1, "0"), ("for", 1, "0"),
    ]  # fmt: skip
    assert rest(alternative(*SET_A)).words[0].channel is None
    assert rest({"alternatives": []}) == Hypothesis(rest({"alternatives": []}).updates)
    assert rest({"alternatives": []}).words == ()


def test_speakers_are_found_wherever_the_answer_tells_them() -> None:
    words = alternative(*SET_A, *TIMER)
    turns = [
        {"start": 0.2, "end": 0.5, "channel": 0, "speaker": 0, "words": []},
        {"start": 0.5, "end": 1.3, "channel": 0, "speaker": 1, "words": []},
        {"start": 0.0, "end": 2.0, "channel": 1, "speaker": 7, "words": []},
    ]
    assert [word.speaker for word in rest(words, utterances=turns).words] == ["0", "0", "1", "1"]
    assert {word.speaker for word in rest(words, words, utterances=turns).words if word.channel == 1} == {"7"}
    told = [
        {
            "start": 0.0,
            "end": 9.0,
            "channel": 0,
            "words": alternative(*SET_A, *TIMER, speaker=3)["alternatives"][0]["words"],
        }
    ]
    assert {word.speaker for word in rest(words, utterances=told).words} == {"3"}
    assert {word.speaker for word in rest(alternative(*SET_A, speaker=5), utterances=told).words} == {"5"}
    assert {word.speaker for word in rest(words).words} == {None}


@pytest.mark.parametrize(
    "body",
    ["<html>", "[]", "{}", '{"request_id":"r"}', '{"results":{"channels":[{"alternatives":[{"words":[{}]}]}]}}',
     '{"results":{"channels":[{"alternatives":[{"words":[{"word":"a","start":NaN}]}]}]}}'],
)  # fmt: skip
def test_an_unreadable_answer_is_a_parse_error(body: str) -> None:
    assert isinstance(Hypothesis.of(Deepgram().parse(answered(200, body))).failure, ParseError)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": ""}, "model must be named"),
        ({"language": "english please"}, "language must be a tag"),
        ({"frame_ms": 5}, "frame_ms must be 10 to 1000"),
        ({"endpointing_ms": -1}, "endpointing_ms must be 0"),
        ({"keyterms": "a+ "}, "keyterms must be"),
        ({"key_env": "dg-123-45"}, "key_env must be the name"),
        ({"base_url": "api.deepgram.com"}, "base_url must be"),
        ({"diarize_model": "v9"}, "unknown diarize_model"),
    ],
)
def test_a_wrong_setting_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        providers.load("deepgram", "streaming", **options)


def test_it_costs_money_unless_it_is_here() -> None:
    assert providers.load("deepgram").live
    assert not providers.load("deepgram", base_url="http://127.0.0.1:9").live
    assert providers.load("deepgram", "streaming", end_mode="silence").silence_s == 2.0
    assert providers.load("deepgram", "rest", end_mode="silence").silence_s == 0.0
    with pytest.raises(SettingsError, match="DEEPGRAM_API_KEY"):
        providers.load("deepgram").ready({})


async def test_a_request_is_sound_with_everything_in_its_query() -> None:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return http_answer(200, '{"results":{"channels":[]}}')

    async with http_server(reply) as url, http_client(Timeouts(), loopback=True) as http:
        provider = providers.load("deepgram", base_url=url, diarize=True, keyterms="Grok+Harbor Electric")
        wire = Wire(http, environ={"DEEPGRAM_API_KEY": "dg-for-tests"})
        await provider.transcribe(Audio(bytes(64), 16_000, 2), wire)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == (
        "POST /v1/listen?model=nova-3&language=en&punctuate=true&smart_format=false&filler_words=true&keyterm=Grok"
        "&keyterm=Harbor+Electric&multichannel=true&diarize_model=latest&utterances=true HTTP/1.1"
    )
    named = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert named["authorization"] == "Token dg-for-tests"
    assert named["content-type"] == "audio/wav"
    assert named["content-length"] == str(len(body)) == str(44 + 64)
    assert body.startswith(b"RIFF")
    assert "dg-for-tests" not in json.dumps([event.data for event in wire.events])
    assert wire.events[0].data["file"]["bytes"] == 108


async def test_sound_over_the_documented_size_is_never_sent() -> None:
    async with http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        audio = Audio(_Endless(), 16_000)
        with pytest.raises(Refused, match="over the documented 2 GB"):
            await Deepgram(key_env=None).transcribe(audio, wire)
    assert wire.events == ()


class _Endless:
    """More sound than anybody keeps."""

    def __len__(self) -> int:
        return 2_000_000_000

    def __getitem__(self, part: slice, /) -> bytes:
        raise AssertionError("nothing is read")


@pytest.mark.parametrize(
    ("mode", "sent", "silence_s"),
    [("done", ["CloseStream"], 0.0), ("silence", ["CloseStream"], 0.1), ("finalize", ["Finalize", "CloseStream"], 0.1)],
)
async def test_a_stream_ends_as_it_was_told_to(mode: str, sent: list[str], silence_s: float) -> None:
    paths: list[str] = []

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        async for message in socket:
            if isinstance(message, str) and "CloseStream" in message:
                await socket.send(json.dumps(METADATA))

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        provider = providers.load(
            "deepgram", "streaming", base_url=url, key_env=None, frame_ms=50, end_mode=mode, trailing_silence_s=0.1,
            speed=5, endpointing_ms="",
        )  # fmt: skip
        wire = Wire(http)
        await provider.transcribe(Audio(bytes(3000), 16_000), wire)
    told = [event for event in wire.events if event.kind == "sent"]
    assert [json.loads(event.data)["type"] for event in told] == sent
    assert wire.events[-1].audio_s == pytest.approx(3000 / 32_000 + silence_s)
    assert told[0].audio_s == pytest.approx(0.1 if mode == "finalize" else wire.events[-1].audio_s)
    assert paths == [
        "/v1/listen?model=nova-3&language=en&punctuate=true&smart_format=false&filler_words=true&diarize=false"
        "&encoding=linear16&sample_rate=16000&channels=1&interim_results=true&endpointing=false"
        "&utterance_end_ms=1000&vad_events=true"
    ]
    assert Hypothesis.of(provider.parse(wire.events)) == Hypothesis(())


# --- every reading, over the fake's sessions without a network

knobs = st.builds(
    Knobs,
    speech_final=st.sampled_from(["with", "after", "never"]),
    flush=st.sampled_from(["flagged", "unflagged"]),
    empty_flush=st.booleans(),
    twice=st.booleans(),
    noise=st.booleans(),
    punctuated=st.booleans(),
    piece_words=st.integers(1, 5),
)


@st.composite
def scripts(draw: st.DrawFn) -> list[PlantedWord]:
    """Words of up to two channels, some said again and again, with pauses of every length."""
    words = []
    for channel in range(draw(st.integers(1, 2))):
        at_s = 0.0
        for _ in range(draw(st.integers(0, 12))):
            at_s = round(at_s + draw(st.sampled_from([0.0, 0.1, 0.5, 1.4, 3.0])), 3)
            end_s = round(at_s + draw(st.sampled_from([0.1, 0.3, 0.7])), 3)
            text = draw(st.sampled_from(["no", "No.", "timer", "Set", "9:30"]))
            words.append(PlantedWord(Word(text, at_s, end_s, str(draw(st.integers(0, 2))), channel)))
            at_s = end_s
    return words


@st.composite
def shuffled(draw: st.DrawFn, rounds: Sequence[Sequence[Any]], channels: int) -> list[Any]:
    """The channels of a round interleaved in any order; within a channel, in order."""
    told = []
    for messages in rounds:
        queues = [[m for m in messages if _channel_of(m) == index] for index in range(-1, channels)]
        queues = [queue for queue in queues if queue]
        while queues:
            queue = queues[draw(st.integers(0, len(queues) - 1))] if len(queues) > 1 else queues[0]
            told.append(queue.pop(0))
            queues = [queue for queue in queues if queue]
    return told


def _channel_of(message: Mapping[str, Any] | str) -> int:
    index = {} if isinstance(message, str) else message
    return (
        int((index.get("channel_index") or index.get("channel") or [-1])[0]) if index.get("type") != "Metadata" else -1
    )


@settings(max_examples=200, deadline=None)
@given(script=scripts(), turned=knobs, frame_s=st.sampled_from([0.1, 0.25, 1.0]), flush=st.booleans(), data=st.data())
def test_every_word_is_said_once_under_every_reading(
    script: list[PlantedWord], turned: Knobs, frame_s: float, flush: bool, data: st.DataObject
) -> None:
    channels = 2
    asked = {
        "channels": str(channels), "multichannel": "true", "diarize": "true",
        "interim_results": data.draw(st.sampled_from(["true", "false"])),
        "endpointing": data.draw(st.sampled_from(["false", "10", "400"])),
        **data.draw(st.sampled_from([{}, {"utterance_end_ms": "1000"}])),
    }  # fmt: skip
    session = Session(asked, script, turned)
    length_s = max([1.0, *(planted.word.end_s or 0.0 for planted in script)])
    rounds: list[list[Any]] = []
    while session.heard_s < length_s:
        rounds.append(list(session.frame(frame_s)))
    if flush:
        rounds += [['{"type":"Finalize"}'], list(session.control("Finalize"))]
        rounds += [list(session.frame(frame_s)) for _ in range(3)]
    rounds += [[CLOSE], list(session.control("CloseStream"))[:-1]]
    told = data.draw(shuffled(rounds, channels))
    url = URL.replace("channels=1", "channels=2&multichannel=true")
    found = Hypothesis.of(STREAM.parse(conversation(*told, METADATA, url=url, ended=False)))
    assert found.failure is None
    for index in range(channels):
        planted = [p.word for p in session.sides[index].script]
        mine = [word for word in found.words if word.channel == index]
        assert [(w.text, w.start_s, w.end_s, w.speaker) for w in mine] == [
            (w.text, w.start_s, w.end_s, w.speaker) for w in planted
        ]
    caption = found.last_caption
    assert caption is None or set(caption.states) <= {"utterance_final"}
    locked = 0
    for state in found.captions():
        now = sum(kind != "interim" for kind in state.states)
        assert now >= locked, "what is final is never taken back"
        locked = now


# --- the fake over a real wire

PLANTED = [
    *[["Please", 0.3, 0.6], ["book", 0.6, 0.9], ["the", 0.9, 1.0], ["small", 1.0, 1.4], ["room", 1.4, 1.8]],
    *[["for", 1.8, 2.0], ["nine", 2.0, 2.4], ["thirty.", 2.4, 2.9], ["No,", 4.6, 4.9], ["no.", 5.0, 5.2]],
]
TEXT = " ".join(str(word[0]) for word in PLANTED)
SILENCE = Audio(bytes(2 * 16_000 * 52 // 10), 16_000)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[str]:
    with fakes_deepgram.serving({"words": PLANTED}, tmp_path, key="dg-planted") as (url, _):
        yield url


async def ask(url: str, audio: Audio = SILENCE, *, key: str = "dg-planted", **options: Any) -> Hypothesis:
    route = options.pop("route", "streaming")
    provider = providers.load("deepgram", route, base_url=url, **{"speed": 10, **options})
    async with http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http, environ={"DEEPGRAM_API_KEY": key})
        with suppress(ProviderError):
            await provider.transcribe(audio, wire)
    return Hypothesis.of(provider.parse(wire.events))


async def test_over_a_real_socket_every_combination_of_knobs_gives_the_same_words(fake: str) -> None:
    turned = itertools.product(
        ("with", "after", "never"), ("flagged", "unflagged"), ("true", "false"), ("done", "silence", "finalize")
    )
    asked = [
        (f"{fake}/knobs/speech_final={final},flush={flush},empty_flush={empty},twice={empty}", mode)
        for final, flush, empty, mode in turned
    ]
    found = await asyncio.gather(*(ask(url, end_mode=mode) for url, mode in asked))
    assert len(found) == 36
    for hypothesis in found:
        assert hypothesis.failure is None
        assert hypothesis.text == TEXT


@pytest.mark.parametrize("speakers", ["words", "utterances", "turns"])
async def test_a_request_tells_words_and_speakers(fake: str, speakers: str) -> None:
    found = await ask(f"{fake}/knobs/speakers={speakers}", route="rest", diarize=True)
    assert found.text == TEXT
    assert {word.speaker for word in found.words} == {"0"}
    assert found.words[0].start_s == 0.3


@pytest.mark.parametrize("told_in", ["body", "header"])
@pytest.mark.parametrize(
    ("knob", "failure"),
    [("fail=402", Refused), ("fail=429", Unavailable), ("fail=503", Unavailable), ("fail=404", Refused)],
)
async def test_a_planted_refusal_is_told_by_both_routes(
    fake: str, knob: str, failure: type[Exception], told_in: str
) -> None:
    for route in ("rest", "streaming"):
        found = await ask(f"{fake}/knobs/fails=9,{knob},told_in={told_in}", route=route)
        assert type(found.failure) is failure, route
        assert "planted by a knob" in str(found.failure)


async def test_a_wrong_key_refuses_everything(fake: str) -> None:
    for route in ("rest", "streaming"):
        failure = (await ask(fake, route=route, key="another-key")).failure
        assert isinstance(failure, Refused)
        assert failure.whole_provider
        assert "check DEEPGRAM_API_KEY" in str(failure)


@pytest.mark.parametrize(
    ("fail", "failure", "told"),
    [("1011", Unavailable, "1011: NET-0000"), ("1008", Refused, "1008 (DATA-0000)"), ("error", Unavailable, "trouble")],
)
async def test_a_stream_that_breaks_off_keeps_what_was_final(
    fake: str, fail: str, failure: type[Exception], told: str
) -> None:
    found = await ask(f"{fake}/knobs/fails=9,fail={fail},fail_s=3.5", speed=5)
    assert type(found.failure) is failure
    assert told in str(found.failure)
    assert found.text == "Please book the small room for nine thirty."


# --- from a shell


def script_of(*, every: int = 0) -> dict[str, Any]:
    """What is said in the short clips, by how each channel begins; a word of every so many is left out."""
    clips: dict[str, Any] = {}
    for clip in corpora.load(str(OPEN)):
        if clip.id not in SHORT:
            continue
        audio = corpora.audio(clip, sample_rate_hz=16_000)
        samples = np.frombuffer(audio.pcm[:], "<i2").reshape(-1, audio.channels)
        timed = [word for word in clip.reference or () if word.end_s is not None]
        for index in range(audio.channels):
            words = [word for word in timed if (word.channel or 0) == index]
            told = [
                {"text": word.text, "start": word.start_s, "end": word.end_s, "channel": index}
                for number, word in enumerate(words, start=1)
                if not every or number % every
            ]
            sound = {} if audio.channels > 1 else {"sound": clip.path}
            # Channels that begin with the same silence share a script; each hears its own words of it.
            clips.setdefault(opening(samples[:, index]), {"words": [], **sound})["words"].extend(told)
    return {"clips": clips}


@pytest.mark.slow
def test_a_comparison_from_a_shell(here: Path) -> None:
    """The incumbent leaves out every fifth word; its first stream breaks off and is taken up again."""
    with (
        emulator.launch("scripted", script=script_of()) as xai,
        fakes_deepgram.serving(script_of(every=5), here, key="dg-planted") as (url, service),
    ):
        done = evalkit(
                here, "run", "--corpus", "calls", "--candidate", f"xai,base_url={xai},key_env=,speed=8",
                "--incumbent", f"deepgram,base_url={url}/knobs/fails=1,speed=8", "--routes", "rest,streaming",
                "--run", "compared", DEEPGRAM_API_KEY="dg-planted",
            )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = here / "results" / "compared"
    summary = pd.read_csv(folder / "summary.csv").query("slice == 'all'").set_index(["provider", "route", "metric"])
    wer = summary["value"].xs("acc.wer.basic", level="metric")
    assert wer["xai"].max() == 0
    assert wer["deepgram", "rest"] == pytest.approx(0.19, abs=0.03)
    assert wer["deepgram", "streaming"] == wer["deepgram", "rest"]
    assert (summary["value"].xs("run.coverage", level="metric") == 1).all()
    compared = pd.read_csv(folder / "comparison.csv").query("question == 'candidate_vs_incumbent'")
    lines = compared.query("metric == 'acc.wer.basic'")
    assert set(lines["route"]) == {"rest", "streaming"}
    assert set(lines["against_provider"]) == {"deepgram"}
    assert (lines["difference"] < -0.15).all()
    assert "deepgram" in done.stdout
    assert (folder / "report.html").exists()
    assert {asked["model"] for asked in service.asked} == {"nova-3"}
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"dg-planted" in content for content in written)


def test_without_a_key_or_a_budget_nothing_is_sent(here: Path) -> None:
    arguments = ("run", "--corpus", "calls", "--candidate", "deepgram", "--routes", "rest,streaming")
    assert "--budget-usd" in refused(evalkit(here, *arguments, DEEPGRAM_API_KEY="dg-planted"))
    sentence = refused(evalkit(here, *arguments, "--budget-usd", "1"))
    assert "set the environment variable DEEPGRAM_API_KEY" in sentence
    assert not (here / "results").exists()
    assert os.environ.get("DEEPGRAM_API_KEY") is None


@pytest.mark.parametrize(
    ("options", "tariff", "listed"),
    [
        ({}, "nova-3", True),
        ({"language": "multi", "diarize": True}, "nova-3+multi+diarize", True),
        ({"model": "nova-3-medical"}, "nova-3-medical", False),
    ],
)
def test_what_is_dearer_is_listed_as_such_and_what_is_not_listed_is_unknown(
    options: dict[str, Any], tariff: str, listed: bool
) -> None:
    for route in ("rest", "streaming"):
        provider = providers.load("deepgram", route, **options)
        assert provider.tariff == tariff
        assert (Choice("deepgram").price(provider) is not None) is listed
        own = Choice("deepgram").price(providers.load("deepgram", route, usd_per_hour=0.2, **options))
        assert own is not None
        assert own.usd_per_hour == 0.2
