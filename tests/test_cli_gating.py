"""The gate from a shell, on a recorded run that is scored again: what a job in continuous integration does."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from evalkit import runs
from evalkit.reports import tables
from evalkit.types import Score
from tests import planted
from tests.conftest import ROOT
from tests.shell import evalkit, refused

REASON = "first numbers of the recorded run"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A checkout with a recorded run that was accepted as the baseline ``main``, recording included."""
    shutil.copytree(ROOT / "tests" / "traces" / "demo", tmp_path / "results" / "kept")
    runs.score(tmp_path / "results" / "kept")
    done = evalkit(tmp_path, "baseline", "accept", "kept", "main", "--reason", REASON, "--traces", GITHUB_ACTOR="ada")
    assert done.returncode == 0, done.stderr
    assert "results/baselines/main: " in done.stdout
    return tmp_path


def plant(here: Path, rows: list[Score]) -> None:
    tables.write_scores(here / "results" / "kept" / "scores.csv", rows)


def test_from_the_kept_recording_to_a_green_job_and_to_a_red_one(here: Path) -> None:
    """The two commands of a push: score what was kept, hold it against the baseline."""
    shutil.rmtree(here / "results" / "kept")
    shutil.copytree(here / "results" / "baselines" / "main", here / "results" / "push")
    assert evalkit(here, "score", "push").returncode == 0
    arguments = ("--junit", "gate.xml", "--summary", "summary.md", "--json", "gate.json")
    done = evalkit(here, "gate", "push", "--baseline", "main", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass: push against baseline main: " in done.stdout
    assert "::" not in done.stdout
    assert Xml.fromstring((here / "gate.xml").read_text()).get("failures") == "0"

    path = here / "results" / "push" / "scores.csv"
    tables.write_scores(path, planted.dropping(tables.read_scores(path)))
    done = evalkit(here, "gate", "push", "--baseline", "results/baselines/main", *arguments, GITHUB_ACTIONS="true")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "regressed: local-moonshine over rest: acc.wer.en is worse on the same recording" in done.stdout
    assert "::error title=evalkit gate%3A acc.wer.en::" in done.stdout
    assert Xml.fromstring((here / "gate.xml").read_text()).get("failures") != "0"
    summary = (here / "summary.md").read_text()
    assert summary.index("evalkit gate: pass") < summary.index("evalkit gate: regression")
    assert json.loads((here / "gate.json").read_text())["status"] == 1


def test_what_cannot_be_judged_ends_with_two_and_a_sentence(here: Path) -> None:
    rows = tables.read_scores(here / "results" / "kept" / "scores.csv")
    plant(here, [row for row in rows if row.clip_id != rows[0].clip_id])
    done = evalkit(here, "gate", "kept", "--baseline", "main")
    assert done.returncode == 2
    assert "4 answers of kept are not scored yet" in done.stdout
    traces = here / "results" / "kept" / "traces.jsonl"
    lines = [line for line in traces.read_text().splitlines() if json.loads(line)["clip_id"] != rows[0].clip_id]
    traces.write_text("\n".join(lines) + "\n")
    done = evalkit(here, "gate", "kept", "--baseline", "main")
    assert done.returncode == 2
    assert f"1 of the 6 clips of the baseline are not in the run ({rows[0].clip_id})" in done.stdout
    assert "evalkit baseline accept kept main --reason '...' --traces" in done.stdout


def test_a_job_that_could_not_begin_leaves_its_files_too(here: Path) -> None:
    arguments = ("--junit", "gate.xml", "--summary", "summary.md", "--json", "gate.json")
    done = evalkit(here, "gate", "other", "--baseline", "main", *arguments, GITHUB_ACTIONS="true")
    assert done.returncode == 2
    assert "holds no run" in done.stderr
    assert done.stdout.startswith("::error title=evalkit gate%3A files::results/other: holds no run")
    assert Xml.fromstring((here / "gate.xml").read_text()).get("errors") == "1"
    assert "holds no run" in (here / "summary.md").read_text()
    assert json.loads((here / "gate.json").read_text())["status"] == 2


def test_the_verdict_is_told_before_a_file_that_cannot_be_written(here: Path) -> None:
    done = evalkit(here, "gate", "kept", "--baseline", "main", "--junit", "nowhere/gate.xml")
    assert done.returncode == 2
    assert "pass: kept against baseline main" in done.stdout
    assert "nowhere/gate.xml: cannot be written" in done.stderr


def test_accepting_without_the_recording_that_was_kept_says_so(here: Path) -> None:
    done = evalkit(here, "baseline", "accept", "kept", "main", "--reason", "again", "--traces")
    assert "--traces" not in done.stdout
    done = evalkit(here, "baseline", "accept", "kept", "main", "--reason", "again")
    assert "main kept a recording and keeps none now" in done.stdout


def test_accepting_makes_it_green_again_and_the_list_says_why(here: Path) -> None:
    rows = tables.read_scores(here / "results" / "kept" / "scores.csv")
    plant(here, planted.dropping(rows))
    assert evalkit(here, "gate", "kept", "--baseline", "main").returncode == 1
    assert evalkit(here, "baseline", "accept", "kept", "main", "--reason", "on purpose").returncode == 0
    assert evalkit(here, "gate", "kept", "--baseline", "main").returncode == 0
    assert "on purpose" in evalkit(here, "baseline", "list").stdout


def test_what_is_wrong_is_one_sentence(here: Path) -> None:
    assert "did you mean 'main'" in refused(evalkit(here, "gate", "kept", "--baseline", "mian"))
    assert "needs a reason" in refused(evalkit(here, "baseline", "accept", "kept", "main", "--reason", " "))
    assert "unknown metric" in refused(evalkit(here, "gate", "kept", "--baseline", "main", "--watch", "lat.word"))
    assert "cannot be watched" in refused(
        evalkit(here, "gate", "kept", "--baseline", "main", "--watch", "str.stall.max")
    )
    assert "holds no run" in refused(evalkit(here, "gate", "other", "--baseline", "main"))


def test_without_any_baseline_the_list_says_how_to_make_one(tmp_path: Path) -> None:
    assert "evalkit baseline accept" in evalkit(tmp_path, "baseline", "list").stdout
