"""The worker processes as the server sees them. Nothing here waits for a recogniser inside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from evalkit.emulator.engines import Description
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.settings import RefusalError, RestSettings, StreamSettings
from evalkit.emulator.worker import PREFIX, packed
from evalkit.errors import EvalkitError

LOAD_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 1.0

Reply = tuple[dict[str, Any], bytes]
_DIED: Reply = ({"op": "died"}, b"")


class _Process:
    """One worker process and the queues of those who wait for its replies."""

    def __init__(self, process: asyncio.subprocess.Process, description: Description) -> None:
        self.description = description
        self.waiting: dict[int, asyncio.Queue[Reply]] = {}
        self.alive = True
        self._process = process
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, engine: str) -> _Process:
        """Start a worker and wait until its recogniser is loaded.

        Raises:
            EvalkitError: the recogniser could not be loaded.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "evalkit.emulator.worker", "--engine", engine,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                header, _ = await _reply(process)
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise EvalkitError(f"the recogniser {engine} did not load; see the messages above") from error
        if header["op"] != "ready":
            await process.wait()
            raise EvalkitError(header["error"])
        return cls(process, Description(**header["description"]))

    async def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        if self.alive and self._process.stdin is not None:
            self._process.stdin.write(packed(header, body))
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.drain()

    async def _read(self) -> None:
        """Hand every reply to whoever waits for it; when the process dies, tell them all."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                reply = await _reply(self._process)
                if (queue := self.waiting.get(reply[0]["id"])) is not None:
                    queue.put_nowait(reply)
        self.alive = False
        for queue in self.waiting.values():
            queue.put_nowait(_DIED)

    async def stop(self) -> None:
        """Close the pipe, at which the worker ends by itself; kill it if it does not."""
        self._reader.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def _reply(process: asyncio.subprocess.Process) -> Reply:
    if process.stdout is None:
        raise RuntimeError("a worker is started with a pipe on stdout")
    head_length, body_length = PREFIX.unpack(await process.stdout.readexactly(PREFIX.size))
    head = json.loads(await process.stdout.readexactly(head_length))
    return head, await process.stdout.readexactly(body_length)


class Line:
    """One live session in a worker."""

    def __init__(self, process: _Process, number: int) -> None:
        self._process = process
        self._number = number

    async def audio(self, data: bytes) -> None:
        """Pass on the bytes of a socket frame."""
        await self._process.send({"id": self._number, "op": "audio"}, data)

    async def control(self, op: str, channel: int | None = None) -> None:
        """``finalize`` or ``finish``."""
        await self._process.send({"id": self._number, "op": op, "channel": channel})

    async def replies(self) -> AsyncIterator[Reply]:
        """What the worker says about this session: opened, message, ended, died."""
        queue = self._process.waiting[self._number]
        while True:
            reply = await queue.get()
            yield reply
            if reply is _DIED:
                return


class Pool:
    """Workers of one recogniser. Of two or more, one is kept for files: a long file must not delay a live session."""

    def __init__(self, engine: str, workers: int) -> None:
        self._engine = engine
        self._size = workers
        self._numbers = itertools.count(1)
        self._processes: list[_Process] = []
        self._mending = asyncio.Lock()

    @property
    def description(self) -> Description:
        """The recogniser behind the pool."""
        return self._processes[0].description

    @property
    def sessions(self) -> int:
        """Live sessions and files in work."""
        return sum(len(process.waiting) for process in self._processes)

    async def start(self) -> None:
        """Start all workers and wait until they are loaded.

        Raises:
            EvalkitError: the recogniser could not be loaded.
        """
        started = await asyncio.gather(
            *(_Process.start(self._engine) for _ in range(self._size)), return_exceptions=True
        )
        self._processes = [process for process in started if isinstance(process, _Process)]
        for failure in started:
            if isinstance(failure, BaseException):
                await self.stop()
                raise failure

    async def stop(self) -> None:
        """End all workers."""
        await asyncio.gather(*(process.stop() for process in self._processes))

    async def transcribe(self, data: bytes, settings: RestSettings, knobs: Knobs) -> tuple[int, bytes, float]:
        """Status, JSON body and CPU seconds of one file.

        Raises:
            RefusalError: the worker died of it.
        """
        await self._mend()
        async with self._number(self._processes[-1]) as (process, number, queue):
            job = {"settings": dataclasses.asdict(settings), "knobs": knobs.settings()}
            await process.send({"id": number, "op": "transcribe", **job}, data)
            header, body = await queue.get()
        if header["op"] == "died":
            raise RefusalError(503, "the recogniser stopped while it worked on this file; try again")
        return header["status"], body, header["cpu_s"]

    @contextlib.asynccontextmanager
    async def stream(self, settings: StreamSettings, knobs: Knobs) -> AsyncIterator[Line]:
        """A live session, pinned to the least busy worker; freed when the block ends, however the client left."""
        await self._mend()
        candidates = self._processes[:-1] or self._processes
        least = min(candidates, key=lambda process: len(process.waiting))
        async with self._number(least) as (process, number, _):
            job = {"settings": dataclasses.asdict(settings), "knobs": knobs.settings()}
            await process.send({"id": number, "op": "open", **job})
            try:
                yield Line(process, number)
            finally:
                await process.send({"id": number, "op": "close"})

    @contextlib.asynccontextmanager
    async def _number(self, process: _Process) -> AsyncIterator[tuple[_Process, int, asyncio.Queue[Reply]]]:
        number = next(self._numbers)
        queue = process.waiting[number] = asyncio.Queue()
        try:
            yield process, number, queue
        finally:
            del process.waiting[number]

    async def _mend(self) -> None:
        """Replace workers that died."""
        async with self._mending:
            for index, process in enumerate(self._processes):
                if not process.alive:
                    await process.stop()
                    self._processes[index] = await _Process.start(self._engine)
