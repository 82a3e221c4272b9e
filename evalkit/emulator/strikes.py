"""A fault at work on one request: the answer it gives, the bytes it spoils, the messages it changes. No I/O here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from evalkit.emulator import faults
from evalkit.emulator.faults import Fault
from evalkit.emulator.settings import CODES
from evalkit.types import Route

HUGE_CHARS = 8_000_000
ENDLESS_PIECES = 1200
SLOW_BYTES = 8
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in to the network.</body></html>"
_SENTENCES = {
    "wrong_key": "Incorrect API key provided: look it up on the console.",
    "bad_request": "vad_threshold must be from 0 to 1; got 7",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What to do on an open socket next; all but ``say`` and ``pause`` end it."""

    does: Literal["say", "pause", "close", "reset", "silence"]
    text: str = ""
    """The message, or the reason of the close."""
    code: int = 1000
    seconds: float = 0.0


class Tally:
    """Counts the requests of every trial, and says which of them a fault strikes."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, Route]] = Counter()

    def strike(self, text: str, trial: str, route: Route) -> Fault | None:
        """The fault that strikes this request, which is counted.

        Args:
            text: the knob ``faults``.
            trial: the knob ``trial``; another one starts the count anew.
            route: of the request.

        Raises:
            SettingsError: ``text`` names no faults.
        """
        if not text:
            return None
        planned = faults.read(text)
        self._seen[text, trial, route] += 1
        return faults.struck(planned, route, self._seen[text, trial, route])


def answer(fault: Fault) -> Answer | None:
    """What is answered instead of service; None when this fault answers nothing by itself."""
    status = fault.about.status
    if fault.about.place != "request" or not status:
        return None
    headers = [("retry-after", f"{fault.told_s:g}")] if fault.told_s is not None else []
    if fault.kind == "storm":
        return Answer(status, b"")
    if fault.kind in ("bad_gateway", "not_upgraded"):
        return Answer(status, PAGE, (("content-type", "text/html"),))
    if fault.kind == "forbidden":
        headers += [("set-cookie", "a=1"), ("set-cookie", "b=2")]
    sentence = _SENTENCES.get(fault.kind, fault.about.what)
    body = json.dumps({"code": CODES.get(status, "Unknown"), "error": sentence}).encode()
    return Answer(status, body, (("content-type", "application/json"), *headers))


def spoilt(fault: Fault, body: bytes) -> bytes:
    """The body of a good answer as this fault leaves it."""
    match fault.kind:
        case "half_json":
            return body[: len(body) // 2]
        case "empty_body":
            return b""
        case "html_body":
            return PAGE
        case "huge_body":
            return json.dumps(json.loads(body) | {"padding": "x" * HUGE_CHARS}).encode()
    return body


def pieces(fault: Fault, body: bytes) -> Iterator[tuple[float, bytes]]:
    """The body in the pieces in which it leaves, each after a pause in seconds."""
    match fault.kind:
        case "slow_body":
            yield from ((fault.seconds, body[at : at + SLOW_BYTES]) for at in range(0, len(body), SLOW_BYTES))
        case "endless_body":
            yield from ((fault.seconds, b" ") for _ in range(ENDLESS_PIECES))
        case "late_answer":
            yield fault.seconds, body
        case "cut_body":
            yield 0.0, body[: len(body) // 2]
        case _:
            yield 0.0, body


class Script:
    """Changes the messages of one socket, in the order in which they would have left."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault
        self._begun = False
        self._held: str | None = None

    def steps(self, text: str) -> Iterator[Step]:
        """What to do instead of sending one message."""
        fault = self._fault
        if fault is None:
            yield Step("say", text)
            return
        now = _strikes(fault, json.loads(text)) and not self._begun
        self._begun = self._begun or now
        if now:
            yield from self._once(fault, text)
        elif self._begun:
            yield from self._onwards(fault, text)
        else:
            yield Step("say", text)

    def ending(self) -> Iterator[Step]:
        """What to do when the conversation is over."""
        if self._held is not None:
            yield Step("say", self._held)
        if self._fault is not None and self._fault.kind == "silent_end":
            yield Step("silence")
        yield Step("close")

    def _once(self, fault: Fault, text: str) -> Iterator[Step]:
        match fault.kind:
            case "reset":
                yield Step("reset")
            case "half_open" | "no_greeting":
                yield Step("silence")
            case "error_event" | "error_at_once" | "expired_token":
                message = "the token has expired" if fault.kind == "expired_token" else "the pipeline failed"
                yield Step("say", json.dumps({"type": "error", "message": message}))
                yield Step("close", code=fault.about.status)
            case "stall":
                yield Step("pause", seconds=fault.seconds)
                yield Step("say", text)
            case "huge_message":
                yield Step("say", json.dumps(json.loads(text) | {"padding": "x" * HUGE_CHARS}))
            case "malformed_json":
                yield Step("say", text[: len(text) // 2])
            case "malformed_word":
                yield Step("say", json.dumps(json.loads(text) | {"words": [{"start": 0.0, "end": 0.1}]}))
            case kind if kind.startswith("close_"):
                yield Step("close", fault.about.what, fault.about.status)
            case _:
                yield from self._onwards(fault, text)

    def _onwards(self, fault: Fault, text: str) -> Iterator[Step]:
        match fault.kind:
            case "missing_done" | "silent_end":
                return
            case "duplicated":
                yield from (Step("say", text), Step("say", text))
            case "unknown_event":
                yield Step("say", json.dumps({"type": "transcript.mystery", "text": "and this is no speech"}))
                yield Step("say", text)
            case "reordered" if self._held is None:
                self._held = text
            case "reordered":
                held, self._held = self._held, None
                yield from (Step("say", text), Step("say", str(held)))
            case _:
                yield Step("say", text)


def _strikes(fault: Fault, message: dict[str, object]) -> bool:
    kind = message.get("type")
    match fault.about.place:
        case "greeting":
            return kind == "transcript.created"
        case "done":
            return kind == "transcript.done"
        case "audio":
            return kind == "transcript.done" or (
                kind == "transcript.partial" and _heard_s(message) >= fault.at_s - 1e-9
            )
    return False


def _heard_s(message: dict[str, object]) -> float:
    """The audio time a message reaches."""
    return sum(float(str(message.get(name, 0.0))) for name in ("start", "duration"))
