"""Whether a ranking of systems can be trusted: it must hang neither on the text rules nor on the mix of clips."""

from collections.abc import Iterable
from typing import NamedTuple

from evalkit.scoring import text
from evalkit.types import SummaryRow


class System(NamedTuple):
    """A provider over a route."""

    provider: str
    route: str


class Swap(NamedTuple):
    """Two systems whose order depends on the text rules."""

    metric: str
    """Under this rate ``better`` wins ..."""
    other_metric: str
    """... and under this one it loses."""
    better: System
    worse: System


def rank_depends_on_normaliser(summary: Iterable[SummaryRow], *, family: str = "acc.wer") -> list[Swap]:
    """Every pair of systems that changes order between two text profiles; empty: the ranking is safe.

    Args:
        summary: of ``stats.summarise``; rows of all clips are read.
        family: the rates to compare are ``<family>.<profile>``.
    """
    rates: dict[str, dict[System, float]] = {}
    for row in summary:
        head, _, profile = row.metric.rpartition(".")
        if head == family and profile in text.PROFILES and row.slice == "all" and row.value is not None:
            rates.setdefault(row.metric, {})[System(row.provider, row.route)] = row.value
    return [
        Swap(metric, other, first, second)
        for at, (metric, found) in enumerate(rates.items())
        for other, again in list(rates.items())[at + 1 :]
        for first in found
        for second in found
        if first in again and second in again
        if found[first] < found[second] and again[first] > again[second]
    ]


class MixSwap(NamedTuple):
    """Two systems on one route whose order on all clips is not that of the mean of slices."""

    key: str
    """The tag that makes the slices."""
    better: System
    """On all clips."""
    worse: System


def rank_depends_on_mix(summary: Iterable[SummaryRow], *, profile: str = "en") -> list[MixSwap]:
    """Every pair of systems that pooling ranks otherwise than the mean of slices does (Simpson's paradox).

    Args:
        summary: of ``stats.summarise``; rows of all clips and the means of slices are read.
        profile: of the word error rate.
    """
    pooled: dict[System, float] = {}
    means: dict[str, dict[System, float]] = {}
    for row in summary:
        system = System(row.provider, row.route)
        if row.value is not None and row.metric == f"acc.slice.{profile}.macro":
            means.setdefault(row.slice, {})[system] = row.value
        elif row.value is not None and (row.metric, row.slice) == (f"acc.wer.{profile}", "all"):
            pooled[system] = row.value
    return [
        MixSwap(key, first, second)
        for key, found in means.items()
        for first in found
        for second in found
        if first.route == second.route and first in pooled and second in pooled
        if pooled[first] < pooled[second] and found[first] > found[second]
    ]
