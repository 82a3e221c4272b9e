"""A clip is known by its sound: an upload by all of it, a stream by its beginning."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from evalkit.corpora import record, revive
from evalkit.replay.hearing import Ear, Print, file_in, learn
from evalkit.types import Audio, Clip

RATE_HZ = 8000


def noise(seed: int, seconds: float = 1.0, channels: int = 1) -> Audio:
    samples = np.random.default_rng(seed).integers(-900, 900, (round(seconds * RATE_HZ), channels)).astype("<i2")
    return Audio(samples.tobytes(), RATE_HZ, channels)


def quiet_first(seed: int) -> Audio:
    return Audio(bytes(2 * RATE_HZ) + noise(seed).pcm[:], RATE_HZ)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=20), st.sampled_from([0.0, 0.35]))
def test_a_stream_is_known_in_pieces_of_any_length(sizes: list[int], from_s: float) -> None:
    prints = [Print.of(str(seed), noise(seed), start) for seed in range(4) for start in (0.0, 0.35)]
    pcm = noise(2).since(from_s).pcm[:]
    ear = Ear(prints)
    heard = 0
    for size in sizes:
        ear.hear(pcm[heard : heard + size])
        heard += size
    left = {(one.clip_id, one.from_s) for one in ear.possible}
    assert ("2", from_s) in left
    assert ear.certain == (heard >= 1600)
    if ear.certain:
        assert left == {("2", from_s)}


def test_clips_that_begin_alike_stay_possible_until_they_differ() -> None:
    ear = Ear([Print.of(str(seed), quiet_first(seed)) for seed in range(3)])
    pcm = quiet_first(1).pcm[:]
    ear.hear(pcm[: 2 * RATE_HZ])
    assert not ear.certain
    assert len(ear.possible) == 3
    ear.hear(pcm[2 * RATE_HZ :])
    assert [one.clip_id for one in ear.possible] == ["1"]


def test_what_follows_the_clip_does_not_make_it_another() -> None:
    ear = Ear([Print.of("a", noise(1)), Print.of("b", noise(2))])
    ear.hear(noise(1).pcm[:] + bytes(20_000))
    assert [one.clip_id for one in ear.possible] == ["a"]


def test_unknown_sound_is_certainly_nothing() -> None:
    ear = Ear([Print.of("a", noise(1)), Print.of("b", noise(2, channels=2))])
    ear.hear(noise(9).pcm[:])
    assert ear.certain
    assert not ear.possible


def test_channels_have_prints_of_their_own() -> None:
    ear = Ear([Print.of("mono", noise(1)), Print.of("stereo", noise(2, channels=2))])
    ear.hear(noise(2, channels=2).pcm[:3200])
    assert [one.bytes_per_s for one in ear.possible] == [4 * RATE_HZ]


def test_a_rest_too_short_to_be_known_is_the_last_resort() -> None:
    whole, rest = Print.of("a", noise(1)), Print.of("b", noise(2), 0.95)
    ear = Ear([whole, rest])
    ear.hear(noise(1).pcm[:1600])
    assert ear.possible == [whole]
    ear = Ear([whole, rest])
    ear.hear(noise(2).since(0.95).pcm[:] + bytes(3000))
    assert ear.possible == [rest]


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.frombuffer(noise(1).pcm[:], "<i2"), RATE_HZ)
    return Clip("a", str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1.0, RATE_HZ, 1)


def form(file: bytes, boundary: str = "bound") -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--{boundary}\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    return head.encode() + file + f"\r\n--{boundary}--\r\n".encode()


def test_an_upload_is_known_by_its_file_or_by_its_samples(clip: Clip) -> None:
    sounds = learn([clip], 16_000, {})
    flac = Path(clip.path).read_bytes()
    assert sounds.uploaded("audio/flac", flac) == ["a"]
    assert sounds.uploaded("multipart/form-data; boundary=bound", form(flac)) == ["a"]
    assert sounds.uploaded("multipart/form-data; boundary=bound", form(noise(1).wav())) == ["a"]
    again = io.BytesIO()
    soundfile.write(again, np.frombuffer(noise(1).pcm[:], "<i2"), RATE_HZ, format="FLAC", compression_level=0.0)
    assert sounds.uploaded("audio/flac", again.getvalue()) == ["a"]
    assert sounds.uploaded("audio/wav", noise(2).wav()) == []
    assert sounds.uploaded("text/plain", b"no sound") == []


def test_a_clip_is_known_as_the_run_sent_it_and_as_it_is(clip: Clip) -> None:
    sounds = learn([clip], 16_000, {"a": [0.0, 0.4]})
    assert {(one.bytes_per_s, one.from_s) for one in sounds.prints} == {
        (2.0 * rate_hz, from_s) for rate_hz in (8000, 16_000) for from_s in (0.0, 0.4)
    }


def test_clips_that_sound_the_same_are_all_meant(clip: Clip) -> None:
    twin = revive({**record(clip), "id": "b"})
    assert learn([clip, twin], RATE_HZ, {}).uploaded("audio/wav", noise(1).wav()) == ["a", "b"]


def test_a_clip_that_is_gone_is_named_and_known_by_its_file_alone(clip: Clip) -> None:
    flac = Path(clip.path).read_bytes()
    Path(clip.path).unlink()
    sounds = learn([clip], RATE_HZ, {})
    assert (sounds.missing, sounds.prints) == (("a",), [])
    assert sounds.uploaded("audio/flac", flac) == ["a"]


def test_a_form_without_a_file_holds_none() -> None:
    assert (
        file_in('multipart/form-data; boundary="x"', b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb') == b""
    )
    assert file_in('Multipart/Form-Data; charset=utf-8; boundary="bound"', form(b"\r\nfile\r\n")) == b"\r\nfile\r\n"
