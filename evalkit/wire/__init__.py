"""The only door to the network: stamps every event, masks keys, paces audio, maps foreign errors, retries nothing.

What is recorded in ``Event.data``:

=========  ============================================================================================
open       ``{"url", "cold", "tcp_s", "connected_s"}``: the WebSocket upgrade has finished. ``tcp_s`` is the wire time
           at which TCP was connected (the name looked up, a proxy passed), ``connected_s`` that at which TLS stood as
           well, where there is any; ``cold``: the first conversation with this host over this route of a run
ping       ``{"rtt_s"}``: a WebSocket ping was answered, now, after ``rtt_s``. One is sent when the socket opens
           (before), one every 5 s (during) and one behind the first message after audio (after); a ping without an
           answer leaves no event, and after 20 s no socket
sent       a socket message, verbatim; for HTTP ``{"method", "url", "headers", "fields", "file", "cold"}``
audio      ``{"bytes", "due_s"}``: a frame was handed to the socket; ``due_s`` is the wire time at which its last
           sample was spoken, so ``t_s - due_s`` is our own lateness. The first frame tells ``frame_ms`` and ``speed``
           (1 is real time). ``blocked_s``, how long the socket made this frame wait, is told of the first frame and
           from 1 ms on; ``stall_s``, the longest the event loop stood still since the frame before, of the first
           and from 5 ms on
received   a socket message, verbatim; for HTTP (and a refused upgrade) ``{"status", "headers", "body", "phases"}``
           at the last byte; ``phases`` holds the wire times ``tcp_s``, ``connected_s`` (both absent when a kept
           connection was used again), ``sent_s`` and ``first_byte_s``
closed     ``{"code", "reason"}``
error      ``{"type", "message"}``: the conversation ended here
=========  ============================================================================================
"""

import asyncio
import os
import ssl
import time
import urllib.parse
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from evalkit.errors import Unavailable
from evalkit.types import Audio, Event, EventKind
from evalkit.wire.masking import MASK, is_secret
from evalkit.wire.pacing import Released, start_s
from evalkit.wire.pool import Pool, Timeouts, http_client, is_loopback
from evalkit.wire.record import Record, key_in
from evalkit.wire.socket import CLOSE_S, WRITE_LIMIT_BYTES, Arrivals, Socket
from evalkit.wire.upload import Upload

__all__ = ["MASK", "Pool", "Socket", "Timeouts", "Upload", "Wire", "http_client", "is_loopback", "is_secret", "key_in"]

_TIMEOUTS = Timeouts()
_PHASES = {
    "connection.connect_tcp.complete": ("tcp_s", "connected_s"),
    "connection.start_tls.complete": ("connected_s",),
    "http11.send_request_body.complete": ("sent_s",),
    "http11.receive_response_headers.complete": ("first_byte_s",),
}


