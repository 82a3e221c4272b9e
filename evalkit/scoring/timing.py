"""Drift of word times: hypothesis minus reference, positive when late; and how it grows over long audio."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.scoring.text import Profile
from evalkit.scoring.words import matched_words
from evalkit.types import Hypothesis, Word

MIN_SLOPE_WORDS = 30
MIN_SLOPE_S = 300.0
"""Fewer words, or words over less audio, say nothing about a slope."""
SEAM_WINDOW_S = 30.0

_SLACK_S = 1e-6
"""Stamps are decimals: 0.10 s read back may be 0.1000000001 s."""
_NEAR_S = 1.0
"""An interim's word further from a final word than this is another one (as in captions)."""
_MAX_SLOPE_WORDS = 2000
_STATED = re.compile(r"median\D{0,12}?(\d+(?:\.\d+)?) ?ms")


@dataclass(frozen=True, slots=True)
class Drift:
    """One matched word."""

    reference: int
    """Index of the reference word."""
    start_s: float
    end_s: float | None
    """None when a side has no end for this word."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """A set of signed drifts."""

    values_s: tuple[float, ...]

    @property
    def sizes_s(self) -> tuple[float, ...]:
        """How far off each is, whichever way."""
        return tuple(map(abs, self.values_s))

    @property
    def sum_s(self) -> float:
        return sum(self.values_s)

    @property
    def absolute_s(self) -> float:
        """Sum of the sizes."""
        return sum(self.sizes_s)

    @property
    def mean_s(self) -> float | None:
        return self.sum_s / len(self.values_s) if self.values_s else None

    @property
    def median_s(self) -> float | None:
        return float(np.median(self.values_s)) if self.values_s else None

    @property
    def mean_absolute_s(self) -> float | None:
        return self.absolute_s / len(self.values_s) if self.values_s else None

    @property
    def p95_absolute_s(self) -> float | None:
        """By nearest rank."""
        return float(np.percentile(self.sizes_s, 95, method="inverted_cdf")) if self.values_s else None

    def count_within(self, limit_s: float) -> int:
        """Words at most ``limit_s`` off."""
        return sum(size <= limit_s + _SLACK_S for size in self.sizes_s)

    def within(self, limit_s: float) -> float | None:
        """Share of words at most ``limit_s`` off, or None without words."""
        return self.count_within(limit_s) / len(self.values_s) if self.values_s else None


def offsets(found: Iterable[Drift]) -> tuple[Offsets, Offsets]:
    """The drifts of starts, and of those ends that have one."""
    found = list(found)
    starts, ends = [drift.start_s for drift in found], [drift.end_s for drift in found if drift.end_s is not None]
    return Offsets(tuple(starts)), Offsets(tuple(ends))


def boundaries(found: Iterable[Drift]) -> Offsets:
    """Starts and ends of the words that have both: their mean size is AAS (Shi et al. 2023), FunASR's is twice that."""
    starts, ends = offsets(drift for drift in found if drift.end_s is not None)
    return Offsets(starts.values_s + ends.values_s)


def drifts(reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile) -> list[Drift]:
    """The drift of every word that both sides have, with a start on both sides.

    Substituted, inserted and number words do not take part: the times of "21" and "twenty one" cannot be compared.
    """
    numbers = number_words(reference, profile)
    found = []
    for mine, theirs in matched_words(reference, hypothesis, profile):
        expected, got = reference[mine], hypothesis[theirs]
        if mine not in numbers and expected.start_s is not None and got.start_s is not None:
            end_s = None if expected.end_s is None or got.end_s is None else got.end_s - expected.end_s
            found.append(Drift(mine, got.start_s - expected.start_s, end_s))
    return found


@dataclass(frozen=True, slots=True)
class Slope:
    """How drift grows over the audio (Theil-Sen)."""

    s_per_min: float
    """Seconds of drift gained per minute of audio."""
    lo_s_per_min: float | None
    hi_s_per_min: float | None
    """95 % interval (Sen 1968); None where too many words share a start and a drift."""
    intercept_s: float
    """Drift at the start of the audio."""
    jitter_s: float
    """Median absolute deviation of the drifts from the line."""

    def after_s(self, audio_s: float) -> float:
        """Drift gained over so much audio."""
        return self.s_per_min * audio_s / 60


def slope(at_s: Sequence[float], drift_s: Sequence[float]) -> Slope | None:
    """The median slope of all pairs of words; one wild word does not move it. None without two different times.

    Args:
        at_s: where each word starts in the reference.
        drift_s: signed drift of each, as long as ``at_s``.
    """
    times, drifts = np.asarray(at_s, dtype=np.float64), np.asarray(drift_s, dtype=np.float64)
    if len(times) < 2 or times.min() == times.max():
        return None
    found, lo, hi = _theil_sen(times, drifts)
    intercept = float(np.median(drifts) - found * np.median(times))
    rest = drifts - (intercept + found * times)
    jitter = float(np.median(np.abs(rest - np.median(rest))))
    return Slope(60 * found, _per_min(lo), _per_min(hi), intercept, jitter)


