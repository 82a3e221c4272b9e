"""Worked cases: account limits."""

from evalkit.scoring import limits
from tests.golden.shared import Answer, Case


def capacity(case: Case) -> Answer:
    given = case["input"]
    load = (given["arrivals_per_s"], given["mean_session_s"])
    needed = limits.needed_concurrency(*load, headroom=given["headroom"])
    return {
        "mean_concurrency": limits.mean_concurrency(*load),
        "needed_with_headroom": needed,
        "fits_documented": needed <= given["documented_sessions"],
    }


def peak_rate(case: Case) -> Answer:
    times_s, window_s = case["input"]["times_s"], case["input"]["window_s"]
    found = limits.observed_rate(times_s, case["input"].get("rejected_s", ()), window_s=window_s)
    return {
        "peak_sliding": limits.peak_rate(times_s, window_s),
        "peak_calendar_minute": limits.peak_calendar_rate(times_s, window_s),
        "rejections": found.rejections,
        "claim": found.claim,
    }


ADAPTERS = {"capacity": capacity, "peak_rate": peak_rate}
