"""A corpus under worse conditions: the same clips in noise, through codecs, with lost packets, spoken in haste.

``write`` makes a corpus of its own whose clips carry the tags ``condition`` and ``source`` (the id of the clean clip),
which is what ``evalkit.stats.conditions`` compares by. Conditions are written ``NAME`` or ``NAME:AMOUNT``:

===================  ================================================================  =======================
``noise:DB``         white noise at this ratio to the active speech                    ``noise-10dB``
``mulaw``            8 kHz and G.711 mu-law                                            ``mulaw``
``mp3:KBIT``         MP3 at a constant bit rate                                        ``mp3-32k``
``opus:KBIT``        Opus at a variable bit rate                                       ``opus-12k``
``gain:DB``          louder, or softer when negative                                   ``gain--20dB``
``clip:DB``          tops cut so far below the peak                                    ``clip-12dB``
``loss:PERCENT``     packets of 20 ms silenced at random                               ``loss-3pc``
``lead:SECONDS``     silence before; the times of the reference move along             ``lead-2s``
``trail:SECONDS``    silence after                                                     ``trail-2s``
``tempo:FACTOR``     spoken faster, or slower below 1; times of the reference follow   ``tempo-1.25x``
``mono``             all channels mixed to one                                         ``mono``
``reverb:FILE``      the room of a measured impulse response                           ``reverb-FILE``
===================  ================================================================  =======================
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from evalkit import audio as sound
from evalkit import corpora, degrade, store
from evalkit.corpora import MANIFEST, Corpus
from evalkit.errors import CorpusError, SettingsError, StoreError
from evalkit.types import Audio, Clip

CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Condition:
    """One way in which sound is worse."""

    kind: str
    amount: float | None = None
    path: Path | None = None
    """Of the impulse response."""

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read what a user wrote.

        Raises:
            SettingsError: an unknown condition, or an amount it cannot have.
        """
        kind, _, given = text.partition(":")
        if kind == "reverb":
            if not Path(given).is_file():
                raise SettingsError(f"condition reverb:FILE needs a measured impulse response; {given!r} is no file")
            return cls(kind, path=Path(given))
        if kind not in _KINDS:
            raise SettingsError.unknown("condition", kind, [*_KINDS, "reverb"])
        allowed = _KINDS[kind].amounts
        if allowed is None:
            if given:
                raise SettingsError(f"condition {kind} takes no amount, not {given!r}")
            return cls(kind)
        low, high = allowed
        try:
            amount = float(given)
        except ValueError:
            amount = float("nan")
        if not low <= amount <= high:
            raise SettingsError(f"condition {kind} needs an amount from {low:g} to {high:g}, e.g. {_example(kind)}")
        return cls(kind, amount)

    @property
    def name(self) -> str:
        """The value of the tag, which can be part of a file name."""
        if self.path is not None:
            return f"{self.kind}-{re.sub(r'[^A-Za-z0-9_.]+', '_', self.path.stem)}"
        return self.kind if self.amount is None else f"{self.kind}-{self.amount:g}{_KINDS[self.kind].unit}"

    def said(self, clip: Clip) -> Clip:
        """The clip with its reference as it is under this condition.

        Raises:
            CorpusError: channels are mixed and nobody knows in which order their words were said.
        """
        if self.kind == "lead":
            return _retimed(clip, later_s=self.amount or 0.0)
        if self.kind == "tempo":
            return _retimed(clip, tempo=self.amount or 1.0)
        return _mixed(clip) if self.kind == "mono" else clip

    def applied(self, audio: Audio, *, seed: int) -> Audio:
        """The sound under this condition.

        Args:
            audio: clean.
            seed: of whatever is random; the same noise is used at every ratio.
        """
        if self.path is not None:
            return degrade.reverberant(audio, sound.read(self.path, sample_rate_hz=audio.sample_rate_hz))
        return _KINDS[self.kind].make(audio, self.amount or 0.0, seed)


