"""Alignments of two token sequences, and the error counts made from them.

Two alignments, never mixed: ``unit_counts`` minimises the number of errors (as jiwer does) and is used for
totals such as the word error rate; ``align`` favours matches (substitution 4, deletion 3, insertion 3, the
weights of NIST sclite) and is used wherever it matters *which* words match.
"""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

from evalkit.scoring.band import DELETION, DIAGONAL, cheapest_path
from evalkit.scoring.text import Profile, graphemes
from evalkit.types import Word

Tokens = tuple[str, ...]
Starts = tuple[float | None, ...]
Op = Literal["hit", "substitution", "deletion", "insertion"]


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


_pair = functools.lru_cache(maxsize=1 << 14)(Pair)
"""Clips are short and alike: most of their pairs are the same few thousand."""


def unit_counts(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Fewest errors that turn one token sequence into the other (substitution, deletion and insertion cost 1).

    Where the same number of errors can be split in several ways, the way of jiwer, which counts what rapidfuzz finds.
    """
    if reference == hypothesis:
        return ErrorCounts(hits=len(reference))
    tags = [edit.tag for edit in Levenshtein.editops(reference, hypothesis)]
    substitutions, deletions = tags.count("replace"), tags.count("delete")
    return ErrorCounts(len(reference) - substitutions - deletions, substitutions, deletions, tags.count("insert"))


def character_counts(
    reference: Sequence[str], hypothesis: Sequence[str], *, spaces: bool, clusters: bool = False
) -> ErrorCounts:
    """The same over characters of two token sequences.

    Args:
        reference: tokens.
        hypothesis: tokens.
        spaces: count the single space between tokens as a character.
        clusters: count grapheme clusters, not code points, as Indic scripts need.
    """
    glue = " " if spaces else ""
    if clusters:
        return unit_counts(_clusters(reference, glue), _clusters(hypothesis, glue))
    return unit_counts(glue.join(reference), glue.join(hypothesis))


def counts(pairs: Sequence[Pair]) -> ErrorCounts:
    """The error counts of an alignment."""
    return count_ops([pair.op for pair in pairs])


def count_ops(ops: Sequence[Op]) -> ErrorCounts:
    """The error counts of the columns of an alignment, or of some of them."""
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
    if not _complete(reference_starts_s, len(reference)) or not _complete(hypothesis_starts_s, len(hypothesis)):
        reference_starts_s = hypothesis_starts_s = ()
    return list(hit_pairs(*map(tuple, (reference, hypothesis, reference_starts_s, hypothesis_starts_s))))


@functools.lru_cache(maxsize=16)
def hit_pairs(
    reference: Tokens, hypothesis: Tokens, reference_starts_s: Starts = (), hypothesis_starts_s: Starts = ()
) -> tuple[Pair, ...]:
    """The same, kept for the families of metrics that ask for the same alignment in turn; starts of all or of none."""
    if reference == hypothesis:
        return tuple(_pair(index, index, "hit") for index in range(len(reference)))
    times = (_milliseconds(reference_starts_s), _milliseconds(hypothesis_starts_s)) if reference_starts_s else None
    pairs: list[Pair] = []
    row = column = 0
    for step in cheapest_path(reference, hypothesis, times):
        if step == DIAGONAL:
            pairs.append(_pair(row, column, "hit" if reference[row] == hypothesis[column] else "substitution"))
            row, column = row + 1, column + 1
        elif step == DELETION:
            pairs.append(_pair(row, None, "deletion"))
            row += 1
        else:
            pairs.append(_pair(None, column, "insertion"))
            column += 1
    return tuple(pairs)


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


def _clusters(tokens: Sequence[str], glue: str) -> list[str]:
    """The graphemes of each token, which no mark joins to the token before."""
    between = (glue,) if glue else ()
    return [sign for place, token in enumerate(tokens) for sign in (*between[: bool(place)], *graphemes(token))]


def _complete(starts: Sequence[float | None], tokens: int) -> bool:
    return len(starts) == tokens and all(start is not None for start in starts)


def _milliseconds(starts: Sequence[float | None]) -> list[int]:
    return [round(1000 * (start or 0.0)) for start in starts]
