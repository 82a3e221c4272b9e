"""What forbids a pass whatever the margin says: events that must never be, lost coverage, and the worst slice."""

from collections.abc import Iterator

from evalkit.gate import sampled
from evalkit.gate.findings import Finding, State, few, points, shown
from evalkit.scoring.catalogue import describe
from evalkit.scoring.sliced import MIN_CLIPS, MIN_CLUSTERS, MIN_WORDS
from evalkit.stats import decisions, slices
from evalkit.stats.intervals import cluster_ratio, cluster_ratio_difference
from evalkit.stats.samples import total

MUST_BE_ZERO = ("str.locked_changed.utterance", "mch.swap", "fail.hang", "fail.wrong_retry")


def check(matched: sampled.Matched, tolerated: float | None, noise: float | None, accept: str) -> Iterator[Finding]:
    """What forbids a pass whatever the margin says: events that must never be, coverage, and the worst slice."""
    yield from _never(matched, accept)
    yield from _coverage(matched, accept)
    yield from _worst_slice(matched, tolerated, noise, accept)


def _never(matched: sampled.Matched, accept: str) -> Iterator[Finding]:
    for name in MUST_BE_ZERO:
        metric = describe(name)
        both = matched.samples(metric)
        if both is None:
            continue
        now, before = (sum(total(row, metric.numerator) for row in sample.scores) for sample in both)
        told = f"{matched.name}: {name} must never be; seen {before:g} times before and {now:g} times now"
        state: State = "passed" if not now else "regressed" if now > before else "warned"
        about = {"provider": matched.system[0], "route": matched.system[1], "before": f"{before:g}", "now": f"{now:g}"}
        yield Finding(state, "guard", name, told, **about, remedy=accept if state == "regressed" else "")


def _coverage(matched: sampled.Matched, accept: str) -> Iterator[Finding]:
    metric = describe("run.coverage")
    both = matched.samples(metric)
    if both is None:
        return
    now, before = (sum(total(row, metric.numerator) for row in sample.scores) / sample.clips for sample in both)
    about = {"provider": matched.system[0], "route": matched.system[1]}
    about |= {"before": shown(metric, before), "now": shown(metric, now)}
    told = f"{matched.name}: {about['before']} of clips were answered and {about['now']} are"
    if before - now <= decisions.MAX_COVERAGE_LOSS + 1e-12:
        yield Finding("passed", "guard", metric.id, told, **about)
        return
    lost = [
        mine.clip_id
        for mine, old in zip(both[0].scores, both[1].scores, strict=True)
        if mine.failure and not old.failure
    ]
    told += f", more than {100 * decisions.MAX_COVERAGE_LOSS:g} points fewer; without an answer now: {few(lost)}"
    yield Finding("regressed", "guard", metric.id, told, **about, remedy=accept)


def _worst_slice(
    matched: sampled.Matched, tolerated: float | None, noise: float | None, accept: str
) -> Iterator[Finding]:
    """A slice that lost more than twice the margin, and more than chance among so many slices explains."""
    metric = sampled.primary(matched)
    if metric is None:
        return
    whole = matched.samples(metric)
    before = None if whole is None else cluster_ratio(*whole[1].ratio()).value
    if before is None:
        return
    allowed, losses = 2 * sampled.margin(before, tolerated, noise), []
    for name, places in slices.divided(matched.now.scores):
        both = matched.samples(metric, places)
        if both is None or both[0].clips < MIN_CLIPS or both[0].clusters < MIN_CLUSTERS:
            continue
        sums = [side for sample in both for side in sample.ratio()]
        found = cluster_ratio_difference(*sums)
        if found.value is None or sums[1].sum() < MIN_WORDS or len(places) == len(matched.now.scores):
            continue
        p = sampled.worse_by_chance(sampled.excess(*sums))
        losses.append((name, found.value, p if found.value > 0 else 1.0))
    if not losses:
        return
    adjusted = decisions.holm([p for _, _, p in losses])
    sure = [place for place, p in enumerate(adjusted) if p <= sampled.LEVEL and losses[place][1] > allowed]
    worst = max(sure or range(len(losses)), key=lambda place: losses[place][1])
    (name, loss, _), p = losses[worst], adjusted[worst]
    about = {"provider": matched.system[0], "route": matched.system[1], "now": f"{points(loss)} points"}
    told = f"{matched.name}: {name}, worst of {len(losses)} slices, lost {points(loss)} points of {metric.id}"
    told += f" where {points(allowed)} are allowed"
    if loss <= allowed:
        yield Finding("passed", "guard", "worst slice", told, **about)
    elif sure:
        yield Finding("regressed", "guard", "worst slice", f"{told}; p = {p:.2g}, adjusted", **about, remedy=accept)
    else:
        yield Finding("warned", "guard", "worst slice", f"{told}; p = {p:.2g}, adjusted: may be chance", **about)