class Wire:
    """Records one conversation. A provider talks through it and cannot read the clock, retry or skip the record."""

    def __init__(
        self,
        pool: Pool,
        *,
        timeouts: Timeouts = _TIMEOUTS,
        environ: Mapping[str, str] | None = None,
        stagger: float = 0.0,
        from_s: float = 0.0,
    ) -> None:
        """A wire over a shared pool.

        Args:
            pool: connections, trust and heartbeat.
            timeouts: how long each wait may take.
            environ: where ``secret`` looks, this process's environment unless given.
            stagger: this session's place within a frame, 0 to 1: concurrent sessions at even places never send in
                the same instant.
            from_s: audio second of the clip at which the sound that is paced begins; events count from there.
        """
        self._pool = pool
        self._timeouts = timeouts
        self._stagger = stagger
        self._from_s = from_s
        self._record = Record(os.environ if environ is None else environ)
        self._record.audio_s = from_s
        self._released = Released()

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything recorded so far, by time."""
        return self._record.events

    @property
    def from_s(self) -> float:
        """Audio second of the clip at which the sound begins."""
        return self._from_s

    def secret(self, env_var: str) -> str:
        """The value of an environment variable, masked in every record from now on.

        Raises:
            SettingsError: the variable is not set, or holds what cannot be a key.
        """
        return self._record.secret(env_var)

    def record(self, kind: EventKind, data: Any = None) -> None:
        """Record an event that did not pass through this class (a vendor's own SDK, gRPC)."""
        self._record.add(kind, data)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        fields: Sequence[tuple[str, str]] = (),
        file: Upload | None = None,
        body: Upload | None = None,
    ) -> None:
        """One HTTP exchange: a multipart form whose fields come first, in order, and whose file is the last part.

        Args:
            method: such as ``POST``.
            url: with its query.
            headers: beside those that the content needs.
            fields: of the form.
            file: of the form; recorded by its name and size, never its content.
            body: a file that is sent by itself, in the place of a form; recorded in the place of ``file``.

        Raises:
            Unavailable: no answer arrived; an answer of any status is recorded, not judged.
        """
        # httpx writes `files` in order; a part without a file name is a plain field.
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields]
        about = None
        if file:
            parts.append(("file", (file.name, file.content, file.mime)))
        if body:
            headers = {"Content-Type": body.mime, "Content-Length": str(body.size), **headers}
        if sound := file or body:
            about = {"name": sound.name, "bytes": sound.size, "mime": sound.mime, "audio_s": sound.audio_s}
        record = self._record
        phases: dict[str, float] = {}

        async def note(name: str, _: Mapping[str, Any]) -> None:
            phases.update(dict.fromkeys(_PHASES.get(name, ()), round(record.now(), 6)))

        asked = {"method": method, "url": url, "headers": dict(headers), "fields": list(fields), "file": about}
        record.add("sent", {**asked, "cold": self._pool.visit(url)})
        record.audio_s = sound.audio_s if sound else 0.0
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                response = await self._pool.http.request(
                    method,
                    url,
                    headers=dict(headers),
                    content=body.body() if body else None,
                    files=parts or None,
                    extensions={"trace": note},
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            record.fail(f"{_origin(url)} did not answer in time ({type(error).__name__})", error)
        except httpx.DecodingError as error:
            record.fail(f"{_origin(url)} answered what cannot be decoded ({_reason(error)})", error)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            record.fail(f"{_origin(url)} cannot be reached ({_reason(error)})", error)
        self._answered(response.status_code, response.headers, response.content, phases)

    @asynccontextmanager
    async def websocket(self, url: str, *, headers: Mapping[str, str] = {}) -> AsyncIterator[Socket]:
        """A live socket, closed on leaving; a refused upgrade is recorded as the HTTP answer it is.

        Raises:
            Unavailable: the socket could not be opened.
        """
        record = self._record
        arrivals = Arrivals(record.now)
        cold = self._pool.visit(url)
        trust: dict[str, Any] = {"ssl": self._pool.trust} if url.startswith("wss:") else {}
        try:
            connection = await connect(
                url,
                additional_headers=dict(headers),
                open_timeout=self._timeouts.connect_s,
                close_timeout=CLOSE_S,
                write_limit=WRITE_LIMIT_BYTES,
                compression=None,
                max_size=None,
                max_queue=None,
                proxy=None if is_loopback(url) else True,
                create_connection=arrivals.connection(),
                **trust,
            )
        except InvalidStatus as error:
            answer = error.response
            # Not dict(headers), which cannot hold a name that came twice, as cookies do.
            named = {name.lower(): value for name, value in answer.headers.raw_items()}
            self._answered(answer.status_code, named, bytes(answer.body or b""), arrivals.phases)
            raise Unavailable(f"{_origin(url)} refused the socket with HTTP {answer.status_code}") from error
        except TimeoutError as error:
            record.fail(f"{_origin(url)} did not open a socket within {self._timeouts.connect_s:g} s", error)
        except (OSError, WebSocketException, ssl.SSLError) as error:
            record.fail(f"{_origin(url)} cannot be reached ({_reason(error)})", error)
        record.add("open", {"url": url, "cold": cold, **arrivals.phases}, arrivals.messages.popleft())
        socket = Socket(
            record,
            connection,
            arrivals,
            message_s=self._timeouts.message_s,
            pool=self._pool,
            released=self._released,
            stagger=self._stagger,
        )
        try:
            yield socket
        finally:
            await socket.close()

    async def pace(
        self, audio: Audio, frame_ms: int, *, speed: float = 1.0, silence_s: float = 0.0
    ) -> AsyncIterator[bytes]:
        """The frames of ``audio``, each released when its last sample would have been spoken.

        Deadlines are absolute: frame k is due at T0 + (end of frame k), so a late frame delays none behind it.

        Args:
            audio: the sound.
            frame_ms: length of a frame.
            speed: seconds of audio per second; above 1 nobody could have spoken so fast, and no latency is measured.
            silence_s: digital silence that follows the sound.
        """
        bytes_per_s = 2 * audio.channels * audio.sample_rate_hz
        origin_s = start_s(time.perf_counter(), frame_ms / 1000 / speed, self._stagger) - self._record.began_s
        released = 0
        for frame in audio.frames(frame_ms, silence_s=silence_s):
            settings = {} if released else {"frame_ms": frame_ms, "speed": speed}
            released += len(frame)
            due_s = origin_s + released / bytes_per_s / speed
            if (wait_s := due_s - self._record.now()) > 0:
                await asyncio.sleep(wait_s)
            self._released.put(due_s, **settings)
            self._record.audio_s = self._from_s + released / bytes_per_s
            yield frame

    def _answered(self, status: int, headers: Mapping[str, str], body: bytes, phases: Mapping[str, float]) -> None:
        text = body.decode("utf-8", "replace")
        self._record.add("received", {"status": status, "headers": dict(headers), "body": text, "phases": phases})


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
