"""What is planted is what the plants say, by its own arithmetic and by nobody's scoring."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from evalkit import corpora
from evalkit.emulator.scripted import Scripted, opening
from evalkit.scoring.text import profile
from evalkit.selftest import scenario
from evalkit.selftest.scenario import Scene, Told, late, spoken
from evalkit.types import Word

ALL = (*scenario.truths(), *scenario.delays(2), *scenario.broken(), scenario.drifting())


def test_words_stand_at_equal_intervals_in_the_decimals_of_the_protocol() -> None:
    assert spoken(["a", "b"], 0.1, 0.2) == (Word("a", 0.1, 0.3), Word("b", 0.3, 0.5))
    assert spoken(["a", "b"], 0.1, 0.2, 0.05, "1", 1)[1] == Word("b", 0.3, 0.35, "1", 1)
    assert late(spoken(["a"], 0.1, 0.2), [0.07]) == (Told(Word("a", 0.17, 0.37)),)


def test_no_profile_takes_a_word_for_another() -> None:
    words = [*scenario.VOCABULARY, *scenario.OTHERS]
    for name in ("en", "basic"):
        assert profile(name).tokens(" ".join(words)) == tuple(words)
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("scene", ALL, ids=lambda scene: scene.id)
def test_everything_is_told_within_the_clip(scene: Scene) -> None:
    for word in (*scene.reference, *(told.word for told in scene.told)):
        assert word.start_s is not None
        assert word.end_s is not None
        assert 0 <= word.start_s < word.end_s < scene.length_s


@pytest.mark.parametrize("scene", [s for s in ALL if s.channels == 1 and s.kind == "speech"], ids=lambda s: s.id)
def test_stated_errors_are_the_difference_of_the_two_texts(scene: Scene) -> None:
    said, told = ([word.text for word in side] for side in (scene.reference, [told.word for told in scene.told]))
    substituted, deleted, inserted = scene.errors
    assert len(told) - len(said) == inserted - deleted
    assert (Counter(said) - Counter(told)).total() == substituted + deleted
    assert (Counter(told) - Counter(said)).total() == substituted + inserted


def test_a_corpus_is_written_that_loads_and_that_the_server_knows(tmp_path: Path) -> None:
    scenes = (*scenario.truths(), *scenario.broken())
    clips = scenario.write(tmp_path / "planted", scenes, seed=3)
    corpus = corpora.load(tmp_path / "planted")
    assert [clip.id for clip in corpus] == [scene.id for scene in scenes]
    for clip, scene in zip(corpus, scenes, strict=True):
        assert clip.reference == scene.reference
        assert clip.tags == {"plant": scene.plant}
        assert clip.channels == scene.channels
        samples, _ = soundfile.read(clip.path, dtype="int16", always_2d=True)
        for channel in samples.T:
            known = clips[opening(np.ascontiguousarray(channel))]
            assert [word["text"] for word in known["words"]] == [told.word.text for told in scene.told]
            assert [word.get("confidence") for word in known["words"]] == [told.word.confidence for told in scene.told]
    assert len(clips) == sum(scene.channels for scene in scenes), "no two channels begin alike"
    (tmp_path / "script.json").write_text(json.dumps({"clips": clips}))
    Scripted.load(tmp_path / "script.json")


def test_the_same_seed_makes_the_same_sounds(tmp_path: Path) -> None:
    first, second, other = (
        scenario.write(tmp_path / name, scenario.delays(1), seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first.keys() == second.keys()
    assert first.keys() != other.keys()
