"""A run of 10,000 clips and a million events: how long until it goes on, and what one clip costs to keep.

Run with ``make bench``, or ``python -m tests.benchmarks.store``. Every reading happens in a process of its own, so that
its memory is its own; beside it, the same file is parsed as a whole.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from evalkit.agenda import agenda
from evalkit.corpora import Corpus
from evalkit.plan import Choice, Plan
from evalkit.store import Store
from evalkit.types import Clip, Event, Trace, Word

PLAN = Plan(Choice("xai", {"base_url": "http://127.0.0.1:1"}), routes=("streaming",), corpus="many")
EVENTS = 100
"""Of a clip of 20 s: the opening, 60 frames, 38 captions and the end."""


def clips(count: int) -> tuple[Clip, ...]:
    """Clips nobody will read."""
    return tuple(Clip(f"c{n}", "/x", "0" * 64, 20.0, 16_000, 1, reference=(Word("a"),)) for n in range(count))


def trace(clip: Clip) -> Trace:
    """A stream of twelve words, each told 38 times."""
    words = [{"text": f"w{n}", "start": n * 0.3, "end": n * 0.3 + 0.2} for n in range(12)]
    captions = [
        orjson.dumps(
            {
                "type": "transcript.partial", "text": "w " * 12, "words": words, "is_final": n % 6 == 5,
                "speech_final": n % 12 == 11, "start": 0.0, "duration": 1.0,
            }
        ).decode()
        for n in range(38)
    ]  # fmt: skip
    events = (
        Event(0.0, 0.0, "open", {"url": "ws://127.0.0.1:1/v1/stt?x=1"}),
        *(Event(n * 0.1, n * 0.1, "audio", {"due_s": n * 0.1, "bytes": 3200}) for n in range(60)),
        *(Event(n * 0.5, n * 0.5, "received", text) for n, text in enumerate(captions)),
        Event(20.0, 20.0, "received", '{"type":"transcript.done","text":"","words":[],"duration":20}'),
    )
    settings = {**PLAN.providers("streaming")[0].settings, "keyterms": []}
    return Trace(clip.id, "xai", "streaming", settings, 1, datetime.now(UTC), events)


def written(folder: Path, count: int, noted: bool) -> list[float]:
    """Store a trace of every clip; returns milliseconds per clip, disk included."""
    taken_ms = []
    with Store(folder).writing() as store:
        for clip in clips(count):
            one = trace(clip)
            began = time.perf_counter()
            store.append(one, answered=True if noted else None)
            taken_ms.append(1e3 * (time.perf_counter() - began))
    return taken_ms


def parsed(folder: Path, _: int) -> None:
    """The control: every line as JSON, nothing kept."""
    with Store(folder).traces_path.open("rb") as file:
        for line in file:
            orjson.loads(line)


READINGS: dict[str, Callable[[Path, int], object]] = {
    "parse": parsed,
    "attempts": lambda folder, _: Store(folder).attempts(),
    "agenda": lambda folder, count: agenda(PLAN, Corpus("many", clips(count), folder), Store(folder)),
    "open": lambda folder, _: Store(folder).writing().__enter__(),
}


def timed(folder: Path, count: int, reading: str) -> str:
    """Seconds and memory of one reading, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.store", "--read", reading, "--folder", str(folder)]
    return subprocess.check_output([*command, "--clips", str(count)], text=True).strip()


def main() -> None:
    """Write stores, time their readings, print, and remove them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--read", choices=READINGS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.read:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        READINGS[options.read](options.folder, options.clips)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{time.perf_counter() - began:.2f} s, {(after - before) / 1024:.0f} MiB over {before / 1024:.0f}")
        return
    for noted in (True, False):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            taken_ms = written(folder, options.clips, noted)
            size = Store(folder).traces_path.stat().st_size
            events = f"{options.clips * EVENTS:,} events, {size / 1e6:.0f} MB"
            print(f"{options.clips:,} clips, {events}, answers noted: {noted}")
            late_ms = statistics.quantiles(taken_ms, n=100)[98]
            print(
                f"  append and fsync of a clip: {statistics.median(taken_ms):.2f} ms, 99 in 100 below {late_ms:.1f} ms"
            )
            for reading in READINGS:
                print(f"  {reading}: {timed(folder, options.clips, reading)}")


if __name__ == "__main__":
    main()
