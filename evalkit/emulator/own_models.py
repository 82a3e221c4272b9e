"""Recognisers for which you bring the model folder: faster-whisper and Vosk. Neither is a dependency."""

import importlib
import json
from abc import ABC, abstractmethod
from importlib.metadata import version

import numpy as np

from evalkit.emulator.engines import Description, Stream
from evalkit.emulator.redecoding import Decode, Redecoding
from evalkit.emulator.sound import RATE_HZ, Samples
from evalkit.emulator.speech import Detector, stretches
from evalkit.types import Word


def _in_stretches(decode: Decode, samples: Samples, vad_threshold: float) -> tuple[Word, ...]:
    """Decode every stretch of speech of a file."""
    words: list[Word] = []
    for stretch in stretches(Detector().feed(samples), pause_s=0.8, longest_s=20.0):
        if stretch.probability >= vad_threshold:
            piece = samples[round(stretch.start_s * RATE_HZ) : round(stretch.end_s * RATE_HZ)]
            words += decode(piece, stretch.start_s)
    return tuple(words)


class _OwnModel(ABC):
    """A recogniser that decodes a stretch of sound with a model of the user's."""

    def transcribe(
        self, samples: Samples, *, channel: int | None, diarize: bool, vad_threshold: float
    ) -> tuple[Word, ...]:
        return _in_stretches(self._decoded, samples, vad_threshold)

    def stream(self, *, channel: int, diarize: bool) -> Stream:
        return Redecoding(self._decoded)

    @abstractmethod
    def _decoded(self, samples: Samples, start_s: float) -> tuple[Word, ...]: ...


class FasterWhisper(_OwnModel):
    """A CTranslate2 Whisper model from a local folder."""

    def __init__(self, folder: str) -> None:
        whisper = importlib.import_module("faster_whisper")

        options = {"device": "cpu", "compute_type": "int8", "cpu_threads": 1, "local_files_only": True}
        self._model = whisper.WhisperModel(folder, **options)
        self.description = Description(
            name=f"faster-whisper {folder.rstrip('/').rpartition('/')[2]}",
            version=version("faster-whisper"),
            licence="MIT; the licence of the model is the one it came with",
            word_times="cross-attention of the model",
            speakers="none",
        )

    def _decoded(self, samples: Samples, start_s: float) -> tuple[Word, ...]:
        segments, _ = self._model.transcribe(
            samples.astype(np.float32) / 32768, beam_size=1, word_timestamps=True, condition_on_previous_text=False
        )
        return tuple(
            Word(part.word.strip(), start_s + part.start, start_s + part.end, confidence=part.probability)
            for segment in segments
            for part in segment.words or ()
        )


class Vosk(_OwnModel):
    """A Kaldi model from a local folder."""

    def __init__(self, folder: str) -> None:
        vosk = importlib.import_module("vosk")

        vosk.SetLogLevel(-1)
        self._vosk = vosk
        self._model = vosk.Model(model_path=folder)
        self.description = Description(
            name=f"Vosk {folder.rstrip('/').rpartition('/')[2]}",
            version=version("vosk"),
            licence="Apache-2.0; the licence of the model is the one it came with",
            word_times="the decoder's own",
            speakers="none",
        )

    def _decoded(self, samples: Samples, start_s: float) -> tuple[Word, ...]:
        recogniser = self._vosk.KaldiRecognizer(self._model, RATE_HZ)
        recogniser.SetWords(True)
        answers = [recogniser.Result()] if recogniser.AcceptWaveform(samples.tobytes()) else []
        answers.append(recogniser.FinalResult())
        return tuple(
            Word(part["word"], start_s + part["start"], start_s + part["end"], confidence=part.get("conf"))
            for answer in answers
            for part in json.loads(answer).get("result", ())
        )
