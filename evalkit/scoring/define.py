"""How a line of the catalogue is written: ratios of columns, and spreads of values."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from evalkit.types import Metric

Direction = Literal["lower", "higher", "zero"]
Statistic = Literal["p50", "p95", "p99", "max"]

LEVENSHTEIN = "Levenshtein alignment by jiwer; NIST sclite"


def columns(base: str, *names: str) -> tuple[str, ...]:
    """The names of columns under ``base``."""
    return tuple(f"{base}.{name}" for name in names)


def ratio(
    metric_id: str,
    title: str,
    definition: str,
    numerator: Sequence[str],
    denominator: Sequence[str],
    *,
    source: str = "evalkit",
    unit: str = "rate",
    direction: Direction = "lower",
    scale: float = 1.0,
    bounded: bool | None = None,
    absolute: bool = False,
) -> Metric:
    """A metric that is one sum of columns over another.

    Args:
        metric_id: unique, dotted.
        title: what a table calls it.
        definition: one sentence.
        numerator: columns that are added.
        denominator: columns that are added.
        source: who defined it.
        unit: of the ratio.
        direction: which way is better.
        scale: what the ratio is multiplied by.
        bounded: whether it is a share and cannot exceed 1. None: it is one when it is a rate of which more is better,
            or when every column above is also one below.
        absolute: whether the pooled columns above count without their signs.
    """
    if bounded is None:
        parts = Counter(numerator) <= Counter(denominator)
        bounded = unit == "rate" and direction != "zero" and (direction == "higher" or parts)
    sides = (tuple(numerator), tuple(denominator))
    about = (metric_id, title, unit, direction, definition, source)
    return Metric(*about, *sides, scale=scale, bounded=bounded, absolute=absolute)


def spread(
    metric_id: str, title: str, definition: str, values: str, statistic: Statistic, *, source: str = "evalkit"
) -> Metric:
    """A statistic in seconds over the values of all clips."""
    return Metric(metric_id, title, "s", "lower", definition, source, values=values, statistic=statistic)


def error_rate(metric_id: str, title: str, definition: str, source: str = LEVENSHTEIN) -> Metric:
    """An error rate whose counts are the columns under its own id."""
    return ratio(
        metric_id,
        title,
        definition,
        columns(metric_id, "substitutions", "deletions", "insertions"),
        columns(metric_id, "hits", "substitutions", "deletions"),
        source=source,
    )


def sentence(text: str) -> str:
    """With a capital in front; ``str.capitalize`` would also lower every other one."""
    return text[:1].upper() + text[1:]


def latency(base: str, title: str, definition: str, *statistics: Statistic, source: str = "evalkit") -> list[Metric]:
    """The statistics of one delay, in which a failed clip is a unit that never came."""
    names = {"p50": "median", "p95": "95th percentile", "p99": "99th percentile", "max": "maximum"}
    return [
        spread(
            f"{base}.{statistic}",
            f"{title} {statistic}",
            f"{definition}; {names[statistic]} by nearest rank, failed clips counting as never.",
            base,
            statistic,
            source=source,
        )
        for statistic in statistics
    ]
