"""A run held against a baseline: what a job in continuous integration should say of it. Pure.

==========  ===========================================================================================
comparable  what must be the same before anything is compared; what is missing now
exact       the same recording read again: every stored number must be equal
sampled     the same clips answered anew: a margin for word errors, a factor and a test for the rest
guards      what forbids a pass whatever the margin says
findings    what comes out, and the exit status: 0 pass, 1 regression, 2 cannot judge
==========  ===========================================================================================
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.gate import comparable, exact, guards, sampled
from evalkit.gate.findings import CANNOT_JUDGE, PASS, REGRESSION, Finding, Outcome, Side
from evalkit.scoring.catalogue import METRICS

__all__ = ["CANNOT_JUDGE", "PASS", "REGRESSION", "Finding", "Outcome", "Side", "check"]


def check(
    run: Side,
    baseline: Side,
    yardstick: Mapping[str, Any],
    *,
    tolerated: float | None = None,
    factor: float = sampled.FACTOR,
    watched: Sequence[str] = sampled.WATCHED,
    seed: int = 0,
) -> Outcome:
    """Hold a run against a baseline.

    Args:
        run: the run.
        baseline: what was accepted.
        yardstick: scoring version and text profiles of this evalkit (``manifest.yardstick``).
        tolerated: how much more of the words may be wrong, as a fraction; None: half a point, or 5 % of the old rate
            if that is more. Never less than twice what the baseline knows two runs to differ by.
        factor: how many times worse any other watched figure may be before a test is asked.
        watched: metric ids, fixed beforehand.
        seed: of everything drawn.

    Returns:
        One finding for everything that was compared; improvements are noted and never fail.
    """
    accept = _accepting(run, baseline)
    found = list(comparable.whole(run, baseline, yardstick, accept))
    if found:
        return Outcome(run.name, baseline.name, tuple(found))
    tests: list[sampled.Test] = []
    for system in baseline.systems:
        lacks = list(comparable.of_system(run, baseline, system, accept))
        found += lacks
        if lacks:
            continue
        rows, before = run.of(system), baseline.of(system)
        unpriced = list(comparable.prices(run, baseline, system, accept))
        gone = list(comparable.vanished(rows, before, system, accept))
        found += [*unpriced, *gone]
        names = {one.what for one in gone} | _costs(bool(unpriced))
        whole, said = exact.pairs(run, baseline, system)
        found += [one for one in exact.compare(whole, said, system, accept) if one.what not in names]
        if len(whole) == len(before):
            continue
        matched = sampled.Matched(rows, before, system)
        noise = baseline.disagreement.get(system)
        if len(whole) + len(said) < len(before):
            rate = sampled.error_rate(matched, tolerated, noise, accept)
            found += [rate] if rate is not None and rate.what not in names else []
        settled = [name for name in watched if exact.timeless(name)] if len(whole) + len(said) == len(before) else []
        asked = [name for name in watched if name not in names and name not in settled]
        tests += sampled.watched(matched, factor, asked, seed)
        found += sampled.nowhere(matched, asked)
        found += guards.check(matched, tolerated, noise, accept)
    found += sampled.tested(tests, factor, accept)
    found += [
        Finding("skipped", "comparable", "system", f"{name} over {route} is not in the baseline", name, route)
        for name, route in run.systems
        if (name, route) not in baseline.systems
    ]
    return Outcome(run.name, baseline.name, tuple(found))


def _accepting(run: Side, baseline: Side) -> str:
    """The command that makes the run the baseline, with all that the old one kept."""
    kept = " --traces" if baseline.recorded else ""
    return f"evalkit baseline accept {shlex.quote(run.name)} {shlex.quote(baseline.name)} --reason '...'{kept}"


def _costs(unpriced: bool) -> set[str]:
    return {metric.id for metric in METRICS if metric.unit in ("usd", "usd_per_h")} if unpriced else set()
