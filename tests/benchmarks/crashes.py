"""Kill -9 at random moments: is anything lost, bought twice, or scored otherwise?

Run with ``python -m tests.benchmarks.crashes``. Six short clips go over REST and streaming to an embedded server that
tells a script. Each run is killed at random moments between its start and its end and started again, until it has been
killed often enough; then it may end, and its scores are held against those of a run left alone.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, zip_longest
from pathlib import Path

import numpy as np
import soundfile

from evalkit import corpora, emulator
from evalkit.agenda import agenda
from evalkit.corpora import Corpus
from evalkit.emulator import Knobs
from evalkit.errors import EvalkitError
from evalkit.plan import Plan, choice_of
from evalkit.store import Store
from evalkit.types import Hypothesis

RATE_HZ = 16_000
CLIPS, CLIP_S = 6, 1.6
SCRIPT = {"words": [["please", 0.1, 0.4], ["enter", 0.4, 0.7], ["your", 0.7, 0.9], ["password", 0.9, 1.4]]}
KILLS_PER_RUN = 4
CLOCK = ("lat.", "pace.", "pacing.")
"""Families of columns that differ from run to run, killed or not."""
# Without it the requests are over before a kill can find them.
KNOBS = Knobs(delay_s=0.1)

Key = tuple[str, str, str]


@dataclass
class Found:
    """What many kills came to."""

    runs: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    """How far the run had got -> kills."""
    columns: int = 0
    """Columns of scores.csv that are compared."""
    all_columns: int = 0
    torn: int = 0
    """Kills that left half a line."""
    unopened: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    bought_again: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that must not happen, in words."""
        kinds = ("unopened", "lost", "bought_again", "unequal")
        return [f"{kind.replace('_', ' ')}: {what}" for kind in kinds for what in getattr(self, kind)]


