"""A run from end to end: buy the traces, then make scores, tables and the report from them, any number of times."""

import functools
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit import corpora, harness, hypotheses, scoring, stats
from evalkit import manifest as manifests
from evalkit.checklist import needs
from evalkit.checklist.answers import Checked, check
from evalkit.checklist.findings import Material
from evalkit.checklist.findings.material import FAULTS
from evalkit.checklist.needs import Needs
from evalkit.comparison import corrections
from evalkit.comparison.corrections import Corrected
from evalkit.cores import on_all_cores
from evalkit.corpora import Corpus
from evalkit.errors import CorpusError, StoreError
from evalkit.harness import Progress
from evalkit.plan import Plan
from evalkit.replay import asking
from evalkit.reports import checked, doubted, faulted, html, tables
from evalkit.scoring import cost
from evalkit.store import Store
from evalkit.types import Clip, Difference, Score, SummaryRow

_NEEDED = {"candidate", "corpus", "incumbent", "prices", "providers", "routes", "seed", "terms"}
"""What scoring reads of run.json."""

# Scoring this many rows takes longer than starting a second process.
WORTH_A_POOL = 500


@dataclass(frozen=True, repr=False)
class Results:
    """Everything made from the traces of a run; ``Run.load(results.folder)`` shows it in a notebook."""

    folder: Path
    manifest: Mapping[str, Any]
    scores: list[Score]
    summary: list[SummaryRow]
    differences: list[Difference]
    changed: tuple[str, ...] = ()
    """Clips whose reference differs from the one at the time of the run."""
    note: str = ""
    """Where the references came from, when not from the corpus as it is now."""
    corrected: Corrected | None = None
    """Figures on corrected references, when somebody corrected any."""

    def __repr__(self) -> str:
        return f"<Results {str(self.folder)!r}: {len(self.scores)} scores; Run.load(...) shows them>"

    @property
    def report_path(self) -> Path:
        return self.folder / "report.html"


async def run(
    plan: Plan,
    corpus: Corpus,
    folder: Path,
    *,
    fresh: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    command: str = "evalkit run",
) -> Results:
    """Buy what is missing of a run and score all of it; call again after any interruption to go on.

    Raises:
        EvalkitError: see ``harness.run``; what was bought before is kept.
    """
    for route in plan.routes:
        for provider in plan.providers(route):
            provider.ready(os.environ)
    if fresh:
        _set_aside(folder)
    with Store(folder).writing() as store:
        replays, simulations = await asking.replays(plan), await asking.simulations(plan)
        manifest = manifests.describe(plan, corpus, folder.name, command, replays, simulations)
        if store.exists():
            _same_clips(store, corpus)
            manifest = manifests.continued(store, manifest)
        else:
            store.write_clips(corpus)
        store.write_manifest(manifest)
        began = time.monotonic()
        try:
            await harness.run(plan, corpus, store, progress=progress)
        except BaseException:
            with suppress(StoreError):  # what ended the run is worth telling, not that its length cannot be noted
                store.write_manifest(_lasted(manifest, began))
            raise
        store.write_manifest({**_lasted(manifest, began), "finished_at": manifests.now()})
        return _scored(store)


def score(folder: Path) -> Results:
    """Score a run from its traces, offline, and write scores.csv, summary.csv, comparison.csv and report.html.

    References are those of the corpus as it stands now; when it is gone, those saved with the run.

    Raises:
        StoreError: there is no run in ``folder``, or one of another format, or it is being written.
    """
    store = Store(folder)
    store.manifest()
    with store.writing():
        return _scored(store)


def _scored(store: Store) -> Results:
    folder, manifest = store.folder, {**store.manifest(), "scoring": manifests.yardstick()}
    if lacking := sorted(_NEEDED - manifest.keys()):
        raise StoreError(f"{store.manifest_path}: lacks {', '.join(lacking)}; restore it or run again")
    saved = {clip.id: clip for clip in store.clips()}
    clips, note = _current(manifest, saved)
    scores = _scores(store, manifest, clips)
    if not scores:
        raise StoreError(f"{folder}: holds no traces yet; finish it with `evalkit run`")
    results = Results(
        folder,
        manifest,
        scores,
        stats.summarise(scores, seed=manifest["seed"]),
        stats.compare(scores, manifest["candidate"], manifest["incumbent"], seed=manifest["seed"]),
        tuple(clip_id for clip_id, clip in clips.items() if clip != replace(saved[clip_id], path=clip.path)),
        note,
        corrections.outcome(folder, clips, scores, manifest, functools.partial(_scores, store, manifest)),
    )
    store.write_manifest(manifest)
    tables.write_scores(folder / "scores.csv", results.scores)
    tables.write_summary(folder / "summary.csv", results.summary)
    tables.write_differences(folder / "comparison.csv", results.differences)
    doubted.write(folder, results.corrected)
    report(results)
    return results


def load(folder: Path) -> Results:
    """The results as last scored.

    Raises:
        StoreError: the run, or one of its tables, is not there.
    """
    manifest = Store(folder).manifest()
    if not (folder / "scores.csv").is_file():
        raise StoreError(f"{folder}: is not scored yet; run `evalkit score {folder}`")
    return Results(
        folder,
        manifest,
        tables.read_scores(folder / "scores.csv"),
        tables.read_summary(folder / "summary.csv"),
        tables.read_differences(folder / "comparison.csv"),
        corrected=doubted.read(folder),
    )


