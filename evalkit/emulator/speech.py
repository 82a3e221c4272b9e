"""Where somebody speaks: an adaptive energy detector in the telephone band, and pauses to cut at."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.emulator.sound import RATE_HZ, Samples

FRAME_S = 0.02
FRAME_SAMPLES = round(FRAME_S * RATE_HZ)
FLOOR_WINDOW_FRAMES = 150
SURE_DB = 24.0
"""So far above the noise floor a stretch is speech with probability 1, on the scale of ``vad_threshold``."""

_ONSET_DB = 9.0
_HOLD_DB = 6.0
_BELOW_PEAK_DB = 32.0
_PEAK_FALL_DB = 0.1
_SILENCE_DB = -62.0
_ONSET_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """Twenty milliseconds of sound, judged."""

    voiced: bool
    level_db: float
    """Energy between 250 and 3800 Hz, dB relative to full scale."""
    excess_db: float
    """How far the level stands above the noise floor."""


class Detector:
    """Judges a stream frame by frame, from the past only; the noise floor is the quietest moment of the last 3 s."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, dtype=np.int16)
        self._window = np.hanning(FRAME_SAMPLES).astype(np.float32)
        frequencies = np.fft.rfftfreq(FRAME_SAMPLES, 1 / RATE_HZ)
        self._band = (frequencies >= 250) & (frequencies <= 3800)
        self._smooth: deque[float] = deque(maxlen=2)
        self._floor: deque[float] = deque(maxlen=FLOOR_WINDOW_FRAMES)
        self._peak_db = -100.0
        self._run = 0
        self._voiced = False

    def feed(self, samples: Samples) -> list[Frame]:
        """Judge the frames that ``samples`` completes."""
        samples = np.concatenate([self._rest, samples])
        count = len(samples) // FRAME_SAMPLES
        self._rest = samples[count * FRAME_SAMPLES :]
        if not count:
            return []
        blocks = samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float32) / 32768
        spectra = np.abs(np.fft.rfft(blocks * self._window, axis=1))[:, self._band] ** 2
        energies = spectra.sum(axis=1) / (FRAME_SAMPLES * float((self._window**2).sum()) / 2)
        return [self._judged(float(energy)) for energy in energies]

    def _judged(self, energy: float) -> Frame:
        self._smooth.append(energy)
        level = 10 * float(np.log10(sum(self._smooth) / len(self._smooth) + 1e-10))
        self._floor.append(level)
        floor = max(min(self._floor), _SILENCE_DB - _ONSET_DB)
        self._peak_db = max(level, self._peak_db - _PEAK_FALL_DB)
        needed = max(floor + (_HOLD_DB if self._voiced else _ONSET_DB), _SILENCE_DB, self._peak_db - _BELOW_PEAK_DB)
        self._run = self._run + 1 if level > needed else 0
        self._voiced = self._run >= (1 if self._voiced else _ONSET_FRAMES)
        return Frame(self._voiced, level, level - floor)


def probability(excess_db: float) -> float:
    """The scale of ``vad_threshold``: 0 at the noise floor, 1 from 24 dB above it."""
    return min(1.0, max(0.0, excess_db / SURE_DB))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a file in which somebody speaks, with a margin of quiet on both sides."""

    start_s: float
    end_s: float
    probability: float


def stretches(
    frames: Sequence[Frame], *, pause_s: float = 0.5, margin_s: float = 0.3, longest_s: float = 12.0
) -> list[Stretch]:
    """Cut a file at its pauses; a stretch that is still longer than ``longest_s`` is cut at its quietest moment."""
    voiced = [index for index, frame in enumerate(frames) if frame.voiced]
    runs: list[list[int]] = []
    for index in voiced:
        if runs and index - runs[-1][1] <= pause_s / FRAME_S:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    margin = round(margin_s / FRAME_S)
    pieces: list[tuple[int, int]] = []
    for number, (first, last) in enumerate(runs):
        left = (runs[number - 1][1] + first) // 2 + 1 if number else 0
        right = (runs[number + 1][0] + last) // 2 if number + 1 < len(runs) else len(frames) - 1
        pieces += _halved(frames, max(left, first - margin), min(right, last + margin) + 1, round(longest_s / FRAME_S))
    return [
        Stretch(
            first * FRAME_S,
            end * FRAME_S,
            probability(max((frame.excess_db for frame in frames[first:end]), default=0.0)),
        )
        for first, end in pieces
    ]


def _halved(frames: Sequence[Frame], first: int, end: int, longest: int) -> list[tuple[int, int]]:
    """The frame range itself when short enough, else its parts, cut at the quietest frame of the middle."""
    if end - first <= longest:
        return [(first, end)]
    third = (end - first) // 3
    cut = min(range(first + third, end - third), key=lambda index: frames[index].level_db)
    return _halved(frames, first, cut, longest) + _halved(frames, cut, end, longest)
