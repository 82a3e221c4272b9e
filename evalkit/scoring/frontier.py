"""Which systems are worth considering at all, and what the faster route costs."""

from collections.abc import Mapping
from dataclasses import dataclass

Point = Mapping[str, float]
"""Axis -> figure; lower is better on every axis."""
Interval = tuple[float, float]


def frontier(points: Mapping[str, Point]) -> list[str]:
    """Names of the systems that no other dominates, sorted."""
    beaten = dominated(points)
    return sorted(name for name in points if name not in beaten)


def dominated(
    points: Mapping[str, Point], *, intervals: Mapping[str, Mapping[str, Interval]] | None = None
) -> dict[str, str]:
    """Who is no better on any axis and worse on one, and by whom; systems are compared on the axes both have.

    Args:
        points: name -> axis -> figure.
        intervals: name -> axis -> 95 % interval; with them a system is dominated only *clearly*: the intervals of the
            axes on which the other is better must not overlap (an axis without an interval is known exactly).

    Returns:
        Dominated name -> the first system, in the order given, that dominates it.
    """
    found = {}
    for name, point in points.items():
        rivals = (other for other, rival in points.items() if _dominates(other, rival, name, point, intervals))
        if (rival := next(rivals, None)) is not None:
            found[name] = rival
    return found


def _plainly(rival: Point, point: Point) -> bool:
    axes = rival.keys() & point.keys()
    return all(rival[axis] <= point[axis] for axis in axes) and any(rival[axis] < point[axis] for axis in axes)


def _dominates(
    other: str, rival: Point, name: str, point: Point, intervals: Mapping[str, Mapping[str, Interval]] | None
) -> bool:
    if not _plainly(rival, point):
        return False
    if intervals is None:
        return True
    axes = [axis for axis in rival.keys() & point.keys() if rival[axis] < point[axis]]

    def apart(axis: str) -> bool:
        mine, theirs = intervals.get(name, {}).get(axis), intervals.get(other, {}).get(axis)
        return (theirs[1] if theirs else rival[axis]) < (mine[0] if mine else point[axis])

    return all(apart(axis) for axis in axes)


@dataclass(frozen=True, slots=True)
class RouteChoice:
    """What streaming costs more than REST, and what it buys."""

    extra_usd_per_h: float
    saved_s: float
    """REST p95 minus streaming p95."""
    usd_per_h_per_s: float | None
    """Price of each second saved; None when nothing is saved."""
    rest_is_enough: bool
    """REST already meets the declared need: then streaming is a cost and not a feature."""


def price_of_latency(
    rest_usd_per_h: float, stream_usd_per_h: float, rest_p95_s: float, stream_p95_s: float, *, need_s: float
) -> RouteChoice:
    """Set the price difference of the routes against the difference of their delays and the product's need.

    Args:
        rest_usd_per_h: per hour of audio.
        stream_usd_per_h: per hour of audio.
        rest_p95_s: delay the user would feel.
        stream_p95_s: the same delay over the stream.
        need_s: the delay the product can live with.
    """
    extra, saved = stream_usd_per_h - rest_usd_per_h, rest_p95_s - stream_p95_s
    return RouteChoice(extra, saved, extra / saved if saved > 0 else None, rest_p95_s <= need_s)
