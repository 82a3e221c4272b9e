"""Trials: one thing goes wrong at a time, and what the client makes of it is recorded first and judged afterwards.

======================================  =============================================================================
faults.json                             what is tried; another seed or candidate needs another folder
trials/<route>.<fault>/traces.jsonl     every attempt, as in a run
trials/<route>.<fault>/trial.json       how it ended: written last, so a trial that has it is not held again
faults.csv, faults.html                 made from the above, any number of times
======================================  =============================================================================
"""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from evalkit import harness, stats
from evalkit.corpora import Corpus
from evalkit.errors import BudgetExceeded, ParseError, ProviderError, StoreError
from evalkit.plan import Plan
from evalkit.reports import faulted
from evalkit.reports.tables import write_whole
from evalkit.stages import Placed, Stage
from evalkit.store import Store
from evalkit.types import Evidence, Score, SummaryRow
from evalkit.verdicts import FAIR, Came, Trial, Verdict, judge

FORMAT = 1


@dataclass(frozen=True)
class Results:
    """What the trials of a folder have shown."""

    folder: Path
    verdicts: list[Verdict]
    summary: list[SummaryRow]
    """Section 10 of the metrics, ``fail.*``, over the struck requests."""
    held: int = 0
    """Trials held now; the others were recorded before."""

    @property
    def ok(self) -> bool:
        """Whether every fault was met as a correct client meets it."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def report_path(self) -> Path:
        return self.folder / "faults.html"


async def run(
    stage: Stage, folder: Path, *, fresh: bool = False, progress: Callable[[Verdict, int, int], None] = lambda *_: None
) -> Results:
    """Hold the trials that are not recorded yet, and judge all of them; call again after any interruption to go on.

    Args:
        stage: what is tried, and where.
        folder: under results/; may hold a run as well.
        fresh: start over; what was recorded is renamed.
        progress: called with the verdict on each trial that was held, how many are done, and how many there are.

    Raises:
        BudgetExceeded: the next attempt could pass the budget; what was recorded is kept.
        StoreError: the folder cannot be written, or holds other trials.
    """
    with Store(folder).writing():
        if fresh:
            _set_aside(folder)
        _same(stage, folder)
        pending = [trial for trial in stage.trials if not (_place(folder, trial) / "trial.json").is_file()]
        done = len(stage.trials) - len(pending)
        lanes = asyncio.Semaphore(stage.width)

        async def hold(trial: Trial, placed: Placed) -> None:
            nonlocal done
            async with lanes:
                await _held(stage, trial, placed, folder)
            done += 1
            progress(_judged(stage, trial, folder)[0], done, len(stage.trials))

        if pending:
            async with stage.open() as placed:
                tasks = [asyncio.create_task(hold(trial, placed)) for trial in pending]
                try:
                    await asyncio.gather(*tasks)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        return replace(_results(stage, folder), held=len(pending))


def _results(stage: Stage, folder: Path) -> Results:
    """Judge what is recorded, offline, and write faults.csv and faults.html."""
    judged = [_judged(stage, trial, folder) for trial in stage.trials]
    verdicts = [verdict for verdict, _ in judged]
    scores = [score for verdict, score in judged if score is not None and verdict.fault != FAIR]
    rows = stats.summarise(scores, slices=False, seed=stage.plan.seed)
    summary = [row for row in rows if row.metric.startswith("fail.")]
    faulted.write_verdicts(folder / "faults.csv", verdicts)
    results = Results(folder, verdicts, summary)
    faulted.write(results.report_path, name=folder.name, verdicts=verdicts, summary=summary)
    return results


async def _held(stage: Stage, trial: Trial, placed: Placed, folder: Path) -> None:
    """Hold one trial and write down how it ended."""
    place = _place(folder, trial)
    store = Store(place)
    store.traces_path.unlink(missing_ok=True)  # of a trial that was killed; what it spent stays written down
    began = time.monotonic()
    ended, stopped, crashed = True, None, None
    clips = tuple(replace(trial.clip, id=f"{trial.clip.id}.{number}") for number in range(1, trial.first))
    corpus = Corpus("trial", (*clips, trial.clip), place)
    spent_usd = sum((Store(other).spent_usd() for other in (folder / "trials").glob("*") if other != place), Decimal(0))
    async with placed(trial) as url:
        plan = _planned(stage, trial, url, spent_usd)
        try:
            with store.writing():
                async with asyncio.timeout(stage.bound_s):
                    await harness.run(plan, corpus, store, timeouts=stage.timeouts)
        except TimeoutError:
            ended = False
        except BudgetExceeded as error:
            raise BudgetExceeded(
                f"the next attempt could pass the budget of ${stage.plan.budget_usd:.2f} "
                f"(${spent_usd + store.spent_usd():.4f} spent); raise --budget-usd and run the same command to go on"
            ) from error
        except (ProviderError, ParseError) as error:
            stopped = str(error)
        except ExceptionGroup as group:
            crashed = _cause(group)
    came = {"ended": ended, "stopped": stopped, "crashed": crashed, "seconds": time.monotonic() - began}
    write_whole(place / "trial.json", json.dumps(came) + "\n")


def _planned(stage: Stage, trial: Trial, url: str | None, spent_usd: Decimal) -> Plan:
    """The plan of one trial: its route, its address, and what is left of the budget."""
    plan = replace(stage.plan, routes=(trial.route,), concurrency=1)
    if url is not None:
        options = {**plan.candidate.options, "base_url": url}
        plan = replace(plan, candidate=replace(plan.candidate, options=options))
    if plan.budget_usd is None:
        return plan
    return replace(plan, budget_usd=float(max(Decimal(0), Decimal(str(plan.budget_usd)) - spent_usd)))


def _judged(stage: Stage, trial: Trial, folder: Path) -> tuple[Verdict, Score | None]:
    place = _place(folder, trial)
    try:
        told = json.loads((place / "trial.json").read_text(encoding="utf-8"))
        traces = tuple(trace for trace in Store(place).traces() if trace.clip_id == trial.clip.id)
        came = Came(traces, told["seconds"], told["ended"], told["stopped"], told["crashed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{place}: holds no whole trial ({error}); remove the folder and go on") from error
    (provider,) = stage.plan.providers(trial.route)
    evidence: Evidence = "live" if stage.live else "simulated"
    return judge(trial, came, provider, attempts=stage.plan.attempts, evidence=evidence)


def _place(folder: Path, trial: Trial) -> Path:
    return folder / "trials" / trial.key


def _same(stage: Stage, folder: Path) -> None:
    """Write down what is tried, or check that what was written down is the same.

    Raises:
        StoreError: it is not.
    """
    path = folder / "faults.json"
    wanted = json.loads(json.dumps(_described(stage)))
    if path.is_file():
        try:
            before: Any = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StoreError(f"{path}: not JSON ({error}); start over with --fresh") from error
        if not isinstance(before, dict) or not _agree(before, wanted):
            raise StoreError(
                f"{folder}: holds trials with another seed, candidate or clips; "
                "choose another --run name, or start over with --fresh"
            )
        wanted["clips"] = {**before["clips"], **wanted["clips"]}
    write_whole(path, json.dumps(wanted, indent=2) + "\n")


def _agree(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the same is tried, with the same sound for the clips that both have."""
    clips = before.get("clips", {})
    if any(clips.get(name, digest) != digest for name, digest in now["clips"].items()):
        return False
    return {**before, "clips": clips} == {**now, "clips": clips}


def _described(stage: Stage) -> dict[str, Any]:
    candidate = stage.plan.candidate
    return {
        "format": FORMAT,
        "seed": stage.plan.seed,
        "candidate": {"name": candidate.name, "provider": candidate.provider, "options": dict(candidate.options)},
        "attempts": stage.plan.attempts,
        "timeouts": asdict(stage.timeouts),
        "clips": {trial.clip.id: trial.clip.sha256 for trial in stage.trials},
    }


def _set_aside(folder: Path) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    if (folder / "trials").is_dir():
        shutil.move(folder / "trials", folder / f"trials.{stamp}")
    (folder / "faults.json").unlink(missing_ok=True)


def _cause(group: BaseExceptionGroup[Any]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
