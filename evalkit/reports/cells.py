"""What stands in the cells of a table on the page: plain dictionaries for its template."""

from evalkit.reports.decided import evidence
from evalkit.reports.headline import Headline
from evalkit.reports.lines import Line
from evalkit.reports.units import UNDEFINED, number, shown, span, status, told
from evalkit.types import Difference, Route, SummaryRow

VERDICTS = {
    "better": "better",
    "worse": "worse",
    "no_clear_difference": "no clear difference",
    "insufficient": "too few data",
    "exact": "exact",
}

_BLANK = {"text": UNDEFINED, "interval": "", "bounds": "", "support": "", "macro": "", "status": "", "title": ""}


def cell(text: str, small: str = "", mark: str = "") -> dict[str, str]:
    """What stands in a cell, in small print under it, and the class of both."""
    return {"text": text, "small": small, "mark": mark}


def figure(row: SummaryRow | None, *, macro: bool = False, brief: bool = False) -> dict[str, str] | None:
    """A figure with its interval and support, or why there is none.

    Args:
        row: the figure.
        macro: add the mean of clips.
        brief: keep what a figure lacks to the tooltip.
    """
    if row is None or row.status == "not_applicable" or (row.value is None and not told(row)):
        return None
    parts = [f"{row.n_clips} clips", f"{row.n_clusters} clusters"]
    if row.numerator is not None and row.denominator is not None:
        parts.insert(0, f"{row.numerator:,.6g} of {row.denominator:,.6g}")
    parts += filter(None, [row.ci_method, row.note])
    why = status(row) and (status(row) if brief else row.note or status(row))
    return {
        "text": shown(row.value, row.unit),
        "interval": span(row.ci_lo, row.ci_hi, row.unit, bare=True),
        "bounds": "",
        "support": f"n = {number(row.n_units)}" if row.n_units and row.value is not None else "",
        "macro": f"mean of clips {shown(row.macro, row.unit)}" if macro and row.macro is not None else "",
        "status": _short(why),
        "title": ", ".join(parts),
    }


def _short(why: str) -> str:
    """A note without what the line it stands in says already."""
    return (why.partition(": ")[2] or why).removeprefix("not measurable with ").replace("of timed words ", "")


def of_line(head: Headline, line: Line, provider: str, route: Route) -> dict[str, str] | None:
    """The figure of a line, with the ends of what it may be where it has such."""
    made = figure(head.row(provider, route, line.metric))
    if line.bounds is None:
        return made
    words, *ends = line.bounds
    low, high = (head.row(provider, route, metric) for metric in ends)
    if low is None or high is None or low.value is None or high.value is None:
        return made
    told_ends = span(low.value, high.value, low.unit, bare=made is not None) or shown(low.value, low.unit)
    return {**(made or _BLANK), "bounds": f"{words} {told_ends}"}


def gap(head: Headline, row: Difference | None) -> dict[str, str] | None:
    """A difference with its interval and its verdict."""
    if row is None or row.difference is None:
        return None
    points, bar = row.unit == "rate", head.bar(row)
    return {
        "text": shown(row.difference, row.unit, signed=True, points=points),
        "interval": span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True),
        "verdict": "" if bar else row.verdict,
        "words": "not comparable" if bar else VERDICTS[row.verdict],
        "title": "; ".join(filter(None, [bar, evidence(row)])),
    }