def trials(kills: int, *, seed: int = 0, side_by_side: int = 2) -> Found:
    """Kill runs so many times in all.

    Args:
        kills: of all runs together.
        seed: of the moments.
        side_by_side: runs that go on at once, each in a folder of its own.
    """
    found = Found()
    with (
        tempfile.TemporaryDirectory() as here,
        emulator.launch("scripted", script=SCRIPT, knobs=KNOBS, workers=1 + 2 * side_by_side) as url,
        ThreadPoolExecutor(side_by_side) as pool,
    ):
        trial = _Trial(Path(here), url, found)
        shares = [KILLS_PER_RUN] * (kills // KILLS_PER_RUN) + [kills % KILLS_PER_RUN] * (kills % KILLS_PER_RUN > 0)
        for _ in pool.map(trial.run, count(seed), shares):
            pass
    return found


class _Trial:
    """Runs over one corpus, and what those left alone come to."""

    def __init__(self, here: Path, url: str, found: Found) -> None:
        self.here, self.found = here, found
        self.spec = f"xai,base_url={url},key_env=,speed=4"
        self.corpus = _noise(here / "noise")
        self.plan = Plan(choice_of(self.spec), corpus=str(here / "noise"))
        began = time.monotonic()
        self._ended("alone")
        assert not found.unopened, found.unopened
        self.whole_s = time.monotonic() - began
        self.alone = self._decided("alone")
        found.columns = len(self.alone[0])
        assert {"attempts", "failure", "hypothesis", "acc.wer.en.hits"} <= self.alone[0].keys()

    def run(self, seed: int, kills: int) -> None:
        """Start a run and kill it, so often; then let it end, and compare."""
        dice, name, recorded = random.Random(seed), f"killed-{seed}", set[Key]()
        while kills:
            kills -= self._killed(name, dice.uniform(0.1, 1.0) * self.whole_s)
            recorded = self._inspected(name, recorded)
        self._ended(name)
        self._inspected(name, recorded)
        self.found.runs += 1
        for ours, alone in zip_longest(self._decided(name), self.alone, fillvalue=dict[str, str]()):
            if differing := sorted(column for column in ours | alone if ours.get(column) != alone.get(column)):
                self.found.unequal.append(f"{name}: {', '.join(differing)}")

    def _command(self, name: str) -> list[str]:
        evalkit = [sys.executable, "-m", "evalkit", "run"]
        return [*evalkit, "--corpus", "noise", "--candidate", self.spec, "--run", name]

    def _folder(self, name: str) -> Path:
        return self.here / "results" / name

    def _ended(self, name: str) -> None:
        """Let a run end by itself."""
        done = subprocess.run(
            self._command(name), cwd=self.here, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            self.found.unopened.append(f"{name}: {done.stderr.strip()[-300:]}")

    def _killed(self, name: str, after_s: float) -> bool:
        """Start the run and kill it after so long; False when it had ended before."""
        process = subprocess.Popen(
            self._command(name), cwd=self.here, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            told = process.communicate(timeout=after_s)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.found.killed[self._stage(name)] += 1
            return True
        if process.returncode:
            self.found.unopened.append(f"{name}: {told.strip()[-300:]}")
        return False

    def _stage(self, name: str) -> str:
        folder = self._folder(name)
        if not (folder / "run.json").exists():
            return "starting, nothing written"
        traces = folder / "traces.jsonl"
        content = traces.read_bytes() if traces.exists() else b""
        self.found.torn += bool(content) and not content.endswith(b"\n")
        lines = content.count(b"\n")
        return f"{lines:2d} of {2 * CLIPS} recorded" + (", scoring" if (folder / "scores.csv").exists() else "")

    def _inspected(self, name: str, before: set[Key]) -> set[Key]:
        """The answered keys of a run that nobody is writing; notes what is lost, doubled, or would be sent again."""
        store, found = Store(self._folder(name)), self.found
        try:
            heard: Counter[Key] = Counter()
            for trace in store.traces():
                provider = self.plan.candidate.on(trace.route)
                if provider is not None and Hypothesis.of(provider.parse(trace.events)).failure is None:
                    heard[trace.clip_id, trace.provider, trace.route] += 1
            pending = {job.key for job in agenda(self.plan, self.corpus, store).pending}
            if store.exists():
                store.manifest()
                store.clips()
            for table in store.folder.glob("*.csv"):
                with table.open(newline="") as file:
                    assert len({len(row) for row in csv.reader(file)}) == 1, f"{table} is not whole"
        except (EvalkitError, AssertionError) as error:
            found.unopened.append(f"{name}: {error}")
            return before
        found.lost += [f"{name}: {key}" for key in before - heard.keys()]
        found.bought_again += [f"{name}: {key} was answered {n} times" for key, n in heard.items() if n > 1]
        found.bought_again += [f"{name}: {key} is to be sent" for key in pending & heard.keys()]
        return set(heard)

    def _decided(self, name: str) -> list[dict[str, str]]:
        """The rows of scores.csv without the columns that a clock decides."""
        with (self._folder(name) / "scores.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            absent = json.loads(row["absent"] or "{}")
            row["absent"] = json.dumps({metric: absent[metric] for metric in absent if not metric.startswith(CLOCK)})
        self.found.all_columns = len(rows[0])
        return [{name: cell for name, cell in row.items() if not name.startswith(CLOCK)} for row in rows]


def _noise(folder: Path) -> Corpus:
    """Short clips of noise with one transcript, one word of which the script gets wrong."""
    folder.mkdir()
    dice, lines = np.random.default_rng(0), []
    for number in range(CLIPS):
        samples = dice.integers(-500, 500, round(CLIP_S * RATE_HZ)).astype(np.int16)
        soundfile.write(folder / f"{number}.wav", samples, RATE_HZ)
        line = {"path": f"{number}.wav", "text": "please enter your passport", "language": "en"}
        lines.append(json.dumps(line) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines))
    return corpora.load(folder)


def main() -> None:
    """Kill, print what came of it, and fail when anything did that must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    found = trials(options.trials, seed=options.seed)
    for stage, kills in sorted(found.killed.items()):
        print(f"  {kills:3d} kills at: {stage}")
    print(f"{found.killed.total()} kills over {found.runs} runs in {time.monotonic() - began:.0f} s")
    print(f"half a line left: {found.torn}; not opened: {len(found.unopened)}; lost: {len(found.lost)}")
    compared = f"{found.columns} of {found.all_columns} columns compared"
    print(f"bought again: {len(found.bought_again)}; scores unequal: {len(found.unequal)} ({compared})")
    sys.exit("\n".join(found.faults) or None)


if __name__ == "__main__":
    main()
