"""A run folder from end to end: bought over a real socket, scored again offline, references corrected."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalkit import corpora, runs
from evalkit.errors import StoreError
from evalkit.plan import Choice, Plan
from evalkit.reports import faulted
from evalkit.store import Store
from tests.conftest import OPEN
from tests.peers import http_answer, http_server
from tests.test_reports_faulted import BAD

CLIPS = ("prompt-agent-pass", "prompt-conf-invalid", "prompt-conf-onlyperson")
TEXT = "please enter your password"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A corpus of three clips in a folder of its own."""
    folder = tmp_path / "calls"
    (folder / "audio").mkdir(parents=True)
    lines = {json.loads(line)["id"]: line for line in (OPEN / corpora.MANIFEST).read_text().splitlines()}
    (folder / corpora.MANIFEST).write_text("".join(lines[clip_id] + "\n" for clip_id in CLIPS))
    for clip_id in CLIPS:
        shutil.copy(OPEN / "audio" / f"{clip_id}.flac", folder / "audio")
    return folder


async def bought(calls: Path, folder: Path, *, fresh: bool = False, **changes: Any) -> runs.Results:
    async with http_server(lambda _: http_answer(200, json.dumps({"text": TEXT}))) as url:
        candidate = Choice("xai", {"base_url": url, "key_env": ""})
        chosen = {"candidate": candidate, "corpus": str(calls), "routes": ("rest",), **changes}
        return await runs.run(Plan(**chosen), corpora.load(calls), folder, fresh=fresh)


def rows(folder: Path) -> dict[str, str]:
    """The lines of scores.csv by clip."""
    header, *lines = (folder / "scores.csv").read_text().splitlines()
    assert "clip_id" in header
    return {next(clip_id for clip_id in CLIPS if clip_id in line): line for line in lines}


def edited(calls: Path, change: Callable[[str], str]) -> None:
    path = calls / corpora.MANIFEST
    path.write_text(change(path.read_text()))


