"""Which utterance belongs to which stream, so that there are fewest errors (ORC), and a proof that there are no fewer.

The exact dynamic programme multiplies the lengths of all streams: four speakers of a minute each are too much for it.
Here the rule that every utterance goes to exactly one stream is given a price instead (Lagrangian relaxation), and
each stream takes what suits it by itself, in time proportional to reference words times stream words. Whatever the
prices, their sum is a lower bound of the errors; any real assignment is an upper one. Speakers keep apart so well
that a few rounds of prices make the two meet or nearly so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

Tokens = Sequence[str]
Cells = NDArray[np.int64]

ROUNDS = 17
MAX_CELLS = 2 * 10**8
"""Reference words times stream words; one round over so many takes a second."""
MAX_MARKS = 2 * 10**7
"""Utterances times stream words; so many take 300 MB."""
FEW = 60_000
"""Reference words of all rounds but two together: a long clip gets fewer rounds."""

_UNIT = 16
"""Prices are sixteenths of an error; whole numbers keep the bound free of rounding."""


@dataclass(frozen=True, slots=True)
class Recombination:
    """The best assignment found, and how good any could be."""

    owners: tuple[int, ...]
    """For each utterance the stream it goes to."""
    low: int
    """No assignment has fewer errors."""
    high: int
    """The errors of ``owners``."""

    @property
    def proven(self) -> bool:
        return self.low == self.high


def recombine(utterances: Sequence[Tokens], streams: Sequence[Tokens], *, rounds: int = ROUNDS) -> Recombination:
    """Give each utterance to a stream so that the word errors are fewest (Sklyar et al. 2022).

    Args:
        utterances: tokens of each reference utterance, in order.
        streams: tokens of each hypothesis stream, at least one.
        rounds: how often the prices are mended at most; 0 leaves the bounds far apart.
    """
    said, got = _coded(utterances, streams)
    best, high = _settled(said, got, (0,) * len(said), ())
    low = _unmatched(said, got)
    words, columns = sum(map(len, said)), sum(map(len, got)) + len(got)
    if words * columns > MAX_CELLS or len(said) * columns > MAX_MARKS:
        return Recombination(best, low, high)
    board = _Board.of(got, words)
    most = np.array([_UNIT * len(utterance) for utterance in said], dtype=np.int64)
    prices = np.zeros(len(said), dtype=np.int64)
    windows: Sequence[Cells] = [np.arange(columns)] * len(said)
    step = 1.0
    for made in range(min(rounds, 2 + FEW // max(words, 1))):
        if low >= high:
            break
        found = board.solve(said, prices, windows, keep=made == 0)
        wrong = 1 - found.takers.sum(axis=0)
        if made < 2 or made % 4 == 0 or not wrong.any():
            owners, errors = _settled(said, got, _owners(found.takers, best), np.flatnonzero(wrong).tolist())
            if errors < high:
                best, high = owners, errors
        step = step if found.bound > low * _UNIT else step / 2
        low = max(low, -(-found.bound // _UNIT))
        if not wrong.any():
            break
        if made == 0:
            windows = board.windows(said, prices, found, high)
        # What nobody wants is paid too little, what several want too much (Polyak's step).
        pace = max(step * (high * _UNIT - found.bound) / np.count_nonzero(wrong), 1.0)
        prices = np.clip(prices + np.rint(pace * wrong).astype(np.int64), -most, most)
    return Recombination(best, low, high)


def joined(utterances: Sequence[Tokens], streams: int, owners: Sequence[int]) -> list[list[str]]:
    """The utterances of each of so many streams, one after the other."""
    given: list[list[str]] = [[] for _ in range(streams)]
    for utterance, owner in zip(utterances, owners, strict=True):
        given[owner] += utterance
    return given


def _coded(utterances: Sequence[Tokens], streams: Sequence[Tokens]) -> tuple[list[str], list[str]]:
    """The same with one character for each token, which is compared much faster."""
    codes: dict[str, str] = {}
    said, got = (
        ["".join(codes.setdefault(token, chr(0xE000 + len(codes))) for token in part) for part in side]
        for side in (utterances, streams)
    )
    return said, got


def _unmatched(said: Sequence[str], got: Sequence[str]) -> int:
    """Words of the longer side that the other does not have at all: errors no assignment avoids."""
    left, right = (Counter("".join(side)) for side in (said, got))
    return max(left.total(), right.total()) - (left & right).total()


def _owners(takers: NDArray[np.bool_], fallback: Sequence[int]) -> tuple[int, ...]:
    """The first taker of each utterance; one that nobody takes stays where it was."""
    first = takers.argmax(axis=0).tolist()
    return tuple(stream if takers[stream, index] else fallback[index] for index, stream in enumerate(first))


def _settled(
    said: Sequence[str], got: Sequence[str], owners: Sequence[int], doubtful: Sequence[int]
) -> tuple[tuple[int, ...], int]:
    """The assignment after each doubtful utterance in turn has gone to where it costs least, and its errors."""
    chosen = list(owners)
    given = [
        [said[index] if owner == stream else "" for index, owner in enumerate(owners)] for stream in range(len(got))
    ]
    errors = [Levenshtein.distance("".join(mine), stream) for mine, stream in zip(given, got, strict=True)]
    for index in doubtful:
        given[chosen[index]][index] = ""
        errors[chosen[index]] = Levenshtein.distance("".join(given[chosen[index]]), got[chosen[index]])
        with_it = []
        for stream, mine in enumerate(given):
            mine[index] = said[index]
            with_it.append(Levenshtein.distance("".join(mine), got[stream]))
            mine[index] = ""
        new = min(range(len(got)), key=lambda stream: with_it[stream] - errors[stream])
        chosen[index], errors[new] = new, with_it[new]
        given[new][index] = said[index]
    return tuple(chosen), sum(errors)


def _places(utterance: str, tokens: NDArray[np.int32]) -> list[Cells]:
    """For each token of the utterance, where it stands among others."""
    codes = np.array(list(map(ord, utterance)), dtype=np.int32)
    places = np.flatnonzero((codes[:, None] == tokens).ravel())  # many times faster than in two dimensions
    begins = np.arange(len(codes) + 1) * len(tokens)
    cuts = np.searchsorted(places, begins).tolist()
    return [places[start:end] - begin for (start, end), begin in zip(pairwise(cuts), begins.tolist(), strict=False)]


@dataclass(frozen=True, slots=True)
class _Solution:
    """What the streams take at some prices."""

    bound: int
    """No assignment costs less, in sixteenths of an error."""
    takers: NDArray[np.bool_]
    """Who takes what (stream x utterance)."""
    rows: Sequence[NDArray[np.int32]]
    """The costs before each utterance and after the last; empty unless asked for."""


@dataclass(frozen=True, slots=True)
class _Board:
    """All streams one after the other in one row; a cell holds the least cost of having read a stream so far.

    The low bits of a cell hold where the current utterance began: the least of two such numbers is the cheaper one
    and remembers where it came from. A cost is kept relative to the cell's position, so that an insertion costs
    nothing to pass on; each stream lies so far below the one before it that nothing leaks across.
    """

    streams: Sequence[str]
    words: int
    """Of the reference."""
    bits: int
    """Low bits of a cell."""
    floor: Cells
    """What a cell of each stream costs before anything is read."""
    starts: Cells
    ends: Cells
    """First and last cell of each stream."""
    tokens: NDArray[np.int32]
    """The token behind each cell; 0 behind the last of a stream."""

    @classmethod
    def of(cls, streams: Sequence[str], words: int) -> "_Board":
        lengths = np.array([len(stream) + 1 for stream in streams], dtype=np.int64)
        ends = np.cumsum(lengths) - 1
        cells = int(lengths.sum())
        bits = cells.bit_length()
        # A price is never more than the words it is for, so no cost leaves this span.
        depth = 4 * (words + cells) * (_UNIT << bits)
        floor = np.repeat(np.arange(len(streams)) * -depth, lengths)
        tokens = np.array([code for stream in streams for code in (*map(ord, stream), 0)], dtype=np.int32)
        return cls(streams, words, bits, floor, ends - lengths + 1, ends, tokens)

    def solve(self, said: Sequence[str], prices: Cells, windows: Sequence[Cells], *, keep: bool) -> _Solution:
        """What each stream takes at these prices.

        Args:
            said: the utterances.
            prices: what taking each is worth, in sixteenths of an error.
            windows: the cells in which each utterance may be read, ascending.
            keep: give the rows, too.
        """
        row = self.floor.copy()
        tag = (1 << self.bits) - 1
        begun, rows = [], [self._costs(row)] if keep else []
        for utterance, price, window in zip(said, prices.tolist(), windows, strict=True):
            before = row[window]
            read = before | window
            for hits in _places(utterance, self.tokens[window[:-1]]):
                read = self._after(read, hits)
            costs = (read >> self.bits) - price << self.bits
            cheaper = costs < before
            begun.append(np.where(cheaper, read & tag, -1).astype(np.int32))
            row[window] = np.where(cheaper, costs, before)
            if keep:
                rows.append(self._costs(row))
        spent = (row - self.floor)[self.ends] >> self.bits
        bound = int(spent.sum() + _UNIT * (self.ends - self.starts).sum() + prices.sum())
        return _Solution(bound, self._takers(begun, windows), rows)

    def windows(self, said: Sequence[str], prices: Cells, found: _Solution, high: int) -> list[Cells]:
        """The cells through which an assignment of at most ``high`` errors may pass, utterance by utterance.

        What it costs a stream to pass through a cell is known from its ways to the cell and from there on; where that
        is more than what the bounds are apart, no such assignment passes.
        """
        mirror = _Board.of([stream[::-1] for stream in self.streams], self.words)
        here = np.arange(len(self.floor))
        back = mirror.solve([part[::-1] for part in said[::-1]], prices[::-1], [here] * len(said), keep=True)
        there = np.repeat(self.starts + self.ends, self.ends - self.starts + 1) - here
        least = np.repeat(found.rows[-1][self.ends], self.ends - self.starts + 1) + high * _UNIT - found.bound
        first, last = [], []
        for way, rest in zip(found.rows, reversed(back.rows), strict=True):
            passable = way + rest[there] <= least
            first.append([start + int(passable[start : end + 1].argmax()) for start, end in self.spans])
            last.append([end - int(passable[start : end + 1][::-1].argmax()) for start, end in self.spans])
        return [
            np.concatenate([np.arange(low, top + 1) for low, top in zip(lows, tops, strict=True)])
            for lows, tops in zip(first[:-1], last[1:], strict=True)
        ]

    @property
    def spans(self) -> list[tuple[int, int]]:
        return list(zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def _costs(self, row: Cells) -> NDArray[np.int32]:
        return (row - self.floor >> self.bits).astype(np.int32)

    def _after(self, read: Cells, hits: Cells) -> Cells:
        """The row after one more reference word: deleted, substituted or hit, and then whatever is inserted."""
        error = _UNIT << self.bits
        after = read + error
        np.minimum(after[1:], read[:-1], out=after[1:])
        if len(hits):
            after[hits + 1] = np.minimum(after[hits + 1], read[hits] - error)
        return np.minimum.accumulate(after)

    def _takers(self, begun: Sequence[NDArray[np.int32]], windows: Sequence[Cells]) -> NDArray[np.bool_]:
        takers = np.zeros((len(self.ends), len(begun)), dtype=bool)
        for stream, end in enumerate(self.ends.tolist()):
            cell = end
            for index in range(len(begun) - 1, -1, -1):
                at = int(np.searchsorted(windows[index], cell))
                inside = at < len(windows[index]) and windows[index][at] == cell
                if inside and begun[index][at] >= 0:
                    takers[stream, index] = True
                    cell = int(begun[index][at])
        return takers
