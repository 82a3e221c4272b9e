"""Is a planted delay measured? The embedded server answers late by a known time, or a relay holds up the network.

Run with ``make bench``, or ``python -m tests.benchmarks.latency --streams 1 10``. Every metric is measured with and
without the delay, by the same clips, and the difference of the medians is printed beside what was planted.

* server: the knob ``delay_s``, constant, before every message;
* jitter: a relay that holds up each burst from the server by 185 to 215 ms, evenly distributed. What comes in one burst
  is held up alike: were each message of it drawn by itself, the last would wait for the slowest, and the median of what
  was planted would no longer be 200 ms;
* network: a relay that holds up either direction by 50 ms, which lengthens the round trip by 100 ms: the user waits
  longer, and what is beyond the round trip stays the same.
"""

import argparse
import asyncio
import contextlib
import itertools
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from evalkit import emulator, providers, scoring
from evalkit.emulator import Knobs
from evalkit.providers import Provider
from evalkit.scoring import latency
from evalkit.types import Audio, Clip, Hypothesis, Route, Trace, Word
from evalkit.wire import Timeouts, Wire, http_client

RATE_HZ = 16_000
TEXT = "the quick brown fox jumps over lazy dogs"
SPOKEN = [(word, 0.4 + 0.3 * index, 0.7 + 0.3 * index) for index, word in enumerate(TEXT.split())]
LENGTH_S = 5.0
CLIP = Clip("c", "c.wav", "0" * 64, LENGTH_S, RATE_HZ, 1, tuple(Word(*word) for word in SPOKEN), language="en")
AUDIO = Audio(bytes(round(LENGTH_S * RATE_HZ) * 2), RATE_HZ)
DELAYED = (
    *("lat.ready", "lat.ttfp_audio", "lat.ttfp_speech", "lat.word_first", "lat.word_stable", "lat.word_committed"),
    *("lat.service.word_first", "lat.pr", "lat.ttfs", "lat.service.ttfs", "lat.endpoint", "lat.finalize"),
    *("lat.rest_total", "lat.rest_server"),
)
UNTOUCHED = ("lat.connect", "lat.rtt", "lat.rest_upload", "lat.rest_download", "beyond_rtt")
TOLERANCE_S = 0.005
REST_CLIPS = 40
"""Requests take no time to speak of, and of a few the median hangs on who was first on a new connection."""
REST_PAUSE_S = 0.2
"""A machine that has just rested is slower than one in full swing, and a planted delay is such a rest."""
BURST_S = 0.05
GOLDEN, ROOT = 0.6180339887498949, 0.4142135623730951
"""Their multiples, cut to 0..1, are spread more evenly than chance does it: few clips have the planted median."""
Medians = Mapping[str, float]


