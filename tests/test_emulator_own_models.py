"""Brought models are optional; stand-ins with the packages' own call shapes take their place here."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evalkit.emulator import own_models
from evalkit.emulator.own_models import FasterWhisper, Vosk
from evalkit.emulator.sound import RATE_HZ
from tests.test_emulator_speech import clip


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_models, "version", lambda package: "9")


def test_faster_whisper_words_are_placed_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self, folder: str, **options: Any) -> None:
            assert (folder, options["device"]) == ("/models/tiny", "cpu")

        def transcribe(self, sound: np.ndarray, **options: Any) -> tuple[Any, None]:
            assert sound.dtype == np.float32
            word = SimpleNamespace(word=" hi", start=0.25, end=0.5, probability=0.75)
            return iter([SimpleNamespace(words=[word])]), None

    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=Model))
    engine = FasterWhisper("/models/tiny")
    samples = np.concatenate([np.zeros(3 * RATE_HZ, dtype=np.int16), clip("prompt-conf-leaderhasleft")])
    (word,) = engine.transcribe(samples, channel=None, diarize=False, vad_threshold=0.5)
    assert (word.text, word.confidence) == ("hi", 0.75)
    assert (word.start_s or 0) > 2.5
    assert engine.description.name == "faster-whisper tiny"


def test_vosk_words_are_read_from_all_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(text: str, start: float) -> str:
        return json.dumps({"result": [{"word": text, "start": start, "end": start + 0.1, "conf": 1.0}], "text": text})

    class Recogniser:
        def __init__(self, model: object, rate_hz: int) -> None:
            assert rate_hz == RATE_HZ

        SetWords = AcceptWaveform = lambda self, _: True
        Result = lambda self: answer("one", 0.1)  # noqa: E731
        FinalResult = lambda self: answer("two", 0.3)  # noqa: E731

    vosk = SimpleNamespace(SetLogLevel=lambda _: None, Model=lambda model_path: model_path, KaldiRecognizer=Recogniser)
    monkeypatch.setitem(sys.modules, "vosk", vosk)
    stream = Vosk("/models/small").stream(channel=0, diarize=False)
    stream.feed(np.zeros(RATE_HZ, dtype=np.int16))
    stream.begin(0.0)
    assert [word.text for word in stream.guess(0.0, 0.5)] == ["one", "two"]
    assert [word.start_s for word in stream.final(0.5, 1.0)] == [0.6, 0.8]
