"""A service of the OpenAI family on loopback, written from what the makers document, with a knob for each difference.

It refuses what the real ones refuse: unknown fields, a format the model has not, granularities without verbose_json, a
language by its name, a file without an extension, too many bytes, too many seconds, no key.
"""

import contextlib
import io
import json
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Said = tuple[str, float, float, str]
"""A word as it is written in the text, its start, its end, and who says it."""

SAID: tuple[Said, ...] = (
    ("Please", 0.3, 0.6, "A"),
    ("enter", 0.6, 0.9, "A"),
    ("your", 0.9, 1.1, "A"),
    ("pass-code,", 1.1, 1.6, "A"),
    ("now.", 1.7, 2.0, "B"),
)
TEXT = "Please enter your pass-code, now."
KNOWN = frozenset(
    ("model", "response_format", "language", "prompt", "temperature", "timestamp_granularities[]", "chunking_strategy",
     "keywords[]", "include[]", "languages[]", "file")
)  # fmt: skip
FORMATS = {
    "whisper": ("json", "text", "verbose_json"),
    "gpt-4o-transcribe-diarize": ("json", "text", "diarized_json"),
    "gpt-4o": ("json",),
    "gpt-transcribe": ("json",),
}


@dataclass
class Service:
    """How one service behaves, and what it was sent."""

    path: str = "/v1/audio/transcriptions"
    key: str = ""
    """The only key accepted; empty accepts anybody."""
    strict: bool = True
    """Whether unknown fields and wrong formats are refused, as the clouds do; small servers take anything."""
    said: tuple[Said, ...] = SAID
    words: Literal["bare", "written", "pieces", "none"] = "bare"
    """How verbose_json lists words: without punctuation, as in the text, in pieces with blanks, or not at all."""
    nested: bool = False
    """Whether the words stand inside the segments."""
    segments_with_words: bool = True
    """Whether segments are there when only words were asked for."""
    numbers: Literal["number", "string"] = "number"
    language: str = "english"
    usage: Literal["tokens", "duration", "none"] = "duration"
    max_bytes: int = 25_000_000
    max_s: float = 1400.0
    trouble: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """(status, headers, body) of the first answers."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The forms that came, the file as its name, size and seconds."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route(self.path, self._transcribe, methods=["POST"])])

    async def _transcribe(self, request: Request) -> Response:
        async with request.form() as form:
            upload = form["file"]
            assert isinstance(upload, UploadFile)
            content = await upload.read()
            fields: dict[str, list[str]] = {}
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields.setdefault(name, []).append(value)
        name = str(upload.filename)
        seconds = _seconds(content)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.asked.append({"fields": fields, "file": name, "bytes": len(content), "seconds": seconds, "key": key})
        if self.trouble:
            status, headers, body = self.trouble.pop(0)
            return Response(body, status, headers={"content-type": "application/json", **headers})
        if self.key and key != self.key:
            return _error(401, "Incorrect API key provided: sk-nope.", code="invalid_api_key")
        if len(content) > self.max_bytes:
            return _error(413, f"Maximum content size limit ({self.max_bytes}) exceeded ({len(content)} bytes read)")
        if self.strict and (wrong := self._wrong(fields, name, seconds)):
            return wrong
        model, shape = fields["model"][0], fields.get("response_format", ["json"])[0]
        return JSONResponse(self.answer(shape, fields.get("timestamp_granularities[]", []), seconds, model))

    def _wrong(self, fields: dict[str, list[str]], name: str, seconds: float) -> Response | None:
        model, shape = fields["model"][0], fields.get("response_format", ["json"])[0]
        kind = next(kind for kind in FORMATS if model.startswith(kind))
        granularities = fields.get("timestamp_granularities[]", [])
        if unknown := sorted(fields.keys() - KNOWN):
            return _error(400, f"Unknown parameter: '{unknown[0]}'.", param=unknown[0], code="unknown_parameter")
        if shape not in FORMATS[kind]:
            return _error(
                400, f"response_format '{shape}' is not compatible with model '{model}'.", code="unsupported_value"
            )
        if granularities and shape != "verbose_json":
            return _error(400, "timestamp_granularities needs response_format=verbose_json", code="invalid_value")
        if not 2 <= len(fields.get("language", ["en"])[0]) <= 3:
            return _error(400, "Invalid language; must be ISO-639-1", param="language", code="invalid_language_format")
        if "." not in name:
            return _error(400, "Unrecognized file format.", param="file")
        if kind == "gpt-4o-transcribe-diarize" and "prompt" in fields:
            return _error(400, "Prompt is not supported for diarization models", param="prompt")
        if kind == "gpt-4o-transcribe-diarize" and seconds > 30 and "chunking_strategy" not in fields:
            return _error(400, "chunking_strategy is required for diarization models", param="chunking_strategy")
        if kind != "gpt-transcribe" and "keywords[]" in fields:
            return _error(400, "Unknown parameter: 'keywords'.", param="keywords", code="unknown_parameter")
        if kind.startswith("gpt-4o") and seconds > self.max_s:
            return _error(
                400, f"audio duration {seconds} seconds is longer than {self.max_s} seconds", code="invalid_value"
            )
        return None

    def answer(self, shape: str, granularities: list[str], seconds: float, model: str) -> dict[str, Any]:
        """What is answered in one of the formats."""
        text = " ".join(word for word, *_ in self.said)
        usage = {
            "tokens": {"type": "tokens", "input_tokens": 31, "output_tokens": 9, "total_tokens": 40},
            "duration": {"type": "duration", "seconds": -(-seconds // 1)},
            "none": None,
        }[self.usage]
        answer: dict[str, Any] = {"text": text, **({"usage": usage} if usage else {})}
        if model.startswith("gpt-transcribe"):
            answer["languages"] = [{"code": "en"}]
        if shape == "verbose_json":
            timed = "word" in granularities or not self.strict
            listed = self._listed() if timed and self.words != "none" else []
            times = {"start": self._time(0.0), "end": self._time(seconds)}
            segment: dict[str, Any] = {"id": 0, "seek": 0, **times, "text": f" {text}", "no_speech_prob": 0.01}
            if self.nested:
                segment["words"] = listed
            elif listed:
                answer["words"] = listed
            if self.segments_with_words or "segment" in granularities:
                answer["segments"] = [segment]
            answer |= {"task": "transcribe", "language": self.language, "duration": self._time(seconds)}
        if shape == "diarized_json":
            answer |= {"task": "transcribe", "duration": seconds, "segments": self._turns()}
        return answer

    def _listed(self) -> list[dict[str, Any]]:
        found = []
        for word, start, end, _ in self.said:
            bare = word.strip(",.")
            parts = {
                "bare": bare.split("-"),
                "written": [word],
                "pieces": [f" {word[:2]}", word[2:]] if len(word) > 2 else [f" {word}"],
                "none": [],
            }[self.words]
            step = (end - start) / max(len(parts), 1)
            found += [
                {"word": part, "start": self._time(start + k * step), "end": self._time(start + (k + 1) * step)}
                for k, part in enumerate(parts)
            ]
        return found

    def _turns(self) -> list[dict[str, Any]]:
        turns: list[dict[str, Any]] = []
        for word, start, end, speaker in self.said:
            if turns and turns[-1]["speaker"] == speaker:
                turns[-1] |= {"end": end, "text": f"{turns[-1]['text']} {word}"}
            else:
                turns.append({"type": "transcript.text.segment", "id": f"seg_{len(turns)}", "start": start, "end": end,
                              "text": word, "speaker": speaker})  # fmt: skip
        return turns

    def _time(self, seconds: float) -> float | str:
        rounded = round(seconds, 2)
        return f"{rounded:.2f}" if self.numbers == "string" else rounded


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    """The service on loopback, in a thread; yields its address."""
    config = uvicorn.Config(service.app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    listener.listen()  # who comes before the thread runs waits instead of being refused
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def error(message: str, *, kind: str = "invalid_request_error", param: str = "", code: str = "") -> str:
    """An error body of the family."""
    return json.dumps({"error": {"message": message, "type": kind, "param": param or None, "code": code or None}})


def _error(status: int, message: str, *, param: str = "", code: str = "") -> Response:
    return Response(error(message, param=param, code=code), status, media_type="application/json")


def _seconds(content: bytes) -> float:
    with wave.open(io.BytesIO(content)) as file:
        return float(file.getnframes() / file.getframerate())
