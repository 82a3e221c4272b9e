"""Verdicts on trials made by hand: each thing a client can do wrong has its sentence."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evalkit import providers
from evalkit.emulator.faults import Fault
from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.types import Clip, Event, Route, Trace, Word
from evalkit.verdicts import FAIR, Came, Trial, Verdict, judge, told
from evalkit.weather import Trouble, Weather

WORDS = tuple(Word(text, k / 2, (k + 1) / 2) for k, text in enumerate(["amber", "bridge", "candle", "desert"]))
CLIP = Clip("rest.x", "x.wav", "", 2.0, 16_000, 1, WORDS)
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
GOOD = json.dumps({"text": "amber bridge candle desert"})


def answered(status: int, body: str = "{}", **headers: str) -> list[Event]:
    received = {"status": status, "headers": headers, "body": body, "phases": {}}
    return [Event(0.0, 0.0, "sent", {"method": "POST", "cold": True}), Event(0.1, 2.0, "received", received)]


def streamed(*messages: dict[str, Any], close: int) -> list[Event]:
    opened = Event(0.0, 0.0, "open", {"url": "ws://x/v1/stt", "cold": True})
    spoken = Event(0.1, 1.0, "audio", {"bytes": 3200, "due_s": 0.1, "frame_ms": 100, "speed": 1.0})
    said = [Event(0.2 + k / 10, 1.0, "received", json.dumps(message)) for k, message in enumerate(messages)]
    closed = Event(1.0, 1.0, "closed", {"code": close, "reason": ""})
    return [opened, spoken, *said, closed, Event(1.1, 1.0, "error", {"type": "Unavailable", "message": "closed"})]


def traces(route: Route, *attempts: list[Event], apart_s: float = 2.0) -> tuple[Trace, ...]:
    return tuple(
        Trace(CLIP.id, "xai", route, {}, number, BEGAN + timedelta(seconds=apart_s * number), tuple(events))
        for number, events in enumerate(attempts, start=1)
    )


def verdict(kind: str, *attempts: list[Event], route: Route = "rest", apart_s: float = 2.0, **came: Any) -> Verdict:
    fault = Fault.of(kind, route)
    trial = Trial(kind, fault.about.what, route, CLIP, fault, planted=True)
    left = Came(traces(route, *attempts, apart_s=apart_s), 3.0, **came)
    return judge(trial, left, providers.load("xai", route), attempts=3, evidence="simulated")[0]


def test_what_a_correct_client_does_is_ok() -> None:
    found = verdict("closed", answered(503), answered(200, GOOD))
    assert (found.ok, found.sentence) == (True, "answered by attempt 2")
    assert (found.expected, found.found, found.attempts) == ("unavailable, answer", "unavailable, answer", 2)
    assert (found.errors, found.words) == (0, 4)
    assert found.recover_s == pytest.approx(2.0)
    assert verdict("late_answer", answered(200, GOOD)).sentence == "answered in spite of it"
    assert verdict("storm", *[answered(429)] * 3).sentence == "given up after 3 attempts"
    assert verdict("half_json", answered(200, "{")).sentence.startswith("found unreadable")
    assert verdict("bad_request", answered(400)).sentence == "refused, not tried again"
    stopped = verdict("unauthorised", answered(401), stopped="401")
    assert (stopped.ok, stopped.run_stopped) == (True, True)


@pytest.mark.parametrize(
    ("kind", "attempts", "came", "sentence"),
    [
        ("bad_request", [answered(400), answered(400)], {}, "tried again once what no retry can change"),
        ("closed", [answered(503)], {}, "given up after 1 attempt, though 3 are allowed"),
        ("late_answer", [answered(400)], {}, "read as refused, not as answer"),
        ("late_answer", [answered(200, GOOD)] * 2, {}, "2 attempts, where 1 attempt would do"),
        ("unauthorised", [answered(401)], {}, "the run went on, though no clip can be answered any more"),
        ("bad_request", [answered(400)], {"stopped": "no"}, "the whole run was stopped (no)"),
        ("late_answer", [answered(200, json.dumps({"text": "amber bridge"}))], {}, "2 of 4 words of the transcript"),
        ("closed", [answered(503)], {"ended": False}, "did not end by itself within 3 s"),
        ("closed", [], {"crashed": "KeyError: 'x'"}, "the client itself broke (KeyError: 'x')"),
        ("closed", [], {}, "the struck request was never sent"),
    ],
)
def test_each_thing_done_wrong_has_its_sentence(
    kind: str, attempts: list[list[Event]], came: dict[str, Any], sentence: str
) -> None:
    found = verdict(kind, *attempts, **came)
    assert not found.ok
    assert found.sentence.startswith(sentence)


def test_a_wait_that_was_told_must_be_kept() -> None:
    attempts = [answered(429, **{"retry-after": "1"}), answered(200, GOOD)]
    assert verdict("busy_told", *attempts, apart_s=1.2).ok
    short = verdict("busy_told", *attempts, apart_s=0.5)
    assert (short.waits_told, short.waits_kept) == (1, 0)
    assert short.sentence == "did not wait as long as it was told to"


def final(text: str, *spans: tuple[float, float]) -> dict[str, Any]:
    words = [{"text": word, "start": a, "end": b} for word, (a, b) in zip(text.split(), spans, strict=True)]
    return {"type": "transcript.partial", "is_final": True, "speech_final": True, "text": text, "words": words}


def test_locked_words_are_read_from_the_messages_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the provider's own code does not see them any more."""
    said = final("amber bridge", (0.0, 0.5), (0.5, 1.0))
    good = verdict("close_1008", streamed(said, close=1008), route="streaming")
    assert (good.ok, good.locked, good.locked_lost) == (True, 2, 0)
    assert (good.salvage_locked, good.salvage_spoken, good.caption_kept) == (2, 2, 2)
    monkeypatch.setattr("evalkit.providers.xai._Channel.partial", lambda *_: iter(()))
    deaf = verdict("close_1008", streamed(said, close=1008), route="streaming")
    assert deaf.sentence == "lost what had been locked (amber, bridge)"