async def relay(port: int, there_s: float, back_s: tuple[float, float]) -> None:
    """Pass bytes on late and in order, until stdin closes."""
    connections = itertools.count()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, between: tuple[float, float]) -> None:
        mine, bursts = next(connections), itertools.count()
        loop, due_s, heard_s, late_s = asyncio.get_running_loop(), 0.0, -BURST_S, between[0]
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def release() -> None:
            while True:
                at_s, data = await held.get()
                await asyncio.sleep(at_s - loop.time())
                if not data:
                    writer.close()
                    return
                writer.write(data)

        task = asyncio.create_task(release())
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if loop.time() - heard_s >= BURST_S:
                    late_s = between[0] + (between[1] - between[0]) * ((mine * GOLDEN + next(bursts) * ROOT) % 1)
                heard_s = loop.time()
                due_s = max(due_s, heard_s + late_s)
                held.put_nowait((due_s, data))
        held.put_nowait((max(due_s, loop.time()), b""))
        await task

    async def pair(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(asyncio.CancelledError):  # the benchmark is over
            await asyncio.gather(pump(reader, theirs[1], (there_s, there_s)), pump(theirs[0], writer, back_s))

    async with await asyncio.start_server(pair, "127.0.0.1", 0, backlog=1000) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def held_up(base_url: str, there_s: float, back_s: tuple[float, float]) -> Iterator[str]:
    """The same server behind a relay in a process of its own."""
    port = base_url.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.benchmarks.latency", "--relay", port, str(there_s), *map(str, back_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate("")


async def medians(base_url: str, streams: int, clips: int) -> Medians:
    """The median of each latency over clips, so many at once, over both routes."""
    values: dict[str, list[float]] = {}

    async def one(provider: Provider, lane: int) -> None:
        wire = Wire(pool, stagger=lane / streams)
        await provider.transcribe(AUDIO, wire)
        trace = Trace("c", "p", provider.route, provider.settings, 1, datetime.now(UTC), wire.events)
        hypothesis = Hypothesis.of(provider.parse(trace.events))
        assert hypothesis.failure is None, hypothesis.failure
        row = scoring.score(CLIP, [trace], hypothesis, price=None, evidence="simulated")
        found = dict(row.values)
        rtt_s = latency.rtt_s(trace)
        if rtt_s is not None:
            found["beyond_rtt"] = tuple(value - rtt_s for value in row.values.get("lat.service.word_first", ()))
        for name, measured in found.items():
            if name in (*DELAYED, *UNTOUCHED):
                values.setdefault(name, []).extend(measured)

    async def worker(provider: Provider, lane: int, waiting: Iterator[int]) -> None:
        await asyncio.sleep(lane * 0.02)  # requests of one instant would wait for each other
        for _ in waiting:
            if provider.route == "rest":
                await asyncio.sleep(REST_PAUSE_S)
            await one(provider, lane)

    routes: tuple[Route, ...] = ("streaming", "rest")
    async with http_client(Timeouts(), loopback=True) as pool:
        for route in routes:
            waiting = iter(range(max(clips, REST_CLIPS) if route == "rest" else clips))
            provider = providers.load("xai", route, base_url=base_url, key_env=None, frame_ms=20)
            await asyncio.gather(*(worker(provider, lane, waiting) for lane in range(streams)))
    return {name: statistics.median_low(found) for name, found in values.items() if found}


def compare(name: str, streams: int, plain: Medians, late: Medians, planted: Mapping[str, float]) -> bool:
    """One line: the difference that is furthest from what was planted; whether it is near enough."""
    if missing := [metric for metric in planted if metric not in plain or metric not in late]:
        print(f"{name:16} {streams:3} streams: no {', '.join(missing)}: our own frames were late, the machine is busy")
        return False
    errors = {metric: late[metric] - plain[metric] - planted[metric] for metric in planted}
    worst = max(errors, key=lambda metric: abs(errors[metric]))
    good = abs(errors[worst]) <= TOLERANCE_S
    print(
        f"{name:16} {streams:3} streams, {len(errors)} metrics: worst {worst} off by {1000 * errors[worst]:+.1f} ms, "
        f"lat.word_first off by {1000 * errors['lat.word_first']:+.1f} ms {'' if good else '  TOO MUCH'}",
        flush=True,
    )
    return good


def main() -> None:
    """Print a line per delay and number of streams; exit with 1 when one was not recovered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--relay", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.relay:
        port, there_s, *back_s = options.relay
        asyncio.run(relay(int(port), float(there_s), (float(back_s[0]), float(back_s[1]))))
        return
    everything = dict.fromkeys(UNTOUCHED, 0.0)
    good = True
    with emulator.launch("scripted", script={"words": SPOKEN}, workers=3) as url:
        for streams in options.streams:
            few, many = max(streams, 9), max(streams, 20)
            plain = asyncio.run(medians(url, streams, few))
            for delay_s in (0.05, 0.2, 1.0):
                planted = everything | dict.fromkeys(DELAYED, delay_s) | {"beyond_rtt": delay_s}
                late = asyncio.run(medians(emulator.with_knobs(url, Knobs(delay_s=delay_s)), streams, few))
                good &= compare(f"server {1000 * delay_s:g} ms", streams, plain, late, planted)
            with held_up(url, 0.0, (0.185, 0.215)) as relayed:
                late = asyncio.run(medians(relayed, streams, many))
            planted = dict.fromkeys(("lat.ttfp_audio", "lat.word_first", "lat.pr", "lat.ttfs", "lat.endpoint"), 0.2)
            good &= compare("jitter 185-215 ms", streams, plain, late, planted)
            with held_up(url, 0.05, (0.05, 0.05)) as relayed:
                late = asyncio.run(medians(relayed, streams, few))
            planted = dict.fromkeys(("lat.rtt", "lat.word_first", "lat.pr", "lat.ttfs", "lat.endpoint"), 0.1)
            good &= compare("network 100 ms", streams, plain, late, planted | {"beyond_rtt": 0.0})
    sys.exit(not good)


if __name__ == "__main__":
    main()
