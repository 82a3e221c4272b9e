"""Bad network weather for any provider, live ones too: a proxy on loopback that only moves bytes, and moves them badly.

A server on this machine is reached through ``forward``: the client is given the proxy's address instead. A live service
is reached through ``tunnel``: the client is told of an HTTP proxy (``HTTPS_PROXY``), asks it to CONNECT, and TLS
passes through untouched, so certificates and host names stay those of the service.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from evalkit.errors import EvalkitError, SettingsError, Unavailable

HOST = "127.0.0.1"
PIECE_BYTES = 65_536
# What a slow reader may hold for its client: the kernel doubles it, and more would hide the slowness for minutes.
SLOW_BUFFER_BYTES = 4_096
HEAD_BYTES = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to the connections through one proxy. Times are seconds since the connection was accepted."""

    up_delay_s: float = 0.0
    """Added to every byte from the client."""
    down_delay_s: float = 0.0
    """Added to every byte from the service."""
    up_jitter_s: float = 0.0
    """At most so much more, uniform and drawn for each piece; no byte overtakes another."""
    down_jitter_s: float = 0.0
    drop_at_s: float | None = None
    """Both ends are reset."""
    silent_at_s: float | None = None
    """Half-open: from here on every byte is swallowed, and nothing is closed."""
    stall_at_s: float | None = None
    """Nothing moves for ``stall_s``; then all that waited does."""
    stall_s: float = 0.0
    read_bytes_per_s: float | None = None
    """A slow reader: the client's bytes are taken no faster than this."""
    first: int = 1
    """Number of the first connection that drop, silence, stall and slow reading befall, from 1."""
    times: int | None = 1
    """How many connections in a row they befall; None: all from the first on."""
    seed: int = 0
    """For the jitter."""

    def over(self, number: int) -> Weather:
        """What befalls connection ``number``: the delays befall all of them, the rest only those it is meant for."""
        if number >= self.first and (self.times is None or number < self.first + self.times):
            return self
        return replace(self, drop_at_s=None, silent_at_s=None, stall_at_s=None, read_bytes_per_s=None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Named weather and what must come of it."""

    name: str
    what: str
    weather: Weather
    failure: type[EvalkitError] | None
    """How a struck attempt must be read; None: the answer must arrive in spite of it."""

    def outcomes(self, attempts: int) -> tuple[type[EvalkitError] | None, ...]:
        """How each attempt of a correct client ends, in order; None is an answer."""
        return outcomes(self.failure, self.weather.times, attempts)


def outcomes(
    failure: type[EvalkitError] | None, times: int | None, attempts: int
) -> tuple[type[EvalkitError] | None, ...]:
    """How each attempt of a correct client at one request ends: only ``Unavailable`` is tried again.

    Args:
        failure: what a struck attempt is; None when it is answered all the same.
        times: how many attempts are struck; None for all.
        attempts: the most that the client's policy allows.
    """
    if failure is not Unavailable:
        return (failure,)
    failed = attempts if times is None else min(times, attempts)
    return (failure,) * failed + ((None,) if failed < attempts else ())


def plan(seed: int, *, audio_s: float) -> tuple[Trouble, ...]:
    """Every trouble once, in an order and at moments that depend on the seed alone.

    Args:
        seed: the same seed gives the same plan.
        audio_s: length of the clip that is streamed in real time; connections are struck in its middle half.
    """
    chance = random.Random(seed)

    def moment() -> float:
        return round(chance.uniform(0.25, 0.75) * audio_s, 2)

    troubles = [
        Trouble("drop", "the connection is reset", Weather(drop_at_s=moment()), Unavailable),
        Trouble("half_open", "nothing arrives any more", Weather(silent_at_s=moment()), Unavailable),
        Trouble("stall", "nothing moves for a while", Weather(stall_at_s=moment(), stall_s=0.3), None),
        Trouble("slow_reader", "audio is taken at 24 kB/s", Weather(read_bytes_per_s=24_000.0, times=None), None),
        Trouble("delay", "50 ms each way", Weather(up_delay_s=0.05, down_delay_s=0.05), None),
        Trouble("jitter", "up to 100 ms each way", Weather(up_jitter_s=0.1, down_jitter_s=0.1, seed=seed), None),
    ]
    chance.shuffle(troubles)
    return tuple(troubles)


@asynccontextmanager
async def forward(host: str, port: int, weather: Weather) -> AsyncIterator[int]:
    """Pass every connection on to one address; yields the port of the proxy on 127.0.0.1."""

    async def connect(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> Streams:
        return await asyncio.open_connection(host, port)

    async with _listening(weather, connect) as listening:
        yield listening


@asynccontextmanager
async def tunnel(weather: Weather) -> AsyncIterator[int]:
    """An HTTP proxy that knows only CONNECT: set ``HTTPS_PROXY=http://127.0.0.1:PORT`` for the client; yields PORT."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams:
        method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        host, _, port = target.decode("latin-1").rpartition(":")
        if method != b"CONNECT" or not port.isdecimal():
            writer.write(b"HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n")
            raise ConnectionRefusedError
        try:
            far = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError:
            writer.write(b"HTTP/1.1 502 Cannot connect\r\nContent-Length: 0\r\n\r\n")
            raise
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        return far

    async with _listening(weather, connect) as listening:
        yield listening


@asynccontextmanager
async def _listening(
    weather: Weather, connect: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Streams]]
) -> AsyncIterator[int]:
    """Listen on a free port until the block ends; no connection outlives it."""
    if any(value is not None and value < 0 for value in (weather.up_delay_s, weather.down_delay_s, weather.stall_s)):
        raise SettingsError("weather takes no negative times")
    tasks: set[asyncio.Task[None]] = set()
    accepted = 0

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        mine = replace(weather.over(accepted), seed=weather.seed + accepted)
        began = asyncio.get_running_loop().time()
        # A cancelled connection ends here: the server behind it would report it as an error.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            try:
                await _Passage((reader, writer), await connect(reader, writer), mine, began).hold()
            finally:
                writer.close()

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if weather.read_bytes_per_s is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER_BYTES)
    listener.bind((HOST, 0))
    limit = HEAD_BYTES if weather.read_bytes_per_s is None else SLOW_BUFFER_BYTES
    server = await asyncio.start_server(accept, sock=listener, limit=limit)
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Passage:
    """One connection of a client and the one made for it."""

    def __init__(self, near: Streams, far: Streams, weather: Weather, began: float) -> None:
        self._near = near
        self._far = far
        self._weather = weather
        self._began = began
        self._chance = random.Random(weather.seed)

    async def hold(self) -> None:
        """Move bytes both ways until both ends have closed, or the weather ends it."""
        weather = self._weather
        up = _Way(self._near[0], self._far[1], weather.up_delay_s, weather.up_jitter_s, weather.read_bytes_per_s, True)
        down = _Way(self._far[0], self._near[1], weather.down_delay_s, weather.down_jitter_s, None, False)
        moving = asyncio.gather(self._move(up), self._move(down))
        try:
            left_s = None if weather.drop_at_s is None else weather.drop_at_s - self._age_s()
            await asyncio.wait_for(moving, left_s)
        except TimeoutError:
            for _, writer in (self._near, self._far):
                reset(writer.transport)
        finally:
            moving.cancel()
            self._far[1].close()
            self._near[1].close()

    def _age_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def _move(self, way: _Way) -> None:
        """Read pieces and write each when it is due; the reading does not wait for the writing."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.create_task(self._write(way, queue))
        due_s = 0.0
        try:
            data = b"more"
            while data:
                data = b""  # an end that was reset is an end
                with suppress(OSError):
                    data = await way.reader.read(PIECE_BYTES if way.bytes_per_s is None else SLOW_BUFFER_BYTES)
                due_s = max(due_s, self._age_s() + way.delay_s + self._chance.uniform(0, way.jitter_s))
                queue.put_nowait((due_s, data))
                if way.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / way.bytes_per_s)
            await writing
        finally:
            writing.cancel()

    async def _write(self, way: _Way, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        weather = self._weather
        while True:
            due_s, data = await queue.get()
            if weather.stall_at_s is not None and weather.stall_at_s <= due_s:
                due_s = max(due_s, weather.stall_at_s + weather.stall_s)
            if (wait_s := due_s - self._age_s()) > 0:
                await asyncio.sleep(wait_s)
            silent = weather.silent_at_s is not None and self._age_s() >= weather.silent_at_s
            try:
                if not data:
                    # The service may learn that the client has gone; the client must not learn anything.
                    if way.upwards or not silent:
                        way.writer.write_eof()
                    return
                if not silent:
                    way.writer.write(data)
                    await way.writer.drain()
            except OSError:
                reset(way.writer.transport)
                return


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    delay_s: float
    jitter_s: float
    bytes_per_s: float | None
    upwards: bool


def reset(transport: asyncio.BaseTransport) -> None:
    """Cut a TCP connection the hard way: the other end reads a reset, no orderly end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        with suppress(AttributeError):  # asyncio 3.11: it was lost while its last bytes left
            transport.abort()
