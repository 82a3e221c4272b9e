"""From figures to verdicts: one criterion, one item, the evidence behind it, and the stages of adoption.

Rules only: nothing here reads a run or knows a metric.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from evalkit.scoring.timing import judgeable, reference_error_s
from evalkit.stats.decisions import Label, gate
from evalkit.stats.intervals import zero_event_bound, zero_failure_trials
from evalkit.types import Evidence

MAX_AGE_DAYS = 30
"""Live evidence older than this is stale."""

Kind = Literal["upper", "lower", "must_be_zero", "presence", "non_inferiority"]
Verdict = Literal["pass", "warn", "fail", "insufficient", "not_tested"]
ItemVerdict = Literal["pass", "warn", "fail", "insufficient", "not_tested", "not_applicable"]
Overall = Literal["go", "go_with_conditions", "not_ready", "no_go"]
StageStatus = Literal["ready", "blocked", "locked"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a metric must show."""

    metric: str
    kind: Kind
    target: float | None = None
    """``upper``: at most this is good; ``lower``: at least this; ``non_inferiority``: the margin."""
    limit: float | None = None
    """Beyond this it fails."""
    minimum: Mapping[str, float] = field(default_factory=dict)
    """Support without which there is no verdict: ``n``, ``words``, ``clusters``, ``minutes``."""
    required: bool = True
    share: bool = False
    """The figure is a share of trials, so that a flawless result has an exact bound."""
    threshold_s: float | None = None
    """The time error by which the metric parts good words from bad ones (0.1 of "within 100 ms"), if it does."""
    fail_early: bool = False
    """Already fail when the interval lies beyond the limit with at least half the support."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured."""

    value: float | None
    """None without a figure; with a lower limit alone, what never came: later than any number."""
    lo: float | None = None
    hi: float | None = None
    """95 % limits; None when there are none (deterministic behaviour, presence), one alone where that side is open."""
    support: Mapping[str, float] = field(default_factory=dict)
    label: Label | None = None
    """Of a non-inferiority test."""
    times_source: str | None = None
    """Where the reference times come from, for a criterion with a ``threshold_s``."""


class Judged(NamedTuple):
    """A verdict and why."""

    verdict: Verdict
    reason: str


def judge(criterion: Criterion, finding: Finding) -> Judged:
    """The verdict of one criterion: pass and fail only when the whole interval says so."""
    endless = criterion.kind == "upper" and finding.lo is not None and finding.hi is None
    if finding.value is None and finding.label is None and not endless:
        return Judged("not_tested", "no value")
    if criterion.kind == "must_be_zero":
        return _must_be_zero(criterion, finding)
    if criterion.kind == "presence":
        return Judged("pass", "present") if finding.value else Judged("fail", "absent")
    if criterion.threshold_s is not None and not judgeable(criterion.threshold_s, finding.times_source):
        least_ms = 2000 * reference_error_s(finding.times_source)
        return Judged("insufficient", f"these reference times cannot judge errors below {least_ms:g} ms")
    few = _lacking(criterion, finding)
    if few and not (criterion.fail_early and _beyond(criterion, finding) and _half(criterion, finding)):
        return Judged("insufficient", few)
    if criterion.kind == "non_inferiority":
        label = finding.label or "inconclusive"
        return Judged(gate(label, finding.value, criterion.target or 0.0), label.replace("_", " "))
    return _against_limits(criterion, finding)


def _against_limits(criterion: Criterion, finding: Finding) -> Judged:
    value, lo, hi = _downwards(criterion, finding)
    target, limit = _thresholds(criterion)
    if lo is None and hi is None:
        note = "compared by the point, no interval"
        if value > limit:
            return Judged("fail", f"beyond the limit; {note}")
        return Judged("pass", note) if value <= target else Judged("warn", f"between target and limit; {note}")
    if lo is not None and lo > limit:
        return Judged("fail", "the whole interval is beyond the limit")
    if hi is not None and hi <= target:
        return Judged("pass", "the whole interval meets the target")
    if value <= target:
        return Judged("warn", "point meets target but not proven")
    return Judged("warn", "between target and limit" if value <= limit else "looks bad but not proven")


def _must_be_zero(criterion: Criterion, finding: Finding) -> Judged:
    trials = finding.support.get("n", 0)
    if finding.value:
        return Judged("fail", f"must be zero and is {finding.value:g}")
    if few := _lacking(criterion, finding):
        return Judged("insufficient", few)
    if trials < 1:
        return Judged("pass", "none seen")
    bound = zero_event_bound(int(trials), two_sided=True)
    return Judged("pass", f"none in {trials:g}: at most {100 * bound:.2g} %")


def _downwards(criterion: Criterion, finding: Finding) -> tuple[float, float | None, float | None]:
    """Value and limits, turned over where higher is better, so that lower always is."""
    value = math.inf if finding.value is None else finding.value
    if criterion.kind == "upper":
        return value, finding.lo, finding.hi
    return -value, _negated(finding.hi), _negated(finding.lo)


def _thresholds(criterion: Criterion) -> tuple[float, float]:
    """Target and limit turned over likewise; without a limit the target is one, and the other way round."""
    given = [at for at in (criterion.target, criterion.limit) if at is not None]
    if not given:
        raise ValueError(f"{criterion.metric}: a criterion needs a target or a limit")
    sign = 1.0 if criterion.kind == "upper" else -1.0
    return sign * given[0], sign * given[-1]


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _lacking(criterion: Criterion, finding: Finding) -> str:
    few = [
        f"{finding.support.get(name, 0):g} of {least:g} {name}"
        for name, least in criterion.minimum.items()
        if finding.support.get(name, 0) < least
    ]
    return "only " + ", ".join(few) if few else ""


