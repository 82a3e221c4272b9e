"""Segments for MAPSSWE, the matched pairs sentence-segment word error test of NIST's sc_stats.

An utterance is cut wherever two systems have both got enough words right in a row; the stretches of trouble between
those cuts are taken as independent (Gillick & Cox 1989; Pallett, Fisher, Fiscus 1990; SCTK src/sclite/mtchprs.c).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.scoring.words import Pair

MIN_GOOD = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which at least one system is wrong."""

    errors: int
    against_errors: int
    reference_words: int
    """Those of the stretch and up to ``min_good`` right ones on either side, as sc_stats counts them."""

    @property
    def difference(self) -> int:
        return self.errors - self.against_errors


@dataclass(slots=True)
class _Column:
    """A reference word, or what both systems inserted before it."""

    errors: int
    against_errors: int
    words: int

    @property
    def good(self) -> bool:
        return not self.errors and not self.against_errors


def segments(pairs: Sequence[Pair], against: Sequence[Pair], *, min_good: int = MIN_GOOD) -> list[Segment]:
    """The segments of one utterance.

    Args:
        pairs: hit alignment of the reference with one system.
        against: hit alignment of the same reference with the other system.
        min_good: so many words in a row that both systems got right end a segment.

    Raises:
        ValueError: the alignments are not of one reference.
    """
    columns = _columns(pairs, against)
    found: list[Segment] = []
    start = 0
    while (start := _next(columns, start, good=False)) < len(columns):
        end = start
        while end < len(columns):
            good_from = _next(columns, end, good=True)
            good_to = _next(columns, good_from, good=False)
            if good_to - good_from >= min_good:
                break
            end = good_to
        else:
            good_from = len(columns)
        inside = columns[start:good_from]
        before = columns[_last_good(columns, start, min_good) : start]
        found.append(
            Segment(
                sum(column.errors for column in inside),
                sum(column.against_errors for column in inside),
                sum(column.words for column in (*before, *inside, *columns[good_from : good_from + min_good])),
            )
        )
        start = good_from
    return found


def _columns(pairs: Sequence[Pair], against: Sequence[Pair]) -> list[_Column]:
    mine, theirs = _slots(pairs), _slots(against)
    if len(mine[0]) != len(theirs[0]):
        raise ValueError("both systems must be aligned with the same reference")
    columns: list[_Column] = []
    for index in range(len(mine[1])):
        inserted = (mine[1][index], theirs[1][index])
        if any(inserted):
            columns.append(_Column(*inserted, 0))
        if index < len(mine[0]):
            columns.append(_Column(mine[0][index], theirs[0][index], 1))
    return columns


def _slots(pairs: Sequence[Pair]) -> tuple[list[int], list[int]]:
    """Whether each reference word is wrong, and how many words were inserted before it and after the last."""
    wrong: list[int] = []
    inserted = [0]
    for pair in pairs:
        if pair.reference is None:
            inserted[-1] += 1
        else:
            wrong.append(int(pair.op != "hit"))
            inserted.append(0)
    return wrong, inserted


def _next(columns: Sequence[_Column], start: int, *, good: bool) -> int:
    return next((index for index in range(start, len(columns)) if columns[index].good == good), len(columns))


def _last_good(columns: Sequence[_Column], end: int, most: int) -> int:
    """Where the right words just before ``end`` begin, at most ``most`` of them."""
    start = end
    while start > max(end - most, 0) and columns[start - 1].good:
        start -= 1
    return start
