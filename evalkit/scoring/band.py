"""The cheapest path through the grid of two token sequences, looked for only where it can be.

Why a band gives the same path as the whole grid, ties included: let some alignment cost ``C``. A path through the cell
(i, j) of an n by m grid needs at least ``gap * (|j - i| + |(m - n) - (j - i)|)``, the gaps to get off the diagonal and
back, so every cell on a path that is as cheap as the best lies where that is at most ``C``. A step is chosen at a
cell of the best path by comparing its predecessors. One that ties with the best is itself on a best path, so it
is in the band and its cost there is exact; every other one costs too much in the whole grid, and a band can only make
it dearer. When the texts have little in common the band is the whole grid, at two bits a cell.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

DIAGONAL, DELETION, INSERTION = range(3)


class Costs(NamedTuple):
    """Of one substitution, and of one deletion or insertion; a hit is free."""

    substitution: int
    gap: int


HIT = Costs(4, 3)
"""The weights of NIST sclite."""
UNIT = Costs(1, 1)
"""Those of the Levenshtein distance."""

Times = tuple[Sequence[int], Sequence[int]]
"""Milliseconds of every token on both sides."""

_MAX_MS = 60_000
_PRIORITY = 32
"""With times, costs stand above this bit; below it, milliseconds between matched tokens only break ties."""
_FEW_CELLS = 1500


def cheapest_path(left: Sequence[int], right: Sequence[int], times: Times | None = None, costs: Costs = HIT) -> bytes:
    """The steps of the cheapest alignment.

    Args:
        left: token numbers, length n.
        right: token numbers, length m.
        times: when given, the smallest sum of time differences of equal tokens settles ties first.
        costs: what an error costs; a substitution at most as much as a deletion and an insertion.

    Returns:
        ``DIAGONAL``, ``DELETION`` or ``INSERTION`` from the start to the end. Among ties, read from the end, the
        diagonal comes before a deletion before an insertion.
    """
    tail = 0 if times else _common_tail(left, right)
    left, right = left[: len(left) - tail], right[: len(right) - tail]
    if not left or not right:
        return bytes([DELETION] * len(left) + [INSERTION] * len(right) + [DIAGONAL] * tail)
    low, high = _offsets(left, right, costs)
    small = len(left) * (high - low + 1) <= _FEW_CELLS
    steps = (_short if small else _long)(left, right, low, high, times, costs)
    return steps + bytes([DIAGONAL] * tail)


def _common_tail(left: Sequence[int], right: Sequence[int]) -> int:
    """Equal tokens at the end: a hit there is never dearer than anything else, and is preferred among ties."""
    shorter = min(len(left), len(right))
    return next((back for back in range(shorter) if left[-1 - back] != right[-1 - back]), shorter)


def _offsets(left: Sequence[int], right: Sequence[int], costs: Costs) -> tuple[int, int]:
    """The lowest and the highest ``j - i`` that a cheapest path can touch."""
    edits = Levenshtein.editops(left, right)
    found = sum(costs.substitution if edit.tag == "replace" else costs.gap for edit in edits)
    longer = len(right) - len(left)
    spare = (found // costs.gap - abs(longer)) // 2
    return max(min(0, longer) - spare, -len(left)), min(max(0, longer) + spare, len(right))


def _short(left: Sequence[int], right: Sequence[int], low: int, high: int, times: Times | None, costs: Costs) -> bytes:
    """Plain loops: for few cells they are quicker than arrays."""
    shift = _PRIORITY if times else 0
    substitution, gap, never = costs.substitution << shift, costs.gap << shift, 1 << 62
    width = high - low + 1
    before = [gap * offset if 0 <= offset <= len(right) else never for offset in range(low, high + 1)]
    before.append(never)
    grid: list[bytearray] = []
    for row, token in enumerate(left):
        chosen = bytearray(width)
        now = [never] * (width + 1)
        cheapest = never
        # Column -1 is column 0 of the grid: nothing reaches it diagonally, whatever token it is compared with.
        for place in range(max(0, -low - row - 1), min(width, len(right) - row - low)):
            column = row + low + place
            diagonal, above = before[place], before[place + 1] + gap
            if token != right[column]:
                diagonal += substitution
            elif times:
                diagonal += min(abs(times[0][row] - times[1][column]), _MAX_MS)
            cheapest += gap
            if diagonal <= above and diagonal <= cheapest:
                cheapest = diagonal
            elif above <= cheapest:
                cheapest = above
                chosen[place] = DELETION
            else:
                chosen[place] = INSERTION
            now[place] = cheapest
        grid.append(chosen)
        before = now
    return _walked(len(left), len(right), lambda row, column: grid[row - 1][column - row - low])


def _long(left: Sequence[int], right: Sequence[int], low: int, high: int, times: Times | None, costs: Costs) -> bytes:
    """The same with one array per row.

    Cells hold what was saved against deleting and inserting everything, ``gap * (i + j)`` less the cost: gaps then cost
    nothing, a substitution saves 2 of 6 and a match all, and the insertions within a row are one running maximum.
    """
    kind = np.int64 if times else np.int32
    shift = _PRIORITY if times else 0
    match, never = (2 * costs.gap) << shift, -(1 << 61 if times else 1 << 29)
    substitution = match - (costs.substitution << shift)
    width = high - low + 1
    diagonals, deletions = (np.zeros((len(left) + 1, (width + 7) // 8), dtype=np.uint8) for _ in range(2))
    padded = _padded(right, low, width, -1).astype(np.int32)
    clock = _padded(times[1], low, width, 0) if times else None
    # One cell more than the band: the last has nothing above it.
    before, now = (np.full(width + 1, never, dtype=kind) for _ in range(2))
    before[:-1][np.arange(low, high + 1) >= 0] = 0
    for row, token in enumerate(left, start=1):
        # Cell k of this row is column row + low + k; its diagonal predecessor is cell k of the row before.
        start = row - 1
        diagonal = before[:-1] + substitution
        matched = before[:-1] + match
        if times and clock is not None:
            matched = matched - np.minimum(np.abs(clock[start : start + width] - times[0][row - 1]), _MAX_MS)
        np.copyto(diagonal, matched, where=padded[start : start + width] == token)
        above, best = before[1:], now[:-1]
        np.maximum(diagonal, above, out=best)
        np.maximum.accumulate(best, out=best)
        diagonals[row] = np.packbits(best == diagonal)
        deletions[row] = np.packbits(best == above)
        before, now = now, before

    def step(row: int, column: int) -> int:
        byte, bit = divmod(column - row - low, 8)
        if (diagonals[row, byte] >> (7 - bit)) & 1:
            return DIAGONAL
        return DELETION if (deletions[row, byte] >> (7 - bit)) & 1 else INSERTION

    return _walked(len(left), len(right), step)


def _padded(values: Sequence[int], low: int, width: int, filler: int) -> NDArray[np.int64]:
    """``values`` so that element ``row - 1 + k`` belongs to column ``row + low + k``, in range or not (low <= 0)."""
    fill = np.full(width - low, filler, dtype=np.int64)
    return np.concatenate([fill[width:], np.asarray(values, dtype=np.int64), fill])


def _walked(row: int, column: int, step: Callable[[int, int], int]) -> bytes:
    steps = bytearray()
    while row and column:
        taken = step(row, column)
        steps.append(taken)
        row -= taken != INSERTION
        column -= taken != DELETION
    steps += bytes([DELETION] * row + [INSERTION] * column)
    steps.reverse()
    return bytes(steps)
