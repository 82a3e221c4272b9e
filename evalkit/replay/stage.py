"""The ASGI application of a replay: any path, any method, HTTP and WebSocket; the recording says what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from evalkit.emulator import ends
from evalkit.replay.clock import now, until
from evalkit.replay.conversations import Answer, Conversation
from evalkit.replay.hearing import Ear, Print, Sounds
from evalkit.replay.performance import Performance
from evalkit.replay.programme import Programme

# The way to a service and the upload took longer than those to this machine: so much is waited for; less is noise.
_QUICKER_S = 0.02

Connection = Callable[[Scope], asyncio.Transport | None]
Note = Callable[[str], None]


class _Place(NamedTuple):
    """What a request is for."""

    provider: str
    path: str
    """Below the provider's own."""


class Stage:
    """Everything a run recorded, ready to be told again."""

    def __init__(
        self,
        conversations: Sequence[Conversation],
        sounds: Sounds | None,
        about: Mapping[str, Mapping[str, Any]],
        connection: Connection,
        *,
        speed: float = 1.0,
        note: Note = lambda _: None,
    ) -> None:
        """Nothing has been told yet.

        Args:
            conversations: in the order in which they began.
            sounds: how clips are known; None tells conversations in their order, whatever is heard.
            about: provider -> what is said of it to who asks with GET.
            connection: the transport under a request.
            speed: how many times faster than recorded.
            note: called with one sentence for every conversation.
        """
        self._programme = Programme(conversations)
        self._sounds = sounds
        self._about = about
        self._connection = connection
        self._speed = speed
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        arrived_at = now()
        place, streaming = self._place(scope["path"]), scope["type"] == "websocket"
        if not streaming and scope["method"] == "GET":
            await self._tell_about(place)(scope, receive, send)
            return
        fitting = self._fitting(place, streaming)
        if isinstance(fitting, str):
            await self._refuse(fitting, scope, receive, send)
        elif streaming:
            await self._stream(fitting, arrived_at, scope, receive, send)
        else:
            await self._request(fitting, arrived_at, scope, receive, send)

    def _tell_about(self, place: _Place | None) -> Response:
        if place is None:
            return JSONResponse({"replays": {name: f"/{name}" for name in self._about}})
        if place.path.strip("/"):
            # A client's base_url may end in /v1: whoever asks there must hear that nobody live answers.
            error = "a replay answers GET only where it stands, and tells what it is"
            return JSONResponse({**self._about[place.provider], "error": error}, 404)
        return JSONResponse(self._about[place.provider])

    def _place(self, path: str) -> _Place | None:
        name, slash, rest = path.removeprefix("/").partition("/")
        if name in self._about:
            return _Place(name, slash + rest)
        return _Place(next(iter(self._about)), path) if len(self._about) == 1 else None

    def _fitting(self, place: _Place | None, streaming: bool) -> list[Conversation] | str:
        """The conversations a request can be, or why there is none."""
        if place is None:
            return f"several providers are replayed here: ask below {' or '.join(f'/{name}' for name in self._about)}"
        mine = [
            one
            for one in self._programme.conversations
            if one.provider == place.provider and (one.route != "rest") == streaming
        ]
        if not mine:
            return f"nothing was recorded of {place.provider} over {'a socket' if streaming else 'HTTP requests'}"
        paths = {one.path for one in mine if one.path is not None}
        there = {path for path in paths if path.rstrip("/").endswith(place.path.rstrip("/"))}
        if paths and not there:
            return f"nothing was recorded at {place.path or '/'}; what was recorded is {' and '.join(sorted(paths))}"
        return [one for one in mine if one.path is None or one.path in there]

    async def _refuse(self, why: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._note(f"refused: {why}")
        await self._answer(JSONResponse({"error": f"evalkit replay: {why}"}, 404), scope, receive, send)

    async def _answer(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)
        # Until it is closed, uvicorn takes a refused socket for one that was never answered.
        while scope["type"] == "websocket" and self._connection(scope) is not None:  # noqa: ASYNC110 no event tells
            await asyncio.sleep(0.001)

    async def _request(
        self, fitting: Sequence[Conversation], arrived_at: float, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        else:
            return  # the client has gone
        heard_at = now()
        if self._sounds is not None:
            kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"").decode("latin-1")
            clips = await asyncio.to_thread(self._sounds.uploaded, kind, bytes(body))
            fitting = [one for one in fitting if one.clip_id in clips]
            if not fitting:
                why = "this sound is not of a clip of the run, as it was sent or as its file is; --in-order tells"
                await self._refuse(f"{why} what was recorded in its order instead", scope, receive, send)
                return
        told = self._programme.next(fitting)
        self._noted(told)
        if told.answer is None:
            await self._leave(told, arrived_at, scope, receive)
            return
        quicker_s = told.answer.upload_s / self._speed - (heard_at - arrived_at)
        first_at = heard_at + told.answer.server_s / self._speed + (quicker_s if quicker_s > _QUICKER_S else 0.0)
        await until(first_at)
        content = _content(told.answer)
        await send({"type": "http.response.start", "status": told.answer.status, "headers": _headers(told.answer)})
        await until(first_at + told.answer.download_s / self._speed)
        await send({"type": "http.response.body", "body": content})

    async def _leave(self, told: Conversation, arrived_at: float, scope: Scope, receive: Receive) -> None:
        """Answer nothing, and cut the connection when that is what happened."""
        transport = self._connection(scope)
        for line in told.lines:
            await until(arrived_at + line.lag_s / self._speed)
            if transport is not None:
                ends.cut(transport)
        while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
            """Wait until the client has gone: no answer at all would be reported as a mistake of ours."""

    async def _stream(
        self, fitting: Sequence[Conversation], arrived_at: float, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # What was refused told nothing of its sound: only the order says whose turn it is.
        expected = self._programme.expect(fitting)
        try:
            if expected.answer is not None:
                self._noted(self._programme.next([expected]))
                await until(arrived_at + expected.answer.whole_s / self._speed)
                response = Response(_content(expected.answer), expected.answer.status)
                response.raw_headers = _headers(expected.answer)
                await self._answer(response, scope, receive, send)
                return
            if expected.opened_s is None:
                self._noted(self._programme.next([expected]))
                await receive()  # the request for a socket
                await self._leave(expected, arrived_at, scope, receive)
                return
            await receive()
            await until(arrived_at + expected.opened_s / self._speed)
            await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
            ear = None if self._sounds is None else Ear(self._prints(fitting))
            performance = Performance(
                self._programme, fitting, expected, ear, speed=self._speed, note=lambda one: self._noted(one)
            )
            await performance.hold(receive, send, self._connection(scope))
        except OSError:
            return  # the client has gone
        finally:
            self._programme.forget(expected)

    def _prints(self, fitting: Sequence[Conversation]) -> list[Print]:
        wanted = {(one.clip_id, one.from_s) for one in fitting}
        return [one for one in self._sounds.prints if (one.clip_id, one.from_s) in wanted] if self._sounds else []

    def _noted(self, told: Conversation | None) -> None:
        if told is None:
            self._note("refused: a stream whose sound is not of the run")
        else:
            at = f" from {told.from_s:.2f} s" if told.from_s else ""
            self._note(f"{told.provider} {told.route}: {told.clip_id}, attempt {told.attempt}{at}")


def _content(answer: Answer) -> bytes:
    return answer.body.encode()


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    own = [("content-length", str(len(_content(answer))))]
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in [*answer.headers, *own]
    ]
