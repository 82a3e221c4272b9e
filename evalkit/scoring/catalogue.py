"""Every metric by id: what it means, and from which columns of the scores it is made. Users read these definitions."""

import functools

from evalkit.errors import SettingsError
from evalkit.scoring.families import FAMILIES
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = tuple(metric for family in FAMILIES for metric in family.METRICS)

_BY_ID = {metric.id: metric for metric in METRICS}


def describe(metric_id: str) -> Metric:
    """The metric of that id.

    Raises:
        SettingsError: there is none; the nearest id is suggested.
    """
    if metric_id not in _BY_ID:
        raise SettingsError.unknown("metric", metric_id, _BY_ID)
    return _BY_ID[metric_id]


@functools.lru_cache(maxsize=1 << 10)
def below(family: str) -> tuple[str, ...]:
    """The ids of the metrics of a family (the leading parts of an id); of one metric, its own."""
    return tuple(metric.id for metric in METRICS if metric.id == family or metric.id.startswith(family + "."))
