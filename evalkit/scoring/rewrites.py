"""What happened to each word when one text replaced another: kept, only written differently, exchanged, gone.

Whether two stretches say the same is decided on their *canonical form*: the text rules of the language, then letters
and digits only, joined. So "nine thirty" and "9:30," are one thing written twice, "fifteen" and "fifty" are two.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from evalkit.scoring.text import Profile, profile
from evalkit.scoring.words import align

Kind = Literal["kept", "reformatted", "replaced", "removed", "added"]

MAX_STRETCH = 12
"""Longest stretch, in words, that may be another way to write something: "one hundred and ten dollars and five
cents" has eight."""

_SUBSTITUTION, _GAP = 4, 3

_Moves = list[list[tuple[int, int]]]
"""For each cell of the table, how many words on each side the cheapest way to it took last."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of both texts, as ranges of word positions; one side of "removed" and "added" is empty."""

    kind: Kind
    before: range
    after: range

    @property
    def lexical(self) -> bool:
        """Whether something that had been shown now says something else."""
        return self.kind in ("replaced", "removed")


def canonical(words: Sequence[str], rules: Profile) -> str:
    """Letters and digits (and the marks that belong to them) of what the words say, joined."""
    said = "".join(rules.tokens(" ".join(words)))
    return "".join(char for char in said if unicodedata.category(char)[0] in "LNM")


def steps(before: Sequence[str], after: Sequence[str], rules: Profile) -> list[Step]:
    """How ``before`` became ``after``; added words are no change of what was there.

    The ``hit`` alignment finds the words that stayed (but for case and punctuation); inside the stretches that differ,
    neighbouring words of equal canonical form are paired, as many as it takes, and the rest is exchanged, gone or new.

    Args:
        before: words as displayed.
        after: words as displayed.
        rules: the profile of the language.

    Returns:
        Steps that cover both texts from left to right.
    """
    left, right = [_folded(word) for word in before], [_folded(word) for word in after]
    same = _common_prefix(left, right)
    pairs = align(left[same:], right[same:]) if same < len(left) and same < len(right) else None
    found = [_kept(before, after, index, index) for index in range(same)]
    if pairs is None:
        found += [Step("removed", range(index, index + 1), range(same, same)) for index in range(same, len(left))]
        found += [Step("added", range(same, same), range(index, index + 1)) for index in range(same, len(right))]
        return _said(found, before, rules)
    row = column = same
    for is_hit, group in groupby(pairs, key=lambda pair: pair.op == "hit"):
        columns = list(group)
        rows = row + sum(pair.reference is not None for pair in columns)
        stops = column + sum(pair.hypothesis is not None for pair in columns)
        if is_hit:
            found += [_kept(before, after, row + index, column + index) for index in range(len(columns))]
        else:
            found += _stretches(before, after, range(row, rows), range(column, stops), rules)
        row, column = rows, stops
    return _said(found, before, rules)


def _stretches(
    before: Sequence[str], after: Sequence[str], rows: range, columns: range, rules: Profile
) -> Iterator[Step]:
    """The cheapest way through a stretch without a word in common; stretches of equal canonical form cost nothing."""
    twins: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    forms: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for start, size in _windows(len(columns)) if rows else ():
        form = canonical([after[columns[start + index]] for index in range(size)], rules)
        if form:
            forms[form].append((start, size))
    for start, size in _windows(len(rows)) if columns else ():
        form = canonical([before[rows[start + index]] for index in range(size)], rules)
        for other, length in forms.get(form, ()):
            twins[start + size, other + length].append((size, length))
    moves = _cheapest(len(rows), len(columns), twins)
    row, column = len(rows), len(columns)
    made: list[Step] = []
    while row or column:
        height, width = moves[row][column]
        was = range(rows.start + row - height, rows.start + row)
        now = range(columns.start + column - width, columns.start + column)
        if (height, width) in twins.get((row, column), ()):
            made.append(Step("reformatted", was, now))
        else:
            made.append(Step("removed" if not width else "replaced" if height else "added", was, now))
        row, column = row - height, column - width
    return reversed(made)


def _cheapest(rows: int, columns: int, twins: defaultdict[tuple[int, int], list[tuple[int, int]]]) -> _Moves:
    costs = [[0] * (columns + 1) for _ in range(rows + 1)]
    moves: _Moves = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows + 1):
        for column in range(columns + 1):
            choices = [
                (costs[row - height][column - width], order, height, width)
                for order, (height, width) in enumerate(twins.get((row, column), ()))
            ]
            # Of equal cost, the gap that comes last: captions grow and are cut at the end.
            if column:
                choices.append((costs[row][column - 1] + _GAP, 1 << 20, 0, 1))
            if row:
                choices.append((costs[row - 1][column] + _GAP, 2 << 20, 1, 0))
            if row and column:
                choices.append((costs[row - 1][column - 1] + _SUBSTITUTION, 3 << 20, 1, 1))
            if choices:
                costs[row][column], _, height, width = min(choices)
                moves[row][column] = (height, width)
    return moves


def _windows(size: int) -> Iterator[tuple[int, int]]:
    """Start and length of every stretch of words."""
    for start in range(size):
        for length in range(1, min(MAX_STRETCH, size - start) + 1):
            yield start, length


def _kept(before: Sequence[str], after: Sequence[str], row: int, column: int) -> Step:
    kind: Kind = "kept" if before[row] == after[column] else "reformatted"
    return Step(kind, range(row, row + 1), range(column, column + 1))


def _said(found: Sequence[Step], before: Sequence[str], rules: Profile) -> list[Step]:
    """A lone dash or an "um" that is gone had nothing to say: that is formatting, and what came instead is new."""
    made: list[Step] = []
    for step in found:
        if step.lexical and not canonical([before[index] for index in step.before], rules):
            made.append(Step("reformatted", step.before, range(step.after.start, step.after.start)))
            if step.after:
                made.append(Step("added", range(step.before.stop, step.before.stop), step.after))
        else:
            made.append(step)
    return made


_BASIC = profile("basic")


def _folded(word: str) -> str:
    return " ".join(_BASIC.tokens(word)) or word


def _common_prefix(left: Sequence[str], right: Sequence[str]) -> int:
    same = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            break
        same += 1
    return same
