"""The cluster bootstrap of a pooled ratio: whole speakers or calls are drawn, the same draw for both systems.

After Bisani & Ney 2004 ("Bootstrap estimates for confidence intervals in ASR performance evaluation"), with clusters
as blocks after Liu & Peng 2020 (arXiv 1912.09508). With few clusters its interval is too narrow: the headline is the
t interval of ``intervals``, this is the picture beside it and the probability of improvement.
"""

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 10_000
MIN_CLUSTERS = 20
"""With fewer clusters the percentile interval is a picture only."""
MAX_EXACT = 10
"""Up to this many clusters every resample can be enumerated: K^K of them, but only C(2K - 1, K) different ones."""

_BLOCK = 250_000
"""Cells drawn at a time: small enough to stay in the processor's cache."""
_PAIRED_BLOCK = 2_000_000
"""Of many metrics at once: large enough for a product of matrices to be worth its call."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """The pooled ratio in every resample; ``counts`` says how many resamples gave each value."""

    point: float | None
    """The ratio of the sample itself. The mean of the resamples is not an estimate of it."""
    values: NDArray[np.float64]
    """Ascending; resamples without any denominator are left out."""
    counts: NDArray[np.int64]
    seed: int | None
    """None when all resamples were enumerated."""

    @property
    def total(self) -> int:
        """Resamples in all."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float | None:
        """What Kaldi and kaldialign print as the rate, which it is not."""
        return float(np.average(self.values, weights=self.counts)) if self.total else None

    @property
    def sd(self) -> float | None:
        """Standard deviation over the resamples."""
        mean = self.mean
        if mean is None:
            return None
        return float(np.sqrt(np.average((self.values - mean) ** 2, weights=self.counts)))

    @property
    def below_zero(self) -> float | None:
        """For new minus old errors: the probability of improvement (``poi``)."""
        return self._share(self.values < 0)

    @property
    def zero(self) -> float | None:
        """Share of exact zeros."""
        return self._share(self.values == 0)

    @property
    def above_zero(self) -> float | None:
        return self._share(self.values > 0)

    def quantile(self, share: float) -> float | None:
        """Linear between neighbours, as ``numpy.percentile`` over all resamples one by one."""
        if not self.total:
            return None
        place = (self.total - 1) * share
        ends = np.cumsum(self.counts)
        low, high = (
            float(self.values[np.searchsorted(ends, rank, side="right")])
            for rank in (math.floor(place), math.ceil(place))
        )
        return low + (high - low) * (place - math.floor(place))

    def interval(self, *, level: float = 0.95) -> tuple[float | None, float | None]:
        """The percentile interval."""
        return self.quantile(0.5 - level / 2), self.quantile(0.5 + level / 2)

    def _share(self, chosen: NDArray[np.bool_]) -> float | None:
        return float(self.counts[chosen].sum() / self.total) if self.total else None


def resampled(numerator: ArrayLike, denominator: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> Resamples:
    """Seeded draws of whole clusters with replacement (PCG64).

    Args:
        numerator: errors of one system, or new minus old errors of two, per cluster; (K,).
        denominator: reference words per cluster; (K,).
        draws: resamples.
        seed: of the generator; the same seed gives the same draws for every numerator.
    """
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    clusters = len(above)
    sums = np.zeros((2, draws))
    chance = np.random.default_rng(seed)
    rows = max(_BLOCK // max(clusters, 1), 1)
    if clusters:
        # Drawing cluster numbers and summing what they hold equals multinomial weights, at a tenth of their price.
        cells = np.empty((min(rows, draws), clusters))
        for start in range(0, draws, rows):
            drawn = chance.integers(0, clusters, size=(min(rows, draws - start), clusters))
            block = cells[: len(drawn)]
            for side, held in zip(sums, (above, below), strict=True):
                # ``clip`` skips a check of bounds that cannot fail here.
                np.take(held, drawn, out=block, mode="clip")
                block.sum(axis=1, out=side[start : start + rows])
    return _collected(above, below, sums, np.ones(draws, dtype=np.int64), seed)


def paired_draws(sums: NDArray[np.float64], *, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """One pooled ratio minus another in every resample, for many metrics at once: all see the same clusters drawn.

    Args:
        sums: numerator and denominator of the first side, then of the second, per cluster and metric;
            (clusters, metrics, 4).
        draws: resamples.
        seed: of the generator.

    Returns:
        (draws, metrics); NaN where a resample holds no denominator of one side.
    """
    clusters, metrics, _ = sums.shape
    columns = sums.reshape(clusters, -1)
    found = np.empty((draws, metrics))
    chance = np.random.default_rng(seed)
    rows = max(_PAIRED_BLOCK // max(clusters, 1), 1)
    for start in range(0, draws, rows):
        drawn = chance.integers(0, clusters, size=(min(rows, draws - start), clusters))
        places = drawn + clusters * np.arange(len(drawn))[:, np.newaxis]
        weights = np.bincount(places.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        above, below, other_above, other_below = np.moveaxis((weights @ columns).reshape(-1, metrics, 4), 2, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[start : start + rows] = above / below - other_above / other_below
    found[~np.isfinite(found)] = np.nan
    return found


def every_resample(numerator: ArrayLike, denominator: ArrayLike) -> Resamples:
    """All K^K resamples of K clusters, for K up to ``MAX_EXACT``.

    Raises:
        ValueError: too many clusters.
    """
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    clusters = len(above)
    if clusters > MAX_EXACT:
        raise ValueError(f"{clusters} clusters have too many resamples to enumerate; at most {MAX_EXACT}")
    chosen = np.array(list(itertools.combinations_with_replacement(range(clusters), clusters)), dtype=np.int64)
    weights = np.stack([(chosen == cluster).sum(axis=1) for cluster in range(clusters)], axis=1)
    factorials = np.array([math.factorial(times) for times in range(clusters + 1)], dtype=np.int64)
    ways = math.factorial(clusters) // factorials[weights].prod(axis=1)
    return _collected(above, below, np.stack([weights @ above, weights @ below]), ways, None)


def cluster_sums(values: ArrayLike, clusters: Sequence[Hashable]) -> NDArray[np.float64]:
    """The sum of ``values`` in each cluster, clusters in order of first appearance."""
    index: dict[Hashable, int] = {}
    owners = [index.setdefault(cluster, len(index)) for cluster in clusters]
    sums: NDArray[np.float64] = np.bincount(owners, np.asarray(values, dtype=np.float64), len(index)).astype(float)
    return sums


def _collected(
    above: NDArray[np.float64],
    below: NDArray[np.float64],
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
    seed: int | None,
) -> Resamples:
    total = below.sum()
    defined = sums[1] > 0
    ratios = sums[0][defined] / sums[1][defined]
    order = np.argsort(ratios, kind="stable")
    point = float(above.sum() / total) if total else None
    return Resamples(point, ratios[order], counts[defined][order], seed)
