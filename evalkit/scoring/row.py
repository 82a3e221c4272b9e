"""What a family of metrics looks at, and where it writes."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

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
    lacking: list[tuple[str, Reason]] = field(default_factory=list)

    def lack(self, reason: Reason, *families: str) -> None:
        """Note why no metric of these families (leading parts of metric ids) exists for this clip."""
        self.lacking += [(family, reason) for family in families]

    def absent(self, below: Callable[[str], Iterable[str]]) -> Mapping[str, str]:
        """Metric id -> reason, for every metric of a family that was found lacking; the last word counts.

        Args:
            below: the ids of the metrics of a family.
        """
        return _absent(tuple(self.lacking), below)

    def add(self, base: str, columns: Mapping[str, float]) -> None:
        """Counts under ``base``."""
        self.counts.update(zip(_under(base, tuple(columns)), [value + 0 for value in columns.values()], strict=True))

    def measure(self, name: str, seconds: float | None) -> None:
        """One latency, or its absence."""
        if seconds is None:
            self.lack("missing_input", name)
        else:
            self.values[name] = (seconds,)


@functools.lru_cache(maxsize=1 << 6)
def _absent(lacking: tuple[tuple[str, Reason], ...], below: Callable[[str], Iterable[str]]) -> Mapping[str, str]:
    """Kept, because most clips of a run lack the same; scores never change it."""
    return {metric_id: reason for family, reason in lacking for metric_id in below(family)}


@functools.lru_cache(maxsize=1 << 12)
def _under(base: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of columns, the same strings for every row: a run has many rows and few columns."""
    return tuple(f"{base}.{name}" for name in names)


def text_of(words: Iterable[Word]) -> str:
    """The words as one string."""
    return " ".join(word.text for word in words)


def error_columns(found: ErrorCounts) -> dict[str, float]:
    """Error counts as columns."""
    return {
        "hits": found.hits,
        "substitutions": found.substitutions,
        "deletions": found.deletions,
        "insertions": found.insertions,
    }
