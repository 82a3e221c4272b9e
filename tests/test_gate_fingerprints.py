"""Which recordings are the same, and which model strings stand in them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit.gate import fingerprints
from evalkit.gate.fingerprints import Fingerprint, Models
from evalkit.store import Store
from evalkit.types import Event, Trace

RECORDED = Path(__file__).parent / "traces" / "demo"


def trace(*events: Event, attempt: int = 1, **settings: Any) -> Trace:
    return Trace("a", "p", "rest", settings, attempt, datetime(2026, 11, 20, tzinfo=UTC), events)


def only(*traces: Trace) -> Fingerprint:
    (found,) = fingerprints.read(traces)[0].values()
    return found


def models(*events: Event, **settings: Any) -> Models:
    (found,) = fingerprints.read([trace(*events, **settings)])[1].values()
    return found


def answer(t_s: float, body: str, **headers: str) -> Event:
    return Event(t_s, 1.0, "received", {"status": 200, "headers": headers, "body": body})


def test_the_same_recording_has_the_same_digests() -> None:
    first, second = (fingerprints.read(Store(RECORDED).traces()) for _ in range(2))
    assert first == second
    assert len({(one.whole, one.said) for one in first[0].values()}) == len(first[0]) == 24


def test_other_times_and_headers_are_another_recording_of_the_same_answer() -> None:
    before, after = only(trace(answer(1.0, "{}", date="Fri"))), only(trace(answer(1.5, "{}", date="Sat")))
    assert before.said == after.said
    assert before.whole != after.whole


def test_another_word_or_another_attempt_is_another_answer() -> None:
    one = trace(answer(1.0, '{"text": "a"}'))
    assert only(one).said != only(trace(answer(1.0, '{"text": "b"}'))).said
    assert only(one).said != only(one, replace(one, attempt=2)).said
    socket = [trace(Event(1.0, 1.0, "received", text)) for text in ("a", "b")]
    assert only(socket[0]).said != only(socket[1]).said


def test_the_number_of_a_conversation_is_not_part_of_the_answer() -> None:
    def said(number: str, **rest: object) -> str:
        told = {"type": "transcript.created", "id": number, "metadata": {"request_id": number}, **rest}
        return only(trace(Event(1.0, 1.0, "received", json.dumps(told)), answer(2.0, json.dumps(told)))).said

    assert said("one") == said("two")
    assert said("one", text="a") != said("one", text="b")
    assert said("one", speaker_id="a") != said("one", speaker_id="b")
    broken = [only(trace(answer(1.0, body))).said for body in ('{"text": "a', '{"text": "b', '{"t": "\\ud800"}')]
    assert len({*broken}) == 3


def test_the_model_as_sent_in_settings_form_query_and_message() -> None:
    assert models(model="one").sent == ("one",)
    assert models(Event(0, 0, "sent", {"fields": [["model", "two"], ["x", "y"]]})).sent == ("two",)
    assert models(Event(0, 0, "open", {"url": "wss://x/v1/listen?model=three&a=b"})).sent == ("three",)
    told = json.dumps({"type": "session.update", "session": {"model": "four"}})
    assert models(Event(0, 0, "sent", told), model="one").sent == ("four", "one")


def test_the_model_as_returned_in_a_body_or_in_a_message() -> None:
    assert models(answer(1, '{"model": "one", "text": "a"}')).returned == ("one",)
    deep = {"metadata": {"model_info": {"x": {"name": "n"}}, "model_uuid": "u-1"}}
    assert models(Event(0, 0, "received", json.dumps(deep))).returned == ("u-1",)
    assert models(Event(0, 0, "received", "{broken")).returned == ()
    assert models(Event(0, 0, "received", "model")).returned == ()
    assert models(answer(1, "<html>")).returned == ()


def test_the_recorded_run_names_the_model_it_asked_for() -> None:
    found = fingerprints.read(Store(RECORDED).traces())[1]
    assert {one.sent for one in found.values()} == {("grok-voice-transcribe-2.0",)}
