import numpy as np
import pytest

from evalkit.emulator.answers import kept, language_of, rest_answer, text_of, written
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.scripted import ANY_CLIP, PlantedWord, Scripted
from evalkit.emulator.settings import RestSettings
from evalkit.types import Word

TWO_SIDES = Scripted(
    {
        ANY_CLIP: (
            PlantedWord(Word("Hello?", 0.1, 0.4, "0", 0)),
            PlantedWord(Word("um", 0.6, 0.7, "0", 1)),
            PlantedWord(Word("Hi.", 0.8, 0.9, "0", 1)),
            PlantedWord(Word("Right.", 0.95, 0.99, "1", 0)),
        )
    }
)


def settings(**fields: str) -> RestSettings:
    return RestSettings.of(list(fields.items()), Knobs())


def test_written_words_leave_out_what_is_unknown() -> None:
    words = [Word("a", 0.123456, 0.5), Word("b", 1.0, 1.25, "3", 0, 0.5), Word("c", 2.0, 3.0, confidence=0.0)]
    assert written(words) == [
        {"text": "a", "start": 0.12, "end": 0.5},
        {"text": "b", "start": 1.0, "end": 1.25, "confidence": 0.5, "speaker": 3},
        {"text": "c", "start": 2.0, "end": 3.0},
    ]


def test_fillers_are_removed_whatever_is_glued_to_them() -> None:
    words = [Word(text) for text in ("Um,", "the", "uh", "ER...", "summer", "um-hum")]
    assert text_of(kept(words, filler_words=False)) == "the summer um-hum"
    assert len(kept(words, filler_words=True)) == 6


@pytest.mark.parametrize(("field", "shown"), [("code", "en"), ("empty", ""), ("name", "English")])
def test_language_field(field: str, shown: str) -> None:
    assert language_of("en", field) == shown  # type: ignore[arg-type]


def test_multichannel_answer_has_every_channel_and_their_merge() -> None:
    stereo = np.zeros((16000, 2), dtype=np.int16)
    answer = rest_answer(TWO_SIDES, stereo, 1.0, settings(multichannel="true", diarize="true"), "code")
    assert answer["text"] == "Hello? Hi. Right."
    assert [word["start"] for word in answer["words"]] == [0.1, 0.8, 0.95]
    assert [(channel["index"], channel["text"]) for channel in answer["channels"]] == [(0, "Hello? Right."), (1, "Hi.")]
    assert [word["speaker"] for word in answer["channels"][0]["words"]] == [0, 1]
    assert answer["duration"] == 1.0


def test_single_channel_answer_has_no_channels_and_no_speakers_unless_asked() -> None:
    answer = rest_answer(TWO_SIDES, np.zeros((16000, 1), dtype=np.int16), 1.0, settings(multichannel="true"), "code")
    assert "channels" not in answer
    assert all("speaker" not in word for word in answer["words"])


def test_words_are_left_out_when_there_are_none() -> None:
    answer = rest_answer(Scripted({}), np.zeros((100, 1), dtype=np.int16), 0.00625, settings(), "empty")
    assert answer == {"text": "", "language": "", "duration": 0.01}
