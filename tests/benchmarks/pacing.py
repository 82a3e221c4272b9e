"""How late do frames leave? Absolute deadlines (the wire) beside the relative sleep that other benchmarks use.

Run with ``make bench``, or ``python -m tests.benchmarks.pacing --streams 10 --seconds 20``. The peer is a WebSocket
server in a process of its own; both loops send the same frames to it, one after the other, in one run.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from evalkit.types import Audio, Pacing, Trace
from evalkit.wire import Timeouts, Wire, http_client

RATE_HZ = 16_000


async def peer() -> None:
    """Swallow every message until stdin closes."""

    async def swallow(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with serve(swallow, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def absolute(url: str, audio: Audio, frame_ms: int, streams: int) -> list[Pacing]:
    """The wire: absolute deadlines, starts staggered over one frame."""

    async def one(lane: int) -> Pacing:
        wire = Wire(http, stagger=lane / streams)
        async with wire.websocket(url) as socket:
            async for frame in wire.pace(audio, frame_ms):
                await socket.send_audio(frame)
        pacing = Trace("", "", "streaming", {}, 1, NOW, wire.events).pacing()
        assert pacing is not None
        return pacing

    async with http_client(Timeouts(), loopback=True) as http:
        return list(await asyncio.gather(*(one(lane) for lane in range(streams))))


async def relative(url: str, audio: Audio, frame_ms: int, streams: int) -> list[Pacing]:
    """The control: sleep one frame length after each send."""

    async def one() -> Pacing:
        late: list[float] = []
        async with connect(url, compression=None) as socket:
            origin = time.perf_counter()
            for k, frame in enumerate(audio.frames(frame_ms), start=1):
                await asyncio.sleep(frame_ms / 1000)
                await socket.send(frame)
                late.append(time.perf_counter() - origin - k * frame_ms / 1000)
        ranked = sorted(late)
        rank = [ranked[-(-share * len(ranked) // 100) - 1] for share in (50, 99)]
        return Pacing(len(late), rank[0], rank[1], ranked[-1], late[-1])

    return list(await asyncio.gather(*(one() for _ in range(streams))))


def worst(pacings: list[Pacing]) -> dict[str, float]:
    """Milliseconds: medians over streams of p50 and p99, the largest maximum and drift."""
    return {
        "p50_ms": 1000 * statistics.median(p.late_p50_s for p in pacings),
        "p99_ms": 1000 * statistics.median(p.late_p99_s for p in pacings),
        "max_ms": 1000 * max(p.late_max_s for p in pacings),
        "end_drift_ms": 1000 * max(p.end_drift_s for p in pacings),
    }


def main() -> None:
    """Print one line of JSON per design and repetition, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--frame-ms", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(peer())
        return
    audio = Audio(bytes(int(options.seconds * RATE_HZ) * 2), RATE_HZ)
    command = [sys.executable, "-m", "tests.benchmarks.pacing", "--peer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = f"ws://127.0.0.1:{process.stdout.readline().strip()}"
        results: dict[str, list[dict[str, float]]] = {"absolute": [], "relative": []}
        for _ in range(options.runs):
            for design in (absolute, relative):
                figures = worst(asyncio.run(design(url, audio, options.frame_ms, options.streams)))
                results[design.__name__].append(figures)
                print(
                    json.dumps({"design": design.__name__, **{k: round(v, 2) for k, v in figures.items()}}), flush=True
                )
        process.communicate("")
    setting = f"{options.streams} streams of {options.seconds:g} s, {options.frame_ms} ms frames"
    print(f"\nmedian of {options.runs} runs, {setting}")
    for name, runs in results.items():
        median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(f"{name:9}", "  ".join(f"{key} {value:8.2f}" for key, value in median.items()))


NOW = datetime.now(UTC)

if __name__ == "__main__":
    main()
