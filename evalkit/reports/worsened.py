"""What worse conditions cost, as a table: the same clips clean and degraded (``evalkit.stats.conditions``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.cells import cell
from evalkit.reports.decided import chance
from evalkit.reports.headline import ROUTE_WORDS, Headline
from evalkit.reports.units import MINUS, UNDEFINED, number, shown, span
from evalkit.stats.conditions import MIN_PAIRS, ConditionLoss, Robustness, robustness
from evalkit.stats.intervals import MIN_CLUSTERS
from evalkit.types import Score


def measured(head: Headline, scores: Sequence[Score], manifest: Mapping[str, Any]) -> list[Robustness]:
    """How every system falls off; empty when no clip of the run was also sent degraded."""
    found = robustness(scores, metric=head.wer, incumbent=head.incumbent, seed=int(manifest.get("seed") or 0))
    places = [(system.provider, system.route) for system in head.systems]
    return sorted(found, key=lambda one: places.index((one.provider, one.route)))


def table(head: Headline, found: Sequence[Robustness]) -> dict[str, Any]:
    """A body per system, a row per condition, and what its noise sweep comes to."""
    against = head.incumbent if any(loss.effective is not None for one in found for loss in one.conditions) else None
    columns = ["Clips", "Clean", "Degraded", "Difference", "p, adjusted", "Relative"]
    if against:
        columns.append(f"Beyond {against}")
    bodies = [
        {
            "title": f"{one.provider} {ROUTE_WORDS[one.route]}",
            "rows": [_row(loss, against is not None) for loss in one.conditions],
            "noise": noise(one),
        }
        for one in found
    ]
    return {"columns": columns, "bodies": bodies, "metric": head.wer}


def _row(loss: ConditionLoss, compared: bool) -> dict[str, Any]:
    mark = "" if not loss.supported or loss.ci_lo is None or loss.ci_lo <= 0 else "worse"
    cells = [
        cell(number(loss.n_clips), "; ".join(flags(loss))),
        cell(shown(loss.clean_rate, "rate")),
        cell(shown(loss.rate, "rate"), f"n = {number(loss.n_words)}" if loss.n_words else ""),
        cell(
            shown(loss.excess, "rate", signed=True, points=True),
            span(loss.ci_lo, loss.ci_hi, "rate", points=True, bare=True),
            mark,
        ),
        cell(chance(loss.p_holm)),
        cell(UNDEFINED if loss.relative is None else _signed_share(loss.relative)),
    ]
    if compared:
        cells.append(cell(shown(loss.effective, "rate", signed=True, points=True)))
    return {"name": loss.condition, "cells": cells}


def flags(loss: ConditionLoss) -> list[str]:
    """Why a condition should not be leaned on, and what was left out; empty when there is nothing to say."""
    found = []
    if loss.n_clips < MIN_PAIRS:
        found.append(f"only {loss.n_clips} of {MIN_PAIRS} pairs")
    elif loss.n_clusters < MIN_CLUSTERS:
        found.append(f"only {loss.n_clusters} of {MIN_CLUSTERS} clusters")
    if loss.failed:
        found.append(f"{loss.failed} left out, not answered")
    return found


def noise(one: Robustness) -> str:
    """The noise sweep of a system in a sentence; empty without one."""
    sweep = one.noise
    if sweep is None:
        return ""
    parts = []
    if sweep.slope_per_db is not None:
        more = shown(-sweep.slope_per_db, "rate", signed=True, points=True)
        parts.append(f"{more} of errors for every dB more noise, between 0 and 20 dB")
    mildest_db, mildest = max(zip(one.noise_snr_db, sweep.relative, strict=True), key=lambda point: point[0])
    if sweep.doubling_snr_db is not None:
        parts.append(f"twice the clean rate at {_decibels(sweep.doubling_snr_db)}")
    elif mildest is not None:
        worse = f"more than twice the clean rate even at {_decibels(mildest_db)}"
        parts.append(worse if mildest > 1 else "the clean rate does not double within the sweep")
    if not sweep.monotone:
        parts.append("not monotone: too few data, for less noise cannot hurt")
    return f"Noise, over {one.noise_clips} clips: {'; '.join(parts)}."


def _decibels(ratio: float) -> str:
    return f"{ratio:.1f}".removesuffix(".0").replace("-", MINUS) + " dB"


def _signed_share(share: float) -> str:
    words = shown(share, "rate", signed=True)
    return words if share < 10 else f"{share + 1:,.0f} times"
