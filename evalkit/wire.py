"""The only door to the network: stamps every event, masks keys, paces audio, maps foreign errors, retries nothing.

What is recorded in ``Event.data``:

=========  ============================================================================================
open       ``{"url"}``: the WebSocket upgrade has finished
sent       a socket message, verbatim; for HTTP ``{"method", "url", "headers", "fields", "file"}``
audio      ``{"bytes", "due_s"}``: a frame was handed to the socket; ``due_s`` is the wire time at which its last
           sample was spoken, so ``t_s - due_s`` is our own lateness
received   a socket message, verbatim; for HTTP (and a refused upgrade) ``{"status", "headers", "body", "phases"}``
           at the last byte; ``phases`` holds the wire times ``connected_s``, ``sent_s`` and ``first_byte_s``
closed     ``{"code", "reason"}``
error      ``{"type", "message"}``: the conversation ended here
=========  ============================================================================================
"""

import asyncio
import json
import os
import ssl
import time
import urllib.parse
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import DATA_OPCODES, Frame

from evalkit.errors import SettingsError, Unavailable
from evalkit.types import Audio, Event, EventKind

MASK = "***"
SHORTEST_KEY = 8
_SECRET_HEADERS = {"authorization", "cookie", "set-cookie", "x-api-key", "proxy-authorization"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which each wait is given up."""

    connect_s: float = 15.0
    message_s: float = 60.0
    """For an awaited socket message, once the audio has been sent."""
    answer_s: float = 300.0
    """For an HTTP exchange, from the first byte sent to the last received."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of an HTTP form."""

    name: str
    content: bytes
    mime: str
    audio_s: float = 0.0
    """Seconds of audio inside."""


def key_in(environ: Mapping[str, str], env_var: str) -> str:
    """The API key in an environment variable.

    Raises:
        SettingsError: the variable is not set, or holds what cannot be a key.
    """
    value = environ.get(env_var, "").strip()
    if not value:
        raise SettingsError(f"no API key: set the environment variable {env_var}")
    if len(value) < SHORTEST_KEY or not value.isascii() or not value.isprintable() or " " in value:
        # A shorter one would also be masked out of ordinary words.
        raise SettingsError(f"{env_var} holds no API key: at least {SHORTEST_KEY} ASCII characters without spaces")
    return value


def is_loopback(url: str) -> bool:
    """Whether ``url`` points at this machine."""
    return (urllib.parse.urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1")


def http_client(timeouts: Timeouts, *, loopback: bool) -> httpx.AsyncClient:
    """A connection pool to share between the wires of one provider; a proxy of the environment is not for loopback."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeouts.answer_s, connect=timeouts.connect_s, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
        trust_env=not loopback,
    )


class Wire:
    """Records one conversation. A provider talks through it and cannot read the clock, retry or skip the record."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        timeouts: Timeouts = Timeouts(),
        environ: Mapping[str, str] = os.environ,
        stagger: float = 0.0,
    ) -> None:
        """A wire over a shared HTTP pool.

        Args:
            http: the pool for ``request``.
            timeouts: how long each wait may take.
            environ: where ``secret`` looks.
            stagger: share of a frame, 0 to 1, by which pacing starts later, so that concurrent sessions do not all
                send in the same instant.
        """
        self._http = http
        self._timeouts = timeouts
        self._environ = environ
        self._stagger = stagger
        self._secrets: list[str] = []
        self._events: list[Event] = []
        self._audio_s = 0.0
        self._due_s = 0.0
        self._began = time.perf_counter()

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything recorded so far, by time: a message is stamped before the task that records it runs."""
        return tuple(sorted(self._events, key=lambda event: event.t_s))

    def secret(self, env_var: str) -> str:
        """The value of an environment variable, masked in every record from now on.

        Raises:
            SettingsError: the variable is not set, or holds what cannot be a key.
        """
        value = key_in(self._environ, env_var)
        escaped = json.dumps(value)[1:-1]
        # An answer may echo it in JSON's spellings as well.
        self._secrets += [value, escaped, escaped.replace("/", "\\/")]
        return value

    def record(self, kind: EventKind, data: Any = None) -> None:
        """Record an event that did not pass through this class (a vendor's own SDK, gRPC)."""
        self._append(kind, data, self._now())

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        fields: Sequence[tuple[str, str]] = (),
        file: Upload | None = None,
    ) -> None:
        """One HTTP exchange: a multipart form whose fields come first, in order, and whose file is the last part.

        Raises:
            Unavailable: no answer arrived; an answer of any status is recorded, not judged.
        """
        # httpx writes `files` in order; a part without a file name is a plain field.
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields]
        if file:
            parts.append(("file", (file.name, file.content, file.mime)))
        about = (
            {"name": file.name, "bytes": len(file.content), "mime": file.mime, "audio_s": file.audio_s}
            if file
            else None
        )
        phases: dict[str, float] = {}
        names = {
            "connection.connect_tcp.complete": "connected_s",
            "connection.start_tls.complete": "connected_s",
            "http11.send_request_body.complete": "sent_s",
            "http11.receive_response_headers.complete": "first_byte_s",
        }

        async def note(name: str, _: Mapping[str, Any]) -> None:
            if name in names:
                phases[names[name]] = round(self._now(), 6)

        self.record(
            "sent", {"method": method, "url": url, "headers": dict(headers), "fields": list(fields), "file": about}
        )
        self._audio_s = file.audio_s if file else 0.0
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                response = await self._http.request(
                    method, url, headers=dict(headers), files=parts or None, extensions={"trace": note}
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            self._fail(f"{_origin(url)} did not answer in time ({type(error).__name__})", error)
        except httpx.DecodingError as error:
            self._fail(f"{_origin(url)} answered what cannot be decoded ({_reason(error)})", error)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            self._fail(f"{_origin(url)} cannot be reached ({_reason(error)})", error)
        self.record(
            "received",
            {
                "status": response.status_code,
                "headers": dict(response.headers),
                "body": response.content.decode("utf-8", "replace"),
                "phases": phases,
            },
        )

    @asynccontextmanager
    async def websocket(self, url: str, *, headers: Mapping[str, str] = {}) -> AsyncIterator["Socket"]:
        """A live socket, closed on leaving; a refused upgrade is recorded as the HTTP answer it is.

        Raises:
            Unavailable: the socket could not be opened.
        """
        stamps: deque[float] = deque()
        now = self._now

        class Stamped(ClientConnection):
            """Stamps the upgrade and each message in the loop turn that read its bytes, before any task is woken."""

            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                stamps.clear()  # a redirect opens a second connection

            def process_event(self, event: Any) -> None:
                if not isinstance(event, Frame) or (event.opcode in DATA_OPCODES and event.fin):
                    stamps.append(now())
                super().process_event(event)

        try:
            connection = await connect(
                url,
                additional_headers=dict(headers),
                open_timeout=self._timeouts.connect_s,
                close_timeout=2.0,
                compression=None,
                max_size=None,
                max_queue=None,
                proxy=None if is_loopback(url) else True,
                create_connection=Stamped,
            )
        except InvalidStatus as error:
            answer = error.response
            body = bytes(answer.body or b"").decode("utf-8", "replace")
            self.record(
                "received", {"status": answer.status_code, "headers": dict(answer.headers), "body": body, "phases": {}}
            )
            raise Unavailable(f"{_origin(url)} refused the socket with HTTP {answer.status_code}") from error
        except TimeoutError as error:
            self._fail(f"{_origin(url)} did not open a socket within {self._timeouts.connect_s:g} s", error)
        except (OSError, WebSocketException, ssl.SSLError) as error:
            self._fail(f"{_origin(url)} cannot be reached ({_reason(error)})", error)
        self._append("open", {"url": url}, stamps.popleft())
        socket = Socket(self, connection, stamps, self._timeouts.message_s)
        try:
            yield socket
        finally:
            await socket.close()

    async def pace(self, audio: Audio, frame_ms: int) -> AsyncIterator[bytes]:
        """The frames of ``audio``, each released when its last sample would have been spoken.

        Deadlines are absolute: frame k is due at T0 + (end of frame k), so a late frame delays none behind it.
        """
        bytes_per_s = 2 * audio.channels * audio.sample_rate_hz
        origin_s = self._now() + self._stagger * frame_ms / 1000
        released = 0
        for frame in audio.frames(frame_ms):
            released += len(frame)
            self._due_s = origin_s + released / bytes_per_s
            if (wait_s := self._due_s - self._now()) > 0:
                await asyncio.sleep(wait_s)
            self._audio_s = released / bytes_per_s
            yield frame

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _append(self, kind: EventKind, data: Any, t_s: float) -> None:
        self._events.append(Event(round(t_s, 6), round(self._audio_s, 6), kind, self._masked(data)))

    def _append_frame(self, size: int) -> None:
        # Not through the masking: a frame's record holds two numbers, and this runs for every frame of every stream.
        data = {"bytes": size, "due_s": round(self._due_s, 6)}
        self._events.append(Event(round(self._now(), 6), round(self._audio_s, 6), "audio", data))

    def _fail(self, message: str, cause: BaseException | None) -> NoReturn:
        message = self._masked(message)
        self.record("error", {"type": "Unavailable", "message": message})
        raise Unavailable(message) from cause

    def _masked(self, data: Any) -> Any:
        if isinstance(data, str):
            for secret in self._secrets:
                data = data.replace(secret, MASK)
            return data
        if isinstance(data, Mapping):
            return {
                key: MASK if str(key).lower() in _SECRET_HEADERS else self._masked(value) for key, value in data.items()
            }
        if isinstance(data, list | tuple):
            return [self._masked(value) for value in data]
        return data


class Socket:
    """A live WebSocket whose every message is recorded as it arrives, whether or not anybody waits for it."""

    def __init__(self, wire: Wire, connection: ClientConnection, stamps: deque[float], message_s: float) -> None:
        self._wire = wire
        self._connection = connection
        self._stamps = stamps
        self._message_s = message_s
        self._received: list[str] = []
        self._arrived = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def send(self, message: str) -> None:
        """Send a text message.

        Raises:
            Unavailable: the socket is closed.
        """
        await self._send(message)
        self._wire.record("sent", message)

    async def send_audio(self, frame: bytes) -> None:
        """Send a frame that ``Wire.pace`` released, as one binary message.

        Raises:
            Unavailable: the socket is closed.
        """
        await self._send(frame)
        self._wire._append_frame(len(frame))

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
                        self._wire._fail(f"the socket closed before {what}", None)
                    await self._arrived.wait()
        except TimeoutError as error:
            self._wire._fail(f"no {what} within {self._message_s:g} s", error)

    async def close(self) -> None:
        """Close the socket and finish the record."""
        with suppress(WebSocketException, OSError):
            await self._connection.close()
        await self._reader

    async def _send(self, data: str | bytes) -> None:
        try:
            await self._connection.send(data)
        except ConnectionClosed as error:
            await self._reader
            self._wire._fail("the socket closed while audio was being sent", error)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                t_s = self._stamps.popleft()
                text = message if isinstance(message, str) else f"<{len(message)} bytes>"
                self._wire._append("received", text, t_s)
                self._received.append(text)
                self._arrived.set()
        self._wire.record(
            "closed", {"code": self._connection.close_code, "reason": self._connection.close_reason or ""}
        )
        self._arrived.set()


def _origin(url: str) -> str:
    """Scheme and host of a URL: never its query, which may hold what should not be printed."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words: `connection refused`, not a chain of wrappers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return getattr(cause, "verify_message", "") or str(cause.reason or cause).replace("_", " ").lower()
        if isinstance(cause, OSError) and cause.errno:
            # Negative numbers are those of the name service, which os.strerror does not know.
            return (os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)).lower()
        cause = cause.__cause__ or cause.__context__
    return str(error).rstrip(".") or type(error).__name__
