"""What one metric needs of a set of scores: sums per cluster, rates per clip, or the values themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Metric, Route, Score

SHARES: Mapping[str, float] = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
"""What the statistic of a metric means."""

MIN_COVERAGE = 0.70
"""Below this share of matched words, timestamp errors describe the easy words only."""
MAX_UNTIMED = 0.01
_MATCHED = ("ts.offset.", "ts.slope.", "ts.intercept", "ts.jitter", "ts.max_step")


class Table:
    """Scores of one system by column: each column is read from the scores once, whatever asks for it later."""

    def __init__(self, scores: Iterable[Score]) -> None:
        self.scores = tuple(scores)
        self.places: NDArray[np.intp] = np.arange(len(self.scores))
        """Of all scores."""
        index: dict[str, int] = {}
        self._owners = np.array([index.setdefault(cluster_of(score), len(index)) for score in self.scores], np.intp)
        self._names = tuple(index)
        self._counts: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] = {}
        self._values: dict[str, tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]] = {}
        self._having: dict[tuple[str, ...], NDArray[np.bool_]] = {}
        self._groups: dict[bytes, Group] = {}

    def counts(self, column: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A count of every score, 0 where it is not there, and where it is; (scores,) each."""
        if column not in self._counts:
            gone = float("nan")
            read = np.array([score.counts.get(column, gone) for score in self.scores], np.float64)
            there = ~np.isnan(read)
            self._counts[column] = (np.where(there, read, 0.0), there)
        return self._counts[column]

    def values(self, column: str) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
        """The values of all scores one after the other, how many each score has, and which have such a list."""
        if column not in self._values:
            lists = [score.values.get(column) for score in self.scores]
            lengths = np.array([len(own or ()) for own in lists], np.intp)
            flat = np.array([value for own in lists for value in own or ()], np.float64)
            self._values[column] = (flat, lengths, np.array([own is not None for own in lists], np.bool_))
        return self._values[column]

    def total(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """The sum of some columns of each score; a column that is not there counts nothing."""
        return sum((self.counts(column)[0] for column in columns), np.zeros(len(self.scores)))

    def having(self, metric: Metric) -> NDArray[np.bool_]:
        """Which scores hold what the metric is made from; (scores,)."""
        key = (metric.values,) if metric.values else metric.denominator
        if key not in self._having:
            if metric.values:
                found = self.values(metric.values)[2] | self.counts(f"{metric.values}.failed")[1]
            else:
                found = np.full(len(self.scores), bool(metric.denominator))
                for column in metric.denominator:
                    found = found & self.counts(column)[1]
            self._having[key] = found
        return self._having[key]

    def group(self, places: NDArray[np.intp]) -> "Group":
        """Some of the scores with their clusters."""
        key = places.tobytes()  # many metrics are had by the same scores
        if key not in self._groups:
            codes, first, inverse = np.unique(self._owners[places], return_index=True, return_inverse=True)
            order = np.argsort(first)
            names = tuple(self._names[code] for code in codes[order])
            self._groups[key] = Group(places, np.argsort(order)[inverse], names)
        return self._groups[key]


@dataclass(frozen=True, slots=True)
class Group:
    """Some scores of a table."""

    places: NDArray[np.intp]
    owners: NDArray[np.intp]
    """Index of the cluster of each."""
    names: tuple[str, ...]
    """Of the clusters, in order of first appearance."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The scores that have one metric, with their clusters."""

    metric: Metric
    table: Table
    group: Group

    @classmethod
    def of(cls, metric: Metric, table: Table, places: NDArray[np.intp] | None = None) -> "Sample":
        """Those of the scores (of these ``places``, in order) that have the metric."""
        having = table.having(metric)
        found = np.flatnonzero(having) if places is None else places[having[places]]
        return cls(metric, table, table.group(found))

    @property
    def scores(self) -> tuple[Score, ...]:
        return tuple(self.table.scores[place] for place in self.group.places)

    @property
    def clips(self) -> int:
        return len(self.group.places)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the clusters, in order of first appearance."""
        return self.group.names

    @property
    def clusters(self) -> int:
        return len(self.group.names)

    def per_cluster(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """The sum of some columns for each cluster; (clusters,)."""
        sums = self.table.total(columns)[self.group.places]
        found: NDArray[np.float64] = np.bincount(self.group.owners, sums, self.clusters).astype(np.float64)
        return found

    def ratio(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Numerator and denominator of a ratio metric for each cluster.

        Where pooled columns count without their signs, each has the sign of its total, so that clusters add up.
        """
        above, below = self.metric.numerator, self.per_cluster(self.metric.denominator)
        if not self.metric.absolute:
            return self.per_cluster(above), below
        parts = np.array([self.per_cluster([column]) for column in above])
        return np.sign(parts.sum(axis=1)) @ parts, below

    def telling(self) -> NDArray[np.bool_]:
        """Which clips hold anything of a ratio; (clips,)."""
        held: NDArray[np.bool_] = (self.table.total(self.metric.denominator) != 0) | (self._above() != 0)
        return held[self.group.places]

    def independent_clips(self) -> NDArray[np.bool_] | None:
        """Of a share of clips: which of them count; None of any other metric, or when clips share a cluster."""
        above, below = self.ratio()
        plain = self.clusters == self.clips and bool(np.all(below == 1) and np.all((above == 0) | (above == 1)))
        return above == 1 if plain and self.metric.bounded else None

    def macro(self) -> float | None:
        """The unweighted mean over clips of the clip's ratio; clips without a denominator have none."""
        above, below = (side[self.group.places] for side in (self._above(), self.table.total(self.metric.denominator)))
        rates = above[below != 0] / below[below != 0]
        # Added one after the other: the last digit must not hang on how numpy splits a sum.
        return self.metric.scale * float(np.cumsum(rates)[-1]) / len(rates) if len(rates) else None

    def _above(self) -> NDArray[np.float64]:
        """The numerator of every score of the table by itself."""
        columns = self.metric.numerator
        if not self.metric.absolute:
            return self.table.total(columns)
        return sum((abs(self.table.total([column])) for column in columns), np.zeros(len(self.table.scores)))

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.intp], int]:
        """Every value, the cluster of each, and how many of them never came (infinite, listed last)."""
        flat, lengths, _ = self.table.values(self.metric.values)
        places, owners = self.group.places, self.group.owners
        ends = np.cumsum(lengths)
        own = lengths[places]
        # The k-th value of a score stands k after its first.
        within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
        values = flat[np.repeat(ends[places] - own, own) + within]
        failures = self.table.counts(f"{self.metric.values}.failed")[0][places].astype(np.intp)
        failed = int(failures.sum())
        never = np.full(failed, np.inf)
        return np.concatenate([values, never]), np.repeat(np.tile(owners, 2), np.concatenate([own, failures])), failed


