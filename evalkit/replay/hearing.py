"""Which clip is this? Sound that arrives, in an upload or frame by frame, held against the clips of a run."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import soundfile

from evalkit import corpora
from evalkit.errors import CorpusError
from evalkit.types import Audio, Clip

BLOCK_S = 0.1
_DIGEST_BYTES = 8
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What a clip, or the rest of one, is known by while it is streamed."""

    clip_id: str
    from_s: float
    """Where in the clip it begins."""
    block_bytes: int
    """Length of ``BLOCK_S`` of it."""
    bytes_per_s: float
    digests: bytes = field(repr=False)
    """One of each whole block."""

    @classmethod
    def of(cls, clip_id: str, audio: Audio, from_s: float = 0.0) -> "Print":
        """The print of a clip from ``from_s`` on."""
        frame = 2 * audio.channels
        size = round(audio.sample_rate_hz * BLOCK_S) * frame
        rest = audio.since(from_s).pcm if from_s else audio.pcm
        blocks = (rest[start : start + size] for start in range(0, len(rest) - size + 1, size))
        return cls(clip_id, from_s, size, frame * audio.sample_rate_hz, b"".join(map(_digest, blocks)))

    def goes_on_with(self, number: int, digest: bytes) -> bool:
        """Whether block ``number``, from 0, is this one; what comes after the clip is nobody's."""
        return self.digests[number * _DIGEST_BYTES : (number + 1) * _DIGEST_BYTES] in (b"", digest)


class Ear:
    """Listens to one stream and knows, block by block, which clips it can still be."""

    def __init__(self, prints: Iterable[Print]) -> None:
        self._rooms: dict[int, _Room] = {}
        for one in prints:
            self._rooms.setdefault(one.block_bytes, _Room([])).prints.append(one)

    def hear(self, data: bytes) -> None:
        """The next bytes of the stream, in pieces of any length."""
        for size, room in self._rooms.items():
            room.waiting += data
            while len(room.waiting) >= size and room.prints:
                digest = _digest(bytes(room.waiting[:size]))
                del room.waiting[:size]
                room.prints = [one for one in room.prints if one.goes_on_with(room.heard, digest)]
                room.heard += 1

    @property
    def possible(self) -> list[Print]:
        """What it can still be; a rest too short to be known is only taken for want of any other."""
        left = [one for room in self._rooms.values() for one in room.prints]
        return [one for one in left if one.digests] or left

    @property
    def certain(self) -> bool:
        """Whether it was heard long enough to tell, and only one stretch of one clip is left, or none."""
        left = {(one.clip_id, one.from_s) for one in self.possible}
        return len(left) <= 1 and all(room.heard for room in self._rooms.values() if room.prints)


@dataclass(slots=True)
class _Room:
    """Prints with blocks of one length, and what was heard in such blocks."""

    prints: list[Print]
    waiting: bytearray = field(default_factory=bytearray)
    heard: int = 0


@dataclass(frozen=True, slots=True)
class Sounds:
    """The clips of a run as they can be heard."""

    files: Mapping[str, list[str]]
    """SHA-256 of a file, or of the samples in it -> ids of the clips."""
    prints: list[Print]
    missing: tuple[str, ...]
    """Clips whose files are not there."""

    def uploaded(self, content_type: str, body: bytes) -> list[str]:
        """The clips that an upload can be, as a form or as the whole body; several when they sound the same."""
        file = file_in(content_type, body)
        found = self.files.get(hashlib.sha256(file).hexdigest())
        return found or self.files.get(_sample_digest(file), [])


def learn(clips: Iterable[Clip], sample_rate_hz: int, starts_s: Mapping[str, Iterable[float]]) -> Sounds:
    """Listen to the clips of a run, as the run sent them and as they are.

    Args:
        clips: of the run.
        sample_rate_hz: at which the run sent them.
        starts_s: clip id -> where in it, beside 0, a stream was taken up again.
    """
    files: dict[str, list[str]] = {}
    prints: list[Print] = []
    missing = []
    for clip in clips:
        files.setdefault(clip.sha256, []).append(clip.id)
        try:
            for rate_hz in dict.fromkeys((sample_rate_hz, clip.sample_rate_hz)):
                audio = corpora.audio(clip, sample_rate_hz=rate_hz)
                known = files.setdefault(_pcm_digest(audio), [])
                known += [clip.id] if clip.id not in known else []
                prints += [Print.of(clip.id, audio, from_s) for from_s in {0.0, *starts_s.get(clip.id, ())}]
        except CorpusError:
            missing.append(clip.id)
    return Sounds(files, prints, tuple(missing))


def file_in(content_type: str, body: bytes) -> bytes:
    """The file of a multipart form (the part with a file name), else the body."""
    kind, _, options = content_type.partition(";")
    named = (option.strip().partition("=") for option in options.split(";"))
    boundary = next((value.strip('"') for name, _, value in named if name.lower() == "boundary"), "")
    if kind.strip().lower() != "multipart/form-data" or not boundary:
        return body
    for part in body.split(b"--" + boundary.encode("latin-1")):
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head.lower():
            return content.removesuffix(b"\r\n")
    return b""


def _digest(block: bytes) -> bytes:
    return hashlib.blake2b(block, digest_size=_DIGEST_BYTES).digest()


def _pcm_digest(audio: Audio) -> str:
    whole = hashlib.sha256()
    for start in range(0, len(audio.pcm), _PIECE_BYTES):
        whole.update(audio.pcm[start : start + _PIECE_BYTES])
    return whole.hexdigest()


def _sample_digest(file: bytes) -> str:
    """The digest of the samples in a sound file; empty when it is none that can be read."""
    try:
        samples, _ = soundfile.read(io.BytesIO(file), dtype="int16", always_2d=True)
    except (soundfile.LibsndfileError, TypeError, ValueError):
        return ""
    return hashlib.sha256(np.ascontiguousarray(samples, dtype="<i2").tobytes()).hexdigest()
