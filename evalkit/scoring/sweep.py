"""Speaker time counted in one sweep over the edges of all turns.

Between two neighbouring edges nobody starts or stops, so everything diarization counts is a sum over these cells. The
figures are those of pyannote.metrics (the tests hold them equal), without its import and without its loops.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from evalkit.types import Turn

Grid = NDArray[np.int64]
"""How many turns of each speaker (rows) cover each cell (columns)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One recording, cut where anybody starts or stops; cells that are not scored weigh nothing."""

    seconds: NDArray[np.float64]
    """Length of each cell, 0 where it is not scored."""
    reference: Grid
    hypothesis: Grid
    reference_names: tuple[str, ...]
    hypothesis_names: tuple[str, ...]

    @property
    def total_s(self) -> float:
        """Speaker time of the reference; overlap counts each speaker."""
        return self._sum(self.reference.sum(axis=0))

    @property
    def miss_s(self) -> float:
        """Speakers too few."""
        return self._sum(np.maximum(self.reference.sum(axis=0) - self.hypothesis.sum(axis=0), 0))

    @property
    def false_alarm_s(self) -> float:
        """Speakers too many."""
        return self._sum(np.maximum(self.hypothesis.sum(axis=0) - self.reference.sum(axis=0), 0))

    @property
    def confusion_s(self) -> float:
        """Speakers of the right number but not the right ones, under `pairs`."""
        right = np.zeros(len(self.seconds), dtype=np.int64)
        for mine, theirs in self.pairs():
            right += np.minimum(self.reference[mine], self.hypothesis[theirs])
        return self._sum(np.minimum(self.reference.sum(axis=0), self.hypothesis.sum(axis=0)) - right)

    @property
    def speech_s(self) -> float:
        """Time in which at least one reference speaker talks."""
        return self._sum(self.reference.sum(axis=0) > 0)

    @property
    def overlap_s(self) -> float:
        """Time in which several reference speakers talk."""
        return self._sum((self.reference > 0).sum(axis=0) > 1)

    def pairs(self) -> list[tuple[int, int]]:
        """The one-to-one map of speakers with the most common time (Hungarian), as row numbers of both sides."""
        # Whoever has no scored time is left out, or a draw between maps would be decided otherwise than by pyannote.
        mine, theirs = (np.flatnonzero(side @ self.seconds) for side in (self.reference, self.hypothesis))
        common = (self.reference[mine] * self.seconds) @ self.hypothesis[theirs].T
        chosen = zip(*linear_sum_assignment(-common), strict=True)
        return [(int(mine[row]), int(theirs[column])) for row, column in chosen if common[row, column] > 0]

    def jaccard_errors(self) -> dict[str, float]:
        """For each reference speaker with scored time, 1 - intersection / union with the mapped speaker."""
        mapped = dict(self.pairs())
        errors = {}
        for row, name in enumerate(self.reference_names):
            mine = self.reference[row] > 0
            if not self._sum(mine):
                continue
            errors[name] = 1.0
            if row in mapped:
                theirs = self.hypothesis[mapped[row]] > 0
                errors[name] = self._sum(mine ^ theirs) / self._sum(mine | theirs)
        return errors

    def _sum(self, cells: NDArray[np.int64] | NDArray[np.bool_]) -> float:
        return float(cells @ self.seconds)


def sweep(
    reference: Sequence[Turn],
    hypothesis: Sequence[Turn],
    duration_s: float,
    *,
    collar_s: float = 0.0,
    skip_overlap: bool = False,
) -> Sweep:
    """Cut a recording into cells.

    Args:
        reference: who spoke when; overlapping turns of one speaker count as often as they overlap, so merge them.
        hypothesis: who spoke when, by any labels.
        duration_s: length of the recording; all of it is evaluated, nothing beyond.
        collar_s: time not scored on *each* side of a reference boundary.
        skip_overlap: do not score where several reference turns overlap.
    """
    said = [turn for turn in reference if turn.end_s > turn.start_s]
    got = [turn for turn in hypothesis if turn.end_s > turn.start_s]
    bounds = np.array([edge for turn in said for edge in (turn.start_s, turn.end_s)], dtype=np.float64)
    others = np.array([edge for turn in got for edge in (turn.start_s, turn.end_s)], dtype=np.float64)
    collars = [bounds - collar_s, bounds + collar_s] if collar_s else []
    edges = np.unique(np.concatenate([[0.0, duration_s], bounds, others, *collars]).clip(0.0, duration_s))
    seconds = np.diff(edges)
    reference_names, mine = _grid(said, edges)
    hypothesis_names, theirs = _grid(got, edges)
    scored = np.ones(len(seconds), dtype=bool)
    if collar_s:
        scored &= _cover(edges, collars[0], collars[1], np.zeros(len(bounds), dtype=np.int64), 1)[0] == 0
    if skip_overlap:
        scored &= mine.sum(axis=0) < 2
    return Sweep(seconds * scored, mine, theirs, reference_names, hypothesis_names)


def _grid(turns: Sequence[Turn], edges: NDArray[np.float64]) -> tuple[tuple[str, ...], Grid]:
    names = tuple(sorted({turn.speaker for turn in turns}))
    row = {name: index for index, name in enumerate(names)}
    starts = np.array([turn.start_s for turn in turns], dtype=np.float64)
    ends = np.array([turn.end_s for turn in turns], dtype=np.float64)
    owners = np.array([row[turn.speaker] for turn in turns], dtype=np.int64)
    return names, _cover(edges, starts, ends, owners, len(names))


def _cover(
    edges: NDArray[np.float64],
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    owners: NDArray[np.int64],
    rows: int,
) -> Grid:
    """How many spans of each owner cover each cell."""
    steps = np.zeros((rows, len(edges)), dtype=np.int64)
    low, high = edges[0], edges[-1]
    np.add.at(steps, (owners, np.searchsorted(edges, starts.clip(low, high))), 1)
    np.add.at(steps, (owners, np.searchsorted(edges, ends.clip(low, high))), -1)
    return np.cumsum(steps, axis=1)[:, :-1]
