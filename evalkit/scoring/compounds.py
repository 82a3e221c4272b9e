"""Word errors when splitting or joining a compound is free: "week night" against "weeknight"."""

import functools
import operator
from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

MAX_PARTS = 3

Tokens = tuple[str, ...]

_Joins = dict[int, list[tuple[int, int]]]
"""End of the longer side's run -> (parts, end of the single word on the other side); ends count from 1."""


def compound_errors(reference: Sequence[str], hypothesis: Sequence[str], *, kept: Collection[str] = ()) -> int:
    """Fewest unit-cost word errors when two or three neighbours that spell one word of the other side are free.

    The definition is that of kaldialign's ``merge_compounds``, with at most three parts.

    Args:
        reference: tokens, already normalised.
        hypothesis: tokens, already normalised.
        kept: words that may neither be made nor used up by joining.

    Returns:
        Substitutions, deletions and insertions together; never more than without joins.
    """
    strict = Levenshtein.distance(reference, hypothesis)
    # One error is never a compound: sides that are equal but for their spaces differ in two places or in none.
    if strict < 2:
        return strict
    left, right = tuple(reference), tuple(hypothesis)
    split_here, split_there = _joins(left, right, kept), _joins(right, left, kept)
    if not split_here and not split_there:
        return strict
    return _distance(reference, hypothesis, split_here, split_there)


def _joins(parts: Tokens, wholes: Tokens, kept: Collection[str]) -> _Joins:
    """Where neighbours on the first side spell one word of the second."""
    found: _Joins = defaultdict(list)
    for start, end in _spelt(parts, wholes):
        whole = "".join(parts[start:end])
        if not any(word in kept for word in (whole, *parts[start:end])):
            found[end] += [(end - start, place) for place, word in enumerate(wholes, start=1) if word == whole]
    return found


@functools.lru_cache(maxsize=16)
def _spelt(parts: Tokens, wholes: Tokens) -> tuple[tuple[int, int], ...]:
    """Runs of the first side that spell a word of the second, the short ones first; asked for of one clip in turn."""
    words, joined = frozenset(wholes), parts
    found: list[tuple[int, int]] = []
    for size in range(2, MAX_PARTS + 1):
        joined = tuple(map(operator.add, joined, parts[size - 1 :]))
        if not words.isdisjoint(joined):
            found += [(start, start + size) for start, whole in enumerate(joined) if whole in words]
    return tuple(found)


def _distance(left: Sequence[str], right: Sequence[str], here: _Joins, there: _Joins) -> int:
    """One array per row of the grid; joins are the few extra steps that reach further back than one row or column."""
    ids: dict[str, int] = {}
    rows = [ids.setdefault(word, len(ids)) for word in left]
    columns: NDArray[np.int32] = np.array([ids.setdefault(word, len(ids)) for word in right], dtype=np.int32)
    by_single: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for end, joins in there.items():
        for parts, row in joins:
            by_single[row].append((parts, end))
    gaps = np.arange(len(right) + 1, dtype=np.int32)
    recent = [gaps]
    for row, token in enumerate(rows, start=1):
        before = recent[-1]
        now = before + 1
        np.minimum(now[1:], before[:-1] + (columns != token), out=now[1:])
        for parts, place in here.get(row, ()):
            now[place] = min(now[place], recent[-parts][place - 1])
        for parts, end in by_single.get(row, ()):
            now[end] = min(now[end], before[end - parts])
        now = np.minimum.accumulate(now - gaps) + gaps
        recent = [*recent[1 - MAX_PARTS :], now]
    return int(recent[-1][-1])
