"""Sound into a socket."""

import pytest
from websockets.asyncio.server import ServerConnection

from evalkit.providers.speaking import speak
from evalkit.types import Audio
from evalkit.wire import Timeouts, Wire, http_client
from tests.peers import ws_server


@pytest.mark.parametrize(("seconds", "told_s"), [(0.30, 0.30), (0.32, 0.40)])
async def test_the_message_leaves_with_the_last_sample_and_before_the_silence(seconds: float, told_s: float) -> None:
    async def listen(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with ws_server(listen) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        audio = Audio(b"\1\0" * round(16_000 * seconds), 16_000)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            await speak(socket, wire, audio, frame_ms=100, speed=20, silence_s=0.2, at_end="flush")
    told = [event for event in wire.events if event.kind == "sent"]
    assert [event.data for event in told] == ["flush"]
    assert told[0].audio_s == pytest.approx(told_s)
    frames = [event for event in wire.events if event.kind == "audio"]
    assert frames[-1].audio_s == pytest.approx(seconds + 0.2)
