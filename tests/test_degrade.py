import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.degrade import (
    active_power,
    decode_mulaw,
    encode_mulaw,
    mixed,
    noise_gain,
    noisy,
    power,
    snr_db,
    telephone,
)
from evalkit.types import Audio

EVERY = np.arange(-32_768, 32_768)


def tone(seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * 440 * np.arange(int(16_000 * seconds)) / 16_000)


def audio(samples: np.ndarray, channels: int = 1) -> Audio:
    return Audio(np.rint(samples * 32_767).astype("<i2").tobytes(), 16_000, channels)


def test_every_sample_and_every_code_is_as_the_standard_library_had_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    coded = audioop.lin2ulaw(EVERY.astype("<i2").tobytes(), 2)
    assert encode_mulaw(EVERY).tobytes() == coded
    codes = bytes(range(256))
    assert decode_mulaw(np.arange(256)).astype("<i2").tobytes() == audioop.ulaw2lin(codes, 2)


def test_the_codec_is_near_and_stable() -> None:
    decoded = decode_mulaw(encode_mulaw(EVERY)).astype(int)
    inside = np.abs(EVERY) < 32_000
    assert (np.abs(decoded - EVERY)[inside] <= 16 + np.abs(EVERY)[inside] / 16).all()
    assert (decode_mulaw(encode_mulaw(decoded)) == decoded).all()
    assert (np.diff(decoded) >= 0).all()


@given(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(-10, 40))
def test_the_gain_gives_the_ratio(signal: float, noise: float, wanted: float) -> None:
    gain = noise_gain(signal, noise, wanted)
    assert gain is not None
    assert snr_db(signal, noise * gain**2) == pytest.approx(wanted, abs=1e-6)


def test_silence_has_no_ratio() -> None:
    assert noise_gain(1.0, 0.0, 10) is None
    assert snr_db(0.0, 1.0) is snr_db(1.0, 0.0) is None
    assert power([]) == 0.0


def test_pauses_do_not_soften_the_noise() -> None:
    speech = tone()
    with_pause = np.concatenate([speech, np.zeros(len(speech) * 3)])
    assert active_power(with_pause, 16_000) == pytest.approx(power(speech), rel=0.01)
    assert power(with_pause) == pytest.approx(power(speech) / 4, rel=0.01)
    assert active_power(np.zeros(0), 16_000) == 0.0


@given(st.sampled_from([0.0, 5.0, 20.0]))
def test_a_mix_that_would_clip_is_made_softer_as_a_whole(wanted: float) -> None:
    speech = tone(0.2, 0.99)
    noise = np.random.default_rng(0).standard_normal(500)
    found = mixed(speech, noise, wanted)
    assert np.abs(found).max() <= 32_767 / 32_768
    # What is added is still in that ratio to what was there, whatever the scale.
    scale = np.abs(found).max() / np.abs(mixed(0.01 * speech, noise, wanted)).max() * 0.01
    assert snr_db(power(scale * speech), power(found - scale * speech)) == pytest.approx(wanted, abs=0.01)


def test_noise_is_seeded_and_as_loud_as_asked() -> None:
    clean = audio(tone())
    found = noisy(clean, 10, seed=1)
    assert found == noisy(clean, 10, seed=1) != noisy(clean, 10, seed=2)
    assert (found.sample_rate_hz, found.channels, found.duration_s) == (16_000, 1, 1.0)
    added = np.frombuffer(found.pcm, "<i2").astype(float) - np.frombuffer(clean.pcm, "<i2")
    assert snr_db(power(np.frombuffer(clean.pcm, "<i2").astype(float)), power(added)) == pytest.approx(10, abs=0.2)


def test_channels_keep_their_places() -> None:
    stereo = np.stack([tone(), np.zeros(16_000)], axis=1)
    found = np.frombuffer(noisy(audio(stereo, 2), 20, seed=0).pcm, "<i2").reshape(-1, 2)
    assert power(found[:, 0].astype(float)) > 0
    # Nothing speaks on the second, so no noise has a ratio to it.
    assert not found[:, 1].any()


def test_a_telephone_keeps_length_and_sense() -> None:
    clean = audio(tone())
    found = telephone(clean)
    assert len(found.pcm) == len(clean.pcm)
    ratio = np.corrcoef(np.frombuffer(found.pcm, "<i2"), np.frombuffer(clean.pcm, "<i2"))[0, 1]
    assert ratio > 0.999
    assert mixed(tone(0.1), np.zeros(0), 10) == pytest.approx(tone(0.1))
