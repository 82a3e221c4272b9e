"""The contract: REST and WebSocket on ``/v1/stt``, written from the protocol and not from any client.

The same contract stands under ``/knobs/NAME=VALUE,NAME=VALUE/v1/stt`` with these knobs turned for that request alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import json
import uuid
from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from evalkit.emulator import ends, strikes
from evalkit.emulator.faults import Fault
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.multipart import upload
from evalkit.emulator.pool import Line, Pool
from evalkit.emulator.settings import CODES, RefusalError, RestSettings, StreamSettings
from evalkit.emulator.strikes import Script, Step, Tally
from evalkit.errors import SettingsError
from evalkit.types import Route as SpeechRoute

_SUBPROTOCOL = "xai-client-secret."
Connection = Callable[[Scope], asyncio.Transport | None]


class Contract:
    """The two routes over one pool of recognisers."""

    def __init__(self, pool: Pool, knobs: Knobs, accepted_key: str | None, connection: Connection) -> None:
        self._pool = pool
        self._knobs = knobs
        self._accepted_key = accepted_key
        self._connection = connection
        self._tally = Tally()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/stt", self.transcribe, methods=["POST"]),
                Route("/knobs/{knobs}/v1/stt", self.transcribe, methods=["POST"]),
                Route("/", self.about, methods=["GET"]),
                WebSocketRoute("/v1/stt", self.listen),
                WebSocketRoute("/knobs/{knobs}/v1/stt", self.listen),
            ],
            exception_handlers={HTTPException: _http_error, RefusalError: _refusal, ClientDisconnect: _gone},
        )

    async def about(self, _: Request) -> Response:
        """Who answers here; no part of the protocol."""
        return _answer(
            200,
            {
                "server": "evalkit embedded server, compatible with the xAI speech-to-text API",
                "engine": dataclasses.asdict(self._pool.description),
                "knobs": dataclasses.asdict(self._knobs),
                "sessions": self._pool.sessions,
            },
        )

    async def transcribe(self, request: Request) -> Response:
        """POST /v1/stt."""
        knobs = self._turned(request.path_params)
        fault = self._strike(knobs, "rest")
        if fault is not None and (struck := await self._at_the_door(fault, request.scope)) is not None:
            if fault.kind != "too_large":
                await request.body()
            return struck
        self._authorise(knobs, request.headers)
        form = await upload(
            request.headers.get("content-type", ""),
            request.stream(),
            most_bytes=knobs.max_upload_bytes,
            file_must_be_last=knobs.file_must_be_last,
        )
        settings = RestSettings.of(form.fields, knobs)
        url = dict(form.fields).get("url")
        if (form.file is None) == (url is None):
            raise RefusalError(400, "send exactly one of file and url")
        if form.file is None:
            raise RefusalError(502, "the embedded server downloads nothing: send the audio as file")
        status, body, cpu_s = await self._pool.transcribe(form.file, settings, knobs)
        await asyncio.sleep(knobs.delay_s)
        headers = {"x-request-id": str(uuid.uuid4()), "x-evalkit-cpu-s": str(cpu_s)}
        if fault is not None:
            return _Spoilt(fault, body, status, headers, self._connection(request.scope))
        return Response(body, status, headers, media_type="application/json")

    async def listen(self, websocket: WebSocket) -> None:
        """GET /v1/stt with an upgrade."""
        try:
            knobs = self._turned(websocket.path_params)
            fault = self._strike(knobs, "streaming")
            if fault is not None and (struck := await self._at_the_door(fault, websocket.scope)) is not None:
                with contextlib.suppress(WebSocketDisconnect, OSError):
                    await websocket.send_denial_response(struck)
                return
            subprotocol = self._authorise(knobs, websocket.headers, websocket.scope["subprotocols"])
            settings = StreamSettings.of(websocket.query_params.multi_items(), knobs)
        except RefusalError as refusal:
            await websocket.send_denial_response(_answer(refusal.status, refusal.body))
            return
        with contextlib.suppress(WebSocketDisconnect, OSError):
            await websocket.accept(subprotocol)
            async with self._pool.stream(settings, knobs) as line:
                await _Conversation(websocket, line, knobs, Script(fault), self._connection(websocket.scope)).hold()

    def _strike(self, knobs: Knobs, route: SpeechRoute) -> Fault | None:
        """Count the request; the fault that strikes it.

        Raises:
            RefusalError: the knob names no faults.
        """
        try:
            return self._tally.strike(knobs.faults, knobs.trial, route)
        except SettingsError as error:
            raise RefusalError(400, str(error)) from error

    async def _at_the_door(self, fault: Fault, scope: Scope) -> Response | None:
        """What a fault answers in the place of any service, once it has done to the connection what it does."""
        if (answer := strikes.answer(fault)) is not None:
            response = Response(answer.body, answer.status)
            for name, value in answer.headers:
                response.headers.append(name, value)
            return response
        if fault.about.place != "request":
            return None
        if (transport := self._connection(scope)) is not None:
            if fault.kind == "unanswered":
                await ends.silence(transport)
            else:
                ends.reset(transport)
        return Response(status_code=499)  # nobody is there to read it

    def _turned(self, path: Mapping[str, str]) -> Knobs:
        """The knobs of the server, some of them turned by the path."""
        if not (turned := path.get("knobs")):
            return self._knobs
        try:
            return Knobs.parse([*self._knobs.settings(), *turned.split(",")])
        except SettingsError as error:
            raise RefusalError(400, str(error)) from error

    def _authorise(self, knobs: Knobs, headers: Headers, subprotocols: Sequence[str] = ()) -> str | None:
        """See that the accepted key, if any, was sent; gives the subprotocol to echo.

        Raises:
            RefusalError: no key, or another.
        """
        offered = next((name for name in subprotocols if name.startswith(_SUBPROTOCOL)), None)
        if not knobs.subprotocol_auth:
            offered = None
        if self._accepted_key is None:
            return offered
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            key = offered.removeprefix(_SUBPROTOCOL) if offered else ""
        if not key:
            raise RefusalError(knobs.no_key_status, "no credentials were sent: use Authorization: Bearer KEY")
        if not hmac.compare_digest(key.encode(), self._accepted_key.encode()):
            raise RefusalError(
                knobs.bad_key_status,
                "Incorrect API key provided. The embedded server accepts the key it was started with; "
                "keys of the service are made on its console.",
            )
        return offered


class _Conversation:
    """One open socket. Receiving never waits for sending, and neither waits for the recogniser."""

    def __init__(
        self, websocket: WebSocket, line: Line, knobs: Knobs, script: Script, transport: asyncio.Transport | None
    ) -> None:
        self._websocket = websocket
        self._line = line
        self._knobs = knobs
        self._script = script
        self._transport = transport
        self._created = False
        self._finishing = False
        self._outbox: asyncio.Queue[tuple[float, str | None]] = asyncio.Queue()

    async def hold(self) -> None:
        """Talk until either side ends it."""
        tasks = [asyncio.create_task(part) for part in (self._hear(), self._relay(), self._speak())]
        try:
            await asyncio.wait([tasks[0], tasks[2]], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            # A client that vanishes is no fault of ours; uvicorn tells of it by an OSError.
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | OSError):
                raise outcome

    def _say(self, text: str | None) -> None:
        """Queue a message, or None for the close, to leave after the constant delay."""
        self._outbox.put_nowait((asyncio.get_running_loop().time() + self._knobs.delay_s, text))

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, text = await self._outbox.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if text is None and self._knobs.drop_before_done:
                if self._transport is not None:
                    self._transport.abort()
                return
            for step in self._script.ending() if text is None else self._script.steps(text):
                if await self._ended(step):
                    return

    async def _ended(self, step: Step) -> bool:
        """Take one step; whether it was the last."""
        match step.does:
            case "say":
                await self._websocket.send_text(step.text)
                return False
            case "pause":
                await asyncio.sleep(step.seconds)
                return False
            case "close" if self._websocket.application_state is WebSocketState.CONNECTED:
                await self._websocket.close(step.code, step.text)
            case "reset" if self._transport is not None:
                ends.reset(self._transport)
            case "silence" if self._transport is not None:
                await ends.silence(self._transport)
        return True

    async def _relay(self) -> None:
        """Turn what the worker says into messages."""
        async for header, body in self._line.replies():
            match header["op"]:
                case "opened":
                    self._say(json.dumps({"type": "transcript.created", "id": str(uuid.uuid4())}))
                    self._created = True
                case "message" | "ended" if self._knobs.drop_before_done and header["type"] == "transcript.done":
                    self._say(None)
                case "message":
                    self._say(body.decode())
                case "ended":
                    self._finishing = False
                    self._say(body.decode())
                    if self._knobs.close_after_done:
                        self._say(None)
                case "died":
                    self._say(_error("the recogniser stopped; open a new session"))
                    self._say(None)

    async def _hear(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                # What comes before the session is open stays in its order in the worker's pipe, behind the opening.
                if not self._finishing and (self._created or self._knobs.early_audio == "keep"):
                    await self._line.audio(data)
            elif (text := message.get("text")) is not None:
                await self._command(text)

    async def _command(self, text: str) -> None:
        try:
            command = json.loads(text)
            kind, channel = command["type"], command.get("channel")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._say(_error("the message is not a JSON object with a type"))
            return
        if kind in ("finalize", "Finalize"):
            await self._line.control("finalize", channel)
        elif kind == "audio.done":
            self._finishing = True
            await self._line.control("finish")
        else:
            self._say(_error(f"unknown message type {kind!r}"))


class _Spoilt(Response):
    """A good answer as a fault lets it leave."""

    def __init__(
        self, fault: Fault, body: bytes, status: int, headers: Mapping[str, str], transport: asyncio.Transport | None
    ) -> None:
        self._pieces = strikes.pieces(fault, strikes.spoilt(fault, body))
        self._transport = transport
        self._breaks_off = fault.kind == "cut_body"
        super().__init__(strikes.spoilt(fault, body), status, headers, media_type="application/json")
        if fault.kind == "endless_body":
            del self.headers["content-length"]
        if fault.kind == "html_body":
            self.headers["content-type"] = "text/html"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces, each after its pause; a body that breaks off is left without its end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for pause_s, piece in self._pieces:
            await asyncio.sleep(pause_s)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._breaks_off and self._transport is not None:
            ends.cut(self._transport)
            while (await receive())["type"] != "http.disconnect":
                """Wait until it has gone: an answer without an end would be reported as a mistake of ours."""
        else:
            await send({"type": "http.response.body", "body": b""})


def _error(message: str) -> str:
    return json.dumps({"type": "error", "message": message})


def _answer(status: int, body: object) -> JSONResponse:
    return JSONResponse(body, status, {"x-request-id": str(uuid.uuid4())})


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return _answer(status, {"code": CODES.get(status, "Unknown"), "error": detail})


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it


async def _refusal(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusalError):
        raise error
    return _answer(error.status, error.body)