def chance_of(seed: int, clip_id: str) -> int:
    """The seed of a clip: the same in every corpus and on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed} {clip_id}".encode()).digest()[:8], "big")


def write(corpus: Corpus, folder: Path, conditions: Sequence[Condition], *, seed: int = 0) -> Corpus:
    """Write every clip clean and under every condition as a corpus of its own, and load it.

    Args:
        corpus: clean clips.
        folder: to write to; must not exist yet, or be empty.
        conditions: at least one, none twice.
        seed: of all that is random.

    Raises:
        SettingsError: no condition, or one named twice.
        CorpusError: the folder is not empty or cannot be written, or an audio file cannot be read.
    """
    names = [condition.name for condition in conditions]
    if not names or len(set(names)) < len(names):
        raise SettingsError(f"name at least one condition, and none twice (given: {', '.join(names) or 'none'})")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CorpusError(f"{folder}: is not empty; write the corpus to a new folder")
    try:
        rows = [row for clip in corpus for row in _variants(clip, folder, conditions, seed)]
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        store.replace(folder / MANIFEST, "".join(lines).encode())
    except OSError as error:
        raise CorpusError(f"{folder}: cannot be written ({error.strerror})") from error
    except StoreError as error:
        raise CorpusError(str(error)) from error
    return corpora.load(folder)


def _variants(clip: Clip, folder: Path, conditions: Sequence[Condition], seed: int) -> Iterator[dict[str, Any]]:
    clean = corpora.audio(clip)
    yield _row(clip, CLEAN, clean, folder, source=clip.id)
    for condition in conditions:
        made = condition.applied(clean, seed=chance_of(seed, clip.id))
        variant = replace(condition.said(clip), id=f"{clip.id}@{condition.name}")
        yield _row(variant, condition.name, made, folder, source=clip.id)


def _row(clip: Clip, condition: str, audio: Audio, folder: Path, *, source: str) -> dict[str, Any]:
    """Write the sound of a variant and say what its manifest line is."""
    # Two ids may differ only in what a file name cannot hold.
    mark = hashlib.sha256(source.encode()).hexdigest()[:6]
    path = Path("audio") / condition / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', source)[:80]}-{mark}.flac"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    samples = np.frombuffer(audio.pcm[:], dtype="<i2").reshape(-1, audio.channels)
    try:
        soundfile.write(folder / path, samples, audio.sample_rate_hz, subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise CorpusError(f"{folder / path}: cannot be written ({error.error_string.strip().rstrip('.')})") from error
    about = corpora.record(clip)
    words = [word for word in about["reference"] or () if len(word) > 1]
    row = {
        "id": clip.id,
        "path": path.as_posix(),
        "sha256": hashlib.sha256((folder / path).read_bytes()).hexdigest(),
        "duration_s": round(audio.duration_s, 6),
        "sample_rate_hz": audio.sample_rate_hz,
        "channels": audio.channels,
        "text": clip.text,
        "words": words or None,
        **{name: about[name] for name in ("turns", "times_source", "language", "cluster", "kind", "licence", "origin")},
        "tags": {**clip.tags, "condition": condition, "source": source},
    }
    return {name: value for name, value in row.items() if value is not None}


def _retimed(clip: Clip, *, later_s: float = 0.0, tempo: float = 1.0) -> Clip:
    """The clip with everything said so much later, or so many times as fast."""

    def moved(at_s: float) -> float:
        return round(at_s / tempo + later_s, 6)

    def told(at_s: float | None) -> float | None:
        return None if at_s is None else moved(at_s)

    words = (replace(word, start_s=told(word.start_s), end_s=told(word.end_s)) for word in clip.reference or ())
    turns = (replace(turn, start_s=moved(turn.start_s), end_s=moved(turn.end_s)) for turn in clip.turns or ())
    return replace(
        clip,
        reference=None if clip.reference is None else tuple(words),
        turns=None if clip.turns is None else tuple(turns),
    )


def _mixed(clip: Clip) -> Clip:
    """The clip with everything said on one channel, in the order in which it was said."""
    said = clip.reference or ()
    if len({word.channel for word in said}) > 1:
        if any(word.start_s is None for word in said):
            raise CorpusError(f"{clip.id}: channels cannot be mixed without the times of all words; leave out mono")
        said = tuple(sorted(said, key=lambda word: word.start_s or 0.0))
    turns = clip.turns and tuple(replace(turn, channel=None) for turn in clip.turns)
    reference = None if clip.reference is None else tuple(replace(word, channel=None) for word in said)
    return replace(clip, reference=reference, turns=turns)


def _example(kind: str) -> str:
    return next(example for example in _EXAMPLES if example.startswith(kind))


@dataclass(frozen=True, slots=True)
class _Kind:
    """A condition without a file."""

    make: Callable[[Audio, float, int], Audio]
    """(audio, amount, seed)."""
    amounts: tuple[float, float] | None = None
    unit: str = ""


_EXAMPLES = ("noise:10", "mp3:32", "opus:12", "gain:-20", "clip:12", "loss:3", "lead:2", "trail:2", "tempo:1.25")

_KINDS: Mapping[str, _Kind] = {
    "noise": _Kind(lambda audio, snr_db, seed: degrade.noisy(audio, snr_db, seed=seed), (-20.0, 60.0), "dB"),
    "mulaw": _Kind(lambda audio, _, __: degrade.narrowband(audio)),
    "mp3": _Kind(lambda audio, kbit, _: degrade.mp3(audio, kbit), (8.0, 64.0), "k"),
    "opus": _Kind(lambda audio, kbit, _: degrade.opus(audio, kbit), (6.0, 256.0), "k"),
    "gain": _Kind(lambda audio, gain_db, _: degrade.louder(audio, gain_db), (-60.0, 40.0), "dB"),
    "clip": _Kind(lambda audio, depth_db, _: degrade.clipped(audio, depth_db), (0.0, 60.0), "dB"),
    "loss": _Kind(lambda audio, share, seed: degrade.lossy(audio, share / 100, seed=seed), (0.0, 100.0), "pc"),
    "lead": _Kind(lambda audio, before_s, _: degrade.padded(audio, before_s=before_s), (0.0, 600.0), "s"),
    "trail": _Kind(lambda audio, after_s, _: degrade.padded(audio, after_s=after_s), (0.0, 600.0), "s"),
    "tempo": _Kind(lambda audio, tempo, _: degrade.hurried(audio, tempo), (0.5, 2.0), "x"),
    "mono": _Kind(lambda audio, _, __: degrade.downmixed(audio)),
}
