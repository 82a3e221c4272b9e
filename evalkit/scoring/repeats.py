"""Run-to-run disagreement: how much two answers of the same service to the same audio differ.

Ask twice either in two runs, or in one run under two names (``one=xai`` against ``two=xai``). The disagreement is the
noise under every comparison: no smaller difference between providers means anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from evalkit.scoring.text import Profile, profile_for
from evalkit.scoring.words import ErrorCounts, unit_counts
from evalkit.types import Route, Score


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Differences between answers to the same clips; counts add."""

    words: ErrorCounts = field(default_factory=ErrorCounts)
    """With the first answer of each pair as the reference."""
    identical: int = 0
    pairs: int = 0

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
    total = Disagreement()
    for first, second in answers:
        found = unit_counts(profile.tokens(first), profile.tokens(second))
        total += Disagreement(found, int(first == second), 1)
    return total


def repeated(runs: Sequence[Iterable[Score]]) -> dict[Route, Disagreement]:
    """How far runs over the same clips differ, per route, under the headline profile of each clip's language.

    Args:
        runs: the rows of one provider in each run, or of the same provider under each of its names; every pair of
            runs is compared on the clips both answered.
    """
    answered = [{(row.clip_id, row.route): row for row in run if row.failure is None} for run in runs]
    found: dict[Route, Disagreement] = {}
    for first, second in combinations(answered, 2):
        for key in (key for key in first if key in second):
            row = first[key]
            pair = disagreement([(row.hypothesis, second[key].hypothesis)], profile_for(row.language))
            found[row.route] = found.get(row.route, Disagreement()) + pair
    return found


def same_service(first: Mapping[str, Any], second: Mapping[str, Any], route: str) -> bool:
    """Whether two entries under ``providers`` in a run.json ask one service for the same: model, settings and all.

    A replay asks nobody: what it tells twice is one answer.
    """
    if "replay" in first or "replay" in second:
        return False
    asked = [(entry.get("provider"), entry.get("settings", {}).get(route)) for entry in (first, second)]
    return bool(asked[0][0]) and asked[0] == asked[1]
