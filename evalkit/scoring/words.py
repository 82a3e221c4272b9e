"""Alignments of two token sequences, and the error counts made from them.

Two alignments, never mixed: ``unit_counts`` minimises the number of errors (jiwer) and is used for
totals such as the word error rate; ``align`` favours matches (substitution 4, deletion 3, insertion 3, the
weights of NIST sclite) and is used wherever it matters *which* words match.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jiwer
import numpy as np
from numpy.typing import NDArray

from evalkit.scoring.text import Profile
from evalkit.types import Word

Op = Literal["hit", "substitution", "deletion", "insertion"]

_SUBSTITUTION, _GAP = 4 << 32, 3 << 32
"""Costs stand in the high bits; the low 32 hold milliseconds between matched words and only break ties."""
_MAX_MS = 60_000
_DIAGONAL, _DELETION, _INSERTION = range(3)


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Word (or character) errors; counts add, rates are made last and are None when undefined."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def reference_words(self) -> int:
        return self.hits + self.substitutions + self.deletions

    @property
    def hypothesis_words(self) -> int:
        return self.hits + self.substitutions + self.insertions

    @property
    def perfect(self) -> bool:
        return self.errors == 0

    @property
    def rate(self) -> float | None:
        """Errors per reference word; None without reference words."""
        return self.errors / self.reference_words if self.reference_words else None

    @property
    def match_error_rate(self) -> float | None:
        """MER: errors per aligned position; None when both sides are empty."""
        return self.errors / (self.hits + self.errors) if self.hits + self.errors else None

    @property
    def information_preserved(self) -> float | None:
        """WIP: (H / reference words) * (H / hypothesis words); 0 without a hypothesis, None without a reference."""
        if not self.reference_words:
            return None
        if not self.hypothesis_words:
            return 0.0
        return (self.hits / self.reference_words) * (self.hits / self.hypothesis_words)

    @property
    def information_lost(self) -> float | None:
        """WIL: 1 - WIP."""
        preserved = self.information_preserved
        return None if preserved is None else 1 - preserved


@dataclass(frozen=True, slots=True)
class Pair:
    """One column of an alignment: positions on both sides, None where a side has nothing."""

    reference: int | None
    hypothesis: int | None
    op: Op


def unit_counts(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Fewest errors that turn one token sequence into the other (substitution, deletion and insertion cost 1)."""
    if not reference or not hypothesis:
        return ErrorCounts(deletions=len(reference), insertions=len(hypothesis))
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return ErrorCounts(found.hits, found.substitutions, found.deletions, found.insertions)


def character_counts(reference: Sequence[str], hypothesis: Sequence[str], *, spaces: bool) -> ErrorCounts:
    """The same over characters of two token sequences, with or without the single space between tokens."""
    glue = " " if spaces else ""
    expected, got = glue.join(reference), glue.join(hypothesis)
    if not expected or not got:
        return ErrorCounts(deletions=len(expected), insertions=len(got))
    found = jiwer.process_characters(expected, got)
    return ErrorCounts(found.hits, found.substitutions, found.deletions, found.insertions)


def counts(pairs: Sequence[Pair]) -> ErrorCounts:
    """The error counts of an alignment."""
    ops = [pair.op for pair in pairs]
    return ErrorCounts(ops.count("hit"), ops.count("substitution"), ops.count("deletion"), ops.count("insertion"))


def leading_insertions(pairs: Sequence[Pair]) -> int:
    """Words the hypothesis has before anything of the reference."""
    return next((index for index, pair in enumerate(pairs) if pair.op != "insertion"), len(pairs))


def trailing_deletions(pairs: Sequence[Pair]) -> int:
    """Reference words lost after the last hit."""
    lost = 0
    for pair in reversed(pairs):
        if pair.op == "hit":
            break
        lost += pair.op == "deletion"
    return lost


