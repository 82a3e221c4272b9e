"""Worked cases: account limits."""

from collections.abc import Mapping
from typing import Any

from evalkit.scoring import failures, limits
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


def rejected_s(given: Mapping[str, Any]) -> list[float]:
    """When something was refused: told as times, as a flag for each request or as its status."""
    flags = given.get("rejected")
    if "statuses" in given:
        flags = [not failures.succeeded(status) for status in given["statuses"]]
    if flags is not None:
        return [time for time, refused in zip(given["times_s"], flags, strict=True) if refused]
    return list(given.get("rejected_s") or ())


def peak_rate(case: Case) -> Answer:
    times_s, window_s = case["input"]["times_s"], case["input"].get("window_s", 60)
    found = limits.observed_rate(times_s, rejected_s(case["input"]), window_s=window_s)
    return {
        "peak_sliding": limits.peak_rate(times_s, window_s),
        "peak_calendar_minute": limits.peak_calendar_rate(times_s),
        "rejections": found.rejections,
        "claim": found.claim,
    }


ADAPTERS = {"capacity": capacity, "peak_rate": peak_rate}
