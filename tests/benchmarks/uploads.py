"""What the harness costs a REST run: 200 uploads of 1 MB beside bare httpx, and the memory of one of 500 MB.

Run with ``make bench``, or ``python -m tests.benchmarks.uploads``. The peer is an HTTP server in a process of its own
that reads everything and answers after ``--answer-s``. Both sides read the same WAVE files from disk and post the same
form; the harness besides verifies, decodes, records and stores every clip.
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx

from evalkit import corpora, harness
from evalkit.corpora import Corpus
from evalkit.plan import Choice, Plan
from evalkit.store import Store

RATE_HZ = 16_000
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"text":""}'


async def peer(answer_s: float) -> None:
    """Read every request whole and answer it, until stdin closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                left = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                while left:
                    left -= len(await reader.read(min(left, 2**20)))
                await asyncio.sleep(answer_s)
                writer.write(ANSWER)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**20) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def launched(answer_s: float) -> Iterator[str]:
    """The peer in a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.benchmarks.uploads", "--peer", "--answer-s", str(answer_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate("")


def recorded(folder: Path, number: int, size: int) -> Corpus:
    """So many different clips of so many bytes."""
    rows = []
    for index in range(number):
        with wave.open(str(folder / f"{index}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            for start in range(0, size, 2**20):
                file.writeframes(index.to_bytes(2, "little") * (min(2**20, size - start) // 2))
        rows.append(f'{{"id": "{index}", "path": "{index}.wav", "text": "", "kind": "nonspeech"}}\n')
    (folder / "manifest.jsonl").write_text("".join(rows))
    return corpora.load(folder / "manifest.jsonl")


def through_harness(url: str, corpus: Corpus, concurrency: int) -> float:
    """Seconds of a whole run."""
    choice = Choice("xai", {"base_url": url, "key_env": None})
    plan = Plan(choice, routes=("rest",), corpus=corpus.name, concurrency=concurrency, sample_rate_hz=RATE_HZ)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)).writing() as store:
        began = time.perf_counter()
        asyncio.run(harness.run(plan, corpus, store))
        elapsed = time.perf_counter() - began
        assert sum(1 for _ in store.traces()) == len(corpus)
    return elapsed


def bare(url: str, corpus: Corpus, concurrency: int) -> float:
    """Seconds of httpx alone."""

    async def run() -> None:
        waiting = iter(corpus)
        async with httpx.AsyncClient(timeout=300) as http:

            async def worker() -> None:
                for clip in waiting:
                    with Path(clip.path).open("rb") as file:  # noqa: ASYNC230 as anybody would
                        answer = await http.post(f"{url}/v1/stt", files={"file": ("audio.wav", file, "audio/wav")})
                    answer.raise_for_status()

            await asyncio.gather(*(worker() for _ in range(concurrency)))

    began = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - began


def many(options: argparse.Namespace) -> None:
    """The same uploads, by turns."""
    for answer_s in options.answers_s:
        with tempfile.TemporaryDirectory() as folder, launched(answer_s) as url:
            corpus = recorded(Path(folder), options.uploads, 1_000_000)
            pairs = []
            for _ in range(options.runs):
                pairs.append([design(url, corpus, options.concurrency) for design in (bare, through_harness)])
                print("bare {:.2f} s, harness {:.2f} s".format(*pairs[-1]), flush=True)
        alone, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(second / first for first, second in pairs)
        what = f"{options.uploads} uploads of 1 MB, {options.concurrency} at once, answered after {answer_s:g} s"
        print(f"{what}: bare httpx {alone:.2f} s, harness {ours:.2f} s, ratio {ratio:.2f}\n", flush=True)


def large(size: int) -> None:
    """The memory of one big upload, in a process that has done nothing else."""
    with tempfile.TemporaryDirectory() as folder, launched(0.0) as url:
        corpus = recorded(Path(folder), 1, size)
        before = peak_mib()
        elapsed = through_harness(url, corpus, 1)
    print(f"one upload of {size / 1e6:.0f} MB: {elapsed:.1f} s, peak {peak_mib():.0f} MiB, {before:.0f} MiB before")


def peak_mib() -> float:
    """The most memory this process ever held; ``getrusage`` would count that of its parent as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print one line per run, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--answers-s", type=float, nargs="+", default=[0.0, 0.2])
    parser.add_argument("--large", type=int, metavar="BYTES", help="only this upload, and its memory")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--answer-s", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(peer(options.answer_s))
    elif options.large:
        large(options.large)
    else:
        many(options)
        command = [sys.executable, "-m", "tests.benchmarks.uploads", "--large", "499990000"]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
