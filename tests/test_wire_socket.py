"""Sockets: when what arrived is stamped, and pings."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from evalkit.errors import Unavailable
from evalkit.types import Audio
from evalkit.wire import Timeouts, Wire, http_client
from evalkit.wire import socket as sockets
from tests.patience import until
from tests.peers import ws_server


async def test_pings_go_on_during_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_S", 0.02)

    async def talk(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")):
            await until(lambda: sum(event.kind == "ping" for event in wire.events) >= 3)


async def test_a_peer_that_answers_no_ping_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-open: the connection stands, and nobody reads it."""
    monkeypatch.setattr(sockets, "PONG_S", 0.1)
    released = asyncio.Event()

    async def talk(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await released.wait()
        socket.transport.abort()

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        try:
            with pytest.raises(Unavailable, match="closed before an answer"):
                async with wire.websocket(url.replace("http", "ws")) as socket:
                    await socket.until(lambda _: False, what="an answer")
        finally:
            released.set()
    assert not any(event.kind == "ping" for event in wire.events)
    assert wire.events[-1].kind == "error"


async def test_a_message_is_stamped_when_it_arrives_and_not_when_it_is_read() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("one")
        await socket.wait_closed()

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)
        async with wire.websocket(url.replace("http", "ws")) as socket:
            await socket.until(lambda message: message == "one", what="one")
    (one,) = (event for event in wire.events if event.kind == "received")
    assert wire.events[0].t_s <= one.t_s
    assert [event.t_s for event in wire.events] == sorted(event.t_s for event in wire.events)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    subject = ["-subj", "/CN=peer", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_is_a_phase_of_its_own_and_only_who_is_trusted_is_talked_to(certificate: Path, trusted: bool) -> None:
    async def talk(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=certificate) if trusted else None
    async with (
        serve(talk, "127.0.0.1", 0, ssl=context) as server,
        http_client(Timeouts(), loopback=True, trust=trust) as http,
    ):
        url = f"wss://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        wire = Wire(http)
        if not trusted:
            with pytest.raises(Unavailable, match=r"self.signed certificate"):
                async with wire.websocket(url):
                    raise AssertionError
            return
        async with wire.websocket(url) as socket:
            async for frame in wire.pace(Audio(bytes(3200), 16_000), 50):
                await socket.send_audio(frame)
    opened = wire.events[0]
    assert 0 < opened.data["tcp_s"] < opened.data["connected_s"] < opened.t_s
