"""Decode sound files and resample: everything between a path and an ``Audio``."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from evalkit.errors import CorpusError
from evalkit.types import Audio


def read(path: Path | str, *, sample_rate_hz: int | None = None) -> Audio:
    """Decode a sound file into signed 16-bit samples, resampled (soxr HQ) when ``sample_rate_hz`` is another rate.

    Raises:
        CorpusError: the file is missing, is not sound that libsndfile can decode, or holds no samples.
    """
    path = Path(path)
    if not path.is_file():
        raise CorpusError(f"{path}: no such audio file; check the path in the manifest")
    try:
        samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise CorpusError(f"{path}: cannot be decoded ({reason}); convert it to WAV or FLAC") from error
    if not len(samples):
        raise CorpusError(f"{path}: holds no audio (zero samples); remove it from the manifest or replace the file")
    if sample_rate_hz is not None and sample_rate_hz != rate_hz:
        samples, rate_hz = resample(samples, rate_hz, sample_rate_hz), sample_rate_hz
    return Audio(np.ascontiguousarray(samples, dtype="<i2").tobytes(), int(rate_hz), samples.shape[1])


def resample(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Resample int16 samples of shape (frames, channels); the result has shape (round(frames·to/from), channels)."""
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), dtype=np.int16)
