"""A recogniser that recognises nothing: it tells a planted script as audio time passes. For tests of the protocol."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.emulator.engines import Description, Stream
from evalkit.emulator.sound import RATE_HZ, Samples, UndecodableError, read
from evalkit.emulator.speech import FRAME_S, FRAME_SAMPLES, Frame
from evalkit.errors import SettingsError
from evalkit.types import Word

ANY_CLIP = "*"
OPENING_S = 0.2


@dataclass(frozen=True, slots=True)
class PlantedWord:
    """One word of a script."""

    word: Word
    misheard: str | None = None
    """What guesses show instead until ``until_s``; an empty string shows nothing."""
    until_s: float = 0.0


def opening(samples: Samples) -> str:
    """The key by which a script is chosen: SHA-256 of the first 0.2 s of 16 kHz 16-bit sound of the channel."""
    return hashlib.sha256(samples[: round(OPENING_S * RATE_HZ)].astype("<i2").tobytes()).hexdigest()


class Scripted:
    """Planted truth, not recognition: every word and time comes from the script file."""

    description = Description(
        name="scripted",
        version="1",
        licence="Apache-2.0",
        word_times="planted by the script",
        speakers="planted by the script",
        truth="planted",
    )

    def __init__(
        self, clips: dict[str, tuple[PlantedWord, ...]], sounds: Sequence[tuple[bytes, tuple[PlantedWord, ...]]] = ()
    ) -> None:
        self._clips = clips
        self._sounds = sounds

    @classmethod
    def load(cls, path: Path) -> "Scripted":
        """Read a script file.

        The file is a JSON object ``{"words": [...]}``, or ``{"clips": {KEY: {"words": [...]}}}`` where a key is what
        ``opening`` gives for the sound, or ``*`` for any other. A word is ``[text, start, end]`` or an object with
        ``text``, ``start``, ``end`` and optionally ``speaker``, ``channel``, ``confidence``, ``misheard``, ``until``.
        Beside ``words``, ``sound`` may name the audio file: who sends it from the middle on, as after a lost
        connection, is told the script from there. No two moments of it may sound the same.

        Raises:
            SettingsError: the file is no such object.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            clips = content.get("clips", {ANY_CLIP: content})
            scripts = {key: tuple(_planted(word) for word in clip["words"]) for key, clip in clips.items()}
            sounds = [
                (channel.tobytes(), scripts[key])
                for key, clip in clips.items()
                if "sound" in clip
                for channel in read(Path(clip["sound"]).read_bytes(), None, None, 1)[0].T
            ]
            return cls(scripts, sounds)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, UndecodableError) as error:
            raise SettingsError(
                f"script {path} cannot be read ({type(error).__name__}: {error}); "
                'write {"words": [["hello", 0.3, 0.6], ...]}'
            ) from error

    def transcribe(
        self, samples: Samples, *, channel: int | None, diarize: bool, vad_threshold: float
    ) -> tuple[Word, ...]:
        end_s = len(samples) / RATE_HZ
        words = [
            _told(planted.word, diarize)
            for planted in self.heard(samples)
            if channel in (None, planted.word.channel) and (planted.word.start_s or 0.0) < end_s
        ]
        return tuple(sorted(words, key=lambda word: word.start_s or 0.0))

    def stream(self, *, channel: int, diarize: bool) -> Stream:
        return _ScriptedStream(self, channel, diarize)

    def heard(self, samples: Samples) -> tuple[PlantedWord, ...]:
        """The script of what begins with these samples; nothing is said in a clip without one."""
        first = samples[: round(OPENING_S * RATE_HZ)].astype("<i2").tobytes()
        for sound, script in self._sounds:
            at = sound.find(first)
            while at >= 0 and at % 2:
                at = sound.find(first, at + 1)
            if at >= 0:
                return _from(script, at / 2 / RATE_HZ)
        return self._clips.get(opening(samples), self._clips.get(ANY_CLIP, ()))


def _from(script: Sequence[PlantedWord], start_s: float) -> tuple[PlantedWord, ...]:
    """The words whose middle comes after ``start_s``, on a clock that begins there."""
    return tuple(
        replace(
            planted,
            word=replace(planted.word, start_s=max(0.0, first_s - start_s), end_s=last_s - start_s),
            until_s=planted.until_s - start_s,
        )
        for planted in script
        for first_s, last_s in [(planted.word.start_s or 0.0, planted.word.end_s or 0.0)]
        if first_s + last_s >= 2 * start_s
    )


def _planted(entry: Any) -> PlantedWord:
    if isinstance(entry, list):
        text, start_s, end_s = entry
        return PlantedWord(Word(str(text), float(start_s), float(end_s), channel=0))
    speaker = entry.get("speaker")
    return PlantedWord(
        Word(
            str(entry["text"]),
            float(entry["start"]),
            float(entry["end"]),
            None if speaker is None else str(int(speaker)),
            int(entry.get("channel", 0)),
            entry.get("confidence"),
        ),
        entry.get("misheard"),
        float(entry.get("until", 0.0)),
    )


def _told(word: Word, diarize: bool) -> Word:
    return Word(word.text, word.start_s, word.end_s, word.speaker if diarize else None, None, word.confidence)


class _ScriptedStream:
    instant = True

    def __init__(self, engine: Scripted, channel: int, diarize: bool) -> None:
        self._engine = engine
        self._channel = channel
        self._diarize = diarize
        self._opening = np.zeros(0, dtype=np.int16)
        self._script: Sequence[PlantedWord] | None = None
        self._samples = 0
        self._frames = 0

    def feed(self, samples: Samples) -> list[Frame]:
        self._samples += len(samples)
        if self._script is None:
            self._opening = np.concatenate([self._opening, samples])
            if len(self._opening) < OPENING_S * RATE_HZ:
                return []
            script = self._engine.heard(self._opening)
            self._script = [planted for planted in script if planted.word.channel == self._channel]
        first, self._frames = self._frames, self._samples // FRAME_SAMPLES
        return [self._frame(index) for index in range(first, self._frames)]

    def _frame(self, index: int) -> Frame:
        middle_s = (index + 0.5) * FRAME_S
        voiced = any((p.word.start_s or 0.0) <= middle_s < (p.word.end_s or 0.0) for p in self._script or ())
        return Frame(voiced, -20.0 if voiced else -90.0, 60.0 if voiced else 0.0)

    def begin(self, start_s: float) -> None:
        """Nothing to prepare."""

    def guess(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        words = []
        for planted in self._script or ():
            word = _told(planted.word, self._diarize)
            if not start_s <= ((word.start_s or 0.0) + (word.end_s or 0.0)) / 2 or (word.end_s or 0.0) > end_s + 1e-6:
                continue
            if planted.misheard is None or end_s >= planted.until_s:
                words.append(word)
            elif planted.misheard:
                words.append(Word(planted.misheard, *_rest(word)))
        return tuple(words)

    def final(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        return tuple(
            _told(planted.word, self._diarize)
            for planted in self._script or ()
            if start_s <= ((planted.word.start_s or 0.0) + (planted.word.end_s or 0.0)) / 2 <= end_s
        )

    def abandon(self) -> None:
        """Nothing to undo."""

    def forget(self, before_s: float) -> None:
        """The script is always known."""

    def close(self) -> None:
        """Nothing to free."""


def _rest(word: Word) -> tuple[float | None, float | None, str | None, int | None, float | None]:
    return word.start_s, word.end_s, word.speaker, word.channel, word.confidence
