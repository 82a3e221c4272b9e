"""The same clips answered anew: differences are judged against chance.

Word errors by non-inferiority with a margin, paired by clip; everything else that is watched by a factor and a test,
because with enough data any trifle is significant, and with few any chance is large.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.gate.findings import Finding, State, few, points, shown
from evalkit.gate.fingerprints import System
from evalkit.scoring.catalogue import METRICS, describe
from evalkit.stats import decisions
from evalkit.stats.intervals import (
    MIN_CLUSTERS,
    Estimate,
    cluster_ratio,
    cluster_ratio_difference,
    detectable,
    percentile,
    sign_flip_p,
    unmeasurable,
)
from evalkit.stats.power import clips_to_plan, scaled_up
from evalkit.stats.samples import SHARES, Sample, Table, total
from evalkit.types import Metric, Score

LEVEL = 0.05
FACTOR = 1.25
MIN_SHIFT_S = 0.02
"""A delay that moved by less is within what our own pacing may be off."""
DRAWS = 10_000

ERROR_RATES = ("acc.wer.en", "acc.wer.basic", "acc.cer", "acc.ter_mixed")
"""Of these, the one that most clips have is held against a margin: one question, fixed beforehand."""
WATCHED = (
    "acc.halluc.words_per_min", "acc.keyterm.recall", "acc.entity.recall", "acc.fwer", "dia.der", "dia.cpwer",
    "ts.offset.start.mae", "mch.wer", "str.ne", "str.rewrites_per_min", "lat.ttfp_speech.p50", "lat.word_first.p50",
    "lat.word_first.p95", "lat.ttfs.p50", "lat.ttfs.p95", "lat.finalize.p50", "lat.rest_total.p50",
    "lat.rest_total.p95", "lat.rtfx", "cost.per_audio_hour", "agt.ttfa.p50",
)  # fmt: skip


class Matched:
    """The clips of one system now and then, in the same order and with the clusters of now."""

    def __init__(self, rows: Mapping[str, Score], before: Mapping[str, Score], system: System) -> None:
        common = [clip_id for clip_id in before if clip_id in rows]
        self.system = system
        self.now = Table(rows[clip_id] for clip_id in common)
        self.before = Table(replace(before[clip_id], cluster=rows[clip_id].cluster) for clip_id in common)

    @property
    def name(self) -> str:
        return f"{self.system[0]} over {self.system[1]}"

    def samples(self, metric: Metric, places: NDArray[np.intp] | None = None) -> tuple[Sample, Sample] | None:
        """What both sides have of a metric on the same clips; None when that is nothing."""
        both = self.now.having(metric) & self.before.having(metric)
        found = np.flatnonzero(both) if places is None else places[both[places]]
        group = self.now.group(found)
        return (Sample(metric, self.now, group), Sample(metric, self.before, group)) if len(found) else None


@dataclass(frozen=True, slots=True)
class Test:
    """One watched metric, and what the test said of it."""

    matched: Matched
    metric: Metric
    before: float | None
    now: float | None
    clusters: int
    p: float = 1.0
    """One-sided: how often chance alone makes it so much worse."""
    least_p: float = 1.0
    """The smallest p so few clusters can give."""
    beyond: bool = False
    """Whether the factor was passed."""
    note: str = ""
    """Why there was no test."""


def error_rate(matched: Matched, tolerated: float | None, noise: float | None, accept: str) -> Finding | None:
    """Non-inferiority of the error rate with a margin; None when no clip has one.

    Args:
        matched: the clips of one system now and then.
        tolerated: margin as a fraction; None: half a point, or 5 % of the old rate if that is more.
        noise: disagreement of the system with itself, when known; the margin is at least twice that.
        accept: the command that makes the run the new baseline.
    """
    metric = primary(matched)
    both = None if metric is None else matched.samples(metric)
    if metric is None or both is None:
        return None
    sums = tuple(side for sample in both for side in sample.ratio())
    before, now = cluster_ratio(*sums[2:]).value, cluster_ratio(*sums[:2]).value
    if before is None or now is None:
        return None
    allowed = margin(before, tolerated, noise)
    found = cluster_ratio_difference(*sums)
    about = {"provider": matched.system[0], "route": matched.system[1]}
    about |= {"before": shown(metric, before), "now": shown(metric, now)}
    told = f"{matched.name}: {metric.id} was {about['before']} and is {about['now']}"
    if equal(metric, both):
        sentence = f"{told}, with the same errors on every one of {both[0].clips} clips"
        return Finding("passed", "margin", metric.id, sentence, **about)
    state, verdict = _judged(found, allowed)
    lost = _lost(metric, both)
    span = "" if found.lo is None or found.hi is None else f", {points(found.lo)} to {points(found.hi)} points more"
    sentence = f"{told}{span} where {points(allowed)} are allowed (two-sided 95 % interval): {verdict}"
    if state == "unjudged":
        sentence += f"; {_more(both, found, allowed)}"
    elif noise is None and state == "regressed":
        sentence += "; how far two runs of it differ by themselves is not known (accept with --repeat RUN)"
    if lost and state not in ("passed", "improved"):
        sentence += f"; most errors more: {few(lost)}"
    return Finding(state, "margin", metric.id, sentence, **about, remedy="" if state == "passed" else accept)


def _lost(metric: Metric, both: tuple[Sample, Sample]) -> list[str]:
    """Clips with more errors now, the worst first."""
    pairs = zip(*(sample.scores for sample in both), strict=True)
    more = {now.clip_id: total(now, metric.numerator) - total(old, metric.numerator) for now, old in pairs}
    return sorted((clip_id for clip_id in more if more[clip_id] > 0), key=lambda clip_id: -more[clip_id])


def margin(before: float, tolerated: float | None, noise: float | None) -> float:
    """How much worse is still as good, above what two runs of the same system differ by."""
    if tolerated is None:
        return decisions.margin(before, disagreement=noise)
    return max(tolerated, 2 * (noise or 0.0))


def primary(matched: Matched) -> Metric | None:
    """The error rate that most clips have, of equals the first of ``ERROR_RATES``."""
    held = {name: int((matched.now.having(describe(name)) & matched.before.having(describe(name))).sum())
            for name in ERROR_RATES}  # fmt: skip
    best = max(held, key=lambda name: held[name])
    return describe(best) if held[best] else None


def equal(metric: Metric, both: tuple[Sample, Sample]) -> bool:
    """Whether every clip has the same numerator and denominator now as then."""
    columns = (*metric.numerator, *metric.denominator)
    mine, old = (sample.scores for sample in both)
    return all(now.counts.get(name) == then.counts.get(name) for now, then in zip(mine, old, strict=True)
               for name in columns)  # fmt: skip


def _judged(found: Estimate, allowed: float) -> tuple[State, str]:
    label = decisions.non_inferiority(found.lo, found.hi, allowed)
    verdict = decisions.gate(label, found.value, allowed)
    words = label.replace("_", " ").replace("non inferior", "non-inferior")
    if label == "worse_inconclusive":
        words = "worse, and as measured by more than that" if verdict == "fail" else "worse, perhaps by more than that"
    if label == "superior":
        return "improved", words
    if verdict == "pass":
        return "passed", words
    if verdict == "fail":
        return "regressed", words
    # Worse, but proven to be within the margin, is a loss to name; what is not proven never passes.
    return ("warned" if label == "non_inferior_but_worse" else "unjudged"), words


def _more(both: tuple[Sample, Sample], found: Estimate, allowed: float) -> str:
    clips, clusters = both[0].clips, both[0].clusters
    if found.clusters < MIN_CLUSTERS:
        return f"{clusters} of {MIN_CLUSTERS} speakers or calls are too few for an interval"
    if found.se:
        needed = scaled_up(clips, detectable(found.se), allowed)
    else:
        needed = clips_to_plan(allowed, float(both[0].ratio()[1].sum()) / clips)
    wider = "or a wider margin (--margin)"
    return (
        f"about {needed:,} clips like these {clips} would tell, {wider}" if needed > clips else f"more clips, {wider}"
    )


def watched(matched: Matched, factor: float, names: Sequence[str], seed: int) -> Iterator[Test]:
    """A test of every watched metric that both sides have and that is not the primary one."""
    first = primary(matched)
    for metric in METRICS:
        both = matched.samples(metric) if metric.id in names and metric != first else None
        if both is not None:
            yield (
                _spread(matched, metric, both, factor, seed)
                if metric.values
                else _ratio(matched, metric, both, factor, seed)
            )


def nowhere(matched: Matched, names: Sequence[str]) -> Iterator[Finding]:
    """One finding that names what was to be watched and no clip has, before or now: nobody looked at it."""
    gone = [
        name for name in names if not any(table.having(describe(name)).any() for table in (matched.now, matched.before))
    ]
    if gone:
        told = f"{matched.name}: not looked at, for no clip has them before or now: {', '.join(gone)}"
        yield Finding("skipped", "factor", "not there", told, *matched.system)


def _ratio(matched: Matched, metric: Metric, both: tuple[Sample, Sample], factor: float, seed: int) -> Test:
    sums = [side for sample in both for side in sample.ratio()]
    now, before = (cluster_ratio(*side).value for side in (sums[:2], sums[2:]))
    test = Test(matched, metric, _scaled(metric, before), _scaled(metric, now), both[0].clusters)
    if now is None or before is None:
        return replace(test, note="nothing to divide by")
    if not passes(metric, before, now, factor):
        return test
    beyond = _sense(metric, now) * excess(*sums)
    p = worse_by_chance(beyond, seed)
    return replace(test, p=p, least_p=_least(int((beyond != 0).sum())), beyond=True)


def _sense(metric: Metric, now: float | None) -> int:
    """1 where more is worse, -1 where less is: of what should be 0, it is the side on which it is now."""
    if metric.direction == "zero":
        return -1 if now is not None and now < 0 else 1
    return -1 if metric.direction == "higher" else 1


def excess(
    above: NDArray[np.float64],
    below: NDArray[np.float64],
    other_above: NDArray[np.float64],
    other_below: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What each cluster has more now than before, beyond what the common rate explains."""
    together = below.sum() + other_below.sum()
    common = (above.sum() + other_above.sum()) / together if together else 0.0
    found: NDArray[np.float64] = (above - other_above) - common * (below - other_below)
    return found


