import json
from pathlib import Path

import numpy as np
import pytest

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


def test_script_says_that_it_is_planted(tmp_path: Path) -> None:
    assert scripted(tmp_path, {"words": []}).description.truth == "planted"


@pytest.mark.parametrize("content", [[], {}, {"words": [["a", 1]]}, {"words": [{"text": "a"}]}, {"clips": []}])
def test_wrong_script_is_one_sentence(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingsError, match=r"script .*script\.json cannot be read"):
        scripted(tmp_path, content)
