"""The wire against real sockets: what is recorded, masked, paced and mapped."""

import asyncio
import io
import itertools
import json
import time
import wave
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from evalkit import audio as sound
from evalkit.errors import SettingsError, Unavailable
from evalkit.types import Audio, Event, Trace
from evalkit.wire import MASK, Timeouts, Upload, Wire, http_client
from evalkit.wire.upload import WavFile
from tests.patience import until
from tests.peers import closed_port, http_answer, http_server, tcp_server, ws_server

KEY = "xai-planted-secret"
SECOND = Audio(bytes(32_000), 16_000)


async def swallow(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


def kinds(wire: Wire) -> list[str]:
    """What happened, but for pings, which nobody waits for."""
    return [event.kind for event in wire.events if event.kind != "ping"]


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
    assert list(phases) == ["tcp_s", "connected_s", "sent_s", "first_byte_s"]
    assert 0 < phases["tcp_s"] <= phases["connected_s"] <= phases["sent_s"] <= phases["first_byte_s"] <= received.t_s
    assert received.audio_s == 1.0


async def test_a_body_by_itself_is_sent_whole_from_memory_and_from_disk() -> None:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return http_answer(200, "{}")

    sound = Audio(b"\1\2" * 100_000, 16_000)
    uploads = [Upload.wav(sound), Upload("audio.wav", WavFile(sound), "audio/wav", sound.duration_s)]
    async with http_server(reply) as url, http_client(Timeouts(), loopback=True) as http:
        for upload in uploads:
            wire = Wire(http)
            await wire.request("POST", url, headers={"X-Own": "1"}, body=upload)
            assert wire.events[0].data["file"]["bytes"] == 200_044
            assert wire.events[-1].audio_s == 6.25
    for request in seen:
        head, _, body = request.partition(b"\r\n\r\n")
        assert body == sound.wav()
        assert b"content-type: audio/wav" in head.lower()
        assert b"transfer-encoding" not in head.lower()
        assert b"X-Own: 1" in head


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


async def paced(frame_ms: int, **options: float) -> list[Event]:
    async with ws_server(swallow) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(32_000 // 2), 16_000), frame_ms, **options):
                await socket.send_audio(frame)
    return [event for event in wire.events if event.kind == "audio"]


async def test_no_frame_leaves_before_its_last_sample_was_spoken() -> None:
    frames = await paced(50)
    assert all(event.t_s >= event.data["due_s"] for event in frames)
    gaps = [b.data["due_s"] - a.data["due_s"] for a, b in itertools.pairwise(frames)]
    assert gaps == pytest.approx([0.05] * 9, abs=2e-6)
    assert [event.audio_s for event in frames] == pytest.approx([0.05 * k for k in range(1, 11)])


async def test_silence_follows_the_sound_on_the_same_clock() -> None:
    frames = await paced(50, silence_s=0.1)
    assert [event.audio_s for event in frames] == pytest.approx([0.05 * k for k in range(1, 13)])
    assert {event.data["bytes"] for event in frames} == {1600}


async def test_audio_faster_than_speech_says_so_and_has_no_latency() -> None:
    trace = Trace("c", "p", "streaming", {}, 1, datetime.now(UTC), tuple(await paced(50, speed=5.0)))
    due_s = [event.data["due_s"] for event in trace.events]
    assert due_s[-1] - due_s[0] == pytest.approx(0.45 / 5, abs=2e-6)
    assert trace.audio_origin_s() == pytest.approx(due_s[0] - 0.01, abs=2e-6)
    pacing = trace.pacing()
    assert pacing is not None
    assert (pacing.speed, pacing.valid) == (5.0, False)


async def test_the_first_frame_tells_the_settings_of_the_pacing() -> None:
    first, second, *_ = await paced(50)
    assert first.data.keys() == {"bytes", "due_s", "frame_ms", "speed", "blocked_s", "stall_s"}
    assert (first.data["frame_ms"], first.data["speed"]) == (50, 1.0)
    assert second.data.keys() >= {"bytes", "due_s"}
    assert "speed" not in second.data


async def test_a_loop_that_stands_still_between_frames_is_seen() -> None:
    """No frame is late, but an answer could have waited: only the heartbeat tells."""
    async with ws_server(swallow) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(3 * 16_000), 16_000), 500):
                await socket.send_audio(frame)
                await asyncio.sleep(0.02)
                time.sleep(0.1)  # noqa: ASYNC251 what must not happen
    pacing = Trace("c", "p", "streaming", {}, 1, datetime.now(UTC), wire.events).pacing()
    assert pacing is not None
    assert pacing.stall_max_s is not None
    assert pacing.stall_max_s >= 0.08