def worse_by_chance(beyond: NDArray[np.float64], seed: int = 0) -> float:
    """One-sided p of a sum of differences under random signs; those are symmetric, so one side has half of both."""
    if beyond.sum() <= 0:
        return 1.0  # no worse, cluster by cluster
    return sign_flip_p(beyond, draws=DRAWS, seed=seed) / 2


def _spread(matched: Matched, metric: Metric, both: tuple[Sample, Sample], factor: float, seed: int) -> Test:
    share, clusters = SHARES.get(metric.statistic), both[0].clusters
    (mine, owners, failed), (old, other_owners, other_failed) = (sample.values() for sample in both)
    test = Test(matched, metric, None, None, clusters)
    if share is None:
        return replace(test, note="a largest value has no test")
    if lacking := unmeasurable(share, min(len(mine), len(old))):
        return replace(test, note=lacking)
    now = percentile(mine[: len(mine) - failed], share, failed=failed)
    before = percentile(old[: len(old) - other_failed], share, failed=other_failed)
    test = replace(test, before=before, now=now)
    if before is None:
        return replace(test, note="fell on what never came before")
    if now is not None and not passes(metric, before, now, factor):
        return test
    own = own_percentiles(mine, owners, clusters, share), own_percentiles(old, other_owners, clusters, share)
    beyond = _sense(metric, now) * ranked(*own)
    return replace(test, p=worse_by_chance(beyond, seed), least_p=_least(int((beyond != 0).sum())), beyond=True)


