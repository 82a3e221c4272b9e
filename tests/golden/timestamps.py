"""Worked cases: timestamps."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from evalkit.scoring import plausible, text, timing
from evalkit.types import Word
from tests.golden.shared import Answer, Case, milliseconds, timed


def offsets(said: Sequence[Word], got: Sequence[Word]) -> tuple[int, timing.Offsets, timing.Offsets]:
    found = timing.drifts(said, got, text.profile("basic"))
    starts = timing.Offsets(tuple(drift.start_s for drift in found))
    ends = timing.Offsets(tuple(drift.end_s for drift in found if drift.end_s is not None))
    return len(found), starts, ends


def timestamp_error(case: Case) -> Answer:
    said, got = timed(case["input"]["reference"]), timed(case["input"]["hypothesis"])
    matched, starts, ends = offsets(said, got)
    both = timing.Offsets(starts.values_s + ends.values_s)
    answer: Answer = {
        "matched": matched,
        "coverage": matched / timing.comparable_words(said, text.profile("basic")),
        "start_diff_s": list(starts.values_s),
        "end_diff_s": list(ends.values_s),
        "aas_mean_boundary_ms": milliseconds(both.mean_absolute_s),
        "aas_funasr_ms": 2000 * (both.mean_absolute_s or 0.0),
    }
    for edge, found in (("start", starts), ("end", ends)):
        answer[f"{edge}_mean_ms"] = milliseconds(found.mean_s)
        answer[f"{edge}_median_ms"] = milliseconds(found.median_s)
        answer[f"{edge}_mae_ms"] = milliseconds(found.mean_absolute_s)
        answer[f"{edge}_p95_abs_ms"] = milliseconds(found.p95_absolute_s)
        answer[f"{edge}_within"] = {str(limit): found.within(limit / 1000) for limit in (50, 100, 200)}
    return answer


def timestamp_agreement(case: Case) -> Answer:
    said, got = timed(case["input"]["rest"]), timed(case["input"]["stream"])
    matched, starts, ends = offsets(said, got)
    return {
        "matched": matched,
        "coverage_vs_rest": matched / timing.comparable_words(said, text.profile("basic")),
        "start_median_ms": milliseconds(starts.median_s),
        "start_mae_ms": milliseconds(starts.mean_absolute_s),
        "end_mae_ms": milliseconds(ends.mean_absolute_s),
        "within_50_start": starts.within(0.05),
        "within_50_end": ends.within(0.05),
    }


def drift(case: Case) -> Answer:
    at_s, drifts_s = case["input"]["ref_start_s"], [diff / 1000 for diff in case["input"]["diff_ms"]]
    found = timing.slope(at_s, drifts_s)
    return {
        "theil_sen_ms_per_min": milliseconds(found.s_per_min if found else None),
        "drift_over_60min_ms": milliseconds(found.after_s(3600) if found else None),
        # What another tool makes of it: least squares.
        "ols_ms_per_min": 60_000 * float(np.polyfit(at_s, drifts_s, 1)[0]),
    }


def timestamp_validity(case: Case) -> Answer:
    params = case["params"]
    found = plausible.time_faults(
        timed(case["input"]["words"]),
        case["input"]["audio_duration_s"],
        overlap_s=params["overlap_tol_s"],
        longest_s=params["max_word_s"],
        beyond_s=params["duration_tol_s"],
    )
    return asdict(found)


def time_quantum(case: Case) -> Answer:
    return {"quantum_ms": milliseconds(plausible.time_grid_s(case["input"]["times_s"]))}


ADAPTERS = {
    "timestamp_error": timestamp_error,
    "timestamp_agreement": timestamp_agreement,
    "drift": drift,
    "timestamp_validity": timestamp_validity,
    "time_quantum": time_quantum,
}
