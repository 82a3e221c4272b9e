"""Baselines: what a run is held against, small enough for git. ``results/baselines/NAME/``.

===============  =====================================================================================
baseline.json    who accepted which run, when and why; model strings; noise; digests of the files below
run.json         the manifest of that run: settings, corpus, prices, scoring version and text profiles
scores.csv.gz    its scores
answers.csv.gz   a digest of every answer, by which the same recording is known again
traces.jsonl     only when asked for, with clips.jsonl: the recording itself, to be scored again on every push
===============  =====================================================================================

baseline.json is written last and holds the digests of the others: half a baseline is never taken for a whole one.
"""

import csv
import getpass
import gzip
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from evalkit import store
from evalkit.errors import SettingsError, StoreError
from evalkit.gate import Side, comparable
from evalkit.gate.fingerprints import Fingerprint, Key, Models, System
from evalkit.reports import tables
from evalkit.scoring.repeats import Disagreement, repeated, same_service
from evalkit.store import Store

FORMAT = 1
FOLDER = "baselines"
_RECORDING = ("traces.jsonl", "clips.jsonl")
_MADE = ("run.json", "scores.csv.gz", "answers.csv.gz")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline as its baseline.json tells it."""

    name: str
    run: str
    reason: str
    by: str
    accepted_at: str
    clips: int
    systems: tuple[System, ...]
    size_bytes: int


def accept(
    folder: Path,
    run: Side,
    recording: Store,
    *,
    name: str,
    reason: str,
    by: str = "",
    repeats: Sequence[Side] = (),
    traces: bool = False,
) -> Path:
    """Make a run the baseline of that name; what stood there is replaced and stays in git.

    Args:
        folder: of all baselines.
        run: as scored, with digests and models of its traces.
        recording: its files.
        name: of the baseline.
        reason: why it is accepted, for the reviewer of today and of next year.
        by: who accepts it; the user of this machine or job unless given.
        repeats: other runs of the same systems on the same clips, from which the run-to-run disagreement is taken; what
            the old baseline knows of a system that is asked the same today stays known.
        traces: keep the recording too.

    Returns:
        The folder of the baseline.

    Raises:
        SettingsError: the name cannot be a folder, there is no reason, or a repeat is none.
        StoreError: the scores are not those of the traces, or a file cannot be written.
    """
    home = folder / _checked(name)
    if not reason.strip():
        raise SettingsError("a baseline needs a reason: --reason 'why these numbers are the ones to keep'")
    if run.unscored:
        raise StoreError(f"{run.name}: {len(run.unscored)} answers are not scored yet; run `evalkit score {run.name}`")
    for other in repeats:
        _asked_again(other, run)
    noise = _known(folder, name, run) | disagreement([run, *repeats])
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{home}: cannot be written ({error.strerror})") from error
    with tempfile.TemporaryDirectory() as place:
        plain = Path(place) / "scores.csv"
        tables.write_scores(plain, run.scores)
        scores = plain.read_bytes()
    content = {
        "run.json": orjson.dumps({"format": store.FORMAT, **run.manifest}, option=orjson.OPT_INDENT_2) + b"\n",
        "scores.csv.gz": _packed(scores),
        "answers.csv.gz": _packed(_table(run.fingerprints)),
    }
    if traces:
        content |= {file: (recording.folder / file).read_bytes() for file in _RECORDING}
    for file, data in content.items():
        store.replace(home / file, data)
    told = {
        "format": FORMAT,
        "name": name,
        "run": run.manifest.get("run", run.name),
        "reason": reason.strip(),
        "by": by or _actor(),
        "accepted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "clips": len({row.clip_id for row in run.scores}),
        "yardstick": run.manifest["scoring"],
        "systems": [
            {
                "provider": system[0],
                "route": system[1],
                "models": asdict(run.models.get(system, Models())),
                "disagreement": noise.get(system),
            }
            for system in run.systems
        ],
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in content.items()},
    }
    store.replace(home / "baseline.json", orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    for file in set(_RECORDING) - content.keys():
        (home / file).unlink(missing_ok=True)
    return home


def load(folder: Path, name: str) -> Side:
    """A baseline, ready for the gate.

    Raises:
        SettingsError: there is none of that name; the nearest is suggested.
        StoreError: a file is missing or not the one that was accepted, or another format.
    """
    home = folder / name
    if not (home / "baseline.json").is_file():
        known = [baseline.name for baseline in listed(folder)]
        if known:
            raise SettingsError.unknown("baseline", name, known)
        raise SettingsError(
            f"no baseline {name!r} in {folder}; make one with `evalkit baseline accept RUN {name} --reason ...`"
        )
    told = _told(home)
    content = {file: _read(home / file, told["files"].get(file)) for file in _MADE}
    try:
        manifest = orjson.loads(content["run.json"])
        with tempfile.TemporaryDirectory() as place:
            plain = Path(place) / "scores.csv"
            plain.write_bytes(gzip.decompress(content["scores.csv.gz"]))
            scores = tables.read_scores(plain)
        prints = _untable(gzip.decompress(content["answers.csv.gz"]))
        systems = {(line["provider"], line["route"]): line for line in told["systems"]}
        models = {
            system: Models(*(tuple(line["models"][side]) for side in ("sent", "returned")))
            for system, line in systems.items()
            if prints
        }
        noise = {system: line["disagreement"] for system, line in systems.items() if line["disagreement"] is not None}
    except (ValueError, LookupError, TypeError, EOFError, OSError) as error:
        raise StoreError(f"{home}: cannot be read ({error!r}); restore it from git, or accept it again") from error
    return Side(name, manifest, scores, prints, models, noise, recorded=_RECORDING[0] in told["files"])


def listed(folder: Path) -> list[Baseline]:
    """Every baseline there is, by name."""
    found = []
    for home in sorted(path.parent for path in folder.glob("*/baseline.json")):
        told = _told(home)
        systems = tuple((line["provider"], line["route"]) for line in told["systems"])
        size = sum(path.stat().st_size for path in home.iterdir() if path.is_file())
        about = (told["run"], told["reason"], told["by"], told["accepted_at"], told["clips"])
        found.append(Baseline(home.name, *about, systems, size))
    return found


def disagreement(runs: Sequence[Side]) -> dict[System, float]:
    """How far each system differs from itself: between these runs, and between its names in one run.

    Two names of one run are one system when everything they were asked with is the same.
    """
    found: dict[System, Disagreement] = {}
    for system in runs[0].systems:
        answers = [rows for run in runs if (rows := [*run.of(system).values()])]
        answers += [[*runs[0].of(twin).values()] for twin in _twins(runs[0], system)]
        for route, one in repeated(answers).items():
            found[system[0], route] = one
    return {system: one.rate for system, one in found.items() if one.rate is not None}


def _known(folder: Path, name: str, run: Side) -> dict[System, float]:
    """What the baseline that is replaced knows of the run-to-run disagreement of systems that are still the same."""
    try:
        old = load(folder, name)
    except (SettingsError, StoreError):
        return {}
    shared = [system for system in run.systems if system in old.disagreement]
    return {system: old.disagreement[system] for system in shared if not [*comparable.asked(run, old, system)]}


def _asked_again(other: Side, run: Side) -> None:
    shared = [system for system in run.systems if system in other.systems]
    if not shared:
        raise SettingsError(f"--repeat {other.name}: has no provider and route of {run.name}")
    unlike = next((found for system in shared for found in comparable.asked(other, run, system)), None)
    if unlike is not None:
        raise SettingsError(f"--repeat {other.name}: is not the same asked again: {unlike.sentence}")
    if any(run.fingerprints.get(key) == own for key, own in other.fingerprints.items()):
        raise SettingsError(
            f"--repeat {other.name}: holds the recording of {run.name} itself, which does not tell how far two runs "
            "differ; make another with `evalkit run ... --run NAME`"
        )


def _twins(run: Side, system: System) -> list[System]:
    name, route = system
    entries = run.manifest["providers"]
    others = [other for other in run.systems if other != system and other[1] == route]
    return [other for other in others if same_service(entries.get(name, {}), entries.get(other[0], {}), route)]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot name a baseline; letters, digits, dots, - and _ can")
    return name


def _actor() -> str:
    named = next((os.environ[variable] for variable in _ACTORS if os.environ.get(variable)), "")
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user without a name
        return "unknown"


def _told(home: Path) -> dict[str, Any]:
    path = home / "baseline.json"
    try:
        told = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); restore it from git, or accept it again") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise StoreError(f"{path}: is not of format {FORMAT}; accept the run again with this evalkit")
    return told


def _read(path: Path, digest: str | None) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror}); restore it from git, or accept it again"
        ) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise StoreError(f"{path}: is not the file that was accepted; restore it from git, or accept it again")
    return data


def _packed(data: bytes) -> bytes:
    """The same bytes for the same content, whenever they are made."""
    return gzip.compress(data, mtime=0)


def _table(prints: Mapping[Key, Fingerprint]) -> bytes:
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(("clip_id", "provider", "route", "whole", "said"))
    lines.writerows((*key, own.whole, own.said) for key, own in sorted(prints.items()))
    return out.getvalue().encode()


def _untable(data: bytes) -> dict[Key, Fingerprint]:
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return {(row["clip_id"], row["provider"], row["route"]): Fingerprint(row["whole"], row["said"]) for row in rows}
