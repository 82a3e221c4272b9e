"""An open socket of a replay, talked to by a plain client over TCP."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from evalkit import corpora
from evalkit.types import Clip, Event, Trace
from tests.patience import LONG_S, in_a_quiet_moment
from tests.replayed import of_traces, playing
from tests.trials import corpus

DONE = '{"type":"audio.done"}'


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """Two seconds of noise."""
    return corpus(tmp_path, 1).clips[0]


def trace(clip: Clip, *said: Event, attempt: int = 1, from_s: float = 0.0, greeting: str = "hello") -> Trace:
    """Frames of 0.1 s for a second, then the end of it, among what was said."""
    frames = [
        Event(0.1 + 0.1 * n, from_s + 0.1 * n, "audio", {"bytes": 3200, "due_s": 0.1 + 0.1 * n}) for n in range(1, 11)
    ]
    events = [
        Event(0.01, 0.0, "open", {"url": "ws://x.example/v1/stt"}),
        Event(0.02, 0.0, "received", greeting),
        *sorted([*frames, Event(1.11, 1.0, "sent", DONE), *said], key=lambda event: event.t_s),
    ]
    return Trace(clip.id, "p", "streaming", {}, attempt, datetime(2026, 11, 20, tzinfo=UTC), tuple(events), from_s)


GUESS = Event(0.55, 0.4, "received", "guess")
FINAL = Event(1.16, 1.0, "received", "final")
CLOSED = Event(1.17, 1.0, "closed", {"code": 1000, "reason": "bye"})


def sound(clip: Clip, start_s: float = 0.0) -> bytes:
    return corpora.audio(clip, sample_rate_hz=16_000).since(start_s).pcm[: 2 * 16_000]


async def heard(socket: ClientConnection) -> list[str | bytes]:
    """Everything that still comes."""
    messages = []
    try:
        while True:
            messages.append(await asyncio.wait_for(socket.recv(), LONG_S))
    except ConnectionClosed:
        return messages


async def test_messages_come_when_so_much_was_heard_and_as_much_later(clip: Clip) -> None:
    recorded = of_traces([trace(clip, GUESS, FINAL, CLOSED)], [clip])
    late_s: list[float] = []

    async def attempt(_: int) -> None:
        async with connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
            assert await socket.recv() == "hello"
            pcm = sound(clip)
            await socket.send(pcm[:12_000])  # short of 0.4 s
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.15)
            began = time.perf_counter()
            await socket.send(pcm[12_000:])
            assert await socket.recv() == "guess"
            late_s.append(time.perf_counter() - began)
            await asyncio.sleep(0.2)
            began = time.perf_counter()
            await socket.send(DONE)
            assert await socket.recv() == "final"
            late_s.append(time.perf_counter() - began)
            assert await heard(socket) == []
        assert (socket.close_code, socket.close_reason) == (1000, "bye")
        assert max(late_s[-2:]) < 0.3

    async with playing(recorded) as url:
        await in_a_quiet_moment(attempt)
    assert min(late_s) > 0.045


async def test_faster_waits_less(clip: Clip) -> None:
    late = Event(1.91, 1.0, "received", "final")
    recorded = of_traces([trace(clip, GUESS, late, Event(1.92, 1.0, "closed", {"code": 1000, "reason": ""}))], [clip])

    async def attempt(_: int) -> None:
        async with connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
            await socket.send(sound(clip))
            await socket.send(DONE)
            began = time.perf_counter()
            assert await heard(socket) == ["hello", "guess", "final"]
            assert time.perf_counter() - began < 0.5

    async with playing(recorded, speed=20) as url:
        await in_a_quiet_moment(attempt)


async def test_the_clip_is_known_by_its_sound_not_by_its_turn(clip: Clip) -> None:
    other = trace(clip, Event(0.55, 0.4, "received", "of the rest"), CLOSED, attempt=2, from_s=0.7, greeting="again")
    recorded = of_traces([trace(clip, GUESS, FINAL, CLOSED), other], [clip])
    notes: list[str] = []
    async with playing(recorded, notes=notes) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        assert await socket.recv() == "hello"
        await socket.send(sound(clip, 0.7))
        await socket.send(DONE)
        assert await heard(socket) == ["of the rest"]
    assert notes == ["p streaming: noise-0, attempt 2 from 0.70 s"]


async def test_a_longer_greeting_of_another_conversation_swallows_nothing(clip: Clip) -> None:
    chatty = trace(clip, Event(0.03, 0.0, "received", "welcome"), GUESS, FINAL, CLOSED, from_s=0.7)
    recorded = of_traces([chatty, trace(clip, GUESS, FINAL, CLOSED, attempt=2)], [clip])
    async with playing(recorded) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        assert [await socket.recv(), await socket.recv()] == ["hello", "welcome"]
        await socket.send(sound(clip))
        await socket.send(DONE)
        assert await heard(socket) == ["guess", "final"]


async def test_unknown_sound_is_refused_in_a_sentence(clip: Clip) -> None:
    recorded = of_traces([trace(clip, GUESS, FINAL, CLOSED)], [clip])
    notes: list[str] = []
    async with playing(recorded, notes=notes) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(bytes(6400))
        assert await heard(socket) == ["hello"]
    assert socket.close_code == 1008
    assert "--in-order" in str(socket.close_reason)
    assert notes == ["refused: a stream whose sound is not of the run"]


async def test_in_order_any_sound_will_do(clip: Clip) -> None:
    recorded = of_traces([trace(clip, GUESS, FINAL, CLOSED)], [clip], in_order=True)
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(bytes(32_000))
        await socket.send(DONE)
        assert await heard(socket) == ["hello", "guess", "final"]


async def test_another_client_may_end_in_its_own_way_and_send_less(clip: Clip) -> None:
    recorded = of_traces([trace(clip, GUESS, FINAL, CLOSED)], [clip])
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send('{"type":"KeepAlive"}')
        await socket.send(sound(clip)[:20_000])
        await socket.send('{"type": "audio.done", "why": "enough"}')
        assert await heard(socket) == ["hello", "guess", "final"]
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(sound(clip))
        await socket.send(b"")
        assert await heard(socket) == ["hello", "guess", "final"]


@pytest.mark.parametrize(("code", "came"), [(1006, 1006), (1005, 1005), (1011, 1011), (4000, 4000)])
async def test_a_socket_ends_as_it_ended(clip: Clip, code: int, came: int) -> None:
    closed = Event(0.9, 0.7, "closed", {"code": code, "reason": ""})
    recorded = of_traces([trace(clip, GUESS, closed)], [clip])
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(sound(clip))
        assert await heard(socket) == ["hello", "guess"]
        await socket.wait_closed()
    assert socket.protocol.close_code == came


async def test_a_binary_message_has_its_length(clip: Clip) -> None:
    binary = Event(0.56, 0.4, "received", "<7 bytes>")
    recorded = of_traces([trace(clip, binary, CLOSED)], [clip])
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(sound(clip))
        await socket.send(DONE)
        assert await heard(socket) == ["hello", bytes(7)]


async def test_a_silent_service_still_answers_pings_and_a_client_may_leave(clip: Clip) -> None:
    silent = Event(61.0, 1.0, "error", {"type": "Unavailable", "message": "no transcript.done within 60 s"})
    recorded = of_traces([trace(clip, GUESS, silent)], [clip])
    async with playing(recorded, speed=10) as url, connect(f"{url}/v1/stt".replace("http", "ws", 1)) as socket:
        await socket.send(sound(clip))
        await socket.send(DONE)
        assert [await socket.recv(), await socket.recv()] == ["hello", "guess"]
        assert await asyncio.wait_for(await socket.ping(), LONG_S) >= 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)
