import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from evalkit.emulator.scripted import Scripted, opening
from evalkit.errors import SettingsError

NINE = {"text": "nine", "start": 1.0, "end": 1.2, "misheard": "wine", "until": 2.0, "speaker": 1, "confidence": 0.5}


def scripted(tmp_path: Path, content: object) -> Scripted:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(content))
    return Scripted.load(path)


def test_words_appear_when_they_have_been_said_and_mistakes_are_mended(tmp_path: Path) -> None:
    stream = scripted(tmp_path, {"words": [["at", 0.5, 0.8], NINE]}).stream(channel=0, diarize=True)
    stream.feed(np.zeros(48000, dtype=np.int16))
    assert [[word.text for word in stream.guess(0.0, end_s)] for end_s in (0.7, 0.8, 1.5, 2.0)] == [
        [], ["at"], ["at", "wine"], ["at", "nine"],
    ]  # fmt: skip
    assert [(word.text, word.speaker) for word in stream.final(0.0, 1.5)] == [("at", None), ("nine", "1")]


def test_frames_are_voiced_inside_words(tmp_path: Path) -> None:
    stream = scripted(tmp_path, {"words": [["at", 0.5, 0.8]]}).stream(channel=0, diarize=False)
    frames = stream.feed(np.zeros(16000, dtype=np.int16))
    assert [index for index, frame in enumerate(frames) if frame.voiced] == list(range(25, 40))


def test_clips_are_told_apart_by_their_opening(tmp_path: Path) -> None:
    loud = np.full(16000, 99, dtype=np.int16)
    engine = scripted(
        tmp_path, {"clips": {opening(loud): {"words": [["loud", 0.3, 0.5]]}, "*": {"words": [["other", 0.3, 0.5]]}}}
    )
    for samples, text in ((loud, "loud"), (loud + 1, "other")):
        whole = engine.transcribe(samples, channel=None, diarize=False, vad_threshold=0.5)
        assert [word.text for word in whole] == [text]
        stream = engine.stream(channel=0, diarize=False)
        for first in range(0, len(samples), 320):
            stream.feed(samples[first : first + 320])
        assert [word.text for word in stream.final(0.0, 1.0)] == [text]


def test_a_sound_sent_from_the_middle_on_is_told_the_script_from_there(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-500, 500, 32_000).astype(np.int16)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000)
    planted = [["one", 0.2, 0.4], ["two", 0.9, 1.1], {"text": "three", "start": 1.5, "end": 1.7}]
    engine = scripted(tmp_path, {"words": planted, "sound": str(tmp_path / "noise.wav")})
    for start, words in (
        (0, [("one", 0.2, 0.4), ("two", 0.9, 1.1), ("three", 1.5, 1.7)]),
        (15_200, [("two", 0.0, 0.15), ("three", 0.55, 0.75)]),
        (15_999, [("two", 0.0, 0.1), ("three", 0.5, 0.7)]),
        (16_001, [("three", 0.5, 0.7)]),
    ):
        stream = engine.stream(channel=0, diarize=False)
        stream.feed(noise[start:])
        told = [(word.text, word.start_s, word.end_s) for word in stream.final(0.0, 2.0)]
        assert [text for text, *_ in told] == [text for text, *_ in words]
        for (_, *got), (_, *expected) in zip(told, words, strict=True):
            assert got == pytest.approx(expected, abs=1e-3)
    unknown = engine.stream(channel=0, diarize=False)
    unknown.feed(-noise)
    assert [word.text for word in unknown.final(0.0, 2.0)] == ["one", "two", "three"]


def test_script_says_that_it_is_planted(tmp_path: Path) -> None:
    assert scripted(tmp_path, {"words": []}).description.truth == "planted"


@pytest.mark.parametrize("content", [[], {}, {"words": [["a", 1]]}, {"words": [{"text": "a"}]}, {"clips": []}])
def test_wrong_script_is_one_sentence(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingsError, match=r"script .*script\.json cannot be read"):
        scripted(tmp_path, content)