def test_words_nobody_said_are_wrong_even_when_the_clip_failed() -> None:
    wrong = verdict(
        "close_1008", streamed(final("amber window", (0.0, 0.5), (0.5, 1.0)), close=1008), route="streaming"
    )
    assert wrong.sentence == "1 of 4 words of the transcript are wrong"


def test_what_a_recogniser_hears_is_no_fault_of_the_client() -> None:
    sky = Trouble("drop", "reset", Weather(drop_at_s=0.0), Unavailable)
    trial = Trial("network.drop", sky.what, "rest", CLIP, sky, planted=False)
    came = Came(traces("rest", answered(503), answered(200, json.dumps({"text": "umber bridge"}))), 3.0)
    found, score = judge(trial, came, providers.load("xai"), attempts=3, evidence="live")
    assert (found.ok, found.errors, found.evidence) == (True, 3, "live")
    assert score is not None
    assert score.evidence == "live"


def test_fair_weather_must_be_answered_at_once() -> None:
    trial = Trial(FAIR, "nothing", "rest", CLIP, None, planted=False)
    assert trial.outcomes(3) == (None,)
    came = Came(traces("rest", answered(200, GOOD)), 1.0)
    assert judge(trial, came, providers.load("xai"), attempts=3, evidence="simulated")[0].sentence == "answered"


def test_a_trial_has_a_name_that_can_stand_on_disk() -> None:
    trial = Trial("busy", "", "rest", dataclasses.replace(CLIP, id="a/b: c"), None, planted=False)
    assert trial.key == "rest.busy.a-b--c"
    assert dataclasses.replace(trial, planted=True).key == "rest.busy"


def test_outcomes_in_words() -> None:
    assert told([Unavailable, Refused, ParseError, None]) == "unavailable, refused, unreadable, answer"
    assert told([]) == "nothing"
