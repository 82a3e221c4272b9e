"""Punctuation marks found again: words and marks aligned together, every mark being like every other.

The alignment is that of the published punctuation error rate (Meister et al. 2023, NeMo's ``punct_er.py``), ties
included: every error costs 1, and, read from the end, the diagonal comes before an insertion before a deletion. The
weights of the ``hit`` alignment put marks elsewhere where words are wrong.
"""

from collections.abc import Collection, Sequence

from evalkit.scoring.band import DELETION, INSERTION, UNIT, cheapest_path

_MARK = ""


def mark_pairs(
    reference: Sequence[str], hypothesis: Sequence[str], marks: Collection[str]
) -> list[tuple[str | None, str | None]]:
    """Every mark with the one that stands for it.

    Args:
        reference: words and marks in order.
        hypothesis: words and marks in order.
        marks: which tokens are marks.

    Returns:
        (mark of the reference, mark of the hypothesis), None where a side has none, in the order of the text.
    """
    left, right = ([_MARK if token in marks else token for token in side] for side in (reference, hypothesis))
    found: list[tuple[str | None, str | None]] = []
    row = column = 0
    # A path prefers deletions to insertions; seen from the other side it is the published way.
    for step in cheapest_path(right, left, costs=UNIT):
        mine = reference[row] if step != DELETION and left[row] == _MARK else None
        theirs = hypothesis[column] if step != INSERTION and right[column] == _MARK else None
        if mine or theirs:
            found.append((mine, theirs))
        row += step != DELETION
        column += step != INSERTION
    return found
