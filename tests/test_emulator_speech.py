import numpy as np
import pytest
import soundfile

from evalkit.emulator.sound import RATE_HZ, Samples, mono, resampled
from evalkit.emulator.speech import FRAME_S, Detector, Frame, probability, stretches
from tests.conftest import OPEN


def clip(name: str) -> Samples:
    samples, rate_hz = soundfile.read(OPEN / "audio" / f"{name}.flac", dtype="int16", always_2d=True)
    return resampled(mono(samples), rate_hz)


@pytest.mark.parametrize("name", ["nonspeech-silence", "nonspeech-pink"])
def test_nobody_speaks_in_silence_or_steady_noise(name: str) -> None:
    assert not any(frame.voiced for frame in Detector().feed(clip(name)))


@pytest.mark.parametrize("name", ["prompt-agent-pass", "phone-agent-user", "noisy-conf-getpin", "read-lv-0880"])
def test_somebody_speaks_most_of_the_time_in_a_prompt(name: str) -> None:
    """Clean, telephone band and 10 dB noise."""
    frames = Detector().feed(clip(name))
    share = sum(frame.voiced for frame in frames) / len(frames)
    assert 0.4 < share < 0.98


def test_judgement_does_not_depend_on_how_the_sound_was_cut() -> None:
    samples = clip("prompt-agent-pass")
    pieces = Detector()
    frames = [frame for first in range(0, len(samples), 777) for frame in pieces.feed(samples[first : first + 777])]
    whole = Detector().feed(samples)
    assert [frame.voiced for frame in frames] == [frame.voiced for frame in whole]


def test_pauses_cut_a_file_and_nothing_voiced_is_lost() -> None:
    gap = np.zeros(RATE_HZ, dtype=np.int16)
    samples = np.concatenate([clip("prompt-agent-pass"), gap, clip("read-lv-0880")])
    frames = Detector().feed(samples)
    found = stretches(frames)
    assert len(found) == 2
    for index, frame in enumerate(frames):
        if frame.voiced:
            assert any(piece.start_s <= index * FRAME_S < piece.end_s for piece in found)


def test_long_stretch_is_cut_at_its_quietest_moment() -> None:
    frames = [Frame(voiced=True, level_db=-40.0 if index == 440 else -20.0, excess_db=30.0) for index in range(1000)]
    found = stretches(frames, longest_s=12.0)
    assert [round(piece.start_s, 2) for piece in found] == [0.0, 8.8]
    assert found[-1].end_s == pytest.approx(20.0)


def test_probability_is_a_scale_from_0_to_1() -> None:
    assert [probability(excess_db) for excess_db in (-3.0, 0.0, 12.0, 24.0, 90.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]
