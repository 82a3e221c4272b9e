"""How late do frames leave? Absolute deadlines (the wire) beside the relative sleep that other benchmarks use.

Run with ``make bench``, or ``python -m tests.benchmarks.pacing --streams 10 --seconds 20``; ``--tls`` does the same
over TLS, ``--limit-ms 10`` looks for the number of streams at which p99 passes 10 ms. The peer is a WebSocket server
in a process of its own. Both loops send the same frames to it, one after the other, in one run; all sockets are opened
before the first frame and closed after the last, for both.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from evalkit.types import Audio
from evalkit.wire import Timeouts, Wire, http_client

RATE_HZ = 16_000
Lateness = list[list[float]]
"""Seconds, frame by frame, of each stream."""


async def peer(certificate: Path | None) -> None:
    """Swallow every message until stdin closes."""

    async def swallow(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with serve(swallow, "127.0.0.1", 0, compression=None, ssl=context, backlog=1000) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def absolute(url: str, audio: Audio, frame_ms: int, streams: int, trust: ssl.SSLContext | None) -> Lateness:
    """The wire: absolute deadlines, starts staggered over one frame."""
    opened, sent = asyncio.Barrier(streams), asyncio.Barrier(streams)

    async def one(lane: int) -> list[float]:
        wire = Wire(http, stagger=lane / streams, timeouts=Timeouts(connect_s=60))
        async with wire.websocket(url) as socket:
            await opened.wait()
            async for frame in wire.pace(audio, frame_ms):
                await socket.send_audio(frame)
            await sent.wait()
        return [event.t_s - event.data["due_s"] for event in wire.events if event.kind == "audio"]

    async with http_client(Timeouts(), loopback=True, trust=trust) as http:
        return list(await asyncio.gather(*(one(lane) for lane in range(streams))))


async def relative(url: str, audio: Audio, frame_ms: int, streams: int, trust: ssl.SSLContext | None) -> Lateness:
    """The control: sleep one frame length after each send."""
    opened, sent = asyncio.Barrier(streams), asyncio.Barrier(streams)

    async def one() -> list[float]:
        late: list[float] = []
        async with connect(url, compression=None, ssl=trust, open_timeout=60) as socket:
            await opened.wait()
            origin = time.perf_counter()
            for k, frame in enumerate(audio.frames(frame_ms), start=1):
                await asyncio.sleep(frame_ms / 1000)
                await socket.send(frame)
                late.append(time.perf_counter() - origin - k * frame_ms / 1000)
            await sent.wait()
        return late

    return list(await asyncio.gather(*(one() for _ in range(streams))))


def figures(late: Lateness) -> dict[str, float]:
    """Milliseconds: over the frames of all streams, and over the last frames of the streams."""
    ranked = sorted(itertools.chain.from_iterable(late))
    ends = sorted(stream[-1] for stream in late)

    def rank(share: int) -> float:
        return 1000 * ranked[-(-share * len(ranked) // 100) - 1]

    return {
        "p50_ms": rank(50),
        "p99_ms": rank(99),
        "max_ms": 1000 * ranked[-1],
        "end_drift_ms": 1000 * statistics.median(ends),
        "end_drift_max_ms": 1000 * ends[-1],
    }


@contextlib.contextmanager
def launched(certificate: Path | None) -> Iterator[str]:
    """The peer in a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.benchmarks.pacing", "--peer"]
    command += ["--certificate", str(certificate)] if certificate else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"{'wss' if certificate else 'ws'}://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate("")


@contextlib.contextmanager
def self_signed() -> Iterator[Path]:
    """A certificate for 127.0.0.1 with its key, in one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peer.pem")
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=peer"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path) + ".crt"]
        subprocess.run(command, check=True, capture_output=True)
        path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
        yield path


def compare(options: argparse.Namespace, url: str, trust: ssl.SSLContext | None) -> None:
    """Both designs, run after run, then their medians."""
    audio = Audio(bytes(int(options.seconds * RATE_HZ) * 2), RATE_HZ)
    results: dict[str, list[dict[str, float]]] = {"absolute": [], "relative": []}
    for _ in range(options.runs):
        for design in (absolute, relative):
            found = figures(asyncio.run(design(url, audio, options.frame_ms, options.streams, trust)))
            results[design.__name__].append(found)
            print(json.dumps({"design": design.__name__, **{k: round(v, 2) for k, v in found.items()}}), flush=True)
    kind = "TLS" if trust else "TCP"
    print(f"\nmedian of {options.runs} runs, {options.streams} streams of {options.seconds:g} s, {kind}")
    for name, runs in results.items():
        print(f"{name:9}", "  ".join(f"{key} {median(runs, key):8.2f}" for key in runs[0]))


def search(options: argparse.Namespace, url: str, trust: ssl.SSLContext | None) -> None:
    """Raise the number of streams until p99, the median of the runs, passes the limit."""
    audio = Audio(bytes(int(options.seconds * RATE_HZ) * 2), RATE_HZ)
    for streams in itertools.count(options.streams, 50):
        runs = [
            figures(asyncio.run(absolute(url, audio, options.frame_ms, streams, trust))) for _ in range(options.runs)
        ]
        print(f"{streams} streams", "  ".join(f"{key} {median(runs, key):8.2f}" for key in runs[0]), flush=True)
        if median(runs, "p99_ms") > options.limit_ms:
            break


def median(runs: Sequence[dict[str, float]], key: str) -> float:
    """Of one figure over runs."""
    return statistics.median(run[key] for run in runs)


def main() -> None:
    """Print one line of JSON per design and repetition, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--frame-ms", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--limit-ms", type=float)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--certificate", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(peer(options.certificate))
        return
    with contextlib.ExitStack() as stack:
        certificate = stack.enter_context(self_signed()) if options.tls else None
        trust = ssl.create_default_context(cafile=certificate) if certificate else None
        url = stack.enter_context(launched(certificate))
        (compare if options.limit_ms is None else search)(options, url, trust)


if __name__ == "__main__":
    main()
