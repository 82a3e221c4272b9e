"""Decoding and resampling real files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from evalkit import audio
from evalkit.errors import CorpusError
from tests.conftest import OPEN


def test_a_telephone_clip_is_resampled_and_keeps_its_length() -> None:
    native = audio.read(OPEN / "audio" / "phone-agent-user.flac")
    wide = audio.read(OPEN / "audio" / "phone-agent-user.flac", sample_rate_hz=16_000)
    assert (native.sample_rate_hz, wide.sample_rate_hz) == (8000, 16_000)
    assert wide.duration_s == pytest.approx(native.duration_s, abs=0.001)


def test_resampling_keeps_a_tone_where_it_is() -> None:
    t = np.arange(44_100) / 44_100
    tone = (np.sin(2 * np.pi * 440 * t) * 20_000).astype(np.int16)[:, None]
    spectrum = np.abs(np.fft.rfft(audio.resample(tone, 44_100, 16_000)[:, 0]))
    assert int(spectrum.argmax()) == 440


def test_channels_stay_interleaved(tmp_path: Path) -> None:
    samples = np.array([[1, -1], [2, -2], [3, -3]], dtype=np.int16)
    soundfile.write(tmp_path / "s.wav", samples, 8000, subtype="PCM_16")
    read = audio.read(tmp_path / "s.wav")
    assert read.channels == 2
    assert np.frombuffer(read.pcm, "<i2").tolist() == [1, -1, 2, -2, 3, -3]


def test_problems_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF this is no sound")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, dtype=np.int16), 8000)
    for name, reason in [("bad.wav", "cannot be decoded"), ("empty.wav", "no audio"), ("gone.wav", "no such")]:
        with pytest.raises(CorpusError, match=f"{name}.*{reason}"):
            audio.read(tmp_path / name)
