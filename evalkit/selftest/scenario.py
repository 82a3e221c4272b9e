"""What is planted: clips of which every word and time is known, and the script by which the embedded server tells them.

Each clip is noise, because the server knows it by its first moments and nobody listens. ``reference`` is what was said,
``told`` what the server answers, and where the two differ something is planted.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from evalkit.corpora import MANIFEST
from evalkit.emulator import scripted
from evalkit.types import Kind, Word

RATE_HZ = 16_000
TERMS = ("harbor electric", "quartz", "velvet")
VOCABULARY = (
    "apple", "basket", "candle", "donkey", "engine", "forest", "garden", "hammer", "island", "jacket", "kettle",
    "ladder", "market", "needle", "orange", "pencil", "rabbit", "saddle", "table", "umbrella", "valley",
    "window", "yellow", "bridge", "castle", "dragon", "feather", "guitar", "helmet", "insect", "jungle",
    "kitten", "lemon", "mirror", "napkin", "ocean",
)  # fmt: skip
OTHERS = ("pillow", "rocket", "silver", "ticket")
"""Words that nobody says: what is misheard."""


@dataclass(frozen=True, slots=True)
class Told:
    """A word as the server tells it."""

    word: Word
    misheard: str | None = None
    """What captions show instead until ``until_s``."""
    until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip."""

    id: str
    plant: str
    """The tag that makes a slice of all clips with the same thing planted."""
    length_s: float
    reference: tuple[Word, ...]
    told: tuple[Told, ...]
    kind: Kind = "speech"
    channels: int = 1
    resumable: bool = False
    """Whether the server knows its place in the clip when it is sent again from the middle on."""
    errors: tuple[int, int, int] = (0, 0, 0)
    """Words substituted, deleted and inserted."""


def spoken(
    words: Iterable[str],
    start_s: float,
    every_s: float,
    each_s: float | None = None,
    speaker: str | None = None,
    channel: int | None = None,
) -> tuple[Word, ...]:
    """Words that begin at equal intervals, with the decimals in which the protocol tells times."""
    length_s = every_s if each_s is None else each_s
    return tuple(
        Word(text, round(begin_s, 2), round(begin_s + length_s, 2), speaker, channel)
        for text, begin_s in ((text, start_s + every_s * index) for index, text in enumerate(words))
    )


def heard(words: Iterable[Word]) -> tuple[Told, ...]:
    """The words as they were said."""
    return tuple(map(Told, words))


def late(words: Iterable[Word], by_s: Iterable[float]) -> tuple[Told, ...]:
    """The words, each later than it was said by so much."""
    return tuple(
        Told(replace(word, start_s=round((word.start_s or 0) + s, 2), end_s=round((word.end_s or 0) + s, 2)))
        for word, s in zip(words, by_s, strict=True)
    )


def truths() -> tuple[Scene, ...]:
    """What is planted in the answers."""
    return (
        *_word_errors(),
        _speakers(),
        _offsets(),
        _churn(),
        *_channels(),
        *_without_speech(),
        _truncated(),
        _terms(),
        _confidences(),
    )


