"""A run against a replay is the recorded run once more: the same words, the same attempts, nearly the same delays."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit import corpora, replay, runs
from evalkit.corpora import Corpus
from evalkit.errors import SettingsError, StoreError
from evalkit.gate import fingerprints
from evalkit.gate.exact import timeless
from evalkit.plan import Choice, Plan
from evalkit.scoring.catalogue import METRICS
from evalkit.store import Store
from evalkit.types import Route, Score
from tests.conftest import OPEN
from tests.patience import in_a_quiet_moment
from tests.replayed import playing
from tests.test_recorded import RECORDED

CLIPS = ("prompt-agent-pass", "noisy-conf-kicked", "dialogue-stereo-2")
PROVIDERS = ("local-moonshine", "local-pocketsphinx")
NOISE_S = 0.1
"""More than the delays of a replay differ on a machine that does not stand still."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded run of the demo, its clips where they are on this machine, and scored."""
    folder = tmp_path_factory.mktemp("recorded") / "demo"
    shutil.copytree(RECORDED, folder)
    runs.score(folder)
    return folder


def calls(folder: Path, *clip_ids: str) -> Corpus:
    """Some clips of the run."""
    folder.mkdir()
    lines = {json.loads(line)["id"]: line for line in (OPEN / corpora.MANIFEST).read_text().splitlines()}
    (folder / corpora.MANIFEST).write_text("".join(lines[clip_id] + "\n" for clip_id in clip_ids))
    (folder / "audio").symlink_to(OPEN / "audio")
    return corpora.load(folder)


async def again(
    recorded: Path, folder: Path, *clip_ids: str, routes: tuple[Route, ...], speed: float = 1.0, **options: Any
) -> runs.Results:
    """A run of these clips against a replay."""
    corpus = calls(folder.with_name("calls"), *clip_ids)
    told = replay.recording(recorded, corpus=str(OPEN))
    async with playing(told, speed=speed) as url:
        mine, theirs = (
            Choice(name, {"base_url": f"{url}/{name}", "rest.diarize": True, **options}, name) for name in PROVIDERS
        )
        return await runs.run(Plan(mine, theirs, corpus=str(corpus.source), routes=routes), corpus, folder)


def by_key(scores: list[Score]) -> dict[tuple[str, str, str], Score]:
    return {(score.clip_id, score.provider, score.route): score for score in scores}


def words_of(score: Score) -> Mapping[str, object]:
    """Everything a score holds that is made from what was said, and not from when."""
    columns = {
        name
        for metric in METRICS
        if timeless(metric.id) or metric.id in ("str.ne", "str.upwr", "str.eo", "str.edit_churn", "str.right_first")
        for name in ((metric.values,) if metric.values else (*metric.numerator, *metric.denominator))
    }
    return {name: score.counts.get(name, score.values.get(name)) for name in sorted(columns)}


@pytest.mark.slow
async def test_at_its_own_speed_words_and_delays_are_those_of_the_recording(recorded: Path, tmp_path: Path) -> None:
    before = by_key(runs.load(recorded).scores)
    kept: list[runs.Results] = []

    async def attempt(number: int) -> None:
        folder = tmp_path / str(number) / "run"
        folder.parent.mkdir()
        kept.append(await again(recorded, folder, CLIPS[0], routes=("rest", "streaming")))
        for key, score in by_key(kept[-1].scores).items():
            for name in ("lat.word_first", "lat.word_stable", "lat.pr", "lat.ttfs"):
                assert score.values.get(name, ()) == pytest.approx(before[key].values.get(name, ()), abs=NOISE_S)

    await in_a_quiet_moment(attempt)
    results = kept[-1]
    assert len(by_key(results.scores)) == 4
    for key, score in by_key(results.scores).items():
        assert words_of(score) == words_of(before[key])
        assert (score.hypothesis, score.attempts, score.failure) == (before[key].hypothesis, 1, None)
        assert score.evidence == "simulated"
    mine, old = (fingerprints.read(Store(folder).traces())[0] for folder in (results.folder, recorded))
    assert all(mine[key].said == old[key].said for key in mine if key[2] == "rest")
    entry = results.manifest["providers"]["local-moonshine"]
    assert entry["replay"]["of"] == "demo"
    assert entry["caution"].startswith("What answered was a replay of run demo")
    assert "replay of run demo" in results.report_path.read_text()


async def test_faster_the_words_are_the_same_and_delays_are_void(recorded: Path, tmp_path: Path) -> None:
    results = await again(
        recorded, tmp_path / "run", *CLIPS, routes=("rest", "streaming"), speed=20.0, **{"streaming.speed": 20.0}
    )
    before, now = by_key(runs.load(recorded).scores), by_key(results.scores)
    assert len(now) == 12
    for key, score in now.items():
        assert words_of(score) == words_of(before[key]), key
        assert not any(name.startswith("lat.") for name in score.values)
    assert "20 times as fast" in results.manifest["providers"]["local-moonshine"]["caution"]


async def test_a_replay_of_a_live_run_is_recorded_evidence(recorded: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    shutil.copytree(recorded, live)
    manifest = Store(live).manifest()
    for entry in manifest["providers"].values():
        entry["evidence"] = "live"
    Store(live).write_manifest(manifest)
    results = await again(live, tmp_path / "run", CLIPS[1], routes=("rest",), speed=20.0)
    assert {score.evidence for score in results.scores} == {"recorded"}
    assert "Recorded evidence" in results.report_path.read_text()


def test_a_run_is_read_by_provider_and_route(recorded: Path) -> None:
    one = replay.recording(recorded, provider=PROVIDERS[0], route="streaming", in_order=True)
    assert {(told.provider, told.route) for told in one.conversations} == {(PROVIDERS[0], "streaming")}
    assert (len(one.conversations), list(one.about), one.sounds) == (6, [PROVIDERS[0]], None)
    with pytest.raises(SettingsError, match="did you mean 'local-moonshine'"):
        replay.recording(recorded, provider="local-moonshin")
    with pytest.raises(StoreError, match="no conversation that could be told"):
        replay.recording(recorded, route="agent")


def test_a_replay_of_a_replay_is_as_old_as_the_first_recording(recorded: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(recorded, again)
    manifest = Store(again).manifest()
    manifest["providers"][PROVIDERS[0]]["replay"] = {"of": "calls", "recorded_at": "2025-01-01T10:00:00+00:00"}
    Store(again).write_manifest(manifest)
    about = replay.recording(again, in_order=True).about
    assert about[PROVIDERS[0]]["recorded_at"] == "2025-01-01T10:00:00+00:00"
    assert about[PROVIDERS[1]]["recorded_at"] == manifest["created_at"]


def test_a_run_without_its_clips_says_what_to_do(recorded: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(recorded, folder)
    lines = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    gone = [json.dumps({**line, "path": f"/gone/{line['id']}.flac"}) for line in lines]
    (folder / "clips.jsonl").write_text("\n".join(gone) + "\n")
    with pytest.raises(SettingsError, match=r"none of its 6 clips is where it was \(/gone/.*--corpus.*--in-order"):
        replay.recording(folder)
    found = replay.recording(folder, corpus=str(OPEN))
    assert found.sounds is not None
    assert found.sounds.missing == ()


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_an_impossible_speed_is_one_sentence(recorded: Path, speed: float) -> None:
    told = replay.recording(recorded, in_order=True)
    with pytest.raises(SettingsError, match=r"speed must be from 0\.1 to 1000"):
        replay.serve(told, 0, speed=speed, ready=lambda _: None)