async def test_a_run_leaves_everything_a_reader_needs(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run")
    assert {path.name for path in results.folder.iterdir()} >= {
        "run.json", "clips.jsonl", "traces.jsonl", "scores.csv", "summary.csv", "comparison.csv", "report.html",
    }  # fmt: skip
    summary = pd.read_csv(results.folder / "summary.csv")
    header = "provider,route,slice,metric,unit,value,numerator,denominator,ci_lo,ci_hi,n_clips,n_units,status"
    columns = header.split(",")
    assert list(summary.columns)[: len(columns)] == columns
    manifest = results.manifest
    assert manifest["finished_at"]
    assert manifest["corpus"]["sha256"] == corpora.load(calls).sha256
    assert manifest["prices"][0]["date"]
    assert manifest["scoring"]["profiles"]["en"]["hash"]


async def test_a_server_of_yours_is_live_evidence_about_itself(calls: Path, tmp_path: Path) -> None:
    async with http_server(lambda _: http_answer(200, json.dumps({"text": TEXT}))) as url:
        ours = Choice("openai", {"profile": "plain", "base_url": url}, "ours")
        plan = Plan(ours, corpus=str(calls), routes=("rest",))
        results = await runs.run(plan, corpora.load(calls), tmp_path / "run")
    assert {score.evidence for score in results.scores} == {"live"}
    report = results.report_path.read_text()
    assert f"ours is what answered at {url}, and its figures say nothing about a service." in report
    assert "Simulated evidence" not in report
    stood_in = await bought(calls, tmp_path / "other")
    assert {score.evidence for score in stood_in.scores} == {"simulated"}


async def test_correcting_one_word_changes_that_clip_and_nothing_else(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    before = rows(tmp_path / "run")
    edited(
        calls, lambda text: text.replace('"text": "Please enter your password', '"text": "Please enter their password')
    )
    results = runs.score(tmp_path / "run")
    after = rows(tmp_path / "run")
    assert results.changed == ("prompt-agent-pass",)
    assert {clip_id for clip_id in CLIPS if before[clip_id] != after[clip_id]} == {"prompt-agent-pass"}


async def test_scoring_twice_gives_the_same_bytes(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run")
    names = ("scores.csv", "summary.csv", "comparison.csv", "report.html")
    before = {name: (results.folder / name).read_bytes() for name in names}
    runs.score(results.folder)
    assert {name: (results.folder / name).read_bytes() for name in names} == before


async def test_all_cores_score_the_same_as_one(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = await bought(calls, tmp_path / "run")
    monkeypatch.setattr(runs, "WORTH_A_POOL", 1)
    assert runs.score(results.folder).scores == results.scores


async def test_a_run_without_its_corpus_is_scored_from_its_own_copy(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    before = rows(tmp_path / "run")
    shutil.rmtree(calls)
    runs.score(tmp_path / "run")
    assert rows(tmp_path / "run") == before


async def test_a_run_on_other_clips_is_not_continued(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    edited(calls, lambda text: "\n".join(text.splitlines()[:2]) + "\n")
    with pytest.raises(StoreError, match=r"other clips \(3, now 2; 'prompt-conf-onlyperson' is gone\)"):
        await bought(calls, tmp_path / "run")


async def test_another_recording_and_a_new_clip_are_named(calls: Path, tmp_path: Path) -> None:
    corpus = corpora.load(calls)
    await bought(calls, tmp_path / "run")
    changed = [replace(clip, sha256="0") if clip.id == CLIPS[1] else clip for clip in corpus]
    more = [replace(corpus.clips[0], id="extra"), *corpus]
    with pytest.raises(StoreError, match=r"other clips \(3, now 3; 'prompt-conf-invalid' is another recording\)"):
        runs._same_clips(Store(tmp_path / "run"), corpora.assemble("calls", calls, changed))
    with pytest.raises(StoreError, match=r"other clips \(3, now 4; 'extra' is new\)"):
        runs._same_clips(Store(tmp_path / "run"), corpora.assemble("calls", calls, more))


async def test_the_same_clips_in_another_order_go_on(calls: Path, tmp_path: Path) -> None:
    before = await bought(calls, tmp_path / "run")
    edited(calls, lambda text: "\n".join(reversed(text.splitlines())) + "\n")
    asked = Choice("xai", before.manifest["providers"]["xai"]["settings"]["rest"])
    again = await bought(calls, tmp_path / "run", candidate=asked)
    assert again.scores == before.scores
    assert len(list(Store(tmp_path / "run").traces())) == 3, "nothing was bought twice"


async def test_a_run_that_cannot_say_how_it_was_sent_is_not_continued(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in about.items() if key not in ("sample_rate_hz", "wall_s")}))
    with pytest.raises(StoreError, match=r"run.json: lacks sample_rate_hz, wall_s; restore it, choose another --run"):
        await bought(calls, tmp_path / "run")


async def test_faults_that_were_tried_stand_in_the_report(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run")
    assert 'href="#faults"' not in results.report_path.read_text()
    faulted.write_verdicts(results.folder / "faults.csv", [BAD])
    page = runs.report(results).read_text()
    assert '<a href="#faults">Faults</a>' in page
    assert page.count('<section id="faults"') == 1
    assert "1 of 1 faults were not met as a correct client meets them." in page
    assert "&lt;b&gt;" in page


async def test_a_run_goes_on_with_another_provider_and_scores_both(calls: Path, tmp_path: Path) -> None:
    """The safe order: one provider first, the comparison later, in the same run."""
    await bought(calls, tmp_path / "run")
    async with http_server(lambda _: http_answer(200, json.dumps({"text": "please enter"}))) as url:
        plan = Plan(Choice("xai", {"base_url": url, "key_env": ""}, "later"), corpus=str(calls), routes=("rest",))
        results = await runs.run(plan, corpora.load(calls), tmp_path / "run")
    assert {score.provider for score in results.scores} == {"xai", "later"}
    assert len(results.scores) == 6
    assert results.manifest["candidate"] == "later"


async def test_another_sample_rate_is_another_run(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    with pytest.raises(StoreError, match="started at 16000 Hz, not 8000"):
        await bought(calls, tmp_path / "run", sample_rate_hz=8000)


async def test_another_recording_under_the_same_id_is_not_scored(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    edited(calls, lambda text: re.sub(r'"sha256": "\w+", ', "", text))
    shutil.copy(OPEN / "audio" / "prompt-dir-nomore.flac", calls / "audio" / "prompt-agent-pass.flac")
    with pytest.raises(StoreError, match="another recording now"):
        runs.score(tmp_path / "run")


async def test_prices_are_those_of_the_run(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run")
    manifest = json.loads((results.folder / "run.json").read_text())
    manifest["prices"][0]["usd_per_hour"] = 36.0
    (results.folder / "run.json").write_text(json.dumps(manifest))
    usd = sum(score.counts["cost.usd"] for score in runs.score(results.folder).scores)
    assert usd == pytest.approx(sum(score.audio_s for score in results.scores) * 36 / 3600)


async def test_the_words_that_matter_are_scored_apart(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run", terms=("password", "conference"))
    rows = {row.metric: row for row in results.summary if row.slice == "all"}
    recall = rows["acc.keyterm.recall"]
    assert (recall.numerator, recall.denominator) == (1, 3), "`password` was heard, `conference` twice not"


async def test_starting_over_keeps_the_old_run_under_another_name(calls: Path, tmp_path: Path) -> None:
    await bought(calls, tmp_path / "run")
    await bought(calls, tmp_path / "run", fresh=True)
    kept = [name for name in os.listdir(tmp_path) if name.startswith("run.")]  # noqa: PTH208 nothing to await here
    assert len(kept) == 1
    assert re.fullmatch(r"run\.\d{8}T\d{6}", kept[0])
    assert sum(1 for _ in Store(tmp_path / "run").traces()) == 3


async def test_what_was_written_is_read_back(calls: Path, tmp_path: Path) -> None:
    results = await bought(calls, tmp_path / "run")
    loaded = runs.load(results.folder)
    assert loaded.scores == results.scores
    assert loaded.summary == results.summary
    assert loaded.differences == results.differences


def test_a_manifest_that_lacks_something_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 1, "seed": 0}')
    with pytest.raises(StoreError, match=r"run\.json: lacks candidate, corpus"):
        runs.score(tmp_path)


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="evalkit run"):
        runs.load(tmp_path)
    with pytest.raises(StoreError, match="evalkit run"):
        runs.score(tmp_path)


def test_results_are_one_line_in_a_notebook(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "traces" / "demo", tmp_path / "demo")
    found = repr(runs.score(tmp_path / "demo"))
    assert found == f"<Results {str(tmp_path / 'demo')!r}: 24 scores; Run.load(...) shows them>"
