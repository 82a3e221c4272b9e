"""The wire against real sockets: what is recorded, masked, paced and mapped."""

import asyncio
import itertools
import json
from contextlib import suppress

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from evalkit.errors import SettingsError, Unavailable
from evalkit.types import Audio, Event
from evalkit.wire import MASK, Timeouts, Upload, Wire, http_client, is_loopback
from tests.peers import closed_port, http_answer, http_server, tcp_server, ws_server

KEY = "xai-planted-secret"
SECOND = Audio(bytes(32_000), 16_000)


async def exchange(answer: bytes, **options: object) -> tuple[Event, ...]:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return answer

    async with http_server(reply) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http, environ={"KEY": KEY})
        await wire.request(
            "POST",
            f"{url}/v1/stt",
            headers={"Authorization": f"Bearer {wire.secret('KEY')}"},
            fields=[("model", "m"), ("keyterm", "a"), ("keyterm", "b")],
            file=Upload("audio.wav", b"RIFF", "audio/wav", 1.0),
        )
    assert KEY.encode() in seen[0], "the service must get the key"
    body = seen[0]
    assert body.index(b'name="model"') < body.index(b'name="keyterm"') < body.index(b'name="file"')
    assert body.count(b'name="keyterm"') == 2
    return wire.events


async def test_an_http_exchange_is_recorded_with_its_phases() -> None:
    sent, received = await exchange(http_answer(200, '{"text":"hi"}', X_Request_Id="r1"))
    assert sent.kind == "sent"
    assert sent.data["fields"] == [["model", "m"], ["keyterm", "a"], ["keyterm", "b"]]
    assert sent.data["file"] == {"name": "audio.wav", "bytes": 4, "mime": "audio/wav", "audio_s": 1.0}
    assert received.data["status"] == 200
    assert received.data["body"] == '{"text":"hi"}'
    assert received.data["headers"]["x-request-id"] == "r1"
    phases = received.data["phases"]
    assert 0 < phases["connected_s"] <= phases["sent_s"] <= phases["first_byte_s"] <= received.t_s
    assert received.audio_s == 1.0


async def test_a_key_never_reaches_the_record_even_when_the_service_echoes_it() -> None:
    events = await exchange(http_answer(400, json.dumps({"error": f"Incorrect API key {KEY}"}), Set_Cookie=f"k={KEY}"))
    recorded = json.dumps([event.data for event in events])
    assert KEY not in recorded
    assert MASK in recorded
    assert events[0].data["headers"]["Authorization"] == MASK


async def test_a_missing_key_names_the_variable() -> None:
    async with http_client(Timeouts(), loopback=True) as http:
        with pytest.raises(SettingsError, match="XAI_API_KEY"):
            Wire(http, environ={}).secret("XAI_API_KEY")


async def test_a_closed_port_is_one_sentence_for_both_kinds_of_call() -> None:
    url = await closed_port()
    async with http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        with pytest.raises(Unavailable, match=r"cannot be reached \(connection refused\)"):
            await wire.request("POST", url)
        assert wire.events[-1].kind == "error"
        wire = Wire(http)
        with pytest.raises(Unavailable, match=r"cannot be reached \(connection refused\)"):
            async with wire.websocket(url.replace("http", "ws")):
                raise AssertionError
        assert wire.events[-1].data["type"] == "Unavailable"


async def test_a_slow_answer_is_unavailable() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp_server(silent) as url, http_client(Timeouts(answer_s=0.05), loopback=True) as http:
        with pytest.raises(Unavailable, match="did not answer in time"):
            await Wire(http).request("GET", url)


async def test_a_stream_is_recorded_message_by_message() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("ready")
        received = 0
        async for message in socket:
            if isinstance(message, str):
                break
            received += len(message)
        await socket.send(f"got {received}")
        await socket.close(1000, "bye")

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws") + "/v1?x=1") as socket:
            await socket.until(lambda message: message == "ready", what="ready")
            async for frame in wire.pace(SECOND, 100):
                await socket.send_audio(frame)
            await socket.send("done")
            await socket.until(lambda message: message.startswith("got"), what="answer")
    kinds = [event.kind for event in wire.events]
    assert kinds[0] == "open"
    assert kinds.count("audio") == 10
    assert kinds[-1] == "closed"
    assert [event.data for event in wire.events if event.kind == "received"] == ["ready", "got 32000"]
    assert wire.events[-1].data == {"code": 1000, "reason": "bye"}
    assert [event.t_s for event in wire.events] == sorted(event.t_s for event in wire.events)


