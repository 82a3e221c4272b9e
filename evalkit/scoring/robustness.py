"""How recognition falls off as conditions worsen: the same clips, once clean and once per condition.

Common practice of the CHiME and Aurora evaluations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SWEEP_DB = (0.0, 20.0)
"""Slope and area are taken over these signal-to-noise ratios."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A sweep over signal-to-noise ratios against the clean rate; None where a figure is undefined."""

    excess: tuple[float, ...]
    """W - W_clean per condition, in the order given."""
    relative: tuple[float | None, ...]
    """The same over W_clean."""
    slope_per_db: float | None
    """Least squares over 0 to 20 dB, errors per word and dB; negative when noise hurts."""
    doubling_snr_db: float | None
    """Where the clean rate doubles, linear between conditions; None when it does not within the sweep."""
    mean_excess: float | None
    """Area between the curve and the clean rate over 0 to 20 dB, divided by its width."""
    monotone: bool
    """False: noise in the figures or too little data, since less noise cannot hurt."""


def degradation(snr_db: Sequence[float], rates: Sequence[float], clean_rate: float) -> Degradation:
    """The figures of one sweep.

    Args:
        snr_db: signal-to-noise ratios, in any order, none twice.
        rates: pooled word error rate at each, over the same clips.
        clean_rate: pooled rate without added noise.
    """
    order = np.argsort(snr_db)
    ratios, found = np.asarray(snr_db, dtype=float)[order], np.asarray(rates, dtype=float)[order]
    swept = (ratios >= SWEEP_DB[0]) & (ratios <= SWEEP_DB[1])
    enough = int(swept.sum()) >= 2
    width = float(np.ptp(ratios[swept])) if enough else 0.0
    return Degradation(
        excess=tuple(rate - clean_rate for rate in rates),
        relative=tuple((rate - clean_rate) / clean_rate if clean_rate else None for rate in rates),
        slope_per_db=float(np.polyfit(ratios[swept], found[swept], 1)[0]) if width else None,
        doubling_snr_db=_crossing(ratios, found, 2 * clean_rate) if clean_rate else None,
        mean_excess=float(_area(found[swept] - clean_rate, ratios[swept]) / width) if width else None,
        monotone=bool((np.diff(found) <= 1e-12).all()),
    )


def effective_robustness(excess: Mapping[str, float], incumbent_excess: Mapping[str, float]) -> dict[str, float]:
    """Per condition, how much more a system loses than the incumbent does: hard audio cancels out."""
    return {name: excess[name] - incumbent_excess[name] for name in excess if name in incumbent_excess}


def _crossing(ratios: "np.ndarray[tuple[int], np.dtype[np.float64]]", found: np.ndarray, level: float) -> float | None:
    """The highest ratio at which the falling curve passes ``level``; None outside the sweep."""
    for upper in range(len(ratios) - 1, -1, -1):
        if abs(found[upper] - level) < 1e-12:
            return float(ratios[upper])
        if upper and found[upper] < level < found[upper - 1]:
            share = (level - found[upper]) / (found[upper - 1] - found[upper])
            return float(ratios[upper] + share * (ratios[upper - 1] - ratios[upper]))
        if found[upper] > level:
            return None
    return None


def _area(heights: np.ndarray, places: np.ndarray) -> float:
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(places)).sum())
