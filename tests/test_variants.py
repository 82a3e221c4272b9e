"""Degraded copies of a corpus."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from evalkit import corpora, variants
from evalkit.cli import app
from evalkit.corpora import Corpus
from evalkit.errors import CorpusError, SettingsError
from evalkit.types import Clip, Turn, Word
from evalkit.variants import CLEAN, Condition, chance_of
from tests.conftest import OPEN

EVERY = ("noise:10", "mulaw", "mp3:32", "opus:24", "gain:-20", "clip:12", "loss:5", "lead:1.5", "trail:0.5")


@pytest.fixture(scope="module")
def clean() -> Corpus:
    """A clip with word times, one with two channels, one with speakers only, one without speech."""
    demo = corpora.load("demo")
    wanted = [
        next(clip for clip in demo if clip.times_source and clip.channels == 1),
        next(clip for clip in demo if clip.channels == 2),
        next(clip for clip in demo if clip.reference is None),
        next(clip for clip in demo if clip.kind == "nonspeech"),
    ]
    return corpora.assemble("four", demo.source, wanted)


def parsed(*texts: str) -> list[Condition]:
    return [Condition.parse(text) for text in texts]


def bare(clip: Clip) -> Clip:
    """What a variant has in common with its source."""
    return replace(clip, id="", path="", sha256="", duration_s=0.0, tags={}, reference=None, turns=None)


def test_every_clip_is_there_clean_and_under_every_condition(clean: Corpus, tmp_path: Path) -> None:
    made = variants.write(clean, tmp_path / "hard", parsed(*EVERY))
    assert made == corpora.load(tmp_path / "hard")
    assert len(made) == len(clean) * (1 + len(EVERY))
    for clip in clean:
        same = made[clip.id]
        assert (same.tags["condition"], same.tags["source"]) == (CLEAN, clip.id)
        assert (same.reference, same.turns, same.duration_s) == (clip.reference, clip.turns, clip.duration_s)
        assert corpora.audio(same).pcm[:] == corpora.audio(clip).pcm[:]
        for condition in parsed(*EVERY):
            found = made[f"{clip.id}@{condition.name}"]
            assert found.tags == {**clip.tags, "condition": condition.name, "source": clip.id}
            assert bare(found) == bare(clip)
            assert found.duration_s == pytest.approx(
                clip.duration_s + {"lead": 1.5, "trail": 0.5}.get(condition.kind, 0.0), abs=1e-4
            )
            if condition.kind != "lead":
                assert (found.reference, found.turns) == (clip.reference, clip.turns)


def test_silence_before_moves_every_time_of_the_reference(clean: Corpus, tmp_path: Path) -> None:
    made = variants.write(clean, tmp_path / "hard", parsed("lead:1.5"))
    for clip in clean:
        found = made[f"{clip.id}@lead-1.5s"]
        for before, after in zip(clip.reference or (), found.reference or (), strict=True):
            assert (before.text, before.speaker, before.channel) == (after.text, after.speaker, after.channel)
            assert before.start_s is None or after.start_s == pytest.approx(before.start_s + 1.5)
            assert before.end_s is None or after.end_s == pytest.approx(before.end_s + 1.5)
        for turn, moved in zip(clip.turns or (), found.turns or (), strict=True):
            assert (moved.start_s, moved.end_s) == pytest.approx((turn.start_s + 1.5, turn.end_s + 1.5))


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_haste_moves_every_time_of_the_reference(tempo: float, clean: Corpus, tmp_path: Path) -> None:
    made = variants.write(clean, tmp_path / "hard", parsed(f"tempo:{tempo}"))
    for clip in clean:
        found = made[f"{clip.id}@tempo-{tempo}x"]
        assert found.duration_s == pytest.approx(clip.duration_s / tempo, abs=1e-4)
        for before, after in zip(clip.reference or (), found.reference or (), strict=True):
            assert (before.text, before.speaker, before.channel) == (after.text, after.speaker, after.channel)
            assert before.start_s is None or after.start_s == pytest.approx(before.start_s / tempo, abs=2e-6)
            assert before.end_s is None or after.end_s == pytest.approx(before.end_s / tempo, abs=2e-6)
        for turn, moved in zip(clip.turns or (), found.turns or (), strict=True):
            assert (moved.start_s, moved.end_s) == pytest.approx((turn.start_s / tempo, turn.end_s / tempo), abs=2e-6)


def test_channels_mixed_to_one_say_everything_in_its_order(clean: Corpus, tmp_path: Path) -> None:
    clip = next(clip for clip in clean if clip.channels == 2)
    words = [
        Word(text, start_s, start_s + 0.3, "A", channel)
        for text, start_s, channel in (("yes", 0.5, 0), ("sure", 2.5, 0), ("right", 1.5, 1), ("bye", 3.5, 1))
    ]
    two = replace(clip, reference=tuple(words), turns=(Turn("A", 0.5, 1.0, channel=1),))
    made = variants.write(corpora.assemble("two", clean.source, [two]), tmp_path / "mono", parsed("mono"))
    same, mixed = made[clip.id], made[f"{clip.id}@mono"]
    assert (same.channels, mixed.channels) == (2, 1)
    assert same.reference == tuple(words)
    assert mixed.text == "yes right sure bye"
    assert {word.channel for word in mixed.reference or ()} == {turn.channel for turn in mixed.turns or ()} == {None}
    assert mixed.duration_s == same.duration_s
    timeless = replace(two, reference=tuple(replace(word, start_s=None, end_s=None) for word in words))
    with pytest.raises(CorpusError, match="cannot be mixed without the times of all words"):
        variants.write(corpora.assemble("none", clean.source, [timeless]), tmp_path / "none", parsed("mono"))


def test_the_same_seed_makes_the_same_corpus_and_clips_differ(clean: Corpus, tmp_path: Path) -> None:
    few = corpora.assemble("two", clean.source, clean.clips[:1])
    made = [
        variants.write(few, tmp_path / str(number), parsed("noise:10", "loss:5"), seed=seed)
        for number, seed in enumerate((1, 1, 2))
    ]
    hashes = [[clip.sha256 for clip in corpus] for corpus in made]
    assert hashes[0] == hashes[1]
    assert hashes[0][0] == hashes[2][0]
    assert all(one != other for one, other in zip(hashes[0][1:], hashes[2][1:], strict=True))
    assert chance_of(1, "a") == chance_of(1, "a") != chance_of(1, "b")
    assert chance_of(1, "a") != chance_of(2, "a")


def test_a_room_of_your_own(clean: Corpus, tmp_path: Path) -> None:
    room = tmp_path / "my hall.wav"
    soundfile.write(room, np.exp(-np.arange(4000) / 500) * 0.9, 8_000, subtype="PCM_16")
    few = corpora.assemble("one", clean.source, clean.clips[:1])
    made = variants.write(few, tmp_path / "hard", parsed(f"reverb:{room}"))
    assert [clip.tags["condition"] for clip in made] == [CLEAN, "reverb-my_hall"]
    assert made.clips[1].duration_s == made.clips[0].duration_s


def test_ids_that_no_file_can_be_named_by(tmp_path: Path) -> None:
    clip = corpora.load(OPEN).clips[0]
    odd = corpora.assemble(
        "odd", OPEN, [replace(clip, id="a/b?"), replace(clip, id="a?b/"), replace(clip, id="x" * 300)]
    )
    made = variants.write(odd, tmp_path / "hard", parsed("gain:-20"))
    assert len({found.path for found in made}) == 6
    assert made["a/b?@gain--20dB"].tags["source"] == "a/b?"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nois:10", "did you mean 'noise'"),
        ("noise", "needs an amount from -20 to 60, e.g. noise:10"),
        ("loss:101", "from 0 to 100"),
        ("gain:nan", "needs an amount"),
        ("mulaw:3", "takes no amount"),
        ("reverb:nowhere.wav", "'nowhere.wav' is no file"),
        ("tempo:2.1", "needs an amount from 0.5 to 2, e.g. tempo:1.25"),
        ("pitch:1.1", "unknown condition"),
    ],
)
def test_a_wrong_condition_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Condition.parse(text)


@pytest.mark.parametrize("given", [(), ("noise:10", "noise:10.0")])
def test_conditions_are_named_once(clean: Corpus, tmp_path: Path, given: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="none twice"):
        variants.write(clean, tmp_path / "hard", parsed(*given))


def test_nothing_is_written_over(clean: Corpus, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    for taken in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(CorpusError, match="is not empty"):
            variants.write(clean, taken, parsed("mulaw"))
    with pytest.raises(CorpusError, match="cannot be written"):
        variants.write(clean, tmp_path / "mine.txt" / "deep", parsed("mulaw"))
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_the_manifest_is_written_whole_or_not_at_all(
    clean: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CorpusError, match=r"manifest.jsonl: cannot be written \(No space left on device\); free space"):
        variants.write(clean, tmp_path / "hard", parsed("mulaw"))
    assert [path.name for path in (tmp_path / "hard").iterdir()] == ["audio"]


def test_the_manifest_says_no_more_than_is_known(clean: Corpus, tmp_path: Path) -> None:
    variants.write(clean, tmp_path / "hard", parsed("mulaw"))
    rows = [json.loads(line) for line in (tmp_path / "hard" / corpora.MANIFEST).read_text().splitlines()]
    speakers_only = next(row for row in rows if row["id"] == clean.clips[2].id)
    assert "text" not in speakers_only
    assert "words" not in speakers_only
    assert all(None not in row.values() for row in rows)


def test_the_command_says_how_to_go_on(clean: Corpus, tmp_path: Path) -> None:
    few = corpora.assemble("one", clean.source, clean.clips[:1])
    variants.write(few, tmp_path / "small", parsed("gain:-20"))
    asked = ["corpus", "degrade", str(tmp_path / "small"), "--out", str(tmp_path / "hard")]
    found = CliRunner().invoke(app, [*asked, "--condition", "noise:10", "--condition", "mulaw", "--seed", "4"])
    assert found.exit_code == 0
    assert "6 clips" in found.stdout
    assert f"evalkit run --corpus {tmp_path / 'hard'}" in found.stdout
    assert len(corpora.load(tmp_path / "hard")) == 6
    assert isinstance(CliRunner().invoke(app, [*asked, "--condition", "noise"]).exception, SettingsError)
