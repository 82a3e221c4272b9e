"""Uncertainty of pooled figures. Pure arithmetic on arrays; nothing here knows a metric.

Clips of one speaker or call are alike, so every interval is made from clusters. The interval of a pooled ratio is the
linearised cluster estimator with Student's t: unlike the percentile bootstrap it keeps its coverage with few clusters.
"""

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

MIN_CLUSTERS = 5
"""Fewer clusters than this give no interval."""

CLUSTER_T = "cluster t 95 %"
WILSON = "Wilson 95 %"
EXACT_BOUND = "exact bound 95 %"
ORDER_STATISTICS = "order statistics 95 %"
BOOTSTRAP = "cluster bootstrap 95 %"
ARITHMETIC = "arithmetic"

METHODS: Mapping[str, str] = {
    CLUSTER_T: "a pooled ratio: its linearised standard error over speakers or calls, times Student's t",
    WILSON: "a share of clips that are independent of one another: Wilson's score interval",
    EXACT_BOUND: "a rate without one event, or without one exception: the bound of Clopper and Pearson over clips",
    ORDER_STATISTICS: "a percentile of independent units: the ordered values between which it lies, by binomial ranks",
    BOOTSTRAP: "a percentile with several units per speaker or call: resamples of whole speakers or calls, seeded",
    ARITHMETIC: "a difference of prices per second of audio: every clip differs alike, so there is no chance in it",
}
"""How the interval of a row was made (``ci_method``), in words; all are two-sided."""

_BLOCK = 1_000_000
"""Cells of random signs, or of resamples, at a time."""

MAX_FLIPS = 15
"""Up to this many units all 2^n signs are enumerated."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its standard error and interval; None where it cannot be given."""

    value: float | None
    se: float | None = None
    lo: float | None = None
    hi: float | None = None
    clusters: int = 0


def cluster_ratio(numerator: ArrayLike, denominator: ArrayLike, *, level: float = 0.95) -> Estimate:
    """A pooled ratio with its cluster t interval: one numerator and one denominator per cluster.

    SE = sqrt(K / (K - 1) * sum(u^2)) / sum(M) with u = E - W M; no interval with fewer than five clusters or SE 0.
    """
    above, below = _floats(numerator), _floats(denominator)
    total = below.sum()
    if not total:
        return Estimate(None, clusters=len(above))
    value = float(above.sum() / total)
    return _with_t(value, (above - value * below) / total, level)


