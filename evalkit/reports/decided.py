"""What a paired difference says, in words: who is better, how sure that is, and whether one may switch."""

from collections.abc import Mapping

from evalkit.reports.units import UNDEFINED, number, shown, span
from evalkit.types import Difference

LABELS: Mapping[str, str] = {
    "superior": "superior",
    "non_inferior": "not worse",
    "non_inferior_but_worse": "worse, within the margin",
    "inferior": "worse than the margin",
    "worse_inconclusive": "worse, by how much is open",
    "inconclusive": "open",
}
"""The labels of non-inferiority as a table shows them."""


def compared(row: Difference, subject: str, other: str, *, where: str = "") -> str:
    """Sentences on a difference in word errors, with its interval and support, and what more data would take."""
    values = f"{shown(row.value, row.unit)} against {shown(row.against_value, row.unit)}"
    support = f"{row.n_clips} clips, {row.n_clusters} clusters"
    gap = shown(row.difference, row.unit, signed=True, points=True)
    interval = span(row.ci_lo, row.ci_hi, row.unit, points=True)
    if row.verdict == "insufficient" or row.difference is None:
        few = f"{where}Too few data to compare the word errors of {subject} and {other}: {values} ({support})."
        return few + wanted(row)
    if row.verdict == "no_clear_difference":
        blind = ""
        if row.smallest_detectable is not None:
            least = shown(row.smallest_detectable, row.unit, points=True)
            blind = f" This run could not have seen less than {least}."
        return (
            f"{where}No clear difference in word errors between {subject} and {other}: {values}, a difference of {gap} "
            f"(95 % interval {interval or 'unknown'}, {support}).{_noted(row)}{blind}{wanted(row)}"
        )
    more = "fewer" if row.verdict == "better" else "more"
    return (
        f"{where}{subject} makes {more} word errors than {other}: {values}, a difference of {gap} "
        f"(95 % interval {interval or 'unknown'}, {support}).{_noted(row)}"
    )


def _noted(row: Difference) -> str:
    """What there is to say of an interval, as a sentence with a space in front."""
    return f" {row.note[0].upper()}{row.note[1:]}." if row.note and row.ci_lo is not None else ""


def clips_wanted(row: Difference) -> int | None:
    """How many clips, in all, would settle an open question; None when it is settled, or nobody can tell."""
    settled = row.margin is None or row.gate == "pass"
    return None if settled or (row.clips_needed or 0) <= row.n_clips else row.clips_needed


def wanted(row: Difference) -> str:
    """The same as a sentence with a space in front; empty where there is none."""
    clips = clips_wanted(row)
    if clips is None:
        return ""
    least = shown(row.margin, row.unit, points=True)
    return f" To settle a margin of {least} takes about {number(clips)} clips like these."


def chance(p: float | None, *, drawn: bool = False) -> str:
    """A p-value or a probability with as many digits as mean something.

    Args:
        p: between 0 and 1.
        drawn: a share of random draws, which is never quite 0 or 1.
    """
    if p is None:
        return UNDEFINED
    if p < 0.001:
        return "< 0.001"
    return "> 0.999" if p > 0.999 and (drawn or p < 1) else f"{p:.3f}".rstrip("0").rstrip(".")


def p_adjusted(row: Difference) -> float | None:
    """The p-value to read: Holm's of a rate with a margin, which was declared beforehand; else that of the whole table.

    Holm's confirms what was asked; Benjamini and Hochberg's says how much to trust what was found by looking.
    """
    return row.p_bh if row.margin is None else row.p_holm


def evidence(row: Difference) -> str:
    """The small print of a difference: support, how its interval was made, tests, and what could have been seen."""
    points = row.unit == "rate"
    parts = [f"paired on {row.n_clips} clips, {row.n_clusters} clusters", *filter(None, [row.ci_method])]
    if row.smallest_detectable is not None:
        parts.append(f"smallest detectable difference {shown(row.smallest_detectable, row.unit, points=points)}")
    if row.p is not None:
        parts.append(f"{row.test} p {chance(row.p)}, adjusted {chance(p_adjusted(row))}")
    if row.poi is not None:
        tied = f", of a tie {chance(row.ties, drawn=True)}" if row.ties else ""
        parts.append(f"probability of improvement {chance(row.poi, drawn=True)}{tied}")
    if row.note:
        parts.append(row.note)
    return "; ".join(parts)