def report(results: Results) -> Path:
    """Write report.html, and the checklist beside it, and return its path."""
    checked.write(results.folder, found := checks(results))
    html.write(
        results.report_path,
        manifest=dict(results.manifest),
        scores=results.scores,
        summary=results.summary,
        differences=results.differences,
        checks=found,
        corrected=doubted.section(results.corrected, results.summary, results.differences),
        faults=faulted.section(tried) if (tried := results.folder / FAULTS).is_file() else "",
    )
    return results.report_path


def checks(results: Results, wanted: Needs | None = None) -> Checked:
    """The eight answers about a run, by the needs given, else by those kept with it.

    Raises:
        SettingsError: the needs ask what does not exist or cannot be shown.
    """
    of = needs.of_run(results.folder) if wanted is None else wanted
    shown = results.manifest, results.scores, results.summary, results.differences
    return check(Material(results.folder, *shown, of))


def _scores(store: Store, manifest: Mapping[str, Any], clips: Mapping[str, Clip]) -> list[Score]:
    """A score for everything that was asked, in the order of the manifest, on all cores when there is much of it."""
    places = store.attempts()
    prices = {(line["provider"], line["route"]): cost.Price(**line) for line in manifest["prices"]}
    keys = [
        (clip_id, name, route) for name in manifest["providers"] for route in manifest["routes"] for clip_id in clips
    ]
    work = [
        _Work(
            clips[clip_id],
            manifest["providers"][name],
            prices.get((name, route)),
            places[clip_id, name, route],
            tuple(manifest["terms"]),
            places.get((clip_id, name, "rest"), []) if route != "rest" else [],
        )
        for clip_id, name, route in keys
        if (clip_id, name, route) in places
    ]
    one = functools.partial(_score, store.folder)
    return on_all_cores(one, work) if len(work) >= WORTH_A_POOL else list(map(one, work))


@dataclass(frozen=True)
class _Work:
    """What one score is made from; small enough to hand to another process."""

    clip: Clip
    entry: Mapping[str, Any]
    """The provider's part of the manifest."""
    price: cost.Price | None
    places: Sequence[int]
    """Where the attempts stand."""
    terms: tuple[str, ...]
    rest_places: Sequence[int]
    """Where those of the same provider over REST stand, when this is another route."""


def _score(folder: Path, work: _Work) -> Score:
    store = Store(folder)
    traces = store.traces_at(work.places)
    rest = None
    if work.rest_places:
        answer = hypotheses.said(store.traces_at(work.rest_places[-1:])[0], work.entry)
        rest = answer.words if answer.failure is None else None
    heard = hypotheses.whole(traces, work.entry)
    evidence = work.entry["evidence"]
    found = scoring.score(work.clip, traces, heard, price=work.price, evidence=evidence, terms=work.terms, rest=rest)
    hurried = work.entry.get("replay", {}).get("speed", 1.0) != 1.0
    return asking.without_delays(found) if hurried else found


def references(folder: Path) -> dict[str, Clip]:
    """The clips of a run with the references it is scored on."""
    store = Store(folder)
    return _current(store.manifest(), {clip.id: clip for clip in store.clips()})[0]


def _current(manifest: Mapping[str, Any], saved: dict[str, Clip]) -> tuple[dict[str, Clip], str]:
    """The clips with the references of their corpus as it is now, else as they were, and a note that says so."""
    try:
        corpus = corpora.load(manifest["corpus"]["path"])
    except CorpusError as error:
        return saved, f"references are those saved with the run, for the corpus cannot be read now ({error})"
    now = {clip.id: clip for clip in corpus}
    for clip_id, clip in saved.items():
        if clip_id in now and now[clip_id].sha256 != clip.sha256:
            raise StoreError(
                f"{manifest['corpus']['path']}: clip {clip_id!r} is another recording now; restore it, or run again"
            )
    return {clip_id: now.get(clip_id, clip) for clip_id, clip in saved.items()}, ""


def _same_clips(store: Store, corpus: Corpus) -> None:
    """See that a run goes on with the recordings it began with, in whatever order the manifest names them now."""
    before = {clip.id: clip.sha256 for clip in store.clips()}
    now = {clip.id: clip.sha256 for clip in corpus}
    for clip_id in {**before, **now}:
        if before.get(clip_id) != now.get(clip_id):
            what = "is new" if clip_id not in before else "is gone" if clip_id not in now else "is another recording"
            raise StoreError(
                f"{store.folder}: was started on other clips ({len(before)}, now {len(now)}; {clip_id!r} {what}); "
                "choose another --run name, or start over with --fresh"
            )


def _lasted(manifest: Mapping[str, Any], began: float) -> dict[str, Any]:
    """The manifest with the time since ``began`` added to what the run took."""
    return {**manifest, "wall_s": round(manifest["wall_s"] + time.monotonic() - began, 1)}


def _set_aside(folder: Path) -> None:
    """Move an old run out of the way, unless somebody is writing it; what was paid for is not deleted."""
    if folder.exists():
        with Store(folder).writing():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            shutil.move(folder, folder.with_name(f"{folder.name}.{stamp}"))
