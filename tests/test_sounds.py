"""Clips decoded once when there is room, and again when there is not: the same sound either way."""

from dataclasses import replace

import pytest

from evalkit import corpora, sounds
from evalkit.errors import CorpusError
from evalkit.sounds import Sounds

CLIPS = corpora.load("demo").clips[:5]


@pytest.mark.parametrize("room", [0, 400_000, sounds.KEPT_BYTES])
def test_kept_or_not_the_sound_is_the_same(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(sounds, "KEPT_BYTES", room)
    found = Sounds(16_000)
    found.check(CLIPS)
    assert sum(len(audio.pcm) for audio in found._kept.values()) <= room
    for clip in CLIPS:
        assert found.of(clip) == corpora.audio(clip, sample_rate_hz=16_000)


def test_what_was_kept_is_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Sounds(16_000)
    found.check(CLIPS)

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(corpora, "audio", never)
    assert [found.of(clip).sample_rate_hz for clip in CLIPS] == [16_000] * 5


def test_one_bad_file_among_many_is_found() -> None:
    with pytest.raises(CorpusError, match=r"gone"):
        Sounds(16_000).check([*CLIPS, replace(CLIPS[0], id="gone", path="/nowhere/gone.wav")])
