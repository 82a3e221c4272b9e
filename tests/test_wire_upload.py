"""A WAVE file made while it is read."""

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.types import Audio
from evalkit.wire.upload import Upload, WavFile

sounds = st.builds(
    Audio, st.binary(max_size=200).map(lambda data: data[: len(data) // 4 * 4]), st.just(8000), st.just(2)
)


@given(sounds, st.lists(st.integers(1, 80), min_size=1, max_size=5))
def test_it_reads_like_the_whole_in_pieces_of_any_size(audio: Audio, sizes: list[int]) -> None:
    file, whole = WavFile(audio), audio.wav()
    pieces: list[bytes] = []
    while piece := file.read(sizes[len(pieces) % len(sizes)]):
        pieces.append(piece)
    assert b"".join(pieces) == whole
    assert len(file) == file.seek(0, io.SEEK_END) == len(whole)
    assert file.seek(0) == 0
    assert file.read() == whole


@pytest.mark.parametrize("kept", [b"abc", WavFile(Audio(bytes(200_000), 8000))])
async def test_a_whole_body_is_the_content(kept: bytes | WavFile) -> None:
    body = Upload("a.wav", kept, "audio/wav").body()
    sent = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
    assert len(sent) == Upload("a.wav", kept, "audio/wav").size
    assert sent.startswith(b"RIFF" if isinstance(kept, WavFile) else b"abc")


def test_an_upload_of_short_sound_is_in_memory() -> None:
    upload = Upload.wav(Audio(bytes(3200), 16_000))
    assert isinstance(upload.content, bytes)
    assert (upload.size, upload.audio_s, upload.mime) == (3244, 0.1, "audio/wav")
    with wave.open(io.BytesIO(upload.content)) as file:
        assert file.getnframes() == 1600
