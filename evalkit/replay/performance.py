"""One open socket of a replay: hears the sound until it knows the clip, and tells what was told of it then."""

from __future__ import annotations

import asyncio
import json
import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence

from starlette.types import Receive, Send

from evalkit.emulator import ends
from evalkit.replay.clock import now, until
from evalkit.replay.conversations import Conversation, Line
from evalkit.replay.hearing import Ear
from evalkit.replay.programme import Programme

UNKNOWN_SOUND = "this sound is not of the run; --in-order does not listen to it"
# A clip that was resampled anew may end a sample earlier.
_SLACK_S = 0.001
_UNSENDABLE = (1004, 1005, 1006, 1015)


class Performance:
    """The service's side of one conversation. Hearing never waits for telling."""

    def __init__(
        self,
        programme: Programme,
        among: Sequence[Conversation],
        expected: Conversation,
        ear: Ear | None,
        *,
        speed: float,
        note: Callable[[Conversation | None], None],
    ) -> None:
        """A socket that has just opened.

        Args:
            programme: what is told when.
            among: the conversations this can be.
            expected: the one it most likely is; what it told before any sound is told until the clip is known.
            ear: None when the sound shall not matter.
            speed: how many times faster than recorded.
            note: called once, with what it turned out to be, or None for a sound that is not of the run.
        """
        self._programme = programme
        self._among = [one for one in among if one.opened_s is not None and one.bytes_per_s]
        self._playing = expected
        self._ear = ear
        self._speed = speed
        self._note = note
        self._known = not expected.bytes_per_s
        self._unknown = False
        self._opened_at = now()
        self._heard: list[int] = []
        self._heard_at: list[float] = []
        self._controls_at: list[float] = []
        self._complete = False
        self._changed = asyncio.Event()
        if self._known:
            programme.next([expected])
            note(expected)

    async def hold(self, receive: Receive, send: Send, transport: asyncio.Transport | None) -> None:
        """Talk until either side ends it."""
        hearing = asyncio.create_task(self._hear(receive))
        telling = asyncio.create_task(self._tell(send, transport))
        try:
            await asyncio.wait([hearing, telling], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hearing, telling):
                task.cancel()
            outcomes = await asyncio.gather(hearing, telling, return_exceptions=True)
        for outcome in outcomes:
            # A client that vanishes is no fault of ours; uvicorn tells of it by an OSError.
            if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                raise outcome

    async def _hear(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            data, text = message.get("bytes"), message.get("text")
            if data:
                self._sound(data)
            elif data is not None or text is not None:
                self._control(text or "")
            self._changed.set()

    def _sound(self, data: bytes) -> None:
        self._heard.append(len(data) + (self._heard[-1] if self._heard else 0))
        self._heard_at.append(now())
        if not self._known:
            if self._ear is not None:
                self._ear.hear(data)
            self._recognise(last=False)

    def _recognise(self, *, last: bool) -> None:
        """See which conversation this is, once only one is left, something must be said, or no more will be heard."""
        if self._ear is None:
            self._decide([self._playing])
            return
        left = {(one.clip_id, one.from_s) for one in self._ear.possible}
        among = [one for one in self._among if (one.clip_id, one.from_s) in left]
        due = any(self._heard[-1] >= one.reply_s * one.bytes_per_s for one in among)
        if last or due or self._ear.certain:
            self._decide(among)

    def _decide(self, among: Sequence[Conversation]) -> None:
        self._known, self._unknown = True, not among
        if among:
            self._playing = self._programme.next(among)
        self._note(self._playing if among else None)

    def _control(self, text: str) -> None:
        """A message that is no sound: the recorded one it stands for, and those before it, have arrived."""
        if self._heard and not self._known:
            self._recognise(last=True)
        wanted = self._playing.controls[len(self._controls_at) :]
        place = next((place for place, recorded in enumerate(wanted) if _alike(text, recorded)), None)
        if place is None and wanted and self._heard_all():
            place = 0  # another client's way to end
        if place is not None:
            self._controls_at += [now()] * (place + 1)
            self._complete = len(self._controls_at) == len(self._playing.controls)

    def _heard_all(self) -> bool:
        needed_s = max((line.audio_s for line in self._playing.lines), default=0.0)
        return not self._known or self._reached(needed_s) is not None

    async def _tell(self, send: Send, transport: asyncio.Transport | None) -> None:
        told = 0
        while True:
            play = self._playing
            if self._unknown:
                await send({"type": "websocket.close", "code": 1008, "reason": UNKNOWN_SOUND})
                return
            waiting = told >= (play.greeting if not self._known else len(play.lines))
            due = None if waiting else self._due(play, play.lines[told])
            if due is None:
                self._changed.clear()
                await self._changed.wait()
            else:
                await until(due)
            if self._playing is not play:
                told = min(told, self._playing.greeting)
            elif due is not None:
                if await self._perform(play.lines[told], send, transport):
                    return
                told += 1

    async def _perform(self, line: Line, send: Send, transport: asyncio.Transport | None) -> bool:
        """Say it, or end the conversation; whether it is over."""
        if line.does == "say":
            await send({"type": "websocket.send", **_message(line.text)})
            return False
        if line.does == "close" and line.code not in _UNSENDABLE:
            await send({"type": "websocket.close", "code": line.code, "reason": line.text})
        elif transport is not None and line.does == "close":
            transport.write(struct.pack("!BB", 0x88, 0))  # a close frame that tells no code
            await asyncio.Event().wait()
        elif transport is not None:
            ends.cut(transport)
        return True

    def _due(self, play: Conversation, line: Line) -> float | None:
        """When a line must leave; None while the client has not done what it follows."""
        heard_at = self._reached(line.audio_s) if line.audio_s > 0 else self._opened_at
        if heard_at is None or len(self._controls_at) < line.controls:
            return None
        after = {"audio": heard_at, "open": self._opened_at, "request": self._opened_at}
        begun = self._controls_at[line.controls - 1] if line.after == "control" else after[line.after]
        return begun + line.lag_s / self._speed

    def _reached(self, audio_s: float) -> float | None:
        """When so much of the clip had been heard; None when it has not."""
        place = bisect_left(self._heard, (audio_s - _SLACK_S) * self._playing.bytes_per_s)
        if place < len(self._heard):
            return self._heard_at[place]
        # The client said that this was all, though the recorded one sent more.
        return self._controls_at[-1] if self._complete and self._controls_at else None


def _message(text: str) -> dict[str, str | bytes]:
    """A message as it was; of a binary one only the length was kept."""
    size = text.removeprefix("<").removesuffix(" bytes>")
    if text == f"<{size} bytes>" and size.isascii() and size.isdecimal():
        return {"bytes": bytes(int(size))}
    return {"text": text}


def _alike(one: str, other: str) -> bool:
    return one == other or _kind(one) == _kind(other)


def _kind(text: str) -> object:
    """What sort of message it is: its type, or else the names in it."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(content, dict):
        return text
    return ("type", content["type"]) if isinstance(content.get("type"), str) else tuple(sorted(content))
