"""The proxy by itself, and the harness in every weather against a server whose answer is known."""

import asyncio
import itertools
import random
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.server import ServerConnection

from evalkit import weather
from evalkit.emulator import launch
from evalkit.errors import SettingsError, Unavailable
from evalkit.weather import Weather, forward, tunnel
from evalkit.wire import Timeouts, Wire, http_client
from tests.patience import LONG_S
from tests.peers import closed_port, tcp_server, ws_server
from tests.trials import ATTEMPTS, AUDIO_S, KNOBS, TRUTH, Came, hurried, locked, script, tried

PLAN = weather.plan(0, audio_s=AUDIO_S)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@asynccontextmanager
async def through(
    sky: Weather, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = echo
) -> AsyncIterator[int]:
    async with tcp_server(talk) as url, forward("127.0.0.1", port_of(url), sky) as port:
        yield port


@asynccontextmanager
async def client(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def trip_s(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    began = time.perf_counter()
    writer.write(b"ping")
    assert await reader.readexactly(4) == b"ping"
    return time.perf_counter() - began


async def least_s(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, under_s: float) -> float:
    """The shortest of as many trips as it takes to find one below ``under_s``: a busy machine makes some late."""
    trips = [await trip_s(reader, writer) for _ in range(5)]
    until_s = time.monotonic() + LONG_S
    while min(trips) >= under_s and time.monotonic() < until_s:
        trips.append(await trip_s(reader, writer))
    return min(trips)


@pytest.fixture
def age(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How old each connection says it is: a clock that moves when it is told to."""
    seconds = [0.0]
    monkeypatch.setattr(weather._Passage, "_age_s", lambda _: seconds[0])
    return seconds


async def test_in_fair_weather_every_byte_arrives_in_order() -> None:
    sent = bytes(range(256)) * 40_000
    async with through(Weather()) as port, client(port) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        assert await reader.read(-1) == sent


@pytest.mark.parametrize("sky", [Weather(up_delay_s=0.05, down_delay_s=0.03), Weather(down_delay_s=0.08)])
async def test_a_planted_delay_is_in_every_round_trip(sky: Weather) -> None:
    async with through(sky) as port, client(port) as (reader, writer):
        assert 0.08 <= await least_s(reader, writer, 0.085) < 0.085


async def test_jitter_varies_and_keeps_the_order() -> None:
    async with through(Weather(up_jitter_s=0.1, seed=3)) as port, client(port) as (reader, writer):
        assert max([await trip_s(reader, writer) for _ in range(20)]) > 0.05
        assert await least_s(reader, writer, 0.03) < 0.03
        for number in range(50):
            writer.write(b"%02d" % number)
            await asyncio.sleep(0)
        assert await reader.readexactly(100) == b"".join(b"%02d" % number for number in range(50))


@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
async def test_jitter_is_bounded(luck: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random.Random, "uniform", lambda _, low, high: low + luck * (high - low))
    async with through(Weather(up_jitter_s=0.04)) as port, client(port) as (reader, writer):
        assert luck * 0.04 <= await least_s(reader, writer, luck * 0.04 + 0.01) < luck * 0.04 + 0.01


async def test_a_drop_is_a_reset_and_befalls_only_its_connections() -> None:
    async with through(Weather(drop_at_s=0.1, first=2, times=1)) as port:
        for number in (1, 2, 3):
            async with client(port) as (reader, writer):
                if number == 2:
                    with pytest.raises(ConnectionResetError):
                        await reader.read()
                else:
                    await trip_s(reader, writer)
                    await asyncio.sleep(0.15)
                    await trip_s(reader, writer)


async def test_silence_swallows_and_never_closes(age: list[float]) -> None:
    async with through(Weather(silent_at_s=0.1)) as port, client(port) as (reader, writer):
        await trip_s(reader, writer)
        age[0] = 0.1
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read()


async def test_silence_keeps_even_the_end_of_the_service_from_the_client() -> None:
    async def leave(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    async with through(Weather(silent_at_s=0.0), leave) as port, client(port) as (reader, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read()


async def test_a_stall_holds_everything_back_and_loses_nothing() -> None:
    async with through(Weather(stall_at_s=0.0, stall_s=0.3)) as port:
        began = time.perf_counter()
        async with client(port) as (reader, writer):
            await trip_s(reader, writer)
            assert time.perf_counter() - began >= 0.3
            assert await least_s(reader, writer, 0.1) < 0.1


async def test_a_slow_reader_takes_no_more_than_it_says() -> None:
    async with through(Weather(read_bytes_per_s=40_000)) as port, client(port) as (reader, writer):
        began = time.perf_counter()
        writer.write(bytes(20_000))
        await reader.readexactly(20_000)
        assert time.perf_counter() - began > 0.35


async def test_a_peer_that_reads_nothing_ends_the_sending() -> None:
    async def listen(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    sky = Weather(read_bytes_per_s=1000.0)
    async with ws_server(listen) as url, forward("127.0.0.1", port_of(url), sky) as port:
        timeouts = Timeouts(message_s=0.3)
        async with http_client(timeouts, loopback=True) as http:
            wire = Wire(http, timeouts=timeouts)

            async def pour() -> None:
                async with wire.websocket(f"ws://127.0.0.1:{port}") as socket:
                    for _ in itertools.count():
                        await socket.send("x" * 1_000_000)

            with pytest.raises(Unavailable, match="took nothing more"):
                await pour()
            assert wire.events[-1].kind == "error"


async def test_a_peer_that_closes_while_a_frame_waits_is_unavailable() -> None:
    async def leave(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await asyncio.sleep(0.2)
        socket.transport.resume_reading()
        async for _ in socket:  # the frame is over the server's limit: it closes with 1009
            pass

    async with ws_server(leave) as url, http_client(Timeouts(), loopback=True) as http:
        wire = Wire(http)

        async def pour() -> None:
            async with wire.websocket(url.replace("http", "ws")) as socket:
                for _ in range(20):
                    await socket.send("x" * 2_000_000)

        with pytest.raises(Unavailable, match="closed while audio was being sent"):
            await pour()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return folder


async def test_tls_passes_through_a_tunnel_untouched(certificate: Path) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    mine = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mine.load_cert_chain(certificate / "cert", certificate / "key")
    trust = ssl.create_default_context(cafile=str(certificate / "cert"))
    server = await asyncio.start_server(greet, "localhost", 0, ssl=mine)
    async with server, tunnel(Weather(down_delay_s=0.05)) as port:
        far = server.sockets[0].getsockname()[1]
        began = time.perf_counter()
        async with httpx.AsyncClient(proxy=f"http://127.0.0.1:{port}", verify=trust, timeout=LONG_S) as http:
            assert (await http.get(f"https://localhost:{far}/")).text == "hi"
        assert time.perf_counter() - began >= 0.1, "the handshake and the answer both came through the weather"


async def test_a_tunnel_that_leads_nowhere_says_so() -> None:
    nowhere = (await closed_port()).removeprefix("http://")
    async with tunnel(Weather()) as port:
        for request, status in ((f"CONNECT {nowhere} HTTP/1.1", b"502"), ("GET http://x/ HTTP/1.1", b"405")):
            async with client(port) as (reader, writer):
                writer.write(f"{request}\r\n\r\n".encode())
                assert (await reader.readline()).split()[1] == status


async def test_a_negative_time_is_refused() -> None:
    with pytest.raises(SettingsError, match="negative"):
        async with forward("127.0.0.1", 1, Weather(up_delay_s=-1)):
            raise AssertionError


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Came]]:
    """What came of each trouble of the plan, over the streaming route; all at once, each through a proxy of its own."""
    folder = tmp_path_factory.mktemp("weather")

    async def one(url: str, trouble: weather.Trouble) -> Came:
        async with forward("127.0.0.1", port_of(url), trouble.weather) as port:
            return await tried(f"http://127.0.0.1:{port}", "streaming", folder / trouble.name, kind=trouble.name)

    async def all_of(url: str) -> list[Came]:
        return await asyncio.gather(*(one(url, trouble) for trouble in PLAN))

    with hurried(), launch("scripted", script=script(folder), knobs=KNOBS) as url:
        yield {trouble.name: result for trouble, result in zip(PLAN, asyncio.run(all_of(url)), strict=True)}


@pytest.mark.parametrize("trouble", PLAN, ids=lambda trouble: trouble.name)
def test_the_client_makes_of_bad_weather_what_is_right(came: dict[str, Came], trouble: weather.Trouble) -> None:
    result = came[trouble.name]
    assert result.failures == trouble.outcomes(ATTEMPTS)
    assert result.stopped is None
    for text, trace in zip(result.texts, result.traces, strict=True):
        assert text in TRUTH
        assert locked(trace) <= set(text.split()) & set(result.final.split())
    assert result.final == TRUTH


def done_s(came: Came) -> float:
    """From ``audio.done`` to ``transcript.done``."""
    events = came.traces[-1].events
    sent = next(event.t_s for event in events if event.kind == "sent")
    return (
        next(event.t_s for event in events if event.kind == "received" and "transcript.done" in str(event.data)) - sent
    )


def test_a_delay_of_the_network_is_in_what_the_user_waits_for(came: dict[str, Came]) -> None:
    assert done_s(came["delay"]) >= 0.1
    rtts = [event.data["rtt_s"] for event in came["delay"].traces[-1].events if event.kind == "ping"]
    assert rtts
    assert min(rtts) >= 0.1


def test_the_plan_depends_on_its_seed_alone() -> None:
    assert weather.plan(4, audio_s=9.0) == weather.plan(4, audio_s=9.0) != weather.plan(5, audio_s=9.0)
