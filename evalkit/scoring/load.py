"""Delays and speed under load: what many requests together say, and what a stalled client did not see."""

from collections.abc import Iterable, Sequence


def corrected_for_omission(latencies: Iterable[float], expected_interval: float) -> list[float]:
    """Latencies with the requests that a closed loop never sent while it waited (Tene; HdrHistogram).

    A client that means to send every ``expected_interval`` and waits longer for one answer leaves out those it would
    have sent meanwhile, each of which would have waited one interval less.

    Args:
        latencies: measured, in any unit.
        expected_interval: between two requests, in the same unit; 0 or less leaves all as it is.

    Returns:
        Ascending, with the missing ones.
    """
    found: list[float] = []
    for latency in latencies:
        found.append(latency)
        # 0.3 is three times 0.1, in binary too.
        sends = int(latency / expected_interval + 1e-9) if expected_interval > 0 else 0
        found += (latency - late * expected_interval for late in range(1, sends))
    return sorted(found)


def throughput(audio_s: Sequence[float], spans: Sequence[tuple[float, float]]) -> float | None:
    """Seconds of audio per second of wall clock over requests that overlap: sum of audio / makespan.

    Args:
        audio_s: length of each clip.
        spans: start and end of each request, on one clock.

    Returns:
        None without requests or when no time passed.
    """
    if not spans:
        return None
    makespan = max(end for _, end in spans) - min(start for start, _ in spans)
    return sum(audio_s) / makespan if makespan > 0 else None


def rtfx(audio_s: Sequence[float], processing_s: Sequence[float]) -> float | None:
    """Seconds of audio per second of processing, pooled: sum over sum, never a mean of ratios; None when no time."""
    spent = sum(processing_s)
    return sum(audio_s) / spent if spent > 0 else None
