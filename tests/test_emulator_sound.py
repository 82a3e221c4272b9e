import io
import wave

import numpy as np
import pytest

from evalkit.emulator.sound import RATE_HZ, StreamDecoder, Tape, UndecodableError, linear, mono, read, resampled


def tone(rate_hz: int, seconds: float = 1.0, hz: float = 440.0) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.int16)


@pytest.mark.parametrize(
    ("encoding", "code", "value"),
    # Values of ITU-T G.711 tables.
    [
        ("mulaw", 0xFF, 0), ("mulaw", 0x7F, 0), ("mulaw", 0x80, 32124), ("mulaw", 0x00, -32124), ("mulaw", 0xEF, 132),
        ("alaw", 0xD5, 8), ("alaw", 0x55, -8), ("alaw", 0xAA, 32256), ("alaw", 0x2A, -32256), ("alaw", 0xC5, 264),
    ],
)  # fmt: skip
def test_companded_codes_have_the_values_of_g711(encoding: str, code: int, value: int) -> None:
    assert linear(bytes([code]), encoding)[0] == value


def test_pcm_is_little_endian() -> None:
    assert linear(b"\x01\x02\xff\xff", "pcm").tolist() == [0x0201, -1]


def test_container_is_decoded_to_16_khz() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.stack([tone(8000), -tone(8000)], axis=1).tobytes())
    samples, duration_s = read(buffer.getvalue(), None, None, 1)
    assert duration_s == 1.0
    assert samples.shape == (RATE_HZ, 2)
    assert np.abs(mono(samples)).max() <= 1


def test_raw_upload_has_the_channels_it_was_said_to_have() -> None:
    samples, duration_s = read(np.arange(8, dtype="<i2").tobytes(), "pcm", RATE_HZ, 2)
    assert samples.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert duration_s == 4 / RATE_HZ


@pytest.mark.parametrize("data", [b"", b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_rubbish_is_undecodable(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        read(data, None, None, 1)


def test_empty_raw_upload_is_undecodable() -> None:
    with pytest.raises(UndecodableError, match="no audio"):
        read(b"", "pcm", RATE_HZ, 1)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_stream_in_odd_pieces_equals_the_whole(rate_hz: int) -> None:
    data = tone(rate_hz).tobytes()
    decoder = StreamDecoder("pcm", rate_hz, 1)
    pieces = [decoder.decode(data[first : first + 333]) for first in range(0, len(data), 333)]
    samples = np.concatenate([*pieces, decoder.decode(b"", last=True)])[:, 0]
    whole = resampled(tone(rate_hz), rate_hz)
    assert decoder.received_s == pytest.approx(1.0)
    assert abs(len(samples) - len(whole)) <= 1
    assert np.abs(samples[:15000].astype(int) - whole[:15000]).max() < 100


def test_interleaved_stream_is_split_even_when_a_frame_cuts_a_sample() -> None:
    decoder = StreamDecoder("pcm", RATE_HZ, 2)
    data = np.arange(6, dtype="<i2").tobytes()
    assert decoder.decode(data[:5]).tolist() == [[0, 1]]
    assert decoder.decode(data[5:]).tolist() == [[2, 3], [4, 5]]


def test_tape_forgets_but_keeps_its_clock() -> None:
    tape = Tape()
    tape.append(np.arange(RATE_HZ, dtype=np.int16))
    tape.forget(0.5)
    assert tape.between(0.5, 0.5 + 2 / RATE_HZ).tolist() == [8000, 8001]
    assert tape.between(0.0, 0.5 + 1 / RATE_HZ).tolist() == [8000]
    assert tape.end_s == 1.0
