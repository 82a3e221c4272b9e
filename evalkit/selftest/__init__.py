"""Does the whole line, from sound file to report, give back what was planted? In half a minute, offline, without a key.

The embedded server tells a script, so that every word, time, speaker and delay is known beforehand. Five runs go the
whole way that any run goes; then the figures are read from the files that they wrote.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evalkit import corpora, emulator, runs, weather
from evalkit.emulator import Knobs, faults
from evalkit.errors import SettingsError
from evalkit.plan import Choice, Plan
from evalkit.selftest import scenario
from evalkit.selftest.plants import DELAY_S, EACH_WAY_S, Finding, judged, plants, shown
from evalkit.selftest.tallied import tallies, write
from evalkit.selftest.written import Written
from evalkit.weather import Weather

__all__ = ["RUNS", "Finding", "buy", "findings", "run", "shown", "tallies", "verdict", "write"]

COPIES = 8
"""Clips of each latency: seven are left when the first of a process is taken off, and a median needs six."""
RUNS = ("truth", "delay", "distance", "faults", "drift")
_CORPORA = ("truths", "delays", "broken", "drifting")
_STRUCK = Knobs(
    chunk_s=0.3,
    interim_period_s=0.1,
    faults=faults.written([faults.Fault.of("closed", "rest"), faults.Fault.of("reset", "streaming", at_s=1.3)]),
)


def run(folder: Path, *, stage: Callable[[str], None] = lambda _: None) -> list[Finding]:
    """Hold every conversation, write every run, and read what they wrote.

    Args:
        folder: a new or an empty one; corpora and runs are left in it.
        stage: told the name of each run before it begins.

    Raises:
        SettingsError: something is in the folder already.
        EvalkitError: the embedded server cannot be started, or a run failed as a whole.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder}: holds something already; name a new folder")
    asyncio.run(buy(folder.absolute(), stage=stage))
    return findings(folder)


async def buy(folder: Path, *, stage: Callable[[str], None] = lambda _: None) -> None:
    """Hold every conversation and write every run.

    Args:
        folder: an absolute path, new or empty; corpora and runs are left in it.
        stage: told the name of each run before it begins.

    Raises:
        EvalkitError: the embedded server cannot be started, or a run failed as a whole.
    """
    scenes = (scenario.truths(), scenario.delays(COPIES), scenario.broken(), (scenario.drifting(),))
    clips: dict[str, Any] = {}
    for seed, (name, own) in enumerate(zip(_CORPORA, scenes, strict=True)):
        clips |= scenario.write(folder / name, own, seed=seed)
    stage("starting the embedded server")
    with emulator.launch("scripted", script={"clips": clips}) as url:
        async with _far(url) as far:
            for plan in _plans(folder, url, far):
                stage(plan.run)
                await runs.run(plan, corpora.load(plan.corpus), folder / plan.run, command="evalkit selftest")


def findings(folder: Path) -> list[Finding]:
    """Every plant against what the runs in ``folder`` wrote."""
    written = {name: Written(folder / name) for name in RUNS}
    return [judged(plant, written) for plant in plants()]


def verdict(found: Sequence[Finding]) -> str:
    """What came of all of them, in one line."""
    states = Counter(finding.state for finding in found)
    told = f"{states['ok']} of {len(found)} plants recovered"
    if states["FAIL"]:
        return f"{told}: FAILED on {states['FAIL']}"
    if states["not measurable"]:
        return f"{told}, {states['not measurable']} not measurable now: neither failed nor passed; end what else runs"
    return f"{told}: passed"


def _plans(folder: Path, url: str, far: str) -> Iterator[Plan]:
    truths, delays, broken, drifting = (str(folder / name) for name in _CORPORA)
    slow, struck = emulator.with_knobs(url, Knobs(delay_s=DELAY_S)), emulator.with_knobs(url, _STRUCK)
    told = _choice(url, "told", diarize=True)
    yield Plan(told, corpus=truths, run="truth", concurrency=len(scenario.truths()), terms=scenario.TERMS)
    for run, near, away in (
        ("delay", _choice(url, "prompt"), _choice(slow, "delayed")),
        ("distance", _choice(url, "near"), _choice(far, "far")),
    ):
        # One request at a time: several would wait for each other, and streams go on with the same run.
        yield Plan(near, away, delays, run, routes=("rest",), concurrency=1)
        yield Plan(near, away, delays, run, routes=("streaming",), concurrency=COPIES)
    yield Plan(_choice(struck, "faulty"), corpus=broken, run="faults", concurrency=2)
    yield Plan(_choice(url, "told"), corpus=drifting, run="drift", routes=("rest",))


def _choice(base_url: str, name: str, **options: Any) -> Choice:
    return Choice("xai", {"base_url": base_url, "key_env": None, **options}, name)


@asynccontextmanager
async def _far(url: str) -> AsyncIterator[str]:
    """The same server behind a longer way."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    async with weather.forward(host, int(port), Weather(up_delay_s=EACH_WAY_S, down_delay_s=EACH_WAY_S)) as listening:
        yield f"http://{host}:{listening}"
