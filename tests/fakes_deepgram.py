"""Deepgram's listen v1 on loopback, written from its documents, with a knob wherever they conflict or are silent.

It recognises nothing: it tells a planted script (see ``evalkit.emulator.scripted``) as audio time passes.
"""

import asyncio
import contextlib
import io
import json
import socket
import threading
import wave
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from evalkit.emulator.scripted import PlantedWord, Scripted
from tests.patience import LONG_S

ASKABLE = {"model", "language", "punctuate", "smart_format", "filler_words", "keyterm", "multichannel"}
ASKABLE_REST = ASKABLE | {"diarize_model", "utterances", "detect_language"}
ASKABLE_STREAMING = ASKABLE | {"diarize", "encoding", "sample_rate", "channels"}
ASKABLE_STREAMING |= {"interim_results", "endpointing", "utterance_end_ms", "vad_events"}
SETTLED_S = 0.3


@dataclass(frozen=True)
class Knobs:
    """One reading of the documents."""

    speech_final: Literal["with", "after", "never"] = "with"
    """Where the end of an utterance is told: on its last piece, on an empty one after it, or by UtteranceEnd alone."""
    flush: Literal["flagged", "unflagged"] = "flagged"
    """Whether what a Finalize brings says so."""
    empty_flush: bool = True
    """Whether a Finalize with nothing buffered is answered, by an empty piece."""
    twice: bool = False
    """Whether each result comes twice."""
    noise: bool = True
    """Whether empty results come while nobody speaks."""
    punctuated: bool = True
    """Whether words have ``punctuated_word``."""
    speakers: Literal["words", "utterances", "turns"] = "words"
    """Of REST: on the words of channels, on those of utterances only, or on utterances without words."""
    piece_words: int = 3
    fails: int = 0
    """So many first conversations fail."""
    fail: str = "1011"
    """How: a close code, an HTTP status, or ``error`` for an Error message."""
    fail_s: float = 1.0
    """After so many seconds of audio."""
    told_in: Literal["body", "header"] = "body"
    """Where a refused upgrade tells its reason."""

    @classmethod
    def parse(cls, text: str) -> "Knobs":
        given = dict(part.split("=") for part in text.split(",") if part)
        defaults: dict[str, Any] = {known.name: known.default for known in fields(cls)}
        values: dict[str, Any] = {
            name: value == "true" if isinstance(defaults[name], bool) else type(defaults[name])(value)
            for name, value in given.items()
        }
        return cls(**values)


