"""Decode sound files and resample: everything between a path and an ``Audio``."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr

from evalkit.errors import CorpusError
from evalkit.types import Audio

LONG_BYTES = 32 * 2**20
"""Sound that is longer when decoded is kept on disk: 17 minutes of 16 kHz mono."""
_BLOCK_FRAMES = 2**17


class OnDisk:
    """Samples in a temporary file without a name, read by parts, so that a long recording needs no memory."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        """Write the samples down.

        Raises:
            OSError: there is no room.
        """
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as this object
        self._size = sum(self._file.write(part) for part in parts)
        self._file.flush()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, step = part.indices(self._size)
        wanted = max(0, stop - start)
        # By position, not by seek: several conversations may read at once.
        pieces = [os.pread(self._file.fileno(), wanted, start)]
        while missing := wanted - sum(map(len, pieces)):
            pieces.append(os.pread(self._file.fileno(), missing, stop - missing))
        return b"".join(pieces)[::step]

    def __del__(self) -> None:
        with suppress(OSError):  # what found no room is not missed
            self._file.close()


def read(path: Path | str, *, sample_rate_hz: int | None = None) -> Audio:
    """Decode a sound file into signed 16-bit samples, resampled (soxr HQ) when ``sample_rate_hz`` is another rate.

    Raises:
        CorpusError: the file is missing, is not sound that libsndfile can decode, holds no samples, or is so long
            that it is decoded to disk, and there is no room.
    """
    path = Path(path)
    if not path.is_file():
        raise CorpusError(f"{path}: no such audio file; check the path in the manifest")
    try:
        with soundfile.SoundFile(path) as file:
            to_hz = sample_rate_hz or file.samplerate
            audio = _decoded(file, to_hz)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise CorpusError(f"{path}: cannot be decoded ({reason}); convert it to WAV or FLAC") from error
    except OSError as error:
        folder = tempfile.gettempdir()
        raise CorpusError(f"{path}: cannot be decoded to {folder} ({error.strerror}); free space there") from error
    if not len(audio.pcm):
        raise CorpusError(f"{path}: holds no audio (zero samples); remove it from the manifest or replace the file")
    return audio


def resample(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Resample int16 samples of shape (frames, channels); the result has shape (round(frames·to/from), channels)."""
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), dtype=np.int16)


def _decoded(file: soundfile.SoundFile, to_hz: int) -> Audio:
    from_hz, channels = file.samplerate, file.channels
    if 2 * channels * file.frames * to_hz / from_hz <= LONG_BYTES:
        samples = file.read(dtype="int16", always_2d=True)
        if to_hz != from_hz and len(samples):
            samples = resample(samples, from_hz, to_hz)
        return Audio(np.ascontiguousarray(samples, dtype="<i2").tobytes(), to_hz, channels)
    kept = OnDisk(np.ascontiguousarray(block, dtype="<i2").tobytes() for block in _blocks(file, to_hz))
    return Audio(kept, to_hz, channels)


def _blocks(file: soundfile.SoundFile, to_hz: int) -> Iterator[np.ndarray]:
    blocks = file.blocks(blocksize=_BLOCK_FRAMES, dtype="int16", always_2d=True)
    if to_hz == file.samplerate:
        yield from blocks
        return
    stream = soxr.ResampleStream(file.samplerate, to_hz, file.channels, dtype="int16", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros((0, file.channels), np.int16), last=True)