def align(
    reference: Sequence[str],
    hypothesis: Sequence[str],
    reference_starts_s: Sequence[float | None] = (),
    hypothesis_starts_s: Sequence[float | None] = (),
) -> list[Pair]:
    """The ``hit`` alignment: substitution 4, deletion 3, insertion 3.

    Among alignments of equal cost: when both sides carry a start for every token, the one whose matched words lie
    closest in time; then, read from the end, diagonal before deletion before insertion.

    Args:
        reference: tokens, already normalised.
        hypothesis: tokens, already normalised.
        reference_starts_s: one start per reference token, or nothing.
        hypothesis_starts_s: one start per hypothesis token, or nothing.

    Returns:
        One pair per column, in order.
    """
    if tuple(reference) == tuple(hypothesis):
        return [Pair(index, index, "hit") for index in range(len(reference))]
    ids: dict[str, int] = {}
    left = np.array([ids.setdefault(token, len(ids)) for token in reference], dtype=np.int64)
    right = np.array([ids.setdefault(token, len(ids)) for token in hypothesis], dtype=np.int64)
    times = None
    if _complete(reference_starts_s, len(left)) and _complete(hypothesis_starts_s, len(right)):
        times = (_milliseconds(reference_starts_s), _milliseconds(hypothesis_starts_s))
    return _walked(left, right, _back_pointers(left, right, times))


def word_tokens(words: Sequence[Word], profile: Profile) -> tuple[list[str], list[int]]:
    """The tokens of each word taken alone, and for each token the index of the word it came from.

    A word may give several tokens ("forty-two pounds") or none ("um"): that is why positions of tokens are not
    positions of words.
    """
    tokens: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        made = profile.tokens(word.text)
        tokens.extend(made)
        owners.extend([index] * len(made))
    return tokens, owners


def matched_words(
    reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile, *, timed: bool = True
) -> list[tuple[int, int]]:
    """Word pairs that say the same and nothing else: every token of one is a hit with the tokens of the other alone.

    Args:
        reference: words in order.
        hypothesis: words in order.
        profile: text rules, applied word by word.
        timed: let start times settle which of several equal words is meant.

    Returns:
        (reference index, hypothesis index), ascending.
    """
    left, left_owner = word_tokens(reference, profile)
    right, right_owner = word_tokens(hypothesis, profile)
    starts: tuple[list[float | None], list[float | None]] = ([], [])
    if timed:
        starts = (
            [reference[index].start_s for index in left_owner],
            [hypothesis[index].start_s for index in right_owner],
        )
    left_size, right_size = Counter(left_owner), Counter(right_owner)
    hits: Counter[tuple[int, int]] = Counter()
    for pair in align(left, right, *starts):
        if pair.op == "hit" and pair.reference is not None and pair.hypothesis is not None:
            hits[left_owner[pair.reference], right_owner[pair.hypothesis]] += 1
    return [
        (mine, theirs) for (mine, theirs), shared in hits.items() if shared == left_size[mine] == right_size[theirs]
    ]


def _complete(starts: Sequence[float | None], tokens: int) -> bool:
    return len(starts) == tokens and all(start is not None for start in starts)


def _milliseconds(starts: Sequence[float | None]) -> NDArray[np.int64]:
    return np.array([round(1000 * (start or 0.0)) for start in starts], dtype=np.int64)


def _back_pointers(
    left: NDArray[np.int64], right: NDArray[np.int64], times: tuple[NDArray[np.int64], NDArray[np.int64]] | None
) -> NDArray[np.uint8]:
    """One byte per cell: the preferred last step of the cheapest way to align left[:i] with right[:j]."""
    gaps = np.arange(len(right) + 1, dtype=np.int64) * _GAP
    steps = np.full((len(left) + 1, len(right) + 1), _INSERTION, dtype=np.uint8)
    row = gaps
    for index, token in enumerate(left):
        match: NDArray[np.int64] | int = 0
        if times is not None:
            match = np.minimum(np.abs(times[1] - times[0][index]), _MAX_MS)
        diagonal = row[:-1] + np.where(right == token, match, _SUBSTITUTION)
        above = row + _GAP
        row = above.copy()
        np.minimum(row[1:], diagonal, out=row[1:])
        # Insertions: the cheapest cell to the left plus 3 per step, as one running minimum.
        row = np.minimum.accumulate(row - gaps) + gaps
        step = steps[index + 1]
        step[row == above] = _DELETION
        step[1:][row[1:] == diagonal] = _DIAGONAL
    return steps


def _walked(left: NDArray[np.int64], right: NDArray[np.int64], steps: NDArray[np.uint8]) -> list[Pair]:
    pairs: list[Pair] = []
    row, column = len(left), len(right)
    while row or column:
        step = steps[row, column]
        if step == _DIAGONAL:
            row, column = row - 1, column - 1
            pairs.append(Pair(row, column, "hit" if left[row] == right[column] else "substitution"))
        elif step == _DELETION:
            row -= 1
            pairs.append(Pair(row, None, "deletion"))
        else:
            column -= 1
            pairs.append(Pair(None, column, "insertion"))
    pairs.reverse()
    return pairs
