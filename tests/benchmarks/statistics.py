"""How long does the uncertainty of a large run take? Our statistics beside ``scipy.stats.bootstrap``, in one run.

Run with ``python -m tests.benchmarks.statistics``. scipy is timed on fewer clips and draws, since it keeps every
resample; both times are then given per drawn clip. Intervals of both are printed, so that a fast wrong answer shows.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from evalkit.stats import bootstrap, decisions, intervals

GOAL_S = 1.0


def timed(work: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """The best of a few runs, and what came out."""
    best, result = float("inf"), None
    for _ in range(repeats):
        begun = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begun)
    return best, result


def errors(clips: int) -> tuple[np.ndarray, np.ndarray]:
    """New minus old errors and reference words of ``clips`` clips of 10 to 40 words."""
    chance = np.random.default_rng(0)
    words = chance.integers(10, 41, clips).astype(float)
    rates = 0.1 * chance.gamma(2.0, 0.5, clips)
    return (chance.poisson(0.95 * rates * words) - chance.poisson(rates * words)).astype(float), words


def scipy_bootstrap(above: np.ndarray, below: np.ndarray, draws: int) -> Any:
    """The same paired bootstrap by scipy, vectorised as its documentation shows."""
    return stats.bootstrap(
        (above, below),
        lambda numerator, denominator, axis: numerator.sum(axis=axis) / denominator.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=draws,
        batch=250,
        method="percentile",
        rng=np.random.default_rng(0),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--scipy-clips", type=int, default=2_000)
    parser.add_argument("--scipy-draws", type=int, default=2_000)
    asked = parser.parse_args()
    above, below = errors(asked.clips)
    small = (above[: asked.scipy_clips], below[: asked.scipy_clips])

    ours_s, ours = timed(lambda: bootstrap.resampled(above, below, draws=asked.draws))
    same_s, same = timed(lambda: bootstrap.resampled(*small, draws=asked.scipy_draws))
    theirs_s, theirs = timed(lambda: scipy_bootstrap(*small, asked.scipy_draws))
    rows = [
        ("paired bootstrap, evalkit", asked.clips, asked.draws, ours_s),
        ("paired bootstrap, evalkit", asked.scipy_clips, asked.scipy_draws, same_s),
        ("paired bootstrap, scipy", asked.scipy_clips, asked.scipy_draws, theirs_s),
        ("cluster t interval", asked.clips, 1, timed(lambda: intervals.cluster_ratio(above, below))[0]),
        ("sign-flip permutation", asked.clips, 10_000, timed(lambda: intervals.sign_flip_p(above))[0]),
        ("z test of segments", asked.clips, 1, timed(lambda: decisions.z_test(above))[0]),
    ]
    print(f"{'statistic':<28}{'clips':>8}{'draws':>8}{'seconds':>10}{'ns per drawn clip':>20}")
    for name, clips, draws, seconds in rows:
        print(f"{name:<28}{clips:>8}{draws:>8}{seconds:>10.4f}{1e9 * seconds / clips / draws:>20.2f}")
    print(f"\nthe same size: scipy takes {theirs_s / same_s:.1f} times as long")
    print(f"goal: {asked.draws} draws over {asked.clips} clips in {GOAL_S:g} s: {ours_s:.2f} s")
    lo, hi = same.interval()
    theirs_lo, theirs_hi = theirs.confidence_interval
    print(f"interval: evalkit {lo:+.5f} {hi:+.5f}, scipy {theirs_lo:+.5f} {theirs_hi:+.5f}")
    print(f"share of draws below 0, all clips: {ours.below_zero:.4f}")


if __name__ == "__main__":
    main()
