"""How much audio a comparison needs, and what a finished one could have seen."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

DISCORDANT = 0.08
"""Planning without a pilot: share of words that exactly one of two systems gets wrong."""
OVERDISPERSION = 2.5
"""Planning without a pilot: how much more errors scatter than independent words would."""

PLANNED_POWER = 0.82
"""Plans aim a little above 80 %: the standard error will itself be estimated, from errors that come in bursts."""


def unit_spread(differences: ArrayLike, words: ArrayLike) -> float | None:
    """sd_u: standard deviation over units of u = D - delta M, the errors a unit has beyond its share.

    Args:
        differences: new minus old errors per unit (clip or cluster); (n,).
        words: reference words per unit; (n,).

    Returns:
        None with fewer than two units or no words.
    """
    found, sizes = np.asarray(differences, dtype=np.float64), np.asarray(words, dtype=np.float64)
    if len(found) < 2 or not sizes.sum():
        return None
    return float(np.std(found - found.sum() / sizes.sum() * sizes, ddof=1))


def units_needed(
    spread: float, mean_words: float, difference: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """Units (those of ``spread``) with which a true difference of that size is found with that power.

    The same number serves non-inferiority with a margin of ``difference`` when the true difference is 0.

    Args:
        spread: ``unit_spread`` of a pilot.
        mean_words: reference words per unit.
        difference: in errors per word, e.g. 0.01 for one point.
        power: chance to see it.
        level: of the two-sided interval.
    """
    return (_reach(power, level) * spread / (mean_words * difference)) ** 2


def words_needed(
    difference: float,
    *,
    discordant: float = DISCORDANT,
    overdispersion: float = OVERDISPERSION,
    power: float = 0.8,
    level: float = 0.95,
) -> float:
    """Words for the same without a pilot, for planning only: the variance per word is guessed as their product."""
    return _reach(power, level) ** 2 * discordant * overdispersion / difference**2


def clips_to_plan(
    difference: float,
    words_per_clip: float,
    *,
    discordant: float = DISCORDANT,
    overdispersion: float = OVERDISPERSION,
    clustering: float = 1.0,
    power: float = PLANNED_POWER,
) -> int:
    """Clips to record so that a difference or margin of this size is decided at least 80 times in 100.

    Args:
        difference: in errors per word.
        words_per_clip: on average.
        discordant: guessed share of words exactly one system gets wrong.
        overdispersion: guessed scatter beyond independent words.
        clustering: ``design_effect`` of several clips per speaker.
        power: aimed at.
    """
    words = words_needed(difference, discordant=discordant, overdispersion=overdispersion, power=power)
    return math.ceil(words / words_per_clip * clustering)


def scaled_up(units: int, achieved: float, wanted: float) -> int:
    """Units that bring a smallest detectable difference of ``achieved`` with ``units`` units down to ``wanted``."""
    return math.ceil(units * (achieved / wanted) ** 2 - 1e-9)


def design_effect(cluster_size: float, icc: float) -> float:
    """How many times more clips are needed when each speaker has ``cluster_size`` clips: 1 + (m - 1) ICC."""
    return 1 + (cluster_size - 1) * icc


def effective_units(units: float, cluster_size: float, icc: float) -> float:
    """How many independent clips so many clustered ones are worth."""
    return units / design_effect(cluster_size, icc)


def _reach(power: float, level: float) -> float:
    return float(special.ndtri(0.5 + level / 2) + special.ndtri(power))
