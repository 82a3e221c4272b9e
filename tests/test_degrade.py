import functools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.degrade import (
    active_power,
    clipped,
    decode_mulaw,
    downmixed,
    encode_mulaw,
    hurried,
    lossy,
    louder,
    mixed,
    mp3,
    narrowband,
    noise_gain,
    noisy,
    opus,
    padded,
    power,
    reverberant,
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
    added = np.frombuffer(found.pcm[:], "<i2").astype(float) - np.frombuffer(clean.pcm[:], "<i2")
    assert snr_db(power(np.frombuffer(clean.pcm[:], "<i2").astype(float)), power(added)) == pytest.approx(10, abs=0.2)


def test_channels_keep_their_places() -> None:
    stereo = np.stack([tone(), np.zeros(16_000)], axis=1)
    found = np.frombuffer(noisy(audio(stereo, 2), 20, seed=0).pcm[:], "<i2").reshape(-1, 2)
    assert power(found[:, 0].astype(float)) > 0
    # Nothing speaks on the second, so no noise has a ratio to it.
    assert not found[:, 1].any()


def test_a_telephone_keeps_length_and_sense() -> None:
    clean = audio(tone())
    found = telephone(clean)
    assert len(found.pcm) == len(clean.pcm)
    ratio = np.corrcoef(np.frombuffer(found.pcm[:], "<i2"), np.frombuffer(clean.pcm[:], "<i2"))[0, 1]
    assert ratio > 0.999
    assert mixed(tone(0.1), np.zeros(0), 10) == pytest.approx(tone(0.1))


def babble(rate_hz: int, channels: int = 1, seconds: float = 1.5) -> Audio:
    """A band of noise that swells and fades like speech: it resembles itself at no other time."""
    chance = np.random.default_rng(7)
    made = []
    for _ in range(channels):
        spectrum = np.fft.rfft(chance.standard_normal(int(rate_hz * seconds)))
        heights = np.fft.rfftfreq(int(rate_hz * seconds), 1 / rate_hz)
        spectrum[(heights < 200) | (heights > 3000)] = 0
        band = np.fft.irfft(spectrum, int(rate_hz * seconds))
        swell = 1 + np.sin(2 * np.pi * 3 * np.arange(len(band)) / rate_hz)
        made.append(0.3 * band * swell / np.abs(band * swell).max())
    return Audio(np.rint(np.stack(made, axis=1) * 32_767).astype("<i2").tobytes(), rate_hz, channels)


def samples(of: Audio) -> np.ndarray:
    return np.frombuffer(of.pcm[:], "<i2").reshape(-1, of.channels).astype(float)


def lag_s(clean: Audio, found: Audio, channel: int = 0) -> float:
    """By how much the sound came later, where the two are most alike."""
    one, other = samples(clean)[:, channel], samples(found)[:, channel]
    alike = np.fft.irfft(np.fft.rfft(other, 2 * len(one)) * np.conj(np.fft.rfft(one, 2 * len(one))))
    at = int(np.argmax(alike))
    return (at if at < len(one) else at - 2 * len(one)) / clean.sample_rate_hz


CODECS: dict[str, Callable[[Audio], Audio]] = {
    "mp3 at 32 kbit/s": functools.partial(mp3, kbit_per_s=32),
    "opus at 24 kbit/s": functools.partial(opus, kbit_per_s=24),
    "opus at 12 kbit/s": functools.partial(opus, kbit_per_s=12),
    "a telephone line": narrowband,
}


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
def test_a_codec_keeps_length_rate_and_the_time_of_every_word(codec: Callable[[Audio], Audio], rate_hz: int) -> None:
    clean = babble(rate_hz)
    found = codec(clean)
    assert (len(found.pcm), found.sample_rate_hz, found.channels) == (len(clean.pcm), rate_hz, 1)
    assert abs(lag_s(clean, found)) < 0.001
    likeness = np.corrcoef(samples(clean)[:, 0], samples(found)[:, 0])[0, 1]
    assert likeness > 0.6
    assert found != clean


@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
def test_a_codec_keeps_channels_apart(codec: Callable[[Audio], Audio]) -> None:
    clean = babble(16_000, 2)
    found = codec(clean)
    assert len(found.pcm) == len(clean.pcm)
    assert abs(lag_s(clean, found, 1)) < 0.001


def test_fewer_bits_keep_less() -> None:
    clean = babble(16_000)
    likeness = [np.corrcoef(samples(clean)[:, 0], samples(opus(clean, kbit))[:, 0])[0, 1] for kbit in (6, 12, 24, 64)]
    assert likeness == sorted(likeness)


def test_gain_is_in_decibels_and_stops_at_full_scale() -> None:
    clean = babble(16_000)
    assert 10 * np.log10(power(samples(louder(clean, -20))) / power(samples(clean))) == pytest.approx(-20, abs=0.05)
    assert np.abs(samples(louder(clean, 40))).max() in (32_767, 32_768)
    assert louder(clean, 0) == clean


def test_clipping_cuts_only_the_tops() -> None:
    clean = babble(16_000)
    before, after = samples(clean), samples(clipped(clean, 12))
    ceiling = np.abs(before).max() * 10 ** (-12 / 20)
    assert np.abs(after).max() == pytest.approx(ceiling, abs=1)
    low = np.abs(before) < ceiling - 1
    assert (before[low] == after[low]).all()
    assert clipped(clean, 0) == clean


@given(st.integers(0, 2**63), st.sampled_from([0.0, 0.01, 0.05, 1.0]))
def test_whole_packets_are_lost_on_all_channels_at_once(seed: int, share: float) -> None:
    clean = Audio(np.full((16_010, 2), 1000, "<i2").tobytes(), 16_000, 2)
    found = lossy(clean, share, seed=seed)
    assert found == lossy(clean, share, seed=seed)
    assert len(found.pcm) == len(clean.pcm)
    gone = samples(found) == 0
    assert (gone[:, 0] == gone[:, 1]).all()
    for start in range(0, 16_010, 320):
        assert len(set(gone[start : start + 320, 0])) == 1
    assert share not in (0.0, 1.0) or gone.mean() == share


def test_the_share_of_lost_packets_is_the_one_asked_for() -> None:
    long = Audio(np.full(16_000 * 400, 1000, "<i2").tobytes(), 16_000)
    assert (samples(lossy(long, 0.03, seed=1)) == 0).mean() == pytest.approx(0.03, abs=0.004)


def test_silence_comes_before_and_after() -> None:
    clean = babble(16_000, 2)
    found = padded(clean, before_s=0.5, after_s=0.25)
    assert found.duration_s == clean.duration_s + 0.75
    assert (samples(found)[8000:-4000] == samples(clean)).all()
    assert not samples(found)[:8000].any()


def test_a_room_blurs_and_keeps_loudness_length_and_time() -> None:
    clean = babble(16_000, 2)
    decay = np.random.default_rng(3).standard_normal(4000) * np.exp(-np.arange(4000) / 800) * 0.2
    room = np.concatenate([np.zeros(700), [1.0], decay])
    found = reverberant(clean, audio(room / np.abs(room).max() * 0.9))
    assert len(found.pcm) == len(clean.pcm)
    assert abs(lag_s(clean, found)) < 0.001
    assert power(samples(found)[:, 1]) == pytest.approx(power(samples(clean)[:, 1]), rel=0.02)
    assert np.corrcoef(samples(clean)[:, 0], samples(found)[:, 0])[0, 1] < 0.95
    # A room without walls changes nothing, wherever its only arrival stands.
    assert np.abs(samples(reverberant(clean, audio(np.eye(1, 900, 300)[0]))) - samples(clean)).max() <= 2


def test_channels_are_mixed_to_their_mean() -> None:
    left, right = tone(), 0.5 * tone(level=0.2)
    mixed_down = downmixed(audio(np.stack([left, right], axis=1).ravel(), channels=2))
    assert (mixed_down.channels, mixed_down.sample_rate_hz, mixed_down.duration_s) == (1, 16_000, 1.0)
    found = np.frombuffer(mixed_down.pcm[:], dtype="<i2") / 32_767
    assert found == pytest.approx((left + right) / 2, abs=1e-4)
    assert downmixed(mixed_down) == mixed_down


def pitch_hz(sound: np.ndarray) -> float:
    """From 80 to 400 Hz, by the first strong peak of the autocorrelation."""
    middle = sound[len(sound) // 4 : len(sound) // 4 + 4000]
    likeness = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    lags = np.arange(16_000 // 400, 16_000 // 80)
    return float(16_000 / lags[np.argmax(likeness[lags] * (1 - lags / 4000))])


def voice(hz: float, seconds: float = 1.0) -> np.ndarray:
    """Pulses through a resonance, as a vowel is."""
    at = np.arange(int(16_000 * seconds)) / 16_000
    tones = [np.cos(2 * np.pi * hz * k * at) / (1 + ((hz * k - 700) / 400) ** 2) for k in range(1, 20)]
    summed: np.ndarray = 0.1 * np.sum(tones, axis=0)
    return summed


@pytest.mark.parametrize("tempo", [0.5, 0.8, 1.25, 2.0])
@pytest.mark.parametrize("hz", [90.0, 210.0])
def test_haste_shortens_and_keeps_pitch_and_loudness(tempo: float, hz: float) -> None:
    clean = audio(voice(hz))
    found = hurried(clean, tempo)
    assert len(samples(found)) == round(16_000 / tempo)
    assert pitch_hz(samples(found)[:, 0]) == pytest.approx(pitch_hz(samples(clean)[:, 0]), rel=0.01)
    middle = slice(1000, -1000)
    assert power(samples(found)[middle, 0]) == pytest.approx(power(samples(clean)[middle, 0]), rel=0.05)


def test_nothing_happens_at_the_tempo_it_had() -> None:
    clean = audio(voice(120.0))
    assert hurried(clean, 1.0) is clean
    assert np.abs(samples(hurried(clean, 1.000001)) - samples(clean)).max() <= 1


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_what_was_at_a_time_is_where_haste_puts_it(tempo: float) -> None:
    silent = np.zeros(32_000)
    for start in (4_000, 16_000, 27_000):
        silent[start : start + 800] = voice(150.0, 0.05)
    found = np.flatnonzero(np.abs(samples(hurried(audio(silent), tempo))[:, 0]) > 0.01 * 32_768)
    starts = found[np.flatnonzero(np.diff(found, prepend=-9999) > 2000)] / 16_000
    assert starts == pytest.approx(np.array([4_000, 16_000, 27_000]) / 16_000 / tempo, abs=0.03)


@given(st.integers(0, 3000), st.floats(0.5, 2.0), st.integers(1, 2))
def test_any_sound_can_be_hurried(length: int, tempo: float, channels: int) -> None:
    noise = np.random.default_rng(length).uniform(-0.5, 0.5, length * channels)
    found = hurried(audio(noise, channels), tempo)
    assert (found.channels, len(samples(found))) == (channels, length if tempo == 1 else round(length / tempo))


def test_channels_stay_together_in_haste() -> None:
    left = voice(130.0)
    both = samples(hurried(audio(np.stack([left, 0.5 * left], axis=1).ravel(), channels=2), 1.25))
    assert np.abs(both[:, 0] - 2 * both[:, 1]).max() <= 2
