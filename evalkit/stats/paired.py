"""Comparisons of two systems on the clips both were scored on: differences, tests, and what they say about switching.

Candidate against incumbent on each route, and streaming against REST of each provider. Nothing here knows a metric by
name but the error rates that have a margin. The interval makes label and verdict; a p-value that disagrees is noted.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import SettingsError
from evalkit.scoring import text, words
from evalkit.scoring.catalogue import METRICS
from evalkit.scoring.segments import segments
from evalkit.stats import bootstrap
from evalkit.stats.bootstrap import paired_draws
from evalkit.stats.decisions import (
    ZTest,
    adjusted,
    gate,
    margin,
    mcnemar_p,
    non_inferiority,
    z_test,
)
from evalkit.stats.intervals import (
    ARITHMETIC,
    BOOTSTRAP,
    CLUSTER_T,
    EXACT_BOUND,
    MIN_CLUSTERS,
    Estimate,
    bootstrap_percentiles,
    bootstrap_weights,
    cluster_ratio,
    cluster_ratio_difference,
    detectable,
    percentile,
    sign_flip_ps,
    telling,
    unmeasurable,
    zero_event_bound,
    zero_failure_trials,
)
from evalkit.stats.pairs import Pair, pairs
from evalkit.stats.power import clips_to_plan, scaled_up
from evalkit.stats.samples import SHARES, Table, of, partial_timing
from evalkit.types import Difference, Metric, Route, Score

PERCENTILE_DRAWS = 2000

Question = Literal["candidate_vs_incumbent", "streaming_vs_rest"]
Verdict = Literal["better", "worse", "no_clear_difference", "insufficient", "exact"]

_ERRORS = ("substitutions", "deletions", "insertions")


def compare(
    scores: Sequence[Score],
    candidate: str,
    incumbent: str | None,
    *,
    tolerated: float | None = None,
    draws: int = bootstrap.DRAWS,
    seed: int = 0,
    metrics: Sequence[Metric] = METRICS,
    adjust: bool = True,
) -> list[Difference]:
    """Paired differences: candidate minus incumbent on each route, and streaming minus rest of each provider.

    Args:
        scores: one row per clip, provider and route.
        candidate: name of the provider being considered.
        incumbent: name of the provider to compare with, or None.
        tolerated: margin of error rates, fixed before the run; None: half a point, or 5 % of the old rate if that is
            more. Above 0, or 0 for "no worse at all".
        draws: of the paired bootstrap of ratios and of the permutation test.
        seed: of everything drawn.
        metrics: what to compare; everything unless given.
        adjust: False leaves p-values alone, for one who adjusts them together with others (``decisions.adjusted``).

    Returns:
        One row per metric that both sides have on common clips. On a share of clips (``perfect``) that are independent
        the test is McNemar's, else the sign-flip permutation of clusters.

    Raises:
        SettingsError: a margin that is none.
    """
    if tolerated is not None and not 0 <= tolerated < math.inf:
        raise SettingsError(f"a margin must be a number from 0 on, not {tolerated:g}")
    found: list[Difference] = []
    routes = list(dict.fromkeys(score.route for score in scores))
    rules = _Rules(tolerated, draws, seed, metrics)
    systems = dict.fromkeys((score.provider, score.route) for score in scores)
    tables = {(provider, route): Table(of(scores, provider, route)) for provider, route in systems}
    asked: list[tuple[Question, tuple[str, Route], tuple[str, Route]]] = []
    if incumbent is not None:
        asked += [("candidate_vs_incumbent", (candidate, route), (incumbent, route)) for route in routes]
    for provider in dict.fromkeys(provider for provider, _ in systems):
        asked.append(("streaming_vs_rest", (provider, "streaming"), (provider, "rest")))
    for question, new, old in asked:
        if new in tables and old in tables:
            found += _differences(question, tables[new], tables[old], rules)
    return adjusted(found) if adjust else found


class _Rules(NamedTuple):
    tolerated: float | None
    draws: int
    seed: int
    metrics: Sequence[Metric]


class _Tested(NamedTuple):
    """What drawing clusters and flipping signs says of one ratio."""

    test: str
    p: float
    poi: float | None
    ties: float | None
    lo: float | None
    hi: float | None


def _tested(found: Sequence[Pair], rules: _Rules) -> dict[str, _Tested]:
    """The permutation test and the paired bootstrap of every ratio, on the same draws of the same clusters."""
    rows: dict[str, int] = {}
    for pair in found:
        for name in pair.new.names:
            rows.setdefault(name, len(rows))
    if not found:
        return {}
    sums, excess = np.zeros((len(rows), len(found), 4)), np.zeros((len(rows), len(found)))
    for place, pair in enumerate(found):
        own = [rows[name] for name in pair.new.names]
        sums[own, place] = np.stack(pair.sums, axis=1)
        excess[own, place] = pair.excess()
    p_values = sign_flip_ps(excess, draws=rules.draws, seed=rules.seed)
    drawn = paired_draws(sums, draws=rules.draws, seed=rules.seed)
    tested = {}
    for place, pair in enumerate(found):
        test, p = _mcnemar(pair) or ("sign-flip permutation", float(p_values[place]))
        poi, ties = _improvement(pair.metric, drawn[:, place], pair.new.clusters)
        many = pair.new.clusters >= bootstrap.MIN_CLUSTERS
        lo, hi = _bootstrap_limits(drawn[:, place], pair) if many else (None, None)
        tested[pair.metric.id] = _Tested(test, p, poi, ties, lo, hi)
    return tested


def _mcnemar(pair: Pair) -> tuple[str, float] | None:
    """The exact test of a share of clips that are independent; None of anything else."""
    mine, theirs = pair.new.independent_clips(), pair.old.independent_clips()
    if mine is None or theirs is None:
        return None
    return "McNemar", mcnemar_p(int((mine & ~theirs).sum()), int((theirs & ~mine).sum()))


def _improvement(metric: Metric, drawn: NDArray[np.float64], clusters: int) -> tuple[float, float] | tuple[None, None]:
    """The share of draws in which the first side does better, and of those in which both do exactly alike.

    None where better has no sign or clusters are few. Ties are no improvement and told apart.
    """
    defined = drawn[~np.isnan(drawn)]
    if metric.direction == "zero" or clusters < MIN_CLUSTERS or not len(defined):
        return None, None
    better = defined < 0 if metric.direction == "lower" else defined > 0
    return float(np.mean(better)), float(np.mean(defined == 0))


def _bootstrap_limits(drawn: NDArray[np.float64], pair: Pair) -> tuple[float | None, float | None]:
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return None, None
    lo, hi = np.percentile(defined, [2.5, 97.5]) * pair.metric.scale
    return float(lo), float(hi)


def _differences(question: Question, new: Table, old: Table, rules: _Rules) -> list[Difference]:
    both = pairs(new, old, rules.metrics)
    tested = _tested([pair for pair in both if not pair.metric.values and not pair.arithmetic()], rules)
    return [_difference(question, pair, tested.get(pair.metric.id), rules) for pair in both]


def _difference(question: Question, pair: Pair, tested: _Tested | None, rules: _Rules) -> Difference:
    metric, first, second = pair.metric, pair.new.table.scores[0], pair.old.table.scores[0]
    seen = _percentile(pair, rules.seed) if metric.values else _ratio(pair) if tested else _priced(pair)
    found = seen.difference
    least = detectable(found.se) if found.se and found.clusters >= MIN_CLUSTERS else None
    allowed = _margin(metric, seen.against_value, rules.tolerated)
    label = None if allowed is None else non_inferiority(found.lo, found.hi, allowed)
    easy = (partial_timing(metric, side.table, side.group.places) for side in (pair.new, pair.old))
    note = seen.note or next(filter(None, easy), "")
    return Difference(
        question=question,
        metric=metric.id,
        unit=metric.unit,
        provider=first.provider,
        route=first.route,
        against_provider=second.provider,
        against_route=second.route,
        value=seen.value,
        against_value=seen.against_value,
        difference=found.value,
        ci_lo=found.lo,
        ci_hi=found.hi,
        bootstrap_lo=tested and tested.lo,
        bootstrap_hi=tested and tested.hi,
        n_clips=pair.clips,
        n_clusters=pair.new.clusters,
        p=tested and tested.p,
        p_holm=None,
        poi=tested.poi if tested else seen.poi,
        margin=allowed,
        label=label,
        gate=None if label is None or allowed is None else gate(label, found.value, allowed),
        smallest_detectable=least,
        clips_needed=None if allowed is None else _clips_needed(pair, found, least, allowed),
        verdict="insufficient" if note else _verdict(seen, metric),
        note=note or (_no_interval(found) if found.value is not None and found.lo is None else ""),
        ties=tested.ties if tested else seen.ties,
        test=tested.test if tested else "",
        ci_method="" if found.lo is None else seen.method,
    )


def _no_interval(found: Estimate) -> str:
    few = found.clusters < MIN_CLUSTERS
    return (
        f"no interval: {found.clusters} of {MIN_CLUSTERS} clusters" if few else "no interval: clusters do not scatter"
    )


def _margin(metric: Metric, old: float | None, tolerated: float | None) -> float | None:
    """Word and character error rates have one; of other metrics nobody has said what is still as good."""
    base = metric.numerator[0].rpartition(".")[0] if metric.numerator else ""
    whole = metric.numerator == tuple(f"{base}.{name}" for name in _ERRORS) and base == metric.id
    if not whole or old is None or not metric.id.startswith(("acc.wer.", "acc.cer")):
        return None
    return margin(old) if tolerated is None else tolerated


def _clips_needed(pair: Pair, found: Estimate, least: float | None, allowed: float) -> int | None:
    """By what these clips scatter; by planning figures when they are too few to say; exactly when nothing differs.

    None of a margin of 0, which no number of clips settles.
    """
    if not allowed:
        return None
    sizes = pair.new.per_cluster(pair.metric.denominator).sum()
    if least:
        return scaled_up(pair.clips, least, allowed)
    if found.clusters >= MIN_CLUSTERS and found.se == 0 and not found.value:
        return zero_failure_trials(min(allowed, 0.5), two_sided=True)
    return clips_to_plan(allowed, float(sizes) / pair.clips) if sizes else None


class _Seen(NamedTuple):
    """Both figures and their difference."""

    value: float | None
    against_value: float | None
    difference: Estimate
    method: str = ""
    """Of the interval."""
    poi: float | None = None
    ties: float | None = None
    note: str = ""


def _ratio(pair: Pair) -> _Seen:
    metric, sums = pair.metric, pair.sums
    found = cluster_ratio_difference(*telling(*sums))
    lo, hi, method = found.lo, found.hi, CLUSTER_T
    # Of anything measured, clusters that happen to agree prove nothing.
    if metric.unit == "rate" and found.value == 0 and found.se == 0 and found.clusters >= MIN_CLUSTERS:
        # Not one difference in so many clips bounds how many can differ, and a clip cannot differ by more than itself.
        hi = zero_event_bound(int((pair.new.telling() | pair.old.telling()).sum()), two_sided=True)
        lo, method = -hi, EXACT_BOUND
    note = "" if found.value is not None else "nothing to divide by"
    ends = (_scaled(metric, found.se), _scaled(metric, lo), _scaled(metric, hi))
    scaled = Estimate(_scaled(metric, found.value), *ends, clusters=found.clusters)
    return _Seen(*_rates(pair), scaled, method, note=note)


def _priced(pair: Pair) -> _Seen:
    """Two prices by the second of audio differ by what they differ, whatever clips are heard."""
    value, against = _rates(pair)
    gap = None if value is None or against is None else value - against
    return _Seen(value, against, Estimate(gap, None, gap, gap, pair.new.clusters), ARITHMETIC)


def _rates(pair: Pair) -> tuple[float | None, float | None]:
    value, against = (_scaled(pair.metric, cluster_ratio(*pair.sums[at : at + 2]).value) for at in (0, 2))
    return value, against


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else value * metric.scale


def _percentile(pair: Pair, seed: int) -> _Seen:
    """Both sides are resampled with the same clusters in every draw."""
    share, clusters = SHARES[pair.metric.statistic], pair.new.clusters
    sides = [side.values() for side in (pair.new, pair.old)]
    nothing = Estimate(None, clusters=clusters)
    if few := unmeasurable(share, min(len(got) for got, _, _ in sides)):
        return _Seen(None, None, nothing, note=few)
    value, against = (percentile(got[: len(got) - failed], share, failed=failed) for got, _, failed in sides)
    if value is None or against is None:
        return _Seen(value, against, nothing, note=f"{pair.metric.statistic}: falls on what never came")
    found = Estimate(value - against, clusters=clusters)
    if clusters < MIN_CLUSTERS:
        return _Seen(value, against, found)
    weights = bootstrap_weights(clusters, PERCENTILE_DRAWS, seed)
    first, second = (bootstrap_percentiles(got, owners, weights, share) for got, owners, _ in sides)
    with np.errstate(invalid="ignore"):
        drawn = first - second
    if not np.isfinite(drawn).all():
        return _Seen(value, against, found, note="no interval: some draws fall on what never came")
    lo, hi = np.percentile(drawn, [2.5, 97.5], method="inverted_cdf")
    found = Estimate(value - against, float(drawn.std()), float(lo), float(hi), clusters)
    return _Seen(value, against, found, BOOTSTRAP, *_improvement(pair.metric, drawn, clusters))


def _verdict(seen: _Seen, metric: Metric) -> Verdict:
    value, against, found = seen.value, seen.against_value, seen.difference
    if seen.method == ARITHMETIC:
        return "exact"
    if found.value is None or found.clusters < MIN_CLUSTERS or value is None or against is None:
        return "insufficient"
    if found.lo is None or found.hi is None:
        return "insufficient" if found.value else "no_clear_difference"
    if found.lo <= 0 <= found.hi:
        return "no_clear_difference"
    if metric.direction == "zero":
        return "better" if abs(value) < abs(against) else "worse"
    return "better" if (found.value < 0) == (metric.direction == "lower") else "worse"


def segment_test(scores: Sequence[Score], candidate: str, incumbent: str, route: Route, profile: str) -> ZTest:
    """MAPSSWE over all clips both have: for long recordings, beside the cluster interval and never instead of it.

    Args:
        scores: one row per clip, provider and route.
        candidate: provider being considered.
        incumbent: provider to compare with.
        route: of both.
        profile: name of the text rules.
    """
    rules = text.profile(profile)
    against = {score.clip_id: score for score in scores if (score.provider, score.route) == (incumbent, route)}
    differences = [
        segment.difference
        for score in scores
        if (score.provider, score.route) == (candidate, route) and score.reference is not None
        if (other := against.get(score.clip_id)) is not None
        for reference in [rules.tokens(score.reference)]
        for segment in segments(
            words.align(reference, rules.tokens(score.hypothesis)),
            words.align(reference, rules.tokens(other.hypothesis)),
        )
    ]
    return z_test(differences)
