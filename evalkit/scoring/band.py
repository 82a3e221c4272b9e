"""The cheapest path through the grid of two token sequences, looked for only where it can be.

Why a band gives the same path as the whole grid, ties included: let some alignment cost ``C``. A path through the cell
(i, j) of an n by m grid needs at least ``gap * (|j - i| + |(m - n) - (j - i)|)``, the gaps to get off the diagonal and
back, so every cell on a path that is as cheap as the best lies where that is at most ``C``. A step is chosen at a
cell of the best path by comparing its predecessors. One that ties with the best is itself on a best path, so it
is in the band and its cost there is exact; every other one costs too much in the whole grid, and a band can only make
it dearer. When the texts have little in common the band is the whole grid, at two bits a cell.

Without times few errors need no grid at all: costs never fall along a diagonal, so how far each diagonal can be
followed for each cost says of every cell what it costs (Ukkonen 1985; with weights, Marco-Sola et al. 2021).
"""

from collections.abc import Callable, Hashable, Sequence
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

Token = Hashable
Times = tuple[Sequence[int], Sequence[int]]
"""Milliseconds of every token on both sides."""

_MAX_MS = 60_000
_PRIORITY = 32
"""With times, costs stand above this bit; below it, milliseconds between matched tokens only break ties."""
_FEW_CELLS = 1500
_WIDE_CELLS = 60
"""An array as wide as a band takes as long as so many steps of a plain loop."""


def cheapest_path(
    left: Sequence[Token], right: Sequence[Token], times: Times | None = None, costs: Costs = HIT
) -> bytes:
    """The steps of the cheapest alignment.

    Args:
        left: tokens, length n.
        right: tokens, length m.
        times: when given, the smallest sum of time differences of equal tokens settles ties first.
        costs: what an error costs; a substitution at most as much as a deletion and an insertion.

    Returns:
        ``DIAGONAL``, ``DELETION`` or ``INSERTION`` from the start to the end. Among ties, read from the end, the
        diagonal comes before a deletion before an insertion.
    """
    edits = [(edit.tag, edit.src_pos) for edit in Levenshtein.editops(left, right)]
    tail = 0 if times else _tail(edits, len(left))
    left, right = left[: len(left) - tail], right[: len(right) - tail]
    if not left or not right:
        return bytes([DELETION] * len(left) + [INSERTION] * len(right) + [DIAGONAL] * tail)
    substitutions = sum(tag == "replace" for tag, _ in edits)
    most = costs.substitution * substitutions + costs.gap * (len(edits) - substitutions)
    low, high = _offsets(left, right, most, costs)
    width = high - low + 1
    steps = None
    if most * width < len(left) * min(width, _WIDE_CELLS):
        steps = _followed_back(left, right, _fronts(left, right, low, high, most, costs), 1 - low, costs, times)
    if steps is None:
        small = len(left) * width <= _FEW_CELLS
        steps = (_short if small else _long)(left, right, low, high, times, costs)
    return steps + bytes([DIAGONAL] * tail)


def _tail(edits: Sequence[tuple[str, int]], rows: int) -> int:
    """Equal tokens at the end: a hit there is never dearer than anything else, and is preferred among ties."""
    if not edits:
        return rows
    tag, row = edits[-1]
    return rows - row - (tag != "insert")


def _offsets(left: Sequence[Token], right: Sequence[Token], most: int, costs: Costs) -> tuple[int, int]:
    """The lowest and the highest ``j - i`` that a cheapest path can touch when it costs at most so much."""
    longer = len(right) - len(left)
    spare = (most // costs.gap - abs(longer)) // 2
    return max(min(0, longer) - spare, -len(left)), min(max(0, longer) + spare, len(right))


def _fronts(
    left: Sequence[Token], right: Sequence[Token], low: int, high: int, most: int, costs: Costs
) -> list[list[int]]:
    """The row that each diagonal reaches for each cost, from nothing until both ends meet."""
    rows, (substitution, gap) = len(left), costs
    goal, base = len(right) - rows, 1 - low
    ends = [min(rows, len(right) - offset) for offset in range(low, high + 1)]
    nowhere = [-rows - 2] * (high - low + 3)
    front = nowhere.copy()
    front[base] = next((row for row in range(ends[-low]) if left[row] != right[row]), ends[-low])
    # Fronts of negative costs too, so that none is asked for that is not there.
    fronts = [*[nowhere] * substitution, front]
    for cost in range(1, most + 1):
        beside, before = fronts[cost + substitution - gap], fronts[cost]
        if beside is fronts[cost + substitution - gap - 1] and before is fronts[cost - 1]:
            fronts.append(front)  # no error of any kind has this cost
            continue
        front = front.copy()
        # From any other diagonal the gaps to get there and back cost too much.
        there, back = cost // gap, (most - cost) // gap
        for offset in range(max(low, -there, goal - back), min(high, there, goal + back) + 1):
            at = offset + base
            row = max(front[at], beside[at - 1], beside[at + 1] + 1, before[at] + 1)
            end = ends[at - 1]
            if row >= end:
                row = end
            else:
                while row < end and left[row] == right[row + offset]:
                    row += 1
            front[at] = row
        fronts.append(front)
        if front[goal + base] == rows:
            break
    return fronts


def _short(
    left: Sequence[Token], right: Sequence[Token], low: int, high: int, times: Times | None, costs: Costs
) -> bytes:
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


def _long(
    left: Sequence[Token], right: Sequence[Token], low: int, high: int, times: Times | None, costs: Costs
) -> bytes:
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
    ids: dict[Token, int] = {}
    left, right = ([ids.setdefault(token, len(ids)) for token in side] for side in (left, right))
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


def _followed_back(
    left: Sequence[Token],
    right: Sequence[Token],
    fronts: Sequence[Sequence[int]],
    base: int,
    costs: Costs,
    times: Times | None,
) -> bytes | None:
    """The steps from the end: a cell costs no more than what the front of its diagonal reached it with.

    With times, None when there is another path as cheap: those would have to choose.
    """
    substitution, gap = costs
    row, column, at = len(left), len(right), len(fronts) - 1
    steps = bytearray()
    while row and column:
        diagonal, beside = column - row + base, fronts[at - gap]
        # A hit is never dearer than anything else.
        hit = left[row - 1] == right[column - 1]
        across = hit or fronts[at - substitution][diagonal] >= row - 1
        if times and across + (beside[diagonal + 1] >= row - 1) + (beside[diagonal - 1] >= row) > 1:
            return None
        taken = DIAGONAL if across else DELETION if beside[diagonal + 1] >= row - 1 else INSERTION
        if not hit:
            at -= substitution if across else gap
        steps.append(taken)
        row -= taken != INSERTION
        column -= taken != DELETION
    steps += bytes([DELETION] * row + [INSERTION] * column)
    steps.reverse()
    return bytes(steps)


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