@dataclass
class Side:
    """One channel of a stream."""

    index: int
    channels: int
    script: Sequence[PlantedWord]
    asked: Mapping[str, str]
    knobs: Knobs
    told: int = 0
    """Words in pieces that were final."""
    edge_s: float = 0.0
    """Where the stretch that is not final begins."""
    guessed: int = 0
    open: bool = False
    """Whether final words wait for the end of their utterance."""
    announced_s: float | None = None

    def pending(self, t_s: float) -> Sequence[PlantedWord]:
        rest = self.script[self.told :]
        return [word for word in rest if (word.word.end_s or 0.0) <= t_s]

    def listen(self, t_s: float) -> Iterator[dict[str, Any]]:
        pending = self.pending(t_s)
        endpointing = self.asked.get("endpointing", "10")
        gap_s = SETTLED_S if endpointing == "false" or self.knobs.speech_final == "never" else int(endpointing) / 1000
        quiet_s = (
            t_s - (self.script[self.told + len(pending) - 1].word.end_s or 0.0) if self.told + len(pending) else 0.0
        )
        speaking = any((word.word.start_s or 0.0) <= t_s < (word.word.end_s or 0.0) for word in self.script)
        if pending and (quiet_s >= gap_s or len(pending) > self.knobs.piece_words):
            yield from self.pieces(pending, t_s, over=quiet_s >= gap_s)
        elif self.open and not pending and quiet_s >= gap_s and self.knobs.speech_final == "with":
            yield self.final((), t_s, speech_final=True)  # the last piece was full before the pause was long enough
        elif self.asked.get("interim_results") == "true" and len(pending) > self.guessed:
            self.guessed = len(pending)
            yield self.result(pending, self.edge_s, t_s - self.edge_s)
        elif self.knobs.noise and not pending and not speaking and t_s - self.edge_s >= 1.0:
            if self.asked.get("interim_results") == "true":
                yield self.result((), self.edge_s, t_s - self.edge_s)
            yield self.final((), t_s)
        yield from self.utterance_end(t_s)

    def utterance_end(self, t_s: float) -> Iterator[dict[str, Any]]:
        wait = self.asked.get("utterance_end_ms")
        last_s = (self.script[self.told - 1].word.end_s or 0.0) if self.told else None
        if wait is None or last_s is None or self.announced_s == last_s or t_s - last_s < int(wait) / 1000:
            return
        self.announced_s = last_s
        self.open = False
        yield {"type": "UtteranceEnd", "channel": [self.index, self.channels], "last_word_end": last_s}

    def pieces(
        self, words: Sequence[PlantedWord], t_s: float, *, over: bool, **flags: bool
    ) -> Iterator[dict[str, Any]]:
        size = self.knobs.piece_words
        parts = [words[at : at + size] for at in range(0, len(words), size)]
        if not over:
            parts = parts[:1]
        for number, part in enumerate(parts, start=1):
            last = over and number == len(parts) and not flags
            with_it = last and self.knobs.speech_final == "with"
            yield self.final(part, part[-1].word.end_s or 0.0, speech_final=with_it, **flags)
            if last and self.knobs.speech_final == "after":
                yield self.final((), t_s, speech_final=True)

    def final(self, words: Sequence[PlantedWord], end_s: float, **flags: bool) -> dict[str, Any]:
        start_s, self.edge_s = self.edge_s, max(self.edge_s, end_s)
        self.told += len(words)
        self.guessed = 0
        self.open = (self.open or bool(words)) and not flags.get("speech_final")
        return {**self.result(words, start_s, self.edge_s - start_s), "is_final": True, **flags}

    def result(self, words: Sequence[PlantedWord], start_s: float, length_s: float) -> dict[str, Any]:
        alternative = alternative_of(
            words, punctuated=self.knobs.punctuated, diarize=self.asked.get("diarize") == "true"
        )
        return {
            "type": "Results",
            "channel_index": [self.index, self.channels],
            "start": round(start_s, 3),
            "duration": round(length_s, 3),
            "is_final": False,
            "speech_final": False,
            "from_finalize": False,
            "channel": {"alternatives": [alternative]},
            "metadata": {"request_id": "r", "model_info": {"name": "nova-3", "version": "v", "arch": "nova-3"}},
        }


