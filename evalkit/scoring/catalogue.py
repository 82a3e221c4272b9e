"""Every metric by id: what it means, and from which columns of the scores it is made. Users read these definitions."""

import difflib
import functools

from evalkit.errors import SettingsError
from evalkit.scoring import sliced
from evalkit.scoring.families import FAMILIES
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = tuple(metric for family in FAMILIES for metric in family.METRICS)
EVERY: tuple[Metric, ...] = (*METRICS, *sliced.METRICS)
"""With those that are made from the slices of a summary."""

_BY_ID = {metric.id: metric for metric in EVERY}


def describe(metric_id: str) -> Metric:
    """The metric of that id.

    Raises:
        SettingsError: there is none; the nearest id is suggested.
    """
    if metric_id not in _BY_ID:
        raise SettingsError.unknown("metric", metric_id, _BY_ID)
    return _BY_ID[metric_id]


def beginning(prefix: str) -> tuple[Metric, ...]:
    """The metrics whose id begins so, in the order of the catalogue; all of them for an empty prefix.

    Raises:
        SettingsError: there is none; what comes near is suggested.
    """
    found = tuple(metric for metric in EVERY if metric.id.startswith(prefix))
    if not found:
        parts = [metric.id.split(".") for metric in EVERY]
        known = dict.fromkeys(".".join(part[:length]) for part in parts for length in range(1, len(part) + 1))
        near = difflib.get_close_matches(prefix.rstrip("."), known, n=3)
        families = dict.fromkeys(part[0] for part in parts)
        hint = f"did you mean {' or '.join(near)}?" if near else f"they begin with {', '.join(families)}"
        raise SettingsError(f"no metric begins with {prefix!r}; {hint}")
    return found


@functools.lru_cache(maxsize=1 << 10)
def below(family: str) -> tuple[str, ...]:
    """The ids of the metrics of a family (the leading parts of an id); of one metric, its own."""
    return tuple(metric.id for metric in METRICS if metric.id == family or metric.id.startswith(family + "."))
