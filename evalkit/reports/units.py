"""How a number is written: the same in the terminal, the page, the plots and the notebook.

Rates are stored as fractions and shown in percent, times are stored in seconds and shown in milliseconds below ten
seconds, prices are shown in dollars. An undefined number is a dash, never a zero.
"""

import math
from collections.abc import Sequence

from evalkit.types import SummaryRow

UNDEFINED = "–"
MINUS = "−"
_LONG_S = 10.0
"""Times from here on read better in seconds."""
_SECONDS = " s"

_CENT = 0.01
_DOLLARS = {"usd": "", "usd_per_h": " /h"}
"""Units of money and what stands after the number."""

UNIT_WORDS = {
    "rate": "percent",
    "s": "milliseconds",
    "per_min": "per minute of audio",
    "x": "times",
    "usd": "US dollars",
    "usd_per_h": "US dollars per hour of audio",
    "count": "count",
}
DIRECTION_WORDS = {"lower": "lower is better", "higher": "higher is better", "zero": "nearer to zero is better"}

STATUS_WORDS = {
    "ok": "",
    "undefined": "undefined",
    "not_applicable": "not applicable",
    "missing_input": "not in the data",
    "insufficient": "too few data",
    "not_tested": "not tested",
}


def shown(value: float | None, unit: str, *, signed: bool = False, points: bool = False) -> str:
    """A number with its unit, e.g. ``12.3 %``, ``650 ms``, ``$0.100 /h``; a dash when there is none.

    Args:
        value: in the unit of storage (fractions, seconds, dollars).
        unit: as of a metric (``types.Metric``); another unit is printed as it is.
        signed: always print a sign.
        points: a difference of two rates, in percentage points.
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if unit in _DOLLARS:
        digits = _dollar_digits(unit, value)
        return f"{_sign(round(value, digits), signed)}${abs(value):,.{digits}f}{_DOLLARS[unit]}"
    factor, digits, suffix = _scale(value, unit, points=points)
    rounded = round(value * factor, digits)
    return f"{_sign(rounded, signed)}{abs(rounded):,.{digits}f}{suffix}"


def span(low: float | None, high: float | None, unit: str, *, points: bool = False, bare: bool = False) -> str:
    """An interval with its unit said once, e.g. ``9.1 to 14.2 %``; empty when an end is unknown or both print alike.

    Args:
        low: lower end, in the unit of storage.
        high: upper end.
        unit: as for `shown`.
        points: an interval of a difference of two rates.
        bare: leave the unit out, where a number with it stands just above; seconds are told, as that may be in ms.
    """
    if low is None or high is None or shown(low, unit) == shown(high, unit):
        return ""
    if unit in _DOLLARS:
        digits = max(_dollar_digits(unit, end) for end in (low, high))
        ends = [f"{_sign(round(end, digits), False)}${abs(end):,.{digits}f}" for end in (low, high)]
        return " to ".join(ends) + ("" if bare else _DOLLARS[unit])
    largest = max((low, high), key=abs)
    factor, digits, suffix = _scale(largest, unit, points=points)
    ends = [
        f"{_sign(end, False)}{abs(end):,.{digits}f}" for end in (round(end * factor, digits) for end in (low, high))
    ]
    return " to ".join(ends) + ("" if bare and suffix != _SECONDS else suffix)


def status(row: SummaryRow | None) -> str:
    """Why a figure should not be leaned on, in words; empty when it may be."""
    if row is None:
        return STATUS_WORDS["not_tested"]
    return STATUS_WORDS.get(row.status, row.status.replace("_", " "))


def told(row: SummaryRow | None) -> bool:
    """Whether a row has a figure, or units that are too few for one: not being measurable is a finding."""
    return row is not None and (row.value is not None or bool(row.note and row.n_units))


def number(value: float) -> str:
    """A count with thousands separated."""
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """A length of audio or of work, e.g. ``3 min 10 s``, ``2 h 05 min``."""
    if seconds is None:
        return UNDEFINED
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def fine(seconds: float) -> str:
    """A lateness in milliseconds with two decimals, e.g. ``0.43 ms``."""
    rounded = round(seconds * 1000, 2)
    return f"{_sign(rounded, False)}{abs(rounded):,.2f} ms"


def _dollar_digits(unit: str, value: float) -> int:
    """Prices are told to a tenth of a cent, sums from a dollar on to the cent, and what is smaller finer."""
    if value != 0 and abs(value) < _CENT:
        return 4
    return 2 if unit == "usd" and (abs(value) >= 1 or value == 0) else 3


def _scale(value: float, unit: str, *, points: bool) -> tuple[float, int, str]:
    """Factor, decimals and suffix for a number of this size."""
    if unit == "rate":
        return (100.0, 1, " points") if points else (100.0, 1, " %")
    if unit == "s":
        return (1.0, 1, _SECONDS) if abs(value) >= _LONG_S else (1000.0, 0, " ms")
    if unit == "per_min":
        return 1.0, 1, " /min"
    if unit == "x":
        return 1.0, 1, " ×"
    if unit == "count":
        return 1.0, 0 if float(value).is_integer() else 1, ""
    return 1.0, 3, f" {unit}"


def _sign(value: float, always: bool) -> str:
    if value < 0:
        return MINUS
    return "+" if always and value > 0 else ""


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