def _theil_sen(times: NDArray[np.float64], drifts: NDArray[np.float64]) -> tuple[float, float, float]:
    from scipy.stats import theilslopes  # importing it takes half a second

    if len(times) > _MAX_SLOPE_WORDS:
        # All pairs of 30,000 words do not fit into memory; evenly chosen words have the same median slope.
        chosen = np.linspace(0, len(times) - 1, _MAX_SLOPE_WORDS).round().astype(np.int64)
        times, drifts = times[chosen], drifts[chosen]
    with np.errstate(invalid="ignore"):  # ties can leave no variance to take a root of
        found = theilslopes(drifts, times)
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _per_min(s_per_s: float) -> float | None:
    return 60 * s_per_s if np.isfinite(s_per_s) else None


def long_enough(at_s: Sequence[float]) -> bool:
    """Whether there are words enough, over audio enough, to speak of a slope."""
    return len(at_s) >= MIN_SLOPE_WORDS and max(at_s) - min(at_s) >= MIN_SLOPE_S


def largest_step(
    at_s: Sequence[float], drift_s: Sequence[float], *, window_s: float = SEAM_WINDOW_S, least: int = 1
) -> float | None:
    """The largest jump (signed) between the median drifts of neighbouring windows; it shows what a slope hides.

    Args:
        at_s: where each word starts in the reference.
        drift_s: signed drift of each.
        window_s: length of the windows, the first of which begins with the audio.
        least: words a window needs to have a median.

    Returns:
        None when no two neighbouring windows have words enough.
    """
    windows: defaultdict[int, list[float]] = defaultdict(list)
    for at, drift in zip(at_s, drift_s, strict=True):
        windows[int(at // window_s)].append(drift)
    if len(windows) < 2:
        return None
    medians = {window: float(np.median(found)) for window, found in windows.items() if len(found) >= least}
    steps = [medians[later] - medians[earlier] for earlier, later in pairwise(sorted(medians)) if later == earlier + 1]
    return max(steps, key=abs, default=None)


def agreement(rest: Sequence[Word], stream: Sequence[Word], profile: Profile) -> list[Drift]:
    """Times of the words two answers of one service share, stream minus REST; no reference is needed.

    The denominator of its coverage is ``comparable_words(rest)``.
    """
    return drifts(rest, stream, profile)


def final_shifts(hypothesis: Hypothesis, profile: Profile) -> list[float]:
    """For each final word with a time, how far its start moved since it was first shown in an interim with a time."""
    last = None
    for caption in hypothesis.captions():
        last = caption
    held = zip(last.words, last.states, strict=True) if last else ()
    final = sorted((word for word, state in held if state != "interim" and word.start_s is not None), key=_start_s)
    by_channel: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, word in enumerate(final):
        by_channel[word.channel].append(index)
    moved: dict[int, float] = {}
    for update in hypothesis.updates:
        timed = [word for word in update.words if word.start_s is not None] if update.state == "interim" else []
        for channel in {word.channel for word in timed}:
            shown = [word for word in timed if word.channel == channel]
            mine = by_channel[channel]
            first = bisect_left(mine, min(map(_start_s, shown)) - _NEAR_S, key=lambda at: _start_s(final[at]))
            end = bisect_right(mine, max(map(_start_s, shown)) + _NEAR_S, key=lambda at: _start_s(final[at]))
            near = [at for at in mine[first:end] if at not in moved]
            for left, right in matched_words([final[at] for at in near], shown, profile):
                shift = _start_s(final[near[left]]) - _start_s(shown[right])
                if abs(shift) <= _NEAR_S:
                    moved[near[left]] = shift
    return [moved[at] for at in sorted(moved)]


def _start_s(word: Word) -> float:
    return word.start_s or 0.0


def number_words(words: Sequence[Word], profile: Profile) -> set[int]:
    """Indices of words that become digits."""
    return {index for index, word in enumerate(words) if any(map(_is_number, profile.tokens(word.text)))}


def _is_number(token: str) -> bool:
    """``21``, ``$5`` and ``3rd``, but not ``mp3``, which is spelt alike on both sides."""
    return not token[0].isalpha() and any(map(str.isdigit, token))


def comparable_words(reference: Sequence[Word], profile: Profile) -> int:
    """Reference words that have a start, are not numbers and survive the text rules: the denominator of coverage."""
    return sum(
        bool(tokens) and not any(map(_is_number, tokens))
        for tokens in (profile.tokens(word.text) for word in reference if word.start_s is not None)
    )


REFERENCE_ERRORS_S: Mapping[str, float] = {
    "alignment": 0.050,
    "annotation": 0.015,
    "manual": 0.015,
    "marks": 0.015,
    "synthesis": 0.015,
    "concatenated": 0.0,
    "exact": 0.0,
}
"""Word in the description of where reference times come from -> their usual median error."""


def reference_error_s(source: str | None) -> float:
    """The median error of reference times themselves.

    Args:
        source: ``Clip.times_source``. A figure it states ("median |err| 10 ms") counts; else the least exact of the
            kinds it names does; else that of the least exact kind there is.
    """
    text = (source or "").casefold()
    if stated := _STATED.search(text):
        return float(stated[1]) / 1000
    named = [error_s for word, error_s in REFERENCE_ERRORS_S.items() if re.search(rf"\b{word}\b", text)]
    return max(named, default=max(REFERENCE_ERRORS_S.values()))


def judgeable(threshold_s: float, source: str | None) -> bool:
    """Whether reference times from there can tell which side of a threshold a word lies on.

    A threshold below twice the reference's own median error is refused: it would judge the reference.
    """
    return threshold_s >= 2 * reference_error_s(source) - _SLACK_S
