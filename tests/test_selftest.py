"""The selftest passes as a user runs it; and with any line of scoring broken it fails."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import certificate, runs, scoring, selftest
from evalkit.errors import SettingsError
from evalkit.scoring import captions, channels, latency, speakers, stitching, timing
from evalkit.scoring.families import accuracy, spending
from evalkit.scoring.speakers import SpeakerSeconds
from evalkit.scoring.words import ErrorCounts
from evalkit.selftest import Finding
from evalkit.selftest.plants import plants
from tests.shell import evalkit

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Kept:
    """A selftest that was run from a shell."""

    folder: Path
    cache: Path
    exit_status: int
    said: str


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The first that a machine which other tests keep busy did not spoil, or the last of a few."""
    for _ in range(4):
        here = tmp_path_factory.mktemp("selftest")
        done = evalkit(here, "selftest", "--keep", "kept", XDG_CACHE_HOME=str(here / "cache"), COLUMNS="200")
        assert "Traceback" not in done.stderr, done.stderr
        if done.returncode == 0 and "not measurable" not in done.stdout:
            break
    return Kept(here / "kept", here / "cache", done.returncode, done.stdout)


def test_everything_planted_is_recovered(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.exit_status == 0, kept.said
    heading, *lines = kept.said.splitlines()
    assert heading.split() == ["planted", "REST", "streaming", "furthest", "off"]
    assert lines[-1] == "every plant: kept/selftest.csv"
    with (kept.folder / "selftest.csv").open(encoding="utf-8", newline="") as file:
        states = [row["state"] for row in csv.DictReader(file)]
    assert len(states) == len(plants())
    assert set(states) <= {"ok", "not measurable"}
    assert len(lines) < 20, "the whole table is for --all"
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept.cache))
    if "not measurable" in kept.said:
        assert certificate.last_passed() is None
        assert lines[-2].endswith("neither failed nor passed; end what else runs")
    else:
        assert str(certificate.last_passed()).endswith(f"scoring {scoring.VERSION}")
        assert lines[-2] == f"{len(plants())} of {len(plants())} plants recovered: passed"


def test_the_runs_are_runs_like_any_other(kept: Kept) -> None:
    for name in selftest.RUNS:
        manifest = json.loads((kept.folder / name / "run.json").read_text())
        assert manifest["command"] == "evalkit selftest"
        assert {about["evidence"] for about in manifest["providers"].values()} == {"simulated"}
        assert (kept.folder / name / "report.html").is_file()


def scored_again(kept: Kept, folder: Path, name: str) -> list[Finding]:
    """Findings after one run was scored anew by scoring as it stands now."""
    for other in selftest.RUNS:
        shutil.copytree(kept.folder / other, folder / other)
    runs.score(folder / name)
    return selftest.findings(folder)


def one_more_error(found: Callable[..., ErrorCounts]) -> Callable[..., ErrorCounts]:
    def broken(*sides: Any) -> ErrorCounts:
        counts = found(*sides)
        return replace(counts, hits=counts.hits - 1, substitutions=counts.substitutions + 1)

    return broken


def scaled(found: Callable[..., Any], factor: float) -> Callable[..., Any]:
    return lambda *arguments, **options: factor * found(*arguments, **options)


def halved(found: Callable[..., SpeakerSeconds]) -> Callable[..., SpeakerSeconds]:
    def broken(*arguments: Any, **options: Any) -> SpeakerSeconds:
        seconds = found(*arguments, **options)
        return replace(seconds, confusion=seconds.confusion / 2)

    return broken


def later(found: Callable[..., Any]) -> Callable[..., Any]:
    """As if a frame were released when it begins, not when its last sample has been spoken."""
    return lambda said, shown, origin_s, rules: found(said, shown, origin_s - 0.1, rules)


def backwards(found: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: [replace(drift, start_s=-drift.start_s) for drift in found(*arguments)]


@pytest.mark.parametrize(
    ("name", "module", "line", "breakage", "metric"),
    [
        ("truth", accuracy, "unit_counts", one_more_error, "acc.wer.en"),
        ("truth", captions, "_common_prefix", lambda _: lambda *__: 0, "str.ne"),
        ("truth", timing, "drifts", backwards, "ts.offset.start.mean"),
        ("truth", channels, "MIN_SWAP_ERRORS", lambda least: 2 * least, "mch.swap"),
        ("truth", spending, "cost_usd", lambda found: scaled(found, 2.0), "cost.per_audio_hour"),
        ("truth", speakers, "speaker_seconds", halved, "dia.der"),
        ("drift", timing, "drifts", backwards, "ts.slope"),
        ("delay", latency, "word_latencies", later, "lat.word_first.p50"),
        ("delay", latency, "finalize_s", lambda found: scaled(found, 0.5), "lat.finalize.p50"),
        ("distance", latency, "round_trips_s", lambda _: lambda __: (0.001,), "lat.rtt.p50"),
        ("faults", stitching, "_middle_s", lambda _: lambda __: None, "acc.wer.en"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_line_of_scoring_is_found(
    name: str,
    module: Any,
    line: str,
    breakage: Callable[[Any], Any],
    metric: str,
    kept: Kept,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, line, breakage(getattr(module, line)))
    found = scored_again(kept, tmp_path, name)
    failed = {figure.metric for finding in found if finding.state == "FAIL" for _, figure in finding.plant.sum}
    assert metric in failed
    assert "FAILED on" in selftest.verdict(found)


def test_whole_scoring_finds_the_same_again(kept: Kept, tmp_path: Path) -> None:
    assert scored_again(kept, tmp_path, "truth") == selftest.findings(kept.folder)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="holds something already; name a new folder"):
        selftest.run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
