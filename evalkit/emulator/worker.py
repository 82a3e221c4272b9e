"""A recogniser in a process of its own: jobs in over stdin, messages out over stdout, nothing shared but two pipes."""

import argparse
import dataclasses
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

from evalkit.emulator import engines
from evalkit.emulator.answers import rest_answer
from evalkit.emulator.captions import Message
from evalkit.emulator.engines import Engine
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.session import Session
from evalkit.emulator.settings import RefusalError, RestSettings, StreamSettings
from evalkit.emulator.sound import UndecodableError, read
from evalkit.errors import EvalkitError

PREFIX = struct.Struct("<II")
NICENESS = 10


def packed(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One message of the pipe: the lengths of both parts, a JSON header, and raw bytes."""
    head = json.dumps(header).encode()
    return PREFIX.pack(len(head), len(body)) + head + body


def _listen(pipe: BinaryIO, inbox: "queue.SimpleQueue[tuple[dict[str, Any], bytes]]") -> None:
    """Move messages from the pipe into ``inbox``; the server's death ends this process whatever it is doing."""
    while len(prefix := pipe.read(PREFIX.size)) == PREFIX.size:
        head_length, body_length = PREFIX.unpack(prefix)
        head, body = pipe.read(head_length), pipe.read(body_length)
        if len(head) + len(body) != head_length + body_length:
            break
        inbox.put((json.loads(head), body))
    os._exit(0)


class Worker:
    """Serves the sessions and files of one process. All audio that waits is taken in before anything is decoded."""

    def __init__(self, engine: Engine, out: BinaryIO) -> None:
        self._engine = engine
        self._out = out
        self._sessions: dict[int, tuple[Session, StreamSettings, Knobs]] = {}
        self._heard: dict[int, bytearray] = {}
        self._files: list[tuple[dict[str, Any], bytes]] = []

    @property
    def sessions(self) -> int:
        """Live sessions held."""
        return len(self._sessions)

    @property
    def busy(self) -> bool:
        """Whether a file waits."""
        return bool(self._files)

    def take(self, jobs: Iterable[tuple[dict[str, Any], bytes]]) -> None:
        """Do what waits: all of the live sessions, then at most one file."""
        for header, body in jobs:
            self._accept(header, body)
        for number in [number for number, heard in self._heard.items() if heard]:
            self._hear(number)
        if self._files:
            self._transcribe(*self._files.pop(0))

    def _accept(self, header: dict[str, Any], body: bytes) -> None:
        number = header["id"]
        match header["op"]:
            case "transcribe":
                self._files.append((header, body))
            case "open":
                self._open(number, StreamSettings(**header["settings"]), Knobs.parse(header["knobs"]))
                self._send({"id": number, "op": "opened"})
            case "audio" if number in self._heard:
                self._heard[number] += body
            case "finalize" if number in self._sessions:
                self._hear(number)
                self._pass(number, self._sessions[number][0].finalize(header.get("channel")))
            case "finish" if number in self._sessions:
                self._hear(number)
                self._finish(number)
            case "close" if number in self._sessions:
                self._sessions.pop(number)[0].close()
                self._heard.pop(number)

    def _open(self, number: int, settings: StreamSettings, knobs: Knobs) -> None:
        self._sessions[number] = (Session(self._engine, settings, knobs), settings, knobs)
        self._heard[number] = bytearray()

    def _hear(self, number: int) -> None:
        heard, self._heard[number] = self._heard[number], bytearray()
        self._pass(number, self._sessions[number][0].feed(bytes(heard)))

    def _finish(self, number: int) -> None:
        session, settings, knobs = self._sessions.pop(number)
        self._heard.pop(number)
        self._pass(number, session.finish())
        *others, last = session.farewell()
        self._pass(number, others)
        session.close()
        if not knobs.close_after_done:
            self._open(number, settings, knobs)
        # The last word and the end of the turn are one reply: who hears it may speak at once and must be heard.
        self._pass(number, [last], "ended")

    def _pass(self, number: int, messages: Iterable[Message], op: str = "message") -> None:
        for message in messages:
            body = json.dumps(message, ensure_ascii=False).encode()
            self._send({"id": number, "op": op, "type": message["type"]}, body)

    def _transcribe(self, header: dict[str, Any], data: bytes) -> None:
        settings = RestSettings(**header["settings"])
        knobs = Knobs.parse(header["knobs"])
        began = time.process_time()
        try:
            samples, duration_s = read(data, settings.encoding, settings.sample_rate_hz, settings.channels)
            status, answer = 200, rest_answer(self._engine, samples, duration_s, settings, knobs.language_field)
        except UndecodableError as error:
            status, answer = 400, dict(RefusalError(400, str(error)).body)
        cpu_s = round(time.process_time() - began, 4)
        body = json.dumps(answer, ensure_ascii=False).encode()
        self._send({"id": header["id"], "op": "answer", "status": status, "cpu_s": cpu_s}, body)

    def _send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self._out.write(packed(header, body))
        self._out.flush()


def main() -> None:
    """Load the recogniser, say so, and serve until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    # A library that prints must not speak into the pipe.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, inbox), daemon=True).start()
    try:
        engine = engines.load(arguments.engine)
    except EvalkitError as error:
        out.write(packed({"id": 0, "op": "failed", "error": str(error)}))
        out.flush()
        sys.exit(2)
    out.write(packed({"id": 0, "op": "ready", "description": dataclasses.asdict(engine.description)}))
    out.flush()
    worker = Worker(engine, out)
    while True:
        jobs = [] if worker.busy else [inbox.get()]
        while not inbox.empty():
            jobs.append(inbox.get())
        worker.take(jobs)


if __name__ == "__main__":
    main()
