"""Clean sound made worse on purpose: noise, codecs, lost packets, clipping, rooms, silence, haste.

The formulas work on numbers; the rest applies them to ``Audio`` and keeps its rate and, but for added silence and
another tempo, its length and the time of every word. Chance comes in as a seed, so a clip is always degraded alike.
"""

import functools
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from evalkit.audio import resample
from evalkit.types import Audio

FULL_SCALE = 32_768
TELEPHONE_HZ = 8_000
_MP3_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000)
_OPUS_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
_MP3_DELAY = 1105
"""Samples by which LAME (576) and a decoder (529) delay, where nothing in the file says so."""
_BIAS, _CLIP = 33, 8158
"""G.711 works on 14 bits: the bias makes every segment start at a power of two, and the top is cut."""
_FRAME_S, _SHIFT_S = 0.040, 0.010
"""Of a change of tempo: pieces of two pitch periods at least, which may be taken that much earlier or later."""
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
    made = [
        mixed(
            channel,
            chance.standard_normal(len(channel)),
            snr_db,
            signal_power=active_power(channel, audio.sample_rate_hz),
        )
        for channel in _channels(audio)
    ]
    return _audio(made, audio)


def telephone(audio: Audio) -> Audio:
    """The same sound once through the mu-law codec; resample to 8 kHz first for a real telephone line."""
    samples = np.frombuffer(audio.pcm[:], dtype="<i2")
    return Audio(decode_mulaw(encode_mulaw(samples)).astype("<i2").tobytes(), audio.sample_rate_hz, audio.channels)


def narrowband(audio: Audio) -> Audio:
    """As over a telephone line: 8 kHz and mu-law, then back at the rate it had."""
    return _at_rate(audio, TELEPHONE_HZ, telephone)


