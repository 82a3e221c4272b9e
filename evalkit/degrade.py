"""Clean sound made worse on purpose: noise at a chosen ratio, and the telephone's mu-law codec.

The formulas work on numbers; ``noisy`` and ``telephone`` apply them to ``Audio``. Chance comes in as a seed or as the
noise itself, so the same clip is always degraded alike.
"""

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.types import Audio

FULL_SCALE = 32_768
_BIAS, _CLIP = 33, 8158
"""G.711 works on 14 bits: the bias makes every segment start at a power of two, and the top is cut."""
_ACTIVE_DB = 30.0
"""Frames within this of the loudest frame count as speech."""


def encode_mulaw(samples: ArrayLike) -> NDArray[np.uint8]:
    """16-bit samples as G.711 mu-law bytes, as ``audioop.lin2ulaw`` did before Python 3.13 dropped it.

    Args:
        samples: signed 16-bit integers; (n,).
    """
    # An arithmetic shift rounds down, which audioop does too: -1 becomes -1 and not 0.
    linear = np.asarray(samples, dtype=np.int64) >> 2
    sign = np.where(linear < 0, 0x7F, 0xFF)
    magnitude = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 5
    found: NDArray[np.uint8] = (((segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)) ^ sign).astype(np.uint8)
    return found


def decode_mulaw(codes: ArrayLike) -> NDArray[np.int16]:
    """G.711 mu-law bytes as 16-bit samples."""
    found: NDArray[np.int16] = _decoding()[np.asarray(codes, dtype=np.uint8)]
    return found


@functools.cache
def _decoding() -> NDArray[np.int16]:
    flipped = ~np.arange(256) & 0xFF
    magnitude = ((flipped & 0x0F) << 3) + (_BIAS << 2) << (flipped >> 4 & 0x07)
    linear = magnitude - (_BIAS << 2)
    return np.where(flipped & 0x80, -linear, linear).astype(np.int16)


def power(samples: ArrayLike) -> float:
    """Mean square; 0 for nothing."""
    found = np.asarray(samples, dtype=np.float64)
    return float(np.mean(found**2)) if len(found) else 0.0


def active_power(samples: ArrayLike, sample_rate_hz: int, *, frame_s: float = 0.020) -> float:
    """Mean square over frames with speech only: pauses would make the noise softer than its ratio says.

    A frame is active when it is within 30 dB of the loudest, a plain stand-in for ITU-T P.56.
    """
    found = np.asarray(samples, dtype=np.float64)
    size = max(round(frame_s * sample_rate_hz), 1)
    frames = found[: len(found) // size * size].reshape(-1, size)
    if not len(frames):
        return power(found)
    powers = np.mean(frames**2, axis=1)
    return float(powers[powers >= powers.max() * 10 ** (-_ACTIVE_DB / 10)].mean())


def noise_gain(signal_power: float, noise_power: float, snr_db: float) -> float | None:
    """What the noise is multiplied by: g = sqrt(Ps / (Pn 10^(SNR/10))); None for silent noise."""
    return float(np.sqrt(signal_power / (noise_power * 10 ** (snr_db / 10)))) if noise_power > 0 else None


def snr_db(signal_power: float, noise_power: float) -> float | None:
    """Signal-to-noise ratio in decibels; None when either is silent."""
    return float(10 * np.log10(signal_power / noise_power)) if signal_power > 0 and noise_power > 0 else None


def mixed(
    signal: NDArray[np.float64], noise: NDArray[np.float64], snr_db: float, *, signal_power: float | None = None
) -> NDArray[np.float64]:
    """Signal plus noise at a ratio, both made softer together where the sum would clip.

    Args:
        signal: full scale 1.0; (n,).
        noise: repeated or cut to the length of the signal; (m,).
        snr_db: the ratio.
        signal_power: that of active speech; None: of the whole signal.
    """
    if not len(signal) or not len(noise):
        return signal
    fitted = np.resize(noise, len(signal))
    gain = noise_gain(power(signal) if signal_power is None else signal_power, power(fitted), snr_db)
    together = signal + (gain or 0.0) * fitted
    return together / max(1.0, float(np.abs(together).max()) * FULL_SCALE / (FULL_SCALE - 1))


def noisy(audio: Audio, snr_db: float, *, seed: int) -> Audio:
    """The same sound in white noise, at a ratio to its active speech; channels get noise of their own."""
    chance = np.random.default_rng(seed)
    made = np.stack(
        [
            mixed(
                channel,
                chance.standard_normal(len(channel)),
                snr_db,
                signal_power=active_power(channel, audio.sample_rate_hz),
            )
            for channel in _channels(audio)
        ],
        axis=1,
    )
    return Audio(
        np.rint(made * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes(),
        audio.sample_rate_hz,
        audio.channels,
    )


def telephone(audio: Audio) -> Audio:
    """The same sound once through the mu-law codec; resample to 8 kHz first for a real telephone line."""
    samples = np.frombuffer(audio.pcm, dtype="<i2")
    return Audio(decode_mulaw(encode_mulaw(samples)).astype("<i2").tobytes(), audio.sample_rate_hz, audio.channels)


def _channels(audio: Audio) -> NDArray[np.float64]:
    return np.frombuffer(audio.pcm, dtype="<i2").reshape(-1, audio.channels).T / FULL_SCALE
