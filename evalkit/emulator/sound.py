"""Bytes into samples: containers, headerless pcm, mulaw and alaw, and the 16 kHz mono that every recogniser hears."""

import io
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples: TypeAlias = npt.NDArray[np.int16]

RATE_HZ = 16_000
BYTES_PER_SAMPLE = {"pcm": 2, "mulaw": 1, "alaw": 1}


class UndecodableError(ValueError):
    """The bytes are no sound this server can read."""


def _mulaw_table() -> Samples:
    """The 256 linear values of G.711 mu-law."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude), dtype=np.int16)


def _alaw_table() -> Samples:
    """The 256 linear values of G.711 A-law."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code & 0x70) >> 4
    mantissa = ((code & 0x0F) << 4) + np.where(exponent == 0, 0x008, 0x108)
    magnitude = mantissa << np.maximum(exponent - 1, 0)
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude), dtype=np.int16)


_TABLES = {"mulaw": _mulaw_table(), "alaw": _alaw_table()}


def linear(data: bytes, encoding: str) -> Samples:
    """Headerless bytes as signed 16-bit samples; ``encoding`` is pcm (little endian), mulaw or alaw."""
    if encoding == "pcm":
        return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
    return _TABLES[encoding][np.frombuffer(data, dtype=np.uint8)]


def resampled(samples: Samples, rate_hz: int) -> Samples:
    """One channel, or (n, channels), at 16 kHz."""
    if rate_hz == RATE_HZ or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), dtype=np.int16)


def read(data: bytes, encoding: str | None, rate_hz: int | None, channels: int) -> tuple[Samples, float]:
    """Decode an upload.

    Args:
        data: the bytes of the file.
        encoding: pcm, mulaw or alaw for headerless sound, None for a container (wav, flac, ogg, opus, mp3).
        rate_hz: sampling rate of headerless sound.
        channels: channels of headerless sound.

    Returns:
        Samples at 16 kHz with shape (n, channels), and the duration of the upload in seconds.

    Raises:
        UndecodableError: not a sound, or an empty one.
    """
    if encoding is None:
        try:
            samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
            raise UndecodableError("the file is not a wav, flac, ogg, opus or mp3 sound") from error
    else:
        whole = len(data) - len(data) % (BYTES_PER_SAMPLE[encoding] * channels)
        samples = linear(data[:whole], encoding).reshape(-1, channels)
    if rate_hz is None or not len(samples):
        raise UndecodableError("the file has no audio in it")
    return resampled(np.ascontiguousarray(samples), rate_hz), len(samples) / rate_hz


def mono(samples: Samples) -> Samples:
    """All channels of an (n, channels) array averaged into one."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    return np.asarray(samples.astype(np.int32).mean(axis=1), dtype=np.int16)


class StreamDecoder:
    """Socket frames into 16 kHz samples per channel; a sample cut in two by a frame border is kept for the next."""

    def __init__(self, encoding: str, rate_hz: int, channels: int) -> None:
        self._encoding = encoding
        self._rate_hz = rate_hz
        self._channels = channels
        self._rest = b""
        self._resampler = (
            None if rate_hz == RATE_HZ else soxr.ResampleStream(rate_hz, RATE_HZ, channels, dtype="int16", quality="HQ")
        )
        self.received_s = 0.0
        """Seconds of audio received so far."""

    def decode(self, data: bytes, *, last: bool = False) -> Samples:
        """Samples with shape (n, channels); ``last`` also gives what the resampler still held back."""
        data = self._rest + data
        whole = len(data) - len(data) % (BYTES_PER_SAMPLE[self._encoding] * self._channels)
        data, self._rest = data[:whole], data[whole:]
        samples = linear(data, self._encoding).reshape(-1, self._channels)
        self.received_s += len(samples) / self._rate_hz
        if self._resampler is None:
            return samples
        shaped = samples[:, 0] if self._channels == 1 else samples
        out = self._resampler.resample_chunk(np.ascontiguousarray(shaped), last=last)
        return np.asarray(out, dtype=np.int16).reshape(-1, self._channels)


class Tape:
    """The last stretch of a stream, addressed by seconds since the stream began."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, dtype=np.int16)
        self._first = 0

    @property
    def end_s(self) -> float:
        return (self._first + len(self._samples)) / RATE_HZ

    def append(self, samples: Samples) -> None:
        self._samples = np.concatenate([self._samples, samples])

    def between(self, start_s: float, end_s: float) -> Samples:
        """The samples from ``start_s`` to ``end_s``, as far as they are still on the tape."""
        first = max(0, round(start_s * RATE_HZ) - self._first)
        return self._samples[first : max(first, round(end_s * RATE_HZ) - self._first)]

    def forget(self, before_s: float) -> None:
        """Drop what lies before ``before_s``."""
        drop = min(len(self._samples), max(0, round(before_s * RATE_HZ) - self._first))
        self._samples = self._samples[drop:]
        self._first += drop
