"""A live WebSocket whose every message is recorded as it arrives, whether or not anybody waits for it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import State

from evalkit.wire.pacing import Released
from evalkit.wire.pool import Pool
from evalkit.wire.record import Record

PING_S = 5.0
PONG_S = 20.0
"""A peer that leaves a ping unanswered for so long is gone, though no one has said so, and the socket is closed."""
CLOSE_S = 2.0
WRITE_LIMIT_BYTES = 32_768
BLOCKED_S = 0.001
"""A frame that waits this long to be handed to the socket is worth noting: the peer or the network reads too slowly."""


class Arrivals:
    """Wire times of one socket, taken in the loop turn that reads the bytes, before any task is woken."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.phases: dict[str, float] = {}
        self.messages: deque[float] = deque()
        """Of the upgrade, and then of each message nobody has taken yet."""

    def connection(self) -> type[ClientConnection]:
        """A class of connections that are stamped here."""
        arrivals = self

        class Stamped(ClientConnection):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                # asyncio makes its protocols when TCP is connected; a redirect opens a second connection.
                arrivals.messages.clear()
                arrivals.phases = {"tcp_s": round(arrivals.now(), 6)}

            def connection_made(self, transport: Any) -> None:
                arrivals.phases["connected_s"] = round(arrivals.now(), 6)
                super().connection_made(transport)

            def process_event(self, event: Any) -> None:
                if not isinstance(event, Frame) or (event.opcode in DATA_OPCODES and event.fin):
                    arrivals.messages.append(arrivals.now())
                super().process_event(event)

        return Stamped


class Socket:
    """An open socket; made by ``Wire.websocket``."""

    def __init__(
        self,
        record: Record,
        connection: ClientConnection,
        arrivals: Arrivals,
        *,
        message_s: float,
        pool: Pool,
        released: Released,
        stagger: float,
    ) -> None:
        self._record = record
        self._connection = connection
        self._arrivals = arrivals
        self._message_s = message_s
        self._heartbeat = pool.heartbeat
        self._released = released
        self._frame_sent_s: float | None = None
        self._spoken = False
        self._received: list[str] = []
        self._arrived = asyncio.Event()
        self._reader = asyncio.create_task(self._read())
        self._pings = {asyncio.create_task(self._keep_pinging(stagger))}

    async def send(self, message: str) -> None:
        """Send a text message.

        Raises:
            Unavailable: the socket is closed.
        """
        await self._send(message)
        self._record.add("sent", message)
        if self._spoken:
            self._spoken = False
            self._pings.add(asyncio.create_task(self._ping()))

    async def send_audio(self, frame: bytes) -> None:
        """Send a frame that ``Wire.pace`` released, as one binary message.

        Raises:
            Unavailable: the socket is closed.
        """
        handed_s = time.perf_counter()
        await self._send(frame)
        sent_s = time.perf_counter()
        numbers = {"bytes": len(frame), **self._released.pop()}
        first = self._frame_sent_s is None
        if first or sent_s - handed_s >= BLOCKED_S:
            numbers["blocked_s"] = round(sent_s - handed_s, 6)
        stall_s = self._heartbeat.stall_s(self._frame_sent_s or handed_s)
        if stall_s is not None and (first or stall_s):
            numbers["stall_s"] = round(stall_s, 6)
        self._record.add_frame(numbers)
        self._frame_sent_s, self._spoken = sent_s, True

    async def until(
        self,
        matches: Callable[[str], bool],
        *,
        what: str,
        count: int = 1,
        unless: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Wait until ``count`` messages for which ``matches`` is true have arrived, counting those already here.

        Args:
            matches: whether a message is awaited.
            what: its name, for the error.
            count: how many of them.
            unless: a message that ends the wait as well, such as an error event; what it means is for ``parse``.

        Raises:
            Unavailable: the socket closed, or the time was up.
        """
        seen = found = 0
        try:
            async with asyncio.timeout(self._message_s):
                while True:
                    self._arrived.clear()
                    for message in self._received[seen:]:
                        seen += 1
                        found += matches(message)
                        if found >= count or unless(message):
                            return
                    if self._reader.done():
                        self._record.fail(f"the socket closed before {what}{self._how()}", None)
                    await self._arrived.wait()
        except TimeoutError as error:
            self._record.fail(f"no {what} within {self._message_s:g} s", error)

    async def close(self) -> None:
        """Close the socket and finish the record."""
        for ping in self._pings:
            ping.cancel()
        try:
            with suppress(WebSocketException, OSError):
                # The library's own limit begins only once its close frame has left.
                async with asyncio.timeout(2 * CLOSE_S):
                    await self._connection.close()
        except TimeoutError:
            self._connection.transport.abort()
        await self._reader

    async def _send(self, data: str | bytes) -> None:
        # A send can only wait when the peer reads too slowly; a timer for every frame would cost each of them.
        waits = self._connection.transport.get_write_buffer_size() + len(data) >= WRITE_LIMIT_BYTES
        try:
            async with asyncio.timeout(self._message_s) if waits else nullcontext():
                await self._connection.send(data)
        except TimeoutError as error:
            self._connection.transport.abort()
            await self._reader
            self._record.fail(f"the service took nothing more for {self._message_s:g} s", error)
        except (ConnectionClosed, AttributeError) as error:
            # The library aborts a transport that may be lost already, which asyncio 3.11 answers so.
            if self._connection.state is not State.CLOSED:
                raise
            await self._reader
            self._record.fail(f"the socket closed while audio was being sent{self._how()}", error)

    def _how(self) -> str:
        """How the socket was closed; 1006 stands for no close frame at all."""
        reason = f": {self._connection.close_reason}" if self._connection.close_reason else ""
        return f" (close code {self._connection.close_code}{reason})"

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                t_s = self._arrivals.messages.popleft()
                text = message if isinstance(message, str) else f"<{len(message)} bytes>"
                self._record.add("received", text, t_s)
                self._received.append(text)
                self._arrived.set()
        self._record.add("closed", {"code": self._connection.close_code, "reason": self._connection.close_reason or ""})
        self._arrived.set()

    async def _keep_pinging(self, stagger: float) -> None:
        """Ping now and every ``PING_S``; sessions that began together take turns."""
        await self._ping()
        await asyncio.sleep(PING_S * (stagger or 1.0))
        while True:
            await self._ping()
            await asyncio.sleep(PING_S)

    async def _ping(self) -> None:
        with suppress(ConnectionClosed):
            pong = await self._connection.ping()
            try:
                async with asyncio.timeout(PONG_S):
                    self._record.add("ping", {"rtt_s": round(await pong, 6)})
            except TimeoutError:
                await self._connection.close(1011, "no answer to a ping")
