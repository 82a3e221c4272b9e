"""What tells two recordings apart: a digest of every answer, and the model strings sent and returned. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from evalkit.types import Event, Trace

System = tuple[str, str]
"""Provider and route."""
Key = tuple[str, str, str]
"""Clip, provider and route."""

DIGITS = 16
_MODEL_KEYS = ("model", "model_id", "model_name", "model_version", "model_uuid")
_NUMBERS = ("id", "request_id", "session_id", "event_id", "created", "created_at")
"""What a message calls itself or its conversation: another each time, whatever is said."""
_DEPTH = 4
"""How deep in a message a model string is looked for; words and their times lie deeper than its head."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digests of all attempts at one clip over one route."""

    whole: str
    """Of every event with its stamps: equal means the very same recording."""
    said: str
    """Of what was received, whenever it came: equal means the same answer."""


@dataclass(frozen=True, slots=True)
class Models:
    """Model strings of one provider over one route, sorted; empty when none was named."""

    sent: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def read(traces: Iterable[Trace]) -> tuple[dict[Key, Fingerprint], dict[System, Models]]:
    """The digest of every answer and the model strings of every system, in one pass over the traces of a run."""
    digests: dict[Key, tuple[Any, Any]] = {}
    sent: dict[System, set[str]] = {}
    returned: dict[System, set[str]] = {}
    for trace in traces:
        key, system = (trace.clip_id, trace.provider, trace.route), (trace.provider, trace.route)
        whole, said = digests.setdefault(key, (hashlib.sha256(), hashlib.sha256()))
        whole.update(orjson.dumps([trace.attempt, trace.from_s]))
        said.update(orjson.dumps([trace.attempt, trace.from_s]))
        for event in trace.events:
            whole.update(orjson.dumps([event.t_s, event.audio_s, event.kind, event.data]))
            if event.kind == "received":
                said.update(json.dumps(_answer(event.data)).encode())
        sent.setdefault(system, set()).update(_sent(trace))
        returned.setdefault(system, set()).update(_returned(trace.events))
    prints = {
        key: Fingerprint(*(digest.hexdigest()[:DIGITS] for digest in both))  # 64 bits tell thousands of clips apart
        for key, both in digests.items()
    }
    return prints, {system: Models(tuple(sorted(sent[system])), tuple(sorted(returned[system]))) for system in sent}


def _answer(data: Any) -> Any:
    """What was said of it: without headers, which hold the time of day, and without the number of the conversation."""
    body = data["body"] if isinstance(data, Mapping) and "body" in data else data
    message = _message(body)
    told = body if message is None else _numberless(message, _DEPTH)
    return told if body is data else [data.get("status"), told]


def _numberless(data: Any, depth: int) -> Any:
    if not depth or not isinstance(data, Mapping):
        return data
    return {
        name: _numberless(value, depth - 1)
        for name, value in data.items()
        if name not in _NUMBERS or not isinstance(value, str)
    }


def _sent(trace: Trace) -> Iterator[str]:
    if isinstance(trace.settings.get("model"), str) and trace.settings["model"]:
        yield trace.settings["model"]
    for event in trace.events:
        if event.kind not in ("open", "sent"):
            continue
        data = _message(event.data)
        if isinstance(data, Mapping):
            yield from (value for name, value in _fields(data) if name in _MODEL_KEYS and value)


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values of a form, of a query and of a JSON message."""
    for field in data.get("fields") or ():
        if isinstance(field, list | tuple) and len(field) == 2:
            yield str(field[0]), str(field[1])
    if isinstance(data.get("url"), str):
        yield from parse_qsl(urlsplit(data["url"]).query)
    yield from _named(data, _DEPTH)


def _returned(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if event.kind == "received":
            data = _message(event.data)
            yield from (value for _, value in _named(data, _DEPTH))


def _message(data: Any) -> Any:
    """A message as JSON, when it is that; the body of an HTTP exchange."""
    if isinstance(data, Mapping) and isinstance(data.get("body"), str):
        data = data["body"]
    if isinstance(data, str) and data[:1] in "{[":
        try:
            return json.loads(data)
        except ValueError:
            return None
    return data


def _named(data: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Model strings under their usual names, near the top of a message."""
    if not depth or not isinstance(data, Mapping):
        return
    for name, value in data.items():
        if name in _MODEL_KEYS and isinstance(value, str) and value:
            yield name, value
        else:
            yield from _named(value, depth - 1)
