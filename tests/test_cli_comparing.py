"""Systems held against each other and against their references, from a shell."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from evalkit import runs
from evalkit.reports.notebook import Run
from evalkit.store import Store
from tests import handmade
from tests.shell import evalkit, here, refused
from tests.test_recorded import RECORDED

__all__ = ["here"]


@pytest.fixture
def recorded(here: Path) -> Path:
    """The recorded run with a reference nobody said, scored."""
    folder = here / "results" / "mine"
    shutil.copytree(RECORDED, folder)
    manifest = Store(folder).manifest()
    manifest["corpus"]["path"] = "gone"
    Store(folder).write_manifest(manifest)
    lines = (folder / "clips.jsonl").read_text().splitlines()
    changed = [_planted(line) if '"prompt-' in line or '"synth-' in line else line for line in lines]
    assert changed != lines
    (folder / "clips.jsonl").write_text("\n".join(changed) + "\n")
    runs.score(folder)
    return folder


def _planted(line: str) -> str:
    clip = json.loads(line)
    for word in clip["reference"][1:4]:
        word["text"] = "umbrella"
    return json.dumps(clip)


def test_compare_writes_a_table_and_a_page(here: Path) -> None:
    handmade.write_run(here / "results" / "demo")
    told = evalkit(here, "compare", "demo", "--need", "2.0")
    assert told.returncode == 0, told.stderr
    assert "worth its price here?" in told.stdout
    assert (here / "results/demo/compare.html").is_file()
    assert len(pd.read_csv(here / "results/demo/compare.csv")) > 20
    assert "did you mean 'noise'" in refused(evalkit(here, "compare", "demo", "--slice", "nose"))


def test_two_runs_are_compared_and_others_refused(here: Path) -> None:
    for name, count in (("new", 24), ("old", 16)):
        handmade.write_run(here / "results" / name, count)
    told = evalkit(here, "compare", "new", "old", "--metric", "acc.wer.en")
    assert told.returncode == 0, told.stderr
    assert "16 of the 24 clips of new are in both runs" in " ".join(told.stdout.split())
    rows = pd.read_csv(here / "results/new/compare-old.csv")
    assert set(rows[rows["question"] == "candidate_vs_incumbent"]["difference"].dropna()) == {0.0}
    manifest = Store(here / "results/old").manifest()
    Store(here / "results/old").write_manifest({**manifest, "scoring": {"version": "0", "profiles": {}}})
    assert "new and old do not compare: their scoring versions are 1 and 0" in refused(
        evalkit(here, "compare", "new", "old")
    )


def test_a_doubt_is_found_corrected_and_scored_both_ways(here: Path, recorded: Path) -> None:
    told = evalkit(here, "doubts", "mine")
    assert told.returncode == 0, told.stderr
    assert "more than one provider" in told.stdout
    rows = list(csv.DictReader((recorded / "doubts.csv").read_text().splitlines()))
    assert "umbrella" in rows[0]["reference"]
    for row in rows:
        row["corrected"] = row["said"] if "umbrella" in row["reference"] else ""
    with (here / "filled.csv").open("w", newline="") as file:
        lines = csv.DictWriter(file, rows[0])
        lines.writeheader()
        lines.writerows(rows)
    before = (recorded / "clips.jsonl").read_bytes()
    told = evalkit(here, "doubts", "apply", "mine", "filled.csv", "--by", "ann")
    assert told.returncode == 0, told.stderr
    assert "corrections take errors away" in told.stdout
    scored = evalkit(here, "score", "mine")
    assert "corrected by ann: " in scored.stdout
    assert "on the original and on the corrected references" in " ".join(scored.stdout.split())
    assert (recorded / "clips.jsonl").read_bytes() == before, "originals are never touched"
    original, corrected = (
        pd.read_csv(recorded / name).query("metric == 'acc.wer.en' and slice == 'all'")["value"].mean()
        for name in ("summary.csv", "summary.corrected.csv")
    )
    assert corrected < original
    assert 'id="corrected"' in (recorded / "report.html").read_text()
    assert runs.load(recorded).corrected == runs.score(recorded).corrected
    (recorded / "corrections.jsonl").unlink()
    assert runs.score(recorded).corrected is None
    assert not (recorded / "summary.corrected.csv").exists()


def test_what_does_not_fit_is_refused(here: Path, recorded: Path) -> None:
    (here / "x.csv").write_text("clip_id,text\n")
    assert "lacks the column 'reference'" in refused(evalkit(here, "doubts", "apply", "mine", "x.csv"))
    assert "holds no run" in refused(evalkit(here, "doubts", "other"))


def test_a_notebook_has_the_same_rows(here: Path, recorded: Path) -> None:
    run = Run.load(recorded)
    assert "umbrella" in run.doubts().iloc[0]["reference"]
    handmade.write_run(here / "one")
    handmade.write_run(here / "two")
    frame = Run.load(here / "one").compare(Run.load(here / "two"), metric="acc.wer.en", key="noise")
    assert set(frame["slice"]) >= {"all", "noise=clean"}
    assert set(Run.load(here / "one").compare(metric="acc.wer.en")["verdict"]) >= {"better"}