def mp3(audio: Audio, kbit_per_s: float) -> Audio:
    """Once through MP3 at a constant bit rate, at most 24 kHz, as encoders do themselves at low rates.

    Args:
        audio: what to code.
        kbit_per_s: 8 to 64, for all channels together.
    """

    def coded(narrow: Audio) -> Audio:
        # libsndfile takes a level between the ends of what the MPEG layer III of this sample rate allows.
        top, bottom = (160.0, 8.0) if narrow.sample_rate_hz >= 16_000 else (64.0, 8.0)
        level = (top - min(kbit_per_s, top)) / (top - bottom)
        return _coded(narrow, level, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT")

    return _at_rate(audio, _fitting(audio.sample_rate_hz, _MP3_HZ), coded)


def opus(audio: Audio, kbit_per_s: float) -> Audio:
    """Once through Opus at a variable bit rate.

    Args:
        audio: what to code.
        kbit_per_s: 6 to 256 on average, for all channels together.
    """
    # libsndfile takes a level between 6 and 256 kbit/s for each channel.
    each = min(max(kbit_per_s / audio.channels, 6.0), 256.0)
    level = (256.0 - each) / 250.0
    return _at_rate(
        audio,
        _fitting(audio.sample_rate_hz, _OPUS_HZ),
        lambda fitted: _coded(fitted, level, format="OGG", subtype="OPUS"),
    )


def louder(audio: Audio, gain_db: float) -> Audio:
    """The same sound louder, or softer when negative; what passes full scale is cut."""
    return _audio([channel * 10 ** (gain_db / 20) for channel in _channels(audio)], audio)


def downmixed(audio: Audio) -> Audio:
    """The mean of all channels, as one."""
    return Audio(_audio([_channels(audio).mean(axis=0)], audio).pcm, audio.sample_rate_hz)


def clipped(audio: Audio, depth_db: float) -> Audio:
    """The same sound with its tops cut this far below its own peak, at the loudness it had."""
    channels = _channels(audio)
    ceiling = float(np.abs(channels).max(initial=0.0)) * 10 ** (-depth_db / 20)
    return _audio([channel.clip(-ceiling, ceiling) for channel in channels], audio)


def lossy(audio: Audio, share: float, *, seed: int, packet_s: float = 0.020) -> Audio:
    """The same sound with packets lost: each is silent with a chance of ``share``, all channels at once."""
    channels = _channels(audio).copy()
    size = max(round(packet_s * audio.sample_rate_hz), 1)
    lost = np.random.default_rng(seed).random(-(-channels.shape[1] // size)) < share
    channels[:, np.repeat(lost, size)[: channels.shape[1]]] = 0.0
    return _audio(list(channels), audio)


def padded(audio: Audio, *, before_s: float = 0.0, after_s: float = 0.0) -> Audio:
    """The same sound with digital silence around it."""
    before, after = (bytes(2 * audio.channels * round(s * audio.sample_rate_hz)) for s in (before_s, after_s))
    return Audio(before + audio.pcm[:] + after, audio.sample_rate_hz, audio.channels)


def hurried(audio: Audio, tempo: float) -> Audio:
    """The same sound ``tempo`` times as fast, or slow, at the pitch it had; what was at t is at t / ``tempo``.

    Pieces that overlap by half are put closer together or further apart, each taken where it goes on most like the one
    before did: WSOLA (Verhelst and Roelands, ICASSP 1993). All channels are cut at the same places.

    Args:
        audio: what to change.
        tempo: above 1 is faster.
    """
    if tempo == 1:
        return audio
    half, shift = round(_FRAME_S * audio.sample_rate_hz / 2), round(_SHIFT_S * audio.sample_rate_hz)
    size, spare = 2 * half, 3 * half + shift
    channels = np.pad(_channels(audio), ((0, 0), (spare, spare)))
    mono, longest = channels.sum(axis=0), channels.shape[1] - size
    length = round((channels.shape[1] - 2 * spare) / tempo)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    made = np.zeros((len(channels), length + 2 * size))
    at = spare - half
    for place in range(0, length + size, half):
        if place:
            # Where the sound would be when the piece begins half a piece before its place.
            wanted = spare + round((place - half) * tempo)
            at = _likest(mono, min(at + half, longest), min(wanted, longest - shift), size, shift)
        made[:, place : place + size] += window * channels[:, at : at + size]
    return _audio(list(made[:, half : half + length]), audio)


def _likest(sound: NDArray[np.float64], like: int, around: int, size: int, shift: int) -> int:
    """Where, at most ``shift`` from ``around``, a piece begins that resembles the one at ``like`` most."""
    first = max(around - shift, 0)
    region = sound[first : around + shift + size]
    likeness = np.correlate(region, sound[like : like + size], "valid")
    energy = np.convolve(region**2, np.ones(size), "valid")
    return first + int(np.argmax(likeness / np.sqrt(np.maximum(energy, 1e-9))))


def reverberant(audio: Audio, response: Audio) -> Audio:
    """The same sound in the room whose measured impulse response is given, as loud and as long as it was.

    The strongest arrival stays where it was, so that times of words hold; the tail after the end is cut.

    Args:
        audio: what to place in the room.
        response: its first channel is used, at the rate of ``audio``.
    """
    from scipy.signal import fftconvolve  # importing it takes half a second

    room = _channels(_resampled(response, audio.sample_rate_hz))[0]
    direct = int(np.argmax(np.abs(room)))
    made = []
    for channel in _channels(audio):
        wet = fftconvolve(channel, room)[direct : direct + len(channel)]
        scale = np.sqrt(power(channel) / power(wet)) if power(wet) else 0.0
        made.append(wet * scale)
    return _audio(made, audio)


def _coded(audio: Audio, level: float, **options: Any) -> Audio:
    samples = np.frombuffer(audio.pcm[:], dtype="<i2").reshape(-1, audio.channels)
    file = io.BytesIO()
    soundfile.write(file, samples, audio.sample_rate_hz, compression_level=level, **options)
    file.seek(0)
    found = soundfile.read(file, dtype="int16", always_2d=True)[0]
    # Where the decoder does not take the encoder's delay off by itself, what came back is longer.
    found = found[_MP3_DELAY:] if len(found) > len(samples) else found
    found = np.pad(found[: len(samples)], ((0, max(len(samples) - len(found), 0)), (0, 0)))
    return Audio(found.astype("<i2").tobytes(), audio.sample_rate_hz, audio.channels)


def _fitting(rate_hz: int, allowed: Sequence[int]) -> int:
    """The lowest rate that loses nothing, else the highest."""
    return next((allowed_hz for allowed_hz in allowed if allowed_hz >= rate_hz), allowed[-1])


def _at_rate(audio: Audio, rate_hz: int, made: Callable[[Audio], Audio]) -> Audio:
    """What ``made`` does to the sound at another rate, back at its own rate and length."""
    back = _resampled(made(_resampled(audio, rate_hz)), audio.sample_rate_hz)
    return Audio(back.pcm[: len(audio.pcm)].ljust(len(audio.pcm), b"\0"), back.sample_rate_hz, back.channels)


def _resampled(audio: Audio, rate_hz: int) -> Audio:
    if rate_hz == audio.sample_rate_hz:
        return audio
    samples = np.frombuffer(audio.pcm[:], dtype="<i2").reshape(-1, audio.channels)
    return Audio(resample(samples, audio.sample_rate_hz, rate_hz).astype("<i2").tobytes(), rate_hz, audio.channels)


def _channels(audio: Audio) -> NDArray[np.float64]:
    return np.frombuffer(audio.pcm[:], dtype="<i2").reshape(-1, audio.channels).T / FULL_SCALE


def _audio(channels: Sequence[NDArray[np.float64]], like: Audio) -> Audio:
    samples = np.rint(np.stack(channels, axis=1) * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
    return Audio(samples.astype("<i2").tobytes(), like.sample_rate_hz, like.channels)