def own_percentiles(
    values: NDArray[np.float64], owners: NDArray[np.intp], clusters: int, share: float
) -> NDArray[np.float64]:
    """The nearest-rank percentile of each cluster's own values, infinite where it falls on what never came.

    Returns:
        (clusters,); NaN where a cluster has no value.
    """
    found = np.full(clusters, np.nan)
    order = np.lexsort((values, owners))
    ends = np.cumsum(np.bincount(owners, minlength=clusters))
    for cluster, own in enumerate(np.split(values[order], ends[:-1])):
        if len(own):
            found[cluster] = own[max(int(np.ceil(share * len(own) - 1e-9)), 1) - 1]
    return found


def ranked(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilcoxon's signed ranks of paired differences, for one slow call must not decide; 0 where nothing differs."""
    with np.errstate(invalid="ignore"):
        differences = now - before
    differences[np.isnan(differences)] = 0.0  # never came on either side, or was not there
    sizes = np.abs(differences[differences != 0])
    _, inverse, times = np.unique(sizes, return_inverse=True, return_counts=True)
    shared = np.cumsum(times) - (times - 1) / 2
    signed = np.sign(differences)
    signed[differences != 0] *= shared[inverse]
    return signed


def passes(metric: Metric, before: float, now: float, factor: float) -> bool:
    """Whether a figure is worse by more than the factor; of shares of which more is better, what is missing counts."""
    if metric.direction == "higher" and metric.bounded:
        before, now = 1 - before, 1 - now
    elif metric.direction == "higher":
        before, now = now, before
    elif metric.direction == "zero":
        before, now = abs(before), abs(now)
    shift = MIN_SHIFT_S if metric.values and metric.unit == "s" else 0.0
    return now > factor * before + 1e-12 and now - before > shift


def tested(tests: Sequence[Test], factor: float, accept: str) -> Iterator[Finding]:
    """What the tests say together: p-values are adjusted (Holm) for everything one gate asks."""
    asked = [test for test in tests if not test.note]
    adjusted = dict(zip(map(id, asked), decisions.holm([test.p for test in asked]), strict=True))
    for test in tests:
        metric, system = test.metric, test.matched.system
        told = (shown(metric, test.before), shown(metric, test.now))
        about = {"provider": system[0], "route": system[1], "before": told[0], "now": told[1]}
        name = f"{test.matched.name}: {metric.id}"
        if test.note:
            yield Finding("skipped", "factor", metric.id, f"{name}: no test ({test.note})", **about)
            continue
        sentence = f"{name} was {told[0]} and is {told[1]}"
        if not test.beyond:
            better = test.before is not None and test.now is not None and passes(metric, test.now, test.before, factor)
            state: State = "improved" if better else "passed"
            yield Finding(state, "factor", metric.id, f"{sentence}, within a factor of {factor:g}"
                          if not better else f"{sentence}, better", **about)  # fmt: skip
            continue
        p = adjusted[id(test)]
        sentence += f", beyond a factor of {factor:g}; p = {p:.2g}, adjusted for {len(asked)} tests"
        if p <= LEVEL:
            yield Finding("regressed", "factor", metric.id, sentence, **about, remedy=accept)
        elif min(1.0, test.least_p * len(asked)) > LEVEL:
            sentence += f"; {test.clusters} speakers or calls are too few to tell that from chance"
            yield Finding("unjudged", "factor", metric.id, sentence, **about, remedy=accept)
        else:
            yield Finding("warned", "factor", metric.id, f"{sentence}, which may be chance", **about)


def _least(clusters: int) -> float:
    return max(0.5**clusters, 0.5 / (DRAWS + 1))


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else value * metric.scale