def of(scores: Iterable[Score], provider: str, route: Route) -> list[Score]:
    """The scores of one system."""
    return [score for score in scores if score.provider == provider and score.route == route]


def cluster_of(score: Score) -> str:
    """The unit of independence: speaker or call, else the clip itself."""
    return score.cluster or score.clip_id


def total(score: Score, columns: Iterable[str]) -> float:
    """The sum of some columns of one score; a column that is not there counts nothing."""
    counts = score.counts
    return sum([counts.get(column, 0.0) for column in columns])


def pooled(metric: Metric, scores: Iterable[Score]) -> tuple[float, float]:
    """Numerator and denominator of a ratio metric over some scores."""
    scores = tuple(scores)
    above = [sum(total(score, [column]) for score in scores) for column in metric.numerator]
    below = sum(total(score, metric.denominator) for score in scores)
    return sum(map(abs, above) if metric.absolute else above), below


def partial_timing(metric: Metric, table: Table, places: NDArray[np.intp]) -> str:
    """Why a timestamp metric describes too few words to be leaned on; empty when it does not, or is no such metric.

    Metrics that need matched words want 70 % of the reference words matched (else they describe the easy words) and
    times on all but 1 % of the words of the hypothesis.
    """
    if not metric.id.startswith(_MATCHED):
        return ""
    names = ("matched_words", "reference_words", "untimed_words", "hypothesis_words")
    matched, reference, untimed, words = (float(table.counts(f"ts.{name}")[0][places].sum()) for name in names)
    if matched < MIN_COVERAGE * reference:
        return f"{100 * matched / reference:.0f} % of timed words matched; {100 * MIN_COVERAGE:.0f} % needed"
    if untimed > MAX_UNTIMED * words:
        return f"{100 * untimed / words:.1f} % of words without times; {100 * MAX_UNTIMED:.0f} % allowed"
    return ""
