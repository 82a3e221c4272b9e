"""Worked cases: timestamps."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from evalkit.scoring import plausible, text, timing
from evalkit.stats import intervals
from evalkit.types import Word
from tests.golden.shared import Answer, Case, milliseconds, rules_of, share, timed

LIMITS_MS = (10, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 2000, 5000)


def matched(case: Case, said: Sequence[Word], got: Sequence[Word]) -> tuple[list[timing.Drift], float | None]:
    """Words matched, and their share of those that can be."""
    rules = text.profile(rules_of(case, "basic"))
    found = timing.drifts(said, got, rules)
    return found, share(len(found), timing.comparable_words(said, rules))


def edge_figures(name: str, found: timing.Offsets) -> Answer:
    sizes = [abs(value) for value in found.values_s]
    within = {str(limit): found.within(limit / 1000) for limit in LIMITS_MS}
    return {
        f"{name}_diff_s": list(found.values_s),
        f"{name}_mean_ms": milliseconds(found.mean_s),
        f"{name}_median_ms": milliseconds(found.median_s),
        f"{name}_mae_ms": milliseconds(found.mean_absolute_s),
        f"{name}_p95_abs_ms": milliseconds(found.p95_absolute_s),
        **{f"{name}_p{rank}_abs_ms": milliseconds(intervals.percentile(sizes, rank / 100)) for rank in (50, 90, 99)},
        f"{name}_within": within,
        **{f"within_{limit}_{name}": value for limit, value in within.items()},
    }


def timestamp_error(case: Case) -> Answer:
    said, got = timed(case["input"]["reference"]), timed(case["input"]["hypothesis"])
    found, coverage = matched(case, said, got)
    starts, ends = timing.offsets(found)
    aas = milliseconds(timing.boundaries(found).mean_absolute_s)
    return {
        "matched": len(found),
        "coverage": coverage,
        "aas_mean_boundary_ms": aas,
        "aas_funasr_ms": None if aas is None else 2 * aas,
        **edge_figures("start", starts),
        **edge_figures("end", ends),
    }


def timestamp_agreement(case: Case) -> Answer:
    said, got = timed(case["input"]["rest"]), timed(case["input"]["stream"])
    found, coverage = matched(case, said, got)
    starts, ends = timing.offsets(found)
    return {
        "matched": len(found),
        "coverage_vs_rest": coverage,
        **edge_figures("start", starts),
        **edge_figures("end", ends),
    }


def drift(case: Case) -> Answer:
    pairs = zip(case["input"]["ref_start_s"], case["input"]["diff_ms"], strict=True)
    known = [(at_s, diff_ms / 1000) for at_s, diff_ms in pairs if at_s is not None and diff_ms is not None]
    at_s, drifts_s = [at for at, _ in known], [diff for _, diff in known]
    found = timing.slope(at_s, drifts_s)
    return {
        "theil_sen_ms_per_min": milliseconds(found.s_per_min if found else None),
        "drift_over_60min_ms": milliseconds(found.after_s(3600) if found else None),
        "intercept_ms": milliseconds(found.intercept_s if found else None),
        "jitter_ms": milliseconds(found.jitter_s if found else None),
        "mad_ms": milliseconds(found.jitter_s if found else None),
        "max_step_ms": milliseconds(timing.largest_step(at_s, drifts_s)),
        # What another tool makes of it: least squares.
        "ols_ms_per_min": 60_000 * float(np.polyfit(at_s, drifts_s, 1)[0]) if found else None,
        "mean_ms": milliseconds(statistics.fmean(drifts_s)) if drifts_s else None,
    }


TOLERANCES = {"overlap_tol_s": "overlap_s", "max_word_s": "longest_s", "duration_tol_s": "beyond_s"}


def timestamp_validity(case: Case) -> Answer:
    limits = {ours: case["params"][theirs] for theirs, ours in TOLERANCES.items() if theirs in case["params"]}
    duration_s = {**case["input"], **case["params"]}.get("audio_duration_s")
    end_s = math.inf if duration_s is None else duration_s
    found = plausible.time_faults(timed(case["input"]["words"]), end_s, **limits)
    counts = asdict(found)
    each = {f"{name}_per_1000": share(1000 * count, found.words) for name, count in counts.items()}
    return {**counts, **each, "start_before_zero": found.negative_start, "contract_violations": found.broken}


def time_quantum(case: Case) -> Answer:
    times_s = [time_s for time_s in case["input"]["times_s"] if time_s is not None]
    return {"quantum_ms": milliseconds(plausible.time_grid_s(times_s))}


ADAPTERS = {
    "timestamp_error": timestamp_error,
    "timestamp_agreement": timestamp_agreement,
    "drift": drift,
    "timestamp_validity": timestamp_validity,
    "time_quantum": time_quantum,
}