def _half(criterion: Criterion, finding: Finding) -> bool:
    return all(finding.support.get(name, 0) >= least / 2 for name, least in criterion.minimum.items())


def _beyond(criterion: Criterion, finding: Finding) -> bool:
    if criterion.kind not in ("upper", "lower"):
        return False
    lo = _downwards(criterion, finding)[1]
    return lo is not None and lo > _thresholds(criterion)[1]


def attainable(criterion: Criterion) -> bool:
    """Whether a flawless result at the minimum sample could pass at all."""
    needed = trials_needed(criterion)
    return needed is None or criterion.minimum.get("n", 0) >= needed


def trials_needed(criterion: Criterion) -> int | None:
    """Trials with which a flawless share meets its target by the exact two-sided bound; None for other figures."""
    if not criterion.share or criterion.target is None or criterion.kind not in ("upper", "lower"):
        return None
    allowed = criterion.target if criterion.kind == "upper" else 1 - criterion.target
    if allowed >= 1:
        return 0
    # Nothing proves a rate of exactly 0.
    return zero_failure_trials(allowed, two_sided=True) if allowed > 0 else 1 << 62


def unattainable(criteria: Sequence[Criterion]) -> list[str]:
    """One sentence for each criterion that even a flawless run could not pass, with the sample it would need."""
    return [
        f"{criterion.metric}: even a flawless result of {criterion.minimum.get('n', 0):g} cannot prove "
        f"{criterion.target:g}; " + (f"ask for {needed}" if needed < 1 << 62 else "no sample can")
        for criterion in criteria
        if not attainable(criterion) and (needed := trials_needed(criterion)) is not None
    ]


def item(required: Sequence[Verdict], optional: Sequence[Verdict] = (), *, applicable: bool = True) -> ItemVerdict:
    """One of the eight answers from its criteria; optional ones can only turn pass into warn."""
    if not applicable:
        return "not_applicable"
    if "fail" in required:
        return "fail"
    if all(verdict == "not_tested" for verdict in required):
        return "not_tested"
    if "not_tested" in required or "insufficient" in required:
        return "insufficient"
    doubtful = "warn" in required or "warn" in optional or "fail" in optional
    return "warn" if doubtful else "pass"


def overall(items: Collection[ItemVerdict]) -> Overall:
    """The answer to the whole question, from the items the product needs."""
    if "fail" in items:
        return "no_go"
    if "not_tested" in items or "insufficient" in items or not items:
        return "not_ready"
    return "go_with_conditions" if "warn" in items else "go"


def with_evidence(
    verdict: Verdict,
    evidence: Evidence,
    *,
    about: Literal["provider", "client"] = "provider",
    age_days: float | None = None,
    same_setup: bool = True,
    max_age_days: float = MAX_AGE_DAYS,
) -> Verdict:
    """What a verdict is worth given where its numbers come from.

    Args:
        verdict: from the numbers alone.
        evidence: ``simulated`` says nothing about a provider, whatever the number.
        about: what the criterion judges; the embedded server does prove what our client does.
        age_days: since the answers were recorded.
        same_setup: same model string and configuration as today.
        max_age_days: older answers prove nothing any more.
    """
    if evidence == "simulated":
        return verdict if about == "client" else "not_tested"
    stale = not same_setup or (age_days is not None and age_days > max_age_days)
    return "warn" if stale and verdict == "pass" else verdict


@dataclass(frozen=True, slots=True)
class Adoption:
    """How far a staged adoption has come."""

    status: Mapping[str, StageStatus]
    reached: str | None
    """The last stage that is ready."""
    blocker: str | None
    """The first item that holds it up."""
    next_action: str | None


_SPOKEN = {"non_inferiority": "the comparison", "agent": "the voice agent"}


def stages(
    plan: Mapping[str, Sequence[str]], results: Mapping[str, ItemVerdict], accepted: Collection[str] = ()
) -> Adoption:
    """Which stages are open: each only when the one before is ready.

    Args:
        plan: stage -> items it needs, in order of adoption.
        results: item -> verdict; an item that is not there was not tested.
        accepted: items whose warning somebody has accepted by name.
    """
    status: dict[str, StageStatus] = {}
    reached = blocker = None
    for stage, names in plan.items():
        if blocker is not None:
            status[stage] = "locked"
            continue
        blocker = _first_blocker(names, results, accepted)
        status[stage] = "ready" if blocker is None else "blocked"
        reached = stage if blocker is None else reached
    action = None if blocker is None else _action(blocker, results.get(blocker, "not_tested"))
    return Adoption(status, reached, blocker, action)


def _first_blocker(names: Sequence[str], results: Mapping[str, ItemVerdict], accepted: Collection[str]) -> str | None:
    for name in names:
        verdict = results.get(name, "not_tested")
        if verdict not in ("pass", "not_applicable") and not (verdict == "warn" and name in accepted):
            return name
    return None


def _action(name: str, verdict: ItemVerdict) -> str:
    spoken = _SPOKEN.get(name, name.replace("_", " "))
    return {
        "insufficient": f"collect more clips for {spoken}",
        "not_tested": f"test {spoken}",
        "warn": f"accept the warning about {spoken} by name, or collect more clips for it",
    }.get(verdict, f"mend what failed in {spoken}")
