"""What a family of metrics looks at, and where it writes."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evalkit.scoring.attempts import Ending, ending
from evalkit.scoring.cost import Price
from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Clip, Hypothesis, Trace, Word

Reason = Literal["missing_input", "not_applicable", "invalid_pacing"]


@dataclass(frozen=True)
class Case:
    """One clip, what was recorded of it, and what was said; a failed answer has no words here."""

    clip: Clip
    attempts: Sequence[Trace]
    """Every attempt in order; the last is the one that is scored."""
    hypothesis: Hypothesis
    reference: tuple[Word, ...] | None
    words: tuple[Word, ...]
    profile: Profile
    price: Price | None
    terms: tuple[str, ...] = ()
    """Words and phrases that matter to the product, each in one or more spellings parted by ``|``."""
    rest: tuple[Word, ...] | None = None
    """What the same provider said of the clip over REST, when this is another route."""

    @functools.cached_property
    def expected(self) -> str:
        """The reference as one string; empty when there is none."""
        return text_of(self.reference or ())

    @functools.cached_property
    def got(self) -> str:
        """The hypothesis as one string; empty when the clip failed."""
        return text_of(self.words)

    @property
    def trace(self) -> Trace:
        """The attempt that is scored."""
        return self.attempts[-1]

    @functools.cached_property
    def endings(self) -> Sequence[Ending]:
        """How each attempt ended."""
        return [ending(trace) for trace in self.attempts]

    @property
    def streamed(self) -> bool:
        """Whether somebody speaks and a stream was to follow."""
        return self.trace.route != "rest" and self.clip.kind == "speech"

    @property
    def failed(self) -> bool:
        return self.hypothesis.failure is not None


@dataclass(slots=True)
class Row:
    """The columns of one score while they are gathered."""

    counts: dict[str, float] = field(default_factory=dict)
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lacking: list[tuple[Reason, tuple[str, ...]]] = field(default_factory=list)

    def lack(self, reason: Reason, *families: str) -> None:
        """Note why no metric of these families (leading parts of metric ids) exists for this clip."""
        self.lacking.append((reason, families))

    def absent(self, below: Callable[[str], Iterable[str]]) -> Mapping[str, str]:
        """Metric id -> reason, for every metric of a family that was found lacking; the last word counts.

        Args:
            below: the ids of the metrics of a family.
        """
        return _absent(tuple(self.lacking), below)

    def add(self, base: str, columns: Mapping[str, float]) -> None:
        """Counts under ``base``."""
        counts, full = self.counts, _under(base)
        for name, value in columns.items():
            counts[full[name]] = value + 0

    def errors(self, base: str, found: ErrorCounts) -> None:
        """Error counts under ``base``."""
        full, counts = _under(base), self.counts
        counts[full["hits"]] = found.hits
        counts[full["substitutions"]] = found.substitutions
        counts[full["deletions"]] = found.deletions
        counts[full["insertions"]] = found.insertions

    def measure(self, name: str, seconds: float | None) -> None:
        """One latency, or its absence."""
        if seconds is None:
            self.lack("missing_input", name)
        else:
            self.values[name] = (seconds,)


@functools.lru_cache(maxsize=1 << 6)
def _absent(
    lacking: tuple[tuple[Reason, tuple[str, ...]], ...], below: Callable[[str], Iterable[str]]
) -> Mapping[str, str]:
    """Kept, because most clips of a run lack the same; scores never change it."""
    return {metric_id: reason for reason, families in lacking for family in families for metric_id in below(family)}


class _Under(dict[str, str]):
    """The names of columns, the same strings for every row: a run has many rows and few columns."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def __missing__(self, name: str) -> str:
        full = self[name] = f"{self.base}.{name}"
        return full


_under = functools.lru_cache(maxsize=1 << 10)(_Under)


def text_of(words: Iterable[Word]) -> str:
    """The words as one string."""
    return " ".join(word.text for word in words)
