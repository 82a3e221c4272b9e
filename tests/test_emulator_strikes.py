import json
from typing import Any

import pytest

from evalkit.emulator import faults, strikes
from evalkit.emulator.faults import KINDS, Fault
from evalkit.emulator.strikes import Script, Step, Tally


def partial(duration: float) -> str:
    return json.dumps({"type": "transcript.partial", "text": "hi", "words": [], "start": 1.0, "duration": duration})


CREATED, DONE = '{"type": "transcript.created"}', '{"type": "transcript.done", "duration": 3.0}'
MESSAGES = [CREATED, partial(0.5), partial(1.0), partial(1.5), DONE]


def played(kind: str, at_s: float = 2.0) -> list[Step]:
    """All steps of a conversation, up to the one that ends it."""
    script = Script(Fault.of(kind, "streaming", at_s=at_s))
    steps: list[Step] = []
    for found in (*(script.steps(text) for text in MESSAGES), script.ending()):
        for step in found:
            steps.append(step)
            if step.does not in ("say", "pause"):
                return steps
    raise AssertionError


def said(steps: list[Step]) -> list[str]:
    return [step.text for step in steps if step.does == "say"]


def test_without_a_fault_everything_is_said_and_closed() -> None:
    script = Script(None)
    assert [step.text for text in MESSAGES for step in script.steps(text)] == MESSAGES
    assert list(script.ending()) == [Step("close")]


@pytest.mark.parametrize("kind", ["reset", "half_open", "close_1011", "error_event", "close_4000"])
def test_what_ends_a_socket_strikes_in_the_place_of_the_message_that_reaches_the_time(kind: str) -> None:
    steps = played(kind)
    assert said(steps)[:2] == MESSAGES[:2]
    assert partial(1.0) not in said(steps)
    ending = {"reset": "reset", "half_open": "silence"}.get(kind, "close")
    assert (steps[-1].does, steps[-1].code) == (ending, KINDS[kind].status or 1000)


def test_a_time_past_the_end_strikes_in_the_place_of_done() -> None:
    assert said(played("reset", at_s=99.0)) == MESSAGES[:-1]


def test_messages_are_changed_from_the_time_on() -> None:
    assert said(played("duplicated")) == [*MESSAGES[:2], *(text for text in MESSAGES[2:] for _ in range(2))]
    assert said(played("reordered")) == [CREATED, partial(0.5), partial(1.5), partial(1.0), DONE]
    assert said(played("reordered", at_s=2.2)) == [CREATED, partial(0.5), partial(1.0), DONE, partial(1.5)]
    assert said(played("missing_done")) == said(played("silent_end")) == MESSAGES[:-1]
    assert [text for text in said(played("unknown_event")) if "mystery" not in text] == MESSAGES
    assert [step.does for step in played("stall")] == ["say", "say", "pause", "say", "say", "say", "close"]
    assert played("no_greeting") == [Step("silence")]


@pytest.mark.parametrize("kind", ["malformed_json", "malformed_word", "huge_message"])
def test_only_one_message_is_spoilt(kind: str) -> None:
    same = [text == original for text, original in zip(said(played(kind)), MESSAGES, strict=True)]
    assert same == [True, True, False, True, True]


def test_every_kind_of_stream_ends() -> None:
    for kind, known in KINDS.items():
        if "streaming" in known.routes:
            assert played(kind)[-1].does in ("close", "reset", "silence")


def test_every_kind_has_an_answer_of_its_place() -> None:
    for kind, known in KINDS.items():
        for route in known.routes:
            answer = strikes.answer(Fault.of(kind, route))
            assert (answer is not None) is (known.place == "request" and known.status > 0), kind
            assert answer is None or answer.status == known.status
            assert answer is None or (dict(answer.headers).get("retry-after") == "1") is kind.endswith("_told")


def test_bodies_are_spoilt_as_named() -> None:
    body = json.dumps({"text": "hello", "words": []}).encode()

    def left(kind: str) -> bytes:
        fault = Fault.of(kind, "rest")
        return b"".join(piece for _, piece in strikes.pieces(fault, strikes.spoilt(fault, body)))

    def pauses(kind: str) -> float:
        return sum(pause_s for pause_s, _ in strikes.pieces(Fault.of(kind, "rest"), body))

    assert left("half_json") == left("cut_body") == body[: len(body) // 2]
    assert left("slow_body") == left("late_answer") == left("busy") == body
    assert (left("empty_body"), left("html_body")) == (b"", strikes.PAGE)
    huge: Any = json.loads(left("huge_body"))
    assert huge["text"] == "hello"
    assert len(left("huge_body")) > 8_000_000
    assert pauses("late_answer") == pytest.approx(0.3)
    assert 0 < pauses("slow_body") < 1
    assert pauses("endless_body") == pytest.approx(60)


def test_requests_are_counted_by_route_text_and_trial() -> None:
    tally, text = Tally(), faults.written([Fault.of("busy", "rest"), Fault.of("reset", "streaming")])

    def kind(trial: str, route: Any) -> str | None:
        fault = tally.strike(text, trial, route)
        return None if fault is None else fault.kind

    assert [kind("a", "rest"), kind("a", "rest"), kind("b", "rest"), kind("a", "streaming")] == [
        "busy", None, "busy", "reset",
    ]  # fmt: skip
    assert tally.strike("", "a", "rest") is None