def _word_errors() -> tuple[Scene, Scene]:
    said = spoken(VOCABULARY[:20], 0.3, 0.1)
    told = [replace(word, text=OTHERS[index // 8]) if index in (4, 9) else word for index, word in enumerate(said)]
    last = told[17]
    told[17:18] = [replace(last, end_s=2.05), Word(OTHERS[2], 2.05, last.end_s)]
    del told[14]
    right = spoken(VOCABULARY[20:30], 0.3, 0.2)
    return (
        Scene("words-wrong", "words", 3.0, said, heard(told), errors=(2, 1, 1)),
        Scene("words-right", "words", 3.0, right, heard(right)),
    )


def _speakers() -> Scene:
    """Two people by turns; the last turn, half a second and five words, is given to the wrong one."""
    said = spoken(VOCABULARY[:25], 0.2, 0.1)
    said = tuple(replace(word, speaker="1" if 10 <= index < 20 else "0") for index, word in enumerate(said))
    return Scene("speakers", "speakers", 3.0, said, heard((*said[:20], *(replace(w, speaker="1") for w in said[20:]))))


def _offsets() -> Scene:
    said = spoken(VOCABULARY[:20], 0.2, 0.14, 0.1)
    return Scene("offsets", "offsets", 3.4, said, late(said, [0.08] * 15 + [0.15] * 5))


def _churn() -> Scene:
    """One word stands wrong in the captions of 1.0 s and 1.5 s, one stands with a capital in that of 2.5 s."""
    said = spoken(VOCABULARY[:8], 0.25, 0.3)
    told = list(heard(said))
    told[1] = replace(told[1], misheard=OTHERS[0], until_s=1.8)
    told[5] = replace(told[5], misheard=said[5].text.capitalize(), until_s=2.8)
    return Scene("churn", "churn", 3.0, said, tuple(told))


def _channels() -> tuple[Scene, Scene]:
    left = spoken(VOCABULARY[:6], 0.3, 0.2, channel=0)
    right = spoken(VOCABULARY[6:12], 1.5, 0.2, channel=1)
    crossed = (*(replace(word, channel=1) for word in left), *(replace(word, channel=0) for word in right))
    return (
        Scene("channels-right", "straight", 3.0, (*left, *right), heard((*left, *right)), channels=2),
        Scene("channels-swapped", "swapped", 3.0, (*left, *right), heard(crossed), channels=2, errors=(12, 0, 0)),
    )


def _without_speech() -> tuple[Scene, Scene]:
    invented = heard(spoken(OTHERS[:2], 0.5, 0.4))
    return (
        Scene("noise-heard", "nonspeech", 3.0, (), invented, kind="nonspeech"),
        Scene("noise-silent", "nonspeech", 3.0, (), (), kind="nonspeech"),
    )


def _truncated() -> Scene:
    said = spoken(VOCABULARY[:10], 0.3, 0.2)
    return Scene("truncated", "truncated", 3.0, said, heard(said[:6]), errors=(0, 4, 0))


_WITH_TERMS = ("apple", "harbor", "electric", "basket", "quartz", "candle", "velvet", "donkey", "quartz", "engine")


def _terms() -> Scene:
    """Of four listed terms one is misheard, and one is heard where another word was said."""
    said = spoken(_WITH_TERMS, 0.3, 0.2)
    told = [replace(word, text={4: OTHERS[0], 7: "velvet"}.get(index, word.text)) for index, word in enumerate(said)]
    return Scene("terms", "terms", 3.0, said, heard(told), errors=(2, 0, 0))


def _confidences() -> Scene:
    """Of five words told with 0.7 three are right, and all of five told with 0.9."""
    said = spoken(VOCABULARY[:10], 0.3, 0.2)
    told = [replace(word, confidence=0.7 if index < 5 else 0.9) for index, word in enumerate(said)]
    told[1:4:2] = [replace(word, text=other) for word, other in zip(told[1:4:2], OTHERS, strict=False)]
    return Scene("confidences", "confidences", 3.0, said, heard(told), errors=(2, 0, 0))


def delays(copies: int) -> tuple[Scene, ...]:
    """Two utterances with a pause that ends the first, so often that a median has enough to stand on."""
    said = (*spoken(VOCABULARY[:4], 0.22, 0.2), *spoken(VOCABULARY[4:7], 1.82, 0.2))
    return tuple(Scene(f"delay-{number}", "delay", 2.6, said, heard(said)) for number in range(copies))


def broken() -> tuple[Scene, ...]:
    """Clips of which one is struck by every fault."""
    said = spoken(VOCABULARY[:12], 0.1, 0.2)
    return tuple(Scene(f"broken-{number}", "faults", 2.6, said, heard(said), resumable=True) for number in range(2))


def drifting() -> Scene:
    """Six minutes with a word every ten seconds, each 10 ms later than the one before it."""
    words = [VOCABULARY[index % len(VOCABULARY)] for index in range(36)]
    said = spoken(words, 5.0, 10.0, 0.3)
    return Scene("drifting", "drift", 360.0, said, late(said, [0.10 + 0.01 * index for index in range(36)]))


def write(folder: Path, scenes: Sequence[Scene], *, seed: int) -> dict[str, Any]:
    """Write a corpus; returns its part of the script, by the keys the server knows sounds by."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    clips: dict[str, Any] = {}
    with (folder / MANIFEST).open("w", encoding="utf-8") as manifest:
        for scene in scenes:
            sound = np.zeros((round(scene.length_s * RATE_HZ), scene.channels), dtype=np.int16)
            noisy = min(len(sound), 4 * RATE_HZ)
            sound[:noisy] = chance.integers(-500, 500, (noisy, scene.channels))
            path = folder / f"{scene.id}.wav"
            soundfile.write(path, sound, RATE_HZ)
            manifest.write(json.dumps(_line(scene)) + "\n")
            for channel in sound.T:
                entry: dict[str, Any] = {"words": [_script(told) for told in scene.told]}
                clips[scripted.opening(channel)] = entry | ({"sound": str(path)} if scene.resumable else {})
    return clips


def _line(scene: Scene) -> Mapping[str, Any]:
    """What the manifest says of a clip."""
    return {
        "id": scene.id,
        "path": f"{scene.id}.wav",
        "text": " ".join(word.text for word in scene.reference),
        "words": [_sparse(word) for word in scene.reference],
        "language": "en",
        "kind": scene.kind,
        "tags": {"plant": scene.plant},
        "times_source": "planted",
        "origin": "evalkit selftest",
    }


def _sparse(word: Word) -> dict[str, Any]:
    return {name: value for name in Word.__slots__ if (value := getattr(word, name)) is not None}


def _script(told: Told) -> dict[str, Any]:
    word = told.word
    entry: dict[str, Any] = {"text": word.text, "start": word.start_s, "end": word.end_s}
    entry |= {"channel": word.channel or 0}
    if word.speaker is not None:
        entry["speaker"] = int(word.speaker)
    if word.confidence is not None:
        entry["confidence"] = word.confidence
    if told.misheard is not None:
        entry |= {"misheard": told.misheard, "until": told.until_s}
    return entry