@dataclass
class Session:
    """A whole stream, without a network: what is answered to each frame and to each message."""

    asked: Mapping[str, str]
    script: Sequence[PlantedWord]
    knobs: Knobs
    heard_s: float = 0.0
    sides: list[Side] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = int(self.asked.get("channels", "1"))
        for index in range(count):
            own = sorted((p for p in self.script if p.word.channel == index), key=lambda p: p.word.start_s or 0.0)
            self.sides.append(Side(index, count, own, self.asked, self.knobs))

    def frame(self, seconds: float) -> list[dict[str, Any]]:
        self.heard_s = round(self.heard_s + seconds, 6)
        return self._sent(message for side in self.sides for message in side.listen(self.heard_s))

    def control(self, kind: str) -> list[dict[str, Any]]:
        return self._sent(message for side in self.sides for message in self._flushed(side, kind)) + (
            [{"type": "Metadata", "request_id": "r", "duration": self.heard_s, "channels": len(self.sides)}]
            if kind == "CloseStream"
            else []
        )

    def _flushed(self, side: Side, kind: str) -> Iterator[dict[str, Any]]:
        if kind == "CloseStream":
            rest = [word for word in side.script[side.told :] if (word.word.start_s or 0.0) < self.heard_s]
            for at in range(0, len(rest), self.knobs.piece_words):
                yield side.final(rest[at : at + self.knobs.piece_words], self.heard_s)
        elif kind == "Finalize":
            flags = {"from_finalize": True} if self.knobs.flush == "flagged" else {"from_finalize": False}
            if pending := side.pending(self.heard_s):
                yield from side.pieces(pending, self.heard_s, over=True, **flags)
            elif self.knobs.empty_flush:
                yield side.final((), side.edge_s, from_finalize=True)

    def _sent(self, found: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
        copies = 2 if self.knobs.twice else 1
        return [message for message in found for _ in range(copies if message["type"] == "Results" else 1)]


def alternative_of(words: Sequence[PlantedWord], *, punctuated: bool, diarize: bool) -> dict[str, Any]:
    def told(planted: PlantedWord) -> dict[str, Any]:
        word = planted.word
        bare = "".join(c for c in word.text.lower() if c.isalnum() or c in "'-")
        return {
            "word": bare,
            **({"punctuated_word": word.text} if punctuated else {}),
            "start": word.start_s,
            "end": word.end_s,
            "confidence": 0.9 if word.confidence is None else word.confidence,
            **({"speaker": int(word.speaker or 0)} if diarize else {}),
        }

    text = " ".join(planted.word.text for planted in words)
    return {"transcript": text, "confidence": 0.9 if words else 0.0, "words": [told(planted) for planted in words]}


def answer(script: Sequence[PlantedWord], asked: Mapping[str, str], knobs: Knobs, sound: bytes) -> dict[str, Any]:
    """What a request is answered."""
    with wave.open(io.BytesIO(sound)) as file:
        channels, length_s = file.getnchannels(), file.getnframes() / file.getframerate()
    several = asked.get("multichannel") == "true" and channels > 1
    own = [[p for p in script if not several or p.word.channel == index] for index in range(channels if several else 1)]
    diarize = "diarize_model" in asked
    said = [
        {
            "alternatives": [
                alternative_of(words, punctuated=knobs.punctuated, diarize=diarize and knobs.speakers == "words")
            ]
        }
        for words in own
    ]
    turns = []
    for index, words in enumerate(own):
        for planted in words:  # as many utterances as words: what counts is who is told where
            full = alternative_of([planted], punctuated=True, diarize=diarize)
            turn = {"id": "u", "start": planted.word.start_s, "end": planted.word.end_s, "channel": index, **full}
            turn["speaker"] = int(planted.word.speaker or 0)
            turns.append(turn if knobs.speakers != "turns" else {**turn, "words": []})
    utterances = {"utterances": turns} if asked.get("utterances") == "true" else {}
    about = {"request_id": "r", "created": "2026-11-01T10:00:00Z", "duration": length_s, "channels": channels}
    return {"metadata": {**about, "models": ["m"]}, "results": {"channels": said, **utterances}}


class Service:
    """The two endpoints."""

    def __init__(self, script: Scripted, key: str | None) -> None:
        self._script = script
        self._key = key
        self._failed: Counter[str] = Counter()
        self.asked: list[Mapping[str, str]] = []

    def app(self) -> Starlette:
        routes = []
        for prefix in ("", "/knobs/{knobs}"):
            routes += [
                Route(f"{prefix}/v1/listen", self._rest, methods=["POST"]),
                WebSocketRoute(f"{prefix}/v1/listen", self._stream),
            ]
        return Starlette(routes=routes)

    def _refusal(
        self, headers: Mapping[str, str], query: QueryParams, askable: set[str]
    ) -> tuple[int, str, str] | None:
        if self._key is not None and headers.get("authorization") != f"Token {self._key}":
            return 401, "INVALID_AUTH", "Invalid credentials."
        if unknown := set(query) - askable:
            return 400, "Bad Request", f"Unexpected parameter {min(unknown)}"
        if query.get("model", "").partition("-")[0] not in ("nova", "enhanced"):
            return 400, "Bad Request", "No such model/language/tier combination found."
        return None

    def _fails(self, knobs: Knobs, kind: str) -> bool:
        self._failed[kind] += 1
        return self._failed[kind] <= knobs.fails

    def _heard(self, samples: np.ndarray) -> list[PlantedWord]:
        channels = range(samples.shape[1])
        found = [p for index in channels for p in self._script.heard(samples[:, index]) if p.word.channel == index]
        return sorted(found, key=lambda planted: planted.word.start_s or 0.0)

    async def _rest(self, request: Request) -> Response:
        sound = await request.body()
        self.asked.append(dict(request.query_params))
        knobs = Knobs.parse(request.path_params.get("knobs", ""))
        refusal = self._refusal(request.headers, request.query_params, ASKABLE_REST)
        if not request.headers.get("content-type", "").startswith("audio/"):
            refusal = 400, "Bad Request", "failed to process audio: corrupt or unsupported data"
        if knobs.fail.isdigit() and int(knobs.fail) < 1000 and self._fails(knobs, "rest"):
            refusal = int(knobs.fail), "PLANTED", "planted by a knob"
        if refusal:
            status, code, told = refusal
            return JSONResponse({"err_code": code, "err_msg": told, "request_id": "r"}, status)
        with wave.open(io.BytesIO(sound)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return JSONResponse(answer(self._heard(samples), request.query_params, knobs, sound))

    async def _stream(self, socket: WebSocket) -> None:
        self.asked.append(dict(socket.query_params))
        knobs = Knobs.parse(socket.path_params.get("knobs", ""))
        refusal = self._refusal(socket.headers, socket.query_params, ASKABLE_STREAMING)
        fails = self._fails(knobs, "streaming")
        if fails and knobs.fail.isdigit() and int(knobs.fail) < 1000:
            refusal = int(knobs.fail), "PLANTED", "planted by a knob"
        if refusal:
            status, code, told = refusal
            content = json.dumps({"err_code": code, "err_msg": told, "request_id": "r"})
            headers = {"dg-request-id": "r", "dg-error": told}
            body = content if knobs.told_in == "body" else ""
            await socket.send_denial_response(Response(body, status, headers))
            return
        await socket.accept()
        try:
            await self._talk(socket, knobs, fails)
        except WebSocketDisconnect:
            return

    async def _talk(self, socket: WebSocket, knobs: Knobs, fails: bool) -> None:
        asked = dict(socket.query_params)
        rate, channels = int(asked["sample_rate"]), int(asked["channels"])
        session: Session | None = None
        sound = b""
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if frame := message.get("bytes"):
                sound += frame
                samples = np.frombuffer(sound, "<i2").reshape(-1, channels)
                if session is None and len(samples) >= rate * 0.2:
                    session = Session(asked, self._heard(samples), knobs)
                    frame = sound
                replies = session.frame(len(frame) / (2 * channels * rate)) if session else []
            else:
                kind = json.loads(message["text"])["type"]
                session = session or Session(asked, (), knobs)
                replies = session.control(kind)
            for reply in replies:
                await socket.send_text(json.dumps(reply))
            if fails and session and session.heard_s >= knobs.fail_s:
                if knobs.fail == "error":
                    told = {"type": "Error", "description": "the service has trouble", "variant": "PLANTED"}
                    await socket.send_text(json.dumps(told))
                else:
                    reason = {"1008": "DATA-0000", "1011": "NET-0000"}.get(knobs.fail, "")
                    await socket.close(int(knobs.fail), reason)
                return
            if message.get("text") and json.loads(message["text"])["type"] == "CloseStream":
                await socket.close(1000)
                return


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.contextmanager
def serving(script: Mapping[str, Any], folder: Path, *, key: str | None = None) -> Iterator[tuple[str, Service]]:
    """The service in a thread of this process.

    Args:
        script: as ``Scripted.load`` reads it.
        folder: for the script.
        key: the only one accepted; None accepts anybody.

    Yields:
        Its address and itself.
    """
    path = folder / "deepgram-script.json"
    path.write_text(json.dumps(script))
    service = Service(Scripted.load(path), key)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            service.app(), loop="asyncio", ws="websockets-sansio", ws_per_message_deflate=False, lifespan="off",
            log_level="critical", access_log=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = _Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        assert server.ready.wait(LONG_S)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", service
        finally:
            server.should_exit = True
            thread.join(LONG_S)
