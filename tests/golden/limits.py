"""Worked cases: account limits."""

from evalkit.scoring import limits
from tests.golden.shared import Answer, Case


def capacity(case: Case) -> Answer:
    given = case["input"]
    load = (given["arrivals_per_s"], given["mean_session_s"])
    needed = limits.needed_concurrency(*load, headroom=given.get("headroom", limits.HEADROOM))
    documented = given.get("documented_sessions")
    return {
        "mean_concurrency": limits.mean_concurrency(*load),
        "needed_with_headroom": needed,
        "fits_documented": None if documented is None else needed <= documented,
    }


def peak_rate(case: Case) -> Answer:
    times_s, window_s = case["input"]["times_s"], case["input"].get("window_s", 60)
    found = limits.observed_rate(times_s, case["input"].get("rejected_s") or (), window_s=window_s)
    return {
        "peak_sliding": limits.peak_rate(times_s, window_s),
        "peak_calendar_minute": limits.peak_calendar_rate(times_s, window_s),
        "rejections": found.rejections,
        "claim": found.claim,
    }


ADAPTERS = {"capacity": capacity, "peak_rate": peak_rate}