def cluster_ratio_difference(
    numerator: ArrayLike,
    denominator: ArrayLike,
    against_numerator: ArrayLike,
    against_denominator: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """One pooled ratio minus another on the same clusters; with equal denominators this is the t interval of D / M."""
    above, below = _floats(numerator), _floats(denominator)
    other_above, other_below = _floats(against_numerator), _floats(against_denominator)
    if not below.sum() or not other_below.sum():
        return Estimate(None, clusters=len(above))
    first, second = above.sum() / below.sum(), other_above.sum() / other_below.sum()
    shares = (above - first * below) / below.sum() - (other_above - second * other_below) / other_below.sum()
    return _with_t(float(first - second), shares, level)


def telling(*sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of those clusters that hold anything: the others would only pass for evidence; (sums, clusters)."""
    held: NDArray[np.float64] = np.stack(sums)[:, np.any(sums, axis=0)]
    return held


def _with_t(value: float, shares: NDArray[np.float64], level: float) -> Estimate:
    """Interval from what each cluster contributes to the error of the estimate."""
    clusters = len(shares)
    if clusters < 2:
        return Estimate(value, clusters=clusters)
    se = float(np.sqrt(clusters / (clusters - 1) * np.sum(shares**2)))
    # Contributions that cancel exactly in theory leave rounding behind.
    if se <= 1e-12 * max(1.0, abs(value)):
        return Estimate(value, 0.0, clusters=clusters)
    if clusters < MIN_CLUSTERS:
        return Estimate(value, se, clusters=clusters)
    reach = t_quantile(clusters - 1, level=level) * se
    return Estimate(value, se, value - reach, value + reach, clusters)


def normal_interval(value: float, se: float, *, level: float = 0.95) -> tuple[float, float]:
    """The interval of many units, by the normal distribution; with few clusters ``cluster_ratio`` is honest."""
    reach = float(special.ndtri(0.5 + level / 2)) * se
    return value - reach, value + reach


def t_quantile(degrees: int, *, level: float = 0.95) -> float:
    """How many standard errors an interval reaches to each side."""
    return float(special.stdtrit(degrees, 0.5 + level / 2))


def detectable(se: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """The difference that an estimate with this standard error would have shown with that power."""
    return float(special.ndtri(0.5 + level / 2) + special.ndtri(power)) * se


def zero_event_bound(trials: int, *, level: float = 0.95, two_sided: bool = False) -> float:
    """Upper bound of a rate of which not one event was seen in ``trials``."""
    alpha = (1 - level) / 2 if two_sided else 1 - level
    return float(1 - alpha ** (1 / trials))


def zero_failure_trials(rate: float, *, level: float = 0.95, two_sided: bool = False) -> int:
    """The fewest trials without one event that prove a rate of at most ``rate``: (1 - rate)^n <= alpha.

    Args:
        rate: the rate to prove, above 0 and below 1.
        level: confidence.
        two_sided: as the upper end of a two-sided interval; otherwise a one-sided bound.
    """
    alpha = (1 - level) / 2 if two_sided else 1 - level
    # The small term keeps an exact power, such as 0.5^5, from being rounded up.
    return int(np.ceil(np.log(alpha) / np.log1p(-rate) - 1e-9))


def wilson(events: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a proportion of independent trials."""
    reach, share = float(special.ndtri(0.5 + level / 2)), events / trials
    middle = share + reach**2 / (2 * trials)
    half = reach * math.sqrt(share * (1 - share) / trials + (reach / (2 * trials)) ** 2)
    whole = 1 + reach**2 / trials
    return max((middle - half) / whole, 0.0), min((middle + half) / whole, 1.0)


def clopper_pearson(events: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion of independent trials (Clopper & Pearson 1934)."""
    tail = (1 - level) / 2
    lo = float(special.betaincinv(events, trials - events + 1, tail)) if events else 0.0
    hi = float(special.betaincinv(events + 1, trials - events, 1 - tail)) if events < trials else 1.0
    return lo, hi


def sign_flip_p(differences: ArrayLike, *, draws: int = 10_000, seed: int = 0) -> float:
    """Two-sided p of the sum of paired differences under random signs: exact up to 15 units, else by seeded draws."""
    return float(sign_flip_ps(_floats(differences)[:, np.newaxis], draws=draws, seed=seed)[0])


def sign_flip_ps(differences: ArrayLike, *, draws: int = 10_000, seed: int = 0) -> NDArray[np.float64]:
    """The same for many metrics at once, all under the same signs.

    Units that do not differ change nothing whatever their sign, so up to 15 that do are enumerated.

    Args:
        differences: one column per metric; (units, metrics).
        draws: of the columns with more units that differ; p = (b + 1) / (draws + 1).
        seed: of the signs.

    Returns:
        (metrics,).
    """
    found = _floats(differences)
    # Sums that are equal in theory differ by rounding, which grows with what is added.
    observed = np.abs(found.sum(axis=0)) - 1e-12 * np.abs(found).sum(axis=0)
    found_p = np.empty(found.shape[1])
    differing = (found != 0).sum(axis=0)
    few = differing <= MAX_FLIPS
    for place in np.flatnonzero(few):
        own = found[found[:, place] != 0, place]
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(own))))
        found_p[place] = np.mean(np.abs(signs @ own) >= observed[place])
    many = found[:, ~few]
    if many.size:
        chance = np.random.default_rng(seed)
        rows = max(_BLOCK // len(many), 1)
        beyond = np.zeros(many.shape[1])
        for start in range(0, draws, rows):
            flipped = chance.integers(0, 2, size=(min(rows, draws - start), len(many)), dtype=np.int8)
            # A sum under signs is twice the sum of what kept its sign, less the whole.
            sums = 2 * (flipped.astype(np.float64) @ many) - many.sum(axis=0)
            beyond += np.sum(np.abs(sums) >= observed[~few], axis=0)
        found_p[~few] = (beyond + 1) / (draws + 1)
    return found_p


def percentile(values: ArrayLike, share: float, *, failed: int = 0) -> float | None:
    """Nearest-rank percentile in which ``failed`` further units count as infinite; None when it falls on one of those.

    Args:
        values: finite values in any order.
        share: 0.95 for p95.
        failed: units that never came.
    """
    found = _floats(values)
    if not len(found) + failed:
        return None
    rank = _rank(len(found) + failed, share)
    return float(np.partition(found, rank)[rank]) if rank < len(found) else None


def percentile_ranks(trials: int, share: float, *, level: float = 0.95) -> tuple[int, int]:
    """1-based ranks of the order statistics that enclose a percentile; ``trials + 1`` means there is no upper limit."""
    tail = (1 - level) / 2
    below = special.bdtr(np.arange(trials), trials, share)
    lower, upper = (int(np.searchsorted(below, probability)) for probability in (tail, 1 - tail))
    return lower, upper + 1


def units_for_upper_limit(share: float, *, level: float = 0.95, two_sided: bool = True) -> int:
    """The fewest units with which a percentile can have an upper limit at all."""
    tail = (1 - level) / 2 if two_sided else 1 - level
    return int(np.floor(np.log(tail) / np.log(share))) + 1


def unmeasurable(share: float, units: int, *, level: float = 0.95) -> str:
    """Why a percentile of so many units cannot be given, e.g. ``p95: not measurable with n = 20; 72 needed``.

    Args:
        share: 0.95 for p95.
        units: how many there are.
        level: confidence of the two-sided interval without which a percentile is only a guess.

    Returns:
        A clause; empty when there are enough units.
    """
    needed = units_for_upper_limit(max(share, 1 - share), level=level)
    return "" if units >= needed else f"p{100 * share:g}: not measurable with n = {units}; {needed} needed"


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of independent units with its interval, or why there is none."""

    share: float
    units: int
    value: float | None
    lo: float | None
    hi: float | None
    """None when it falls on units that never came."""
    needed: int
    """The fewest units with which this percentile has limits at all."""

    @property
    def measurable(self) -> bool:
        """Whether there are enough units for a figure."""
        return self.units >= self.needed

    @property
    def status(self) -> Literal["ok", "undefined", "insufficient"]:
        """``insufficient`` with too few units, ``undefined`` when it falls on units that never came."""
        if not self.measurable:
            return "insufficient"
        return "undefined" if self.value is None else "ok"

    @property
    def explanation(self) -> str:
        """Why there is no figure; empty when there is one."""
        if not self.measurable:
            return unmeasurable(self.share, self.units)
        return f"p{100 * self.share:g}: falls on units that never came" if self.value is None else ""


def percentile_interval(values: ArrayLike, share: float, *, failed: int = 0, level: float = 0.95) -> Percentile:
    """A nearest-rank percentile with the interval of order statistics (binomial ranks).

    Args:
        values: finite values of independent units (one per session) in any order.
        share: 0.95 for p95.
        failed: further units that never came; they count as infinite.
        level: confidence of the two-sided interval.
    """
    ranked = np.sort(_floats(values))
    units = len(ranked) + failed
    needed = units_for_upper_limit(max(share, 1 - share), level=level)
    if units < needed:
        return Percentile(share, units, None, None, None, needed)
    lower, upper = percentile_ranks(units, share, level=level)

    def at(rank: int) -> float | None:
        return float(ranked[rank - 1]) if 1 <= rank <= len(ranked) else None

    return Percentile(share, units, percentile(ranked, share, failed=failed), at(lower), at(upper), needed)


def bootstrap_percentiles(
    values: ArrayLike, clusters: ArrayLike, weights: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """The nearest-rank percentile in every bootstrap draw of whole clusters.

    Args:
        values: one value per unit; infinity for a unit that never came.
        clusters: index of the cluster of each unit.
        weights: draws x clusters, how often each cluster was drawn (``bootstrap_weights``).
        share: 0.95 for p95.

    Returns:
        One percentile per draw; infinity where it falls on units that never came or nothing was drawn.
    """
    order = np.argsort(_floats(values), kind="stable")
    ranked, owners = _floats(values)[order], np.asarray(clusters)[order]
    draws, width = weights.shape
    size = math.isqrt(len(ranked)) + 1
    blocks = -(-len(ranked) // size)
    held = np.bincount(owners + width * (np.arange(len(ranked)) // size), minlength=blocks * width)
    below = np.cumsum(held.reshape(blocks, width), axis=0, dtype=np.float64)
    # Whose the places past the last value are does not matter: the wanted rank is reached before them.
    padded = np.concatenate([owners, np.zeros(blocks * size - len(owners), owners.dtype)])
    found = np.full(draws, np.inf)
    rows = max(_BLOCK // max(width, size), 1)
    for start in range(0, draws, rows):
        drawn = weights[start : start + rows]
        total = np.einsum("dk,k->d", drawn, below[-1])
        wanted = np.maximum(np.ceil(total * share - 1e-9), 1)
        # First the block that holds the wanted rank, by halves, then the place in it.
        block, last = np.zeros(len(drawn), np.intp), np.full(len(drawn), blocks - 1)
        for _ in range((blocks - 1).bit_length()):
            middle = (block + last) // 2
            enough = np.einsum("dk,dk->d", drawn, below[middle]) >= wanted
            block, last = np.where(enough, block, np.minimum(middle + 1, last)), np.where(enough, middle, last)
        before = np.einsum("dk,dk->d", drawn, below[np.maximum(block - 1, 0)]) * (block > 0)
        inside = np.take_along_axis(drawn, padded[block[:, np.newaxis] * size + np.arange(size)], axis=1)
        reached = before[:, np.newaxis] + np.cumsum(inside, axis=1)
        place = block * size + (reached < wanted[:, np.newaxis]).sum(axis=1)
        known = total > 0
        found[start : start + rows][known] = ranked[place[known]]
    return found


@functools.lru_cache(maxsize=4)
def bootstrap_weights(clusters: int, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each cluster is drawn in each of ``draws`` seeded resamples; draws x clusters, read-only.

    Whole numbers as floats, for products of matrices are fast with those alone.
    """
    even = np.full(clusters, 1 / clusters)
    drawn: NDArray[np.float64] = np.random.default_rng(seed).multinomial(clusters, even, draws).astype(np.float64)
    # Every percentile of a run asks for the same draws, and drawing takes longer than using them.
    drawn.setflags(write=False)
    return drawn


def _rank(units: int, share: float) -> int:
    """0-based nearest rank; the small term undoes 0.95 * 20 = 19.000000000000004."""
    return max(int(np.ceil(share * units - 1e-9)), 1) - 1


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
