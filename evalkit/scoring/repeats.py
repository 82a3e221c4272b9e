"""Run-to-run disagreement: how much two answers of the same service to the same audio differ."""

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts, unit_counts


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Differences between answers to the same clips; counts add."""

    words: ErrorCounts
    """With the first answer of each pair as the reference."""
    identical: int
    pairs: int

    def __add__(self, other: "Disagreement") -> "Disagreement":
        return Disagreement(self.words + other.words, self.identical + other.identical, self.pairs + other.pairs)

    @property
    def rate(self) -> float | None:
        """Pooled word error rate between the runs: no smaller difference between providers means anything."""
        return self.words.rate

    @property
    def identical_share(self) -> float | None:
        return self.identical / self.pairs if self.pairs else None


def disagreement(answers: Iterable[tuple[str, str]], profile: Profile) -> Disagreement:
    """How far pairs of transcripts of the same clips differ.

    Args:
        answers: (first run, second run) for each clip; with more than two runs, every pair of runs.
        profile: text rules for the words; identical means the very same text, before any rule.
    """
    total = Disagreement(ErrorCounts(), 0, 0)
    for first, second in answers:
        found = unit_counts(profile.tokens(first), profile.tokens(second))
        total += Disagreement(found, int(first == second), 1)
    return total
