"""What worse conditions cost: the same clips clean and degraded, compared pair by pair.

A clip belongs to a condition by its tag ``condition`` and to its clean clip by the tag ``source``, the id of that clip
(``evalkit.variants`` writes both). Pooled rates over the same clips, paired intervals by cluster, Holm over conditions:
common practice of the CHiME and Aurora evaluations. A clip that one of the two conditions left without an answer is a
failure and no 100 % of errors, so its pair is left out and counted; clips without speech have no word errors.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.scoring.robustness import Degradation, degradation, effective_robustness
from evalkit.stats.bootstrap import cluster_sums
from evalkit.stats.decisions import holm
from evalkit.stats.intervals import cluster_ratio_difference, sign_flip_p
from evalkit.types import Route, Score

MIN_PAIRS = 20
"""Fewer pairs than this support no claim about a condition."""
_ERRORS = ("substitutions", "deletions", "insertions")
_WORDS = ("hits", "substitutions", "deletions")
_NOISE = re.compile(r"noise-(-?\d+(?:\.\d+)?)dB")


@dataclass(frozen=True, slots=True)
class ConditionLoss:
    """One condition of one provider over one route; rates are fractions, differences degraded minus clean."""

    condition: str
    snr_db: float | None
    """Of ``noise-10dB``; None for every other condition."""
    rate: float | None
    """None when no pair was answered."""
    clean_rate: float | None
    """Over the same clips."""
    excess: float | None
    ci_lo: float | None
    ci_hi: float | None
    """The cluster t interval of the paired difference; None with fewer than five clusters."""
    p: float | None
    """Of the sign-flip permutation test over clusters."""
    p_holm: float | None
    """The same, adjusted for all conditions of this provider and route."""
    relative: float | None
    """Excess over the clean rate; None when that is 0."""
    effective: float | None
    """Excess less that of the incumbent: hard audio cancels out; None without one."""
    failed: int
    """Pairs left out because one of the two was not answered."""
    n_clips: int
    n_words: int
    n_clusters: int

    @property
    def supported(self) -> bool:
        """Whether there are enough pairs and clusters for a claim."""
        return self.n_clips >= MIN_PAIRS and self.ci_lo is not None


@dataclass(frozen=True, slots=True)
class Robustness:
    """How one provider over one route falls off."""

    provider: str
    route: Route
    metric: str
    conditions: tuple[ConditionLoss, ...]
    """In order of first appearance."""
    noise: Degradation | None
    """Slope, doubling ratio, area and monotony of the noise sweep, over the clips that were answered clean and at
    every ratio; None with fewer than two ratios or without such a clip."""
    noise_snr_db: tuple[float, ...]
    """The ratios of the sweep, ascending: those ``noise.excess`` and ``noise.relative`` stand for."""
    noise_clips: int


def robustness(
    scores: Sequence[Score], *, metric: str = "acc.wer.en", incumbent: str | None = None, seed: int = 0
) -> list[Robustness]:
    """How every provider falls off on every route, in order of first appearance; empty without degraded clips.

    Args:
        scores: one row per clip, provider and route, clean clips and degraded ones.
        metric: error rate by id, made of the columns of ``ErrorCounts``.
        incumbent: the provider to measure effective robustness against.
        seed: of the permutation test.
    """
    systems = {
        (provider, route): _pairs([row for row in scores if (row.provider, row.route) == (provider, route)], metric)
        for provider, route in dict.fromkeys((score.provider, score.route) for score in scores)
    }
    found = []
    for (provider, route), pairs in systems.items():
        if pairs:
            one = _robustness(provider, route, metric, pairs, seed)
            theirs = systems.get((incumbent, route)) if incumbent is not None and incumbent != provider else None
            found.append(one if theirs is None else _against(one, pairs, theirs))
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """A clip under a condition, and clean."""

    degraded: Score
    clean: Score

    @property
    def answered(self) -> bool:
        return self.degraded.failure is None and self.clean.failure is None


def _pairs(scores: Sequence[Score], metric: str) -> dict[str, list[_Pair]]:
    """Condition -> its pairs; a clip whose clean clip was not sent has none."""
    having = {score.clip_id: score for score in scores if f"{metric}.hits" in score.counts}
    found: dict[str, list[_Pair]] = {}
    for score in having.values():
        source, condition = score.slices.get("source"), score.slices.get("condition")
        if condition is not None and source in having and source != score.clip_id:
            found.setdefault(condition, []).append(_Pair(score, having[source]))
    return found


def _robustness(
    provider: str, route: Route, metric: str, pairs: Mapping[str, Sequence[_Pair]], seed: int
) -> Robustness:
    losses = [_loss(condition, found, metric, seed) for condition, found in pairs.items()]
    tested = [loss for loss in losses if loss.p is not None]
    adjusted = dict(zip((loss.condition for loss in tested), holm([loss.p or 0.0 for loss in tested]), strict=True))
    ratios, sweep, clips = _noise_sweep(pairs, metric)
    return Robustness(
        provider,
        route,
        metric,
        tuple(replace(loss, p_holm=adjusted.get(loss.condition)) for loss in losses),
        sweep,
        ratios,
        clips,
    )


def _loss(condition: str, pairs: Sequence[_Pair], metric: str, seed: int) -> ConditionLoss:
    answered = [pair for pair in pairs if pair.answered]
    owners = [pair.clean.cluster or pair.clean.clip_id for pair in answered]
    errors, words, clean_errors, clean_words = (
        cluster_sums(_sums(side, metric, columns), owners)
        for side in ([pair.degraded for pair in answered], [pair.clean for pair in answered])
        for columns in (_ERRORS, _WORDS)
    )
    found = cluster_ratio_difference(errors, words, clean_errors, clean_words)
    rate, clean_rate = _rate(errors, words), _rate(clean_errors, clean_words)
    return ConditionLoss(
        condition=condition,
        snr_db=snr_of(condition),
        rate=rate,
        clean_rate=clean_rate,
        excess=found.value,
        ci_lo=found.lo,
        ci_hi=found.hi,
        p=None if found.value is None else sign_flip_p(errors - clean_errors, seed=seed),
        p_holm=None,
        relative=found.value / clean_rate if found.value is not None and clean_rate else None,
        effective=None,
        failed=len(pairs) - len(answered),
        n_clips=len(answered),
        n_words=round(float(words.sum())),
        n_clusters=found.clusters,
    )


def snr_of(condition: str) -> float | None:
    """The signal-to-noise ratio in the name of a condition, or None."""
    found = _NOISE.fullmatch(condition)
    return float(found[1]) if found else None


def _noise_sweep(
    pairs: Mapping[str, Sequence[_Pair]], metric: str
) -> tuple[tuple[float, ...], Degradation | None, int]:
    """The sweep over the clips that every ratio has, for a curve over different clips has no slope."""
    ratios = {snr_db: found for condition, found in pairs.items() if (snr_db := snr_of(condition)) is not None}
    if len(ratios) < 2:
        return (), None, 0
    answered = {
        snr_db: {pair.clean.clip_id: pair for pair in found if pair.answered} for snr_db, found in ratios.items()
    }
    common = set.intersection(*(set(found) for found in answered.values()))
    order = sorted(ratios)
    rates = [_pooled([answered[snr_db][clip_id].degraded for clip_id in common], metric) for snr_db in order]
    clean = _pooled([answered[order[0]][clip_id].clean for clip_id in common], metric)
    known = [rate for rate in rates if rate is not None]
    if clean is None or len(known) < len(rates):
        return (), None, 0
    return tuple(order), degradation(order, known, clean), len(common)


def _against(one: Robustness, mine: Mapping[str, Sequence[_Pair]], theirs: Mapping[str, Sequence[_Pair]]) -> Robustness:
    """With effective robustness, over the clips that both systems answered."""
    gains: dict[str, float] = {}
    for condition in (condition for condition in mine if condition in theirs):
        first, second = (
            {pair.clean.clip_id: pair for pair in side[condition] if pair.answered} for side in (mine, theirs)
        )
        common = [clip_id for clip_id in first if clip_id in second]
        losses = [_excess([side[clip_id] for clip_id in common], one.metric) for side in (first, second)]
        if losses[0] is not None and losses[1] is not None:
            gains |= effective_robustness({condition: losses[0]}, {condition: losses[1]})
    return replace(one, conditions=tuple(replace(loss, effective=gains.get(loss.condition)) for loss in one.conditions))


def _excess(pairs: Sequence[_Pair], metric: str) -> float | None:
    rate = _pooled([pair.degraded for pair in pairs], metric)
    clean_rate = _pooled([pair.clean for pair in pairs], metric)
    return None if rate is None or clean_rate is None else rate - clean_rate


def _sums(scores: Iterable[Score], metric: str, columns: Sequence[str]) -> list[float]:
    return [sum(score.counts[f"{metric}.{column}"] for column in columns) for score in scores]


def _pooled(scores: Sequence[Score], metric: str) -> float | None:
    return _rate(np.array(_sums(scores, metric, _ERRORS)), np.array(_sums(scores, metric, _WORDS)))


def _rate(errors: NDArray[np.float64], words: NDArray[np.float64]) -> float | None:
    total = float(words.sum())
    return float(errors.sum()) / total if total else None
