"""Decoding and resampling real files."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

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
    assert np.frombuffer(read.pcm[:], "<i2").tolist() == [1, -1, 2, -2, 3, -3]


def test_problems_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF this is no sound")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, dtype=np.int16), 8000)
    for name, reason in [("bad.wav", "cannot be decoded"), ("empty.wav", "no audio"), ("gone.wav", "no such")]:
        with pytest.raises(CorpusError, match=f"{name}.*{reason}"):
            audio.read(tmp_path / name)


@pytest.mark.parametrize(("to_hz", "off"), [(None, 0), (22_050, 2)])
def test_a_long_recording_is_read_from_disk_like_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to_hz: int | None, off: int
) -> None:
    noise = (np.random.default_rng(0).standard_normal((300_000, 2)) * 3000).astype(np.int16)
    soundfile.write(tmp_path / "s.wav", noise, 44_100, subtype="PCM_16")
    short = audio.read(tmp_path / "s.wav", sample_rate_hz=to_hz)
    monkeypatch.setattr(audio, "LONG_BYTES", 100_000)
    long = audio.read(tmp_path / "s.wav", sample_rate_hz=to_hz)
    assert isinstance(long.pcm, audio.OnDisk)
    assert (len(long.pcm), long.channels, long.sample_rate_hz) == (len(short.pcm), 2, short.sample_rate_hz)
    same = np.frombuffer(long.pcm[:], "<i2").astype(int) - np.frombuffer(short.pcm[:], "<i2")
    assert abs(same).max() <= off
    assert b"".join(long.frames(100)) == long.pcm[:]
    assert len(long.wav()) == len(short.wav())


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(-70, 210), st.integers(-70, 210))
def test_parts_on_disk_are_those_in_memory(parts: list[bytes], start: int, stop: int) -> None:
    whole = b"".join(parts)
    kept = audio.OnDisk(parts)
    assert len(kept) == len(whole)
    assert kept[start:stop] == whole[start:stop]
    assert kept[start:] == whole[start:]


def test_a_system_that_reads_less_than_asked_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux reads at most 2 GiB at once."""
    whole, read = bytes(range(100)), os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: read(fd, min(size, 7), at))
    assert audio.OnDisk([whole])[3:90] == whole[3:90]


def test_no_room_on_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "s.wav", np.ones(1000, np.int16), 8000)
    monkeypatch.setattr(audio, "LONG_BYTES", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(CorpusError, match=r"s\.wav: cannot be decoded to .*No space left on device.*; free space"):
        audio.read(tmp_path / "s.wav")
