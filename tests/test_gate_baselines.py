"""Baselines: what was accepted comes back as it was, or not at all."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit import gate, manifest
from evalkit.errors import SettingsError, StoreError
from evalkit.gate import Side, baselines
from evalkit.reports import tables
from evalkit.store import Store
from evalkit.types import Score
from tests import handmade, planted
from tests.conftest import ROOT
from tests.planted import side

RECORDED = Store(ROOT / "tests" / "traces" / "demo")


def accept(folder: Path, run: Side | None = None, **rest: object) -> Path:
    about = {"name": "main", "reason": "the first one", "by": "ada"} | rest
    return baselines.accept(folder, run or side(name="demo"), RECORDED, **about)  # type: ignore[arg-type]


def test_what_was_accepted_comes_back(tmp_path: Path) -> None:
    before = side(name="demo")
    home = accept(tmp_path, before)
    found = baselines.load(tmp_path, "main")
    assert list(found.scores) == list(before.scores)
    assert found.manifest == {"format": 1, **before.manifest}
    assert (found.fingerprints, found.models) == (before.fingerprints, before.models)
    assert found.name == "main"
    assert sorted(path.name for path in home.iterdir()) == [
        "answers.csv.gz", "baseline.json", "run.json", "scores.csv.gz"
    ]  # fmt: skip
    assert gate.check(side(recording="first"), found, manifest.yardstick()).status == gate.PASS


def test_the_list_says_who_when_and_why(tmp_path: Path) -> None:
    accept(tmp_path, name="b")
    accept(tmp_path, name="a", reason="after the new model")
    first, second = baselines.listed(tmp_path)
    assert (first.name, first.reason, first.by, first.clips) == ("a", "after the new model", "ada", 24)
    assert second.accepted_at.startswith("20")
    assert len(first.systems) == 4
    assert first.size_bytes > 1000
    assert baselines.listed(tmp_path / "none") == []


def test_the_same_run_makes_the_same_files(tmp_path: Path) -> None:
    homes = [accept(tmp_path / name) for name in "ab"]
    for file in ("scores.csv.gz", "answers.csv.gz", "run.json"):
        assert (homes[0] / file).read_bytes() == (homes[1] / file).read_bytes()
    assert (homes[0] / "scores.csv.gz").read_bytes()[4:8] == bytes(4), "no time of day in it"


def test_the_recording_is_kept_only_when_asked_for(tmp_path: Path) -> None:
    home = accept(tmp_path, traces=True)
    assert (home / "traces.jsonl").read_bytes() == RECORDED.traces_path.read_bytes()
    assert len(Store(home).clips()) == 6
    accept(tmp_path)
    assert not (home / "traces.jsonl").exists()
    assert not (home / "clips.jsonl").exists()


@pytest.mark.parametrize("file", ["scores.csv.gz", "answers.csv.gz", "run.json"])
def test_a_file_that_is_not_the_accepted_one_is_refused(tmp_path: Path, file: str) -> None:
    home = accept(tmp_path)
    (home / file).write_bytes((home / file).read_bytes() + b"\n")
    with pytest.raises(StoreError, match="is not the file that was accepted; restore it from git"):
        baselines.load(tmp_path, "main")
    (home / file).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        baselines.load(tmp_path, "main")


def test_an_interrupted_acceptance_leaves_no_baseline_that_looks_whole(tmp_path: Path) -> None:
    home = accept(tmp_path)
    old = (home / "baseline.json").read_bytes()
    accept(tmp_path, side(planted.slower(handmade.scores())))
    (home / "baseline.json").write_bytes(old)
    with pytest.raises(StoreError, match="is not the file that was accepted"):
        baselines.load(tmp_path, "main")


def test_an_unknown_name_suggests_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="evalkit baseline accept RUN main"):
        baselines.load(tmp_path, "main")
    accept(tmp_path)
    with pytest.raises(SettingsError, match="did you mean 'main'"):
        baselines.load(tmp_path, "mian")


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a b"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a baseline"):
        accept(tmp_path, name=name)


def test_a_reason_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a reason"):
        accept(tmp_path, reason="  ")


def test_answers_that_are_not_scored_are_refused(tmp_path: Path) -> None:
    run = side()
    with pytest.raises(StoreError, match="1 answers are not scored yet; run `evalkit score"):
        accept(tmp_path, replace(run, scores=run.scores[1:]))


def test_another_format_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    home = accept(tmp_path)
    told = json.loads((home / "baseline.json").read_text())
    (home / "baseline.json").write_text(json.dumps({**told, "format": 99}))
    with pytest.raises(StoreError, match="is not of format 1"):
        baselines.load(tmp_path, "main")
    (home / "baseline.json").write_text("{")
    with pytest.raises(StoreError, match="restore it from git"):
        baselines.listed(tmp_path)


def test_what_two_runs_differ_by_is_kept(tmp_path: Path) -> None:
    accept(tmp_path, repeats=[side(planted.dropping(handmade.scores()), recording="second")])
    noise = baselines.load(tmp_path, "main").disagreement
    assert set(noise) == set(side().systems)
    assert 0 < noise[handmade.CANDIDATE, "rest"] < 0.1
    # The same asked again, or its recording scored by newer rules, is as noisy; another setting may not be.
    accept(tmp_path, side(recording="third"))
    assert baselines.load(tmp_path, "main").disagreement == noise
    other = side(recording="third")
    planted.entry(other)["settings"]["rest"]["endpointing_ms"] = 7
    accept(tmp_path, other)
    assert baselines.load(tmp_path, "main").disagreement.keys() == noise.keys() - {(handmade.CANDIDATE, "rest")}
    accept(tmp_path, name="fresh")
    assert baselines.load(tmp_path, "fresh").disagreement == {}


def test_a_repeat_that_tells_nothing_of_the_noise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--repeat main: holds the recording of demo itself"):
        accept(tmp_path, repeats=[side()])
    other = side(recording="second", name="later")
    planted.entry(other)["settings"]["rest"]["endpointing_ms"] = 7
    with pytest.raises(SettingsError, match="--repeat later: is not the same asked again: local-moonshine over rest: "):
        accept(tmp_path, repeats=[other])
    strange = [replace(row, provider="other") for row in handmade.scores()]
    with pytest.raises(SettingsError, match="has no provider and route of demo"):
        accept(tmp_path, repeats=[side(strange, recording="second")])
    assert not (tmp_path / "main").exists()


def test_whether_the_recording_is_kept_is_known_to_the_gate(tmp_path: Path) -> None:
    accept(tmp_path, traces=True)
    assert baselines.load(tmp_path, "main").recorded
    accept(tmp_path)
    assert not baselines.load(tmp_path, "main").recorded


def test_nothing_but_the_baseline_is_ever_written_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that accept at once would take each other's scratch files away."""
    written: list[Path] = []
    whole = tables.write_scores

    def watched(path: Path, scores: Sequence[Score]) -> None:
        written.append(path)
        whole(path, scores)

    monkeypatch.setattr(tables, "write_scores", watched)
    home = accept(tmp_path)
    assert [path.parent == home for path in written] == [False]


def test_two_names_of_one_system_in_a_run_tell_its_noise_too() -> None:
    own = planted.only(handmade.scores(), (handmade.CANDIDATE, "rest"))
    run = side([*own, *(replace(row, provider="again") for row in planted.dropping(own))])
    entries = run.manifest["providers"]
    entries[handmade.CANDIDATE]["provider"] = "xai"
    entries["again"] = dict(entries[handmade.CANDIDATE])
    found = baselines.disagreement([run])
    assert found.keys() == {(handmade.CANDIDATE, "rest"), ("again", "rest")}
    entries["again"]["settings"] = {"rest": {"diarize": False}}
    assert baselines.disagreement([run]) == {}


def test_who_accepts_is_taken_from_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "grace")
    accept(tmp_path, by="")
    assert baselines.listed(tmp_path)[0].by == "grace"


def test_git_keeps_baselines_and_no_other_results() -> None:
    def ignored(path: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0

    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    assert ignored("results/demo/run.json")
    assert not ignored("results/baselines/main/scores.csv.gz")