async def test_a_peer_that_does_not_read_blocks_us_for_as_long_as_it_likes() -> None:
    """Frames of 1 MB, more than the buffers between the two hold."""

    handed_s: list[float] = []

    async def slow(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await until(lambda: bool(handed_s) and time.perf_counter() - handed_s[-1] >= 0.15)
        socket.transport.resume_reading()
        await swallow(socket)

    async with ws_server(slow) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(20_000_000), 48_000_000), 10):
                handed_s.append(time.perf_counter())
                await socket.send_audio(frame)
                handed_s.clear()
    pacing = Trace("c", "p", "streaming", {}, 1, datetime.now(UTC), wire.events).pacing()
    assert pacing is not None
    assert pacing.blocked_s is not None
    assert pacing.blocked_s >= 0.1


async def test_the_round_trip_is_measured_before_and_after_the_audio() -> None:
    async def talk(socket: ServerConnection) -> None:
        async for message in socket:
            if message == "done":
                await asyncio.sleep(0.05)
                await socket.send("bye")

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            await until(lambda: any(event.kind == "ping" for event in wire.events))
            async for frame in wire.pace(Audio(bytes(16_000), 16_000), 100):
                await socket.send_audio(frame)
            await socket.send("done")
            await socket.until(lambda message: message == "bye", what="bye")
    before, *_, after = [event for event in wire.events if event.kind == "ping"]
    frames = [event for event in wire.events if event.kind == "audio"]
    assert before.t_s < frames[0].t_s < frames[-1].t_s < after.t_s
    assert all(event.data["rtt_s"] > 0 for event in (before, after))


async def test_opening_a_socket_is_split_into_its_phases() -> None:
    async with ws_server(swallow) as url, http_client(Timeouts(), loopback=True) as http:
        wires = [Wire(http), Wire(http)]
        for wire in wires:
            async with wire.websocket(url.replace("http", "ws")):
                pass
    for wire, cold in zip(wires, (True, False), strict=True):
        opened = wire.events[0]
        assert opened.data["cold"] is cold
        assert 0 < opened.data["tcp_s"] <= opened.data["connected_s"] <= opened.t_s


async def test_a_late_frame_delays_no_deadline_behind_it() -> None:
    """The deadlines stay on the clock of the first frame although one frame is held up for four frame lengths."""

    async with ws_server(swallow) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            async for frame in wire.pace(Audio(bytes(16_000), 16_000), 50):
                await asyncio.sleep(0 if any(event.kind == "audio" for event in wire.events) else 0.2)
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
    assert kinds(wire) == ["open", "received", "closed", "error"]


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
    assert kinds(wire) == ["open", "received", "closed"]


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
        async for message in socket:
            await socket.send(message)

    async with ws_server(talk) as target, http_client(Timeouts(), loopback=True) as http:
        moved = http_answer(302, "", Location=target.replace("http", "ws"))
        async with http_server(lambda _: moved) as url:
            wire = Wire(http)
            async with wire.websocket(url.replace("http", "ws")) as socket:
                for number in ("one", "two"):
                    await asyncio.sleep(0.1)
                    await socket.send(number)
                    await socket.until(lambda message, number=number: message == number, what=number)  # type: ignore[misc]
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


async def test_a_kept_connection_is_warm_and_has_no_phase_of_connecting() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with tcp_server(twice) as url, http_client(Timeouts(), loopback=True) as http:
        wires = [Wire(http), Wire(http)]
        for wire in wires:
            await wire.request("GET", url)
    assert [wire.events[0].data["cold"] for wire in wires] == [True, False]
    assert [sorted(wire.events[1].data["phases"]) for wire in wires] == [
        ["connected_s", "first_byte_s", "sent_s", "tcp_s"],
        ["first_byte_s", "sent_s"],
    ]


async def test_a_large_upload_is_read_from_disk_and_arrives_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "LONG_BYTES", 0)
    samples = np.arange(150_000, dtype="<i2")
    soundfile.write(tmp_path / "long.wav", samples, 16_000, subtype="PCM_16")
    bodies: list[bytes] = []

    def reply(request: bytes) -> bytes:
        bodies.append(request)
        return http_answer(200, "{}")

    async with http_server(reply) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        upload = Upload.wav(sound.read(tmp_path / "long.wav"))
        assert isinstance(upload.content, WavFile)
        await wire.request("POST", url, file=upload)
    assert wire.events[0].data["file"]["bytes"] == upload.size == 300_044
    content = bodies[0].partition(b"audio/wav\r\n\r\n")[2]
    with wave.open(io.BytesIO(content[: upload.size])) as file:
        assert file.readframes(150_000) == samples.tobytes()