async def paced(frame_ms: int, stagger: float = 0.0) -> list[Event]:
    async def talk(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http, stagger=stagger)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(32_000 // 2), 16_000), frame_ms):
                await socket.send_audio(frame)
    return [event for event in wire.events if event.kind == "audio"]


async def test_no_frame_leaves_before_its_last_sample_was_spoken() -> None:
    frames = await paced(50)
    assert all(event.t_s >= event.data["due_s"] for event in frames)
    gaps = [b.data["due_s"] - a.data["due_s"] for a, b in itertools.pairwise(frames)]
    assert gaps == pytest.approx([0.05] * 9, abs=2e-6)
    assert [event.audio_s for event in frames] == pytest.approx([0.05 * k for k in range(1, 11)])


async def test_a_late_frame_delays_no_deadline_behind_it() -> None:
    """The deadlines stay on the clock of the first frame although one frame is held up for four frame lengths."""

    async def talk(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(16_000), 16_000), 50):
                await asyncio.sleep(0.2 if not wire.events or wire.events[-1].kind == "open" else 0)
                await socket.send_audio(frame)
    frames = [event for event in wire.events if event.kind == "audio"]
    origins = [event.data["due_s"] - event.audio_s for event in frames]
    assert origins == pytest.approx([origins[0]] * len(frames), abs=2e-6)
    assert frames[0].t_s - frames[0].data["due_s"] >= 0.2


async def test_a_socket_that_closes_early_is_unavailable_and_names_what_was_missed() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("half")
        socket.transport.abort()

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        with pytest.raises(Unavailable, match="closed before the end"):
            async with wire.websocket(url.replace("http", "ws")) as socket:
                await socket.until(lambda message: message == "whole", what="the end")
    assert [event.kind for event in wire.events] == ["open", "received", "closed", "error"]


async def test_a_wait_ends_although_other_messages_keep_arriving() -> None:
    async def talk(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.send("not yet")
                await asyncio.sleep(0.01)

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http, timeouts=Timeouts(message_s=0.1))
        with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
            async with wire.websocket(url.replace("http", "ws")) as socket:
                await socket.until(lambda message: message == "answer", what="answer")


async def test_a_wait_ends_when_the_service_says_it_failed() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("error")
        await socket.wait_closed()

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            await socket.until(lambda _: False, what="answer", unless=lambda message: message == "error")
    assert [event.kind for event in wire.events] == ["open", "received", "closed"]


@pytest.mark.parametrize("key", ["short", "with a space", "schlüssel-schlüssel", "line\nbreak-line"])
async def test_what_cannot_be_a_key_is_refused_before_it_is_sent(key: str) -> None:
    async with http_client(Timeouts(), loopback=True) as http:
        with pytest.raises(SettingsError, match="KEY holds no API key") as caught:
            Wire(http, environ={"KEY": key}).secret("KEY")
    assert key not in str(caught.value)


async def test_a_body_that_cannot_be_decoded_is_unavailable() -> None:
    broken = http_server(lambda _: http_answer(200, "no gzip at all", Content_Encoding="gzip"))
    async with broken as url, http_client(Timeouts(), loopback=True) as http:
        with pytest.raises(Unavailable, match="cannot be decoded"):
            await Wire(http).request("GET", url)


async def test_stamps_stay_with_their_messages_after_a_redirect() -> None:
    async def talk(socket: ServerConnection) -> None:
        for message in ("one", "two"):
            await asyncio.sleep(0.1)
            await socket.send(message)

    async with ws_server(talk) as target, http_client(Timeouts(), loopback=True) as http:
        moved = http_answer(302, "", Location=target.replace("http", "ws"))
        async with http_server(lambda _: moved) as url:
            wire = Wire(http)
            async with wire.websocket(url.replace("http", "ws")) as socket:
                await socket.until(lambda message: message == "two", what="two")
    opened, one, two = (event.t_s for event in wire.events if event.kind in ("open", "received"))
    assert one - opened >= 0.09
    assert two - one >= 0.09


async def test_a_refused_upgrade_is_recorded_as_an_answer() -> None:
    refuse = http_server(lambda _: http_answer(400, '{"error":"no"}'))
    async with refuse as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        with pytest.raises(Unavailable, match="HTTP 400"):
            async with wire.websocket(url.replace("http", "ws")):
                raise AssertionError
    (event,) = wire.events
    assert (event.kind, event.data["status"], event.data["body"]) == ("received", 400, '{"error":"no"}')


def test_loopback_is_told_from_the_world() -> None:
    assert is_loopback("ws://127.0.0.1:9/x")
    assert not is_loopback("https://api.x.ai")
    assert not is_loopback("https://127.0.0.1.example.com")
