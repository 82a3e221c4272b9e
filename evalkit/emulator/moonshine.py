"""Moonshine tiny-en, the recogniser of the embedded default, and the diarizer that comes with it."""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import moonshine_voice
import numpy as np
from moonshine_voice import ModelArch, Transcriber

from evalkit.emulator.engines import Description, Stream
from evalkit.emulator.redecoding import Redecoding
from evalkit.emulator.sound import RATE_HZ, Samples
from evalkit.emulator.speech import Detector, Frame, stretches
from evalkit.emulator.sphinx import Aligner
from evalkit.types import Word

_LONGEST_S = 20.0
_PAUSE_S = 0.8
_WINDOW_S = 11.0
_FOLDER = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the C++ library prints while loading out of the terminal; it is shown when loading fails."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        except BaseException:
            heard.seek(0)
            os.write(kept, heard.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _transcriber(**options: str) -> Transcriber:
    # Read by the library when it makes a session: two threads spin and double the CPU time without being faster.
    os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
    with _quiet():
        return Transcriber(_FOLDER, ModelArch.TINY, options={"return_audio_data": "false", **options})


def _floats(samples: Samples) -> list[float]:
    listed: list[float] = (samples.astype(np.float32) / 32768).tolist()
    return listed


class Diarizer:
    """Tells speakers apart; labels count from 0 in order of first appearance and hold for the life of the object."""

    def __init__(self, *, longest_s: float) -> None:
        """``longest_s``: no piece of sound to be labelled is longer."""
        # Up to one window the sparse cadence saves nothing and misses speakers; beyond, it costs less than half.
        sparse = longest_s > _WINDOW_S
        cadences = {"diarization_analyze_cadence": "3", "diarization_cluster_cadence": "10"} if sparse else {}
        self._transcriber = _transcriber(identify_speakers="true", **cadences)
        self._labels: dict[int, str] = {}

    def labelled(self, words: tuple[Word, ...], samples: Samples, start_s: float) -> tuple[Word, ...]:
        """``words``, each with the speaker at its middle or nearest to it; ``samples`` begin at ``start_s``."""
        lines = self._transcriber.transcribe_without_streaming(_floats(samples), RATE_HZ).lines
        spans = sorted(
            (start_s + span.start_time, start_s + span.start_time + span.duration, span.speaker_index)
            for line in lines
            for span in line.speaker_spans or ()
        )
        if not spans:
            return words
        out = []
        for word in words:
            middle = ((word.start_s or 0.0) + (word.end_s or 0.0)) / 2
            index = min(spans, key=lambda span: (max(span[0] - middle, middle - span[1], 0.0), span[0] - span[1]))[2]
            label = self._labels.setdefault(index, str(len(self._labels)))
            out.append(Word(word.text, word.start_s, word.end_s, label, word.channel, word.confidence))
        return tuple(out)


class Moonshine:
    """Moonshine tiny-en: text by the network, pauses by our own detector, word times by forced alignment."""

    description = Description(
        name="Moonshine tiny-en",
        version=version("moonshine-voice"),
        licence="MIT",
        word_times="forced alignment of its text with PocketSphinx; pronunciations of unknown words are guessed",
        speakers="the diarizer inside Moonshine Voice",
    )

    def __init__(self) -> None:
        # Our own detector has already cut the sound; the library's would cut it again.
        self._transcriber = _transcriber(vad_threshold="0.0", vad_max_segment_duration="30")
        self._aligner = Aligner()

    def transcribe(
        self, samples: Samples, *, channel: int | None, diarize: bool, vad_threshold: float
    ) -> tuple[Word, ...]:
        words = self.heard(samples, 0.0, Detector().feed(samples), vad_threshold)
        if not diarize or not words:
            return words
        return Diarizer(longest_s=len(samples) / RATE_HZ).labelled(words, samples, 0.0)

    def heard(
        self, samples: Samples, start_s: float, frames: list[Frame], vad_threshold: float = 0.0
    ) -> tuple[Word, ...]:
        """The words of a piece of any length, which is cut at its pauses when it is long."""
        words: list[Word] = []
        for stretch in stretches(frames, pause_s=_PAUSE_S, longest_s=_LONGEST_S):
            if stretch.probability >= vad_threshold:
                piece = samples[round(stretch.start_s * RATE_HZ) : round(stretch.end_s * RATE_HZ)]
                words += self.decoded(piece, start_s + stretch.start_s)
        return tuple(words)

    def decoded(self, samples: Samples, start_s: float) -> tuple[Word, ...]:
        """The words of one piece of at most 30 s that begins at ``start_s``."""
        lines = self._transcriber.transcribe_without_streaming(_floats(samples), RATE_HZ).lines
        texts = [text for line in lines for text in line.text.split()]
        return self._aligner.align(texts, samples, start_s) if texts else ()

    def stream(self, *, channel: int, diarize: bool) -> Stream:
        diarizer = Diarizer(longest_s=0.0) if diarize else None
        return Redecoding(self.decoded, functools.partial(self._concluded, diarizer))

    def _concluded(self, diarizer: Diarizer | None, samples: Samples, start_s: float) -> tuple[Word, ...]:
        """The words of a whole utterance, with speakers when they were asked for."""
        if len(samples) <= _LONGEST_S * RATE_HZ:
            words = self.decoded(samples, start_s)
        else:
            words = self.heard(samples, start_s, Detector().feed(samples))
        return diarizer.labelled(words, samples, start_s) if diarizer is not None and words else words
