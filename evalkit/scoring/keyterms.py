"""Terms that matter to the product: found, missed and invented, by alignment and not by counting words.

A bag of words would call a term found that was lost in one place and invented in another.
"""

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts, Op, Pair, count_ops

Tokens = tuple[str, ...]
Term = frozenset[Tokens]
"""One term in all its spellings."""

_REACH = 2
"""Inserted words beside an occurrence that may belong to it when it was split: three parts, one of them aligned."""


@dataclass(frozen=True, slots=True)
class TermCounts:
    """Occurrences of terms; counts add."""

    found: int = 0
    missed: int = 0
    invented: int = 0

    def __add__(self, other: "TermCounts") -> "TermCounts":
        return TermCounts(self.found + other.found, self.missed + other.missed, self.invented + other.invented)

    @property
    def occurrences(self) -> int:
        """In the reference."""
        return self.found + self.missed

    @property
    def recall(self) -> float | None:
        return self.found / self.occurrences if self.occurrences else None

    @property
    def precision(self) -> float | None:
        return self.found / (self.found + self.invented) if self.found + self.invented else None

    @property
    def f1(self) -> float | None:
        total = 2 * self.found + self.missed + self.invented
        return 2 * self.found / total if total else None


@functools.lru_cache(maxsize=64)
def terms_of(listed: tuple[str, ...], profile: Profile) -> tuple[Term, ...]:
    """The terms as tokens, each once; spellings of one term are separated by ``|``, as in ``kubernetes|k8s``."""
    made = (frozenset(profile.tokens(spelling) for spelling in term.split("|")) - {()} for term in listed)
    return tuple(dict.fromkeys(term for term in made if term))


def term_counts(
    reference: Sequence[str], hypothesis: Sequence[str], pairs: Sequence[Pair], terms: Sequence[Term]
) -> TermCounts:
    """Terms found, missed and invented.

    An occurrence is a contiguous match of a term's tokens. In the reference it is found when the hypothesis has a
    spelling of the term, whole or split or joined, exactly where the ``hit`` alignment puts it. An occurrence in the
    hypothesis that answers none in the reference is invented. Terms within terms are counted each for itself.

    Args:
        reference: normalised tokens.
        hypothesis: normalised tokens.
        pairs: the ``hit`` alignment of the two.
        terms: as made by `terms_of` with the same profile.
    """
    found = missed = invented = 0
    where: dict[int, int] = {}
    for term in terms:
        wanted = list(_occurrences(reference, term))
        if wanted and not where:
            where = {pair.reference: column for column, pair in enumerate(pairs) if pair.reference is not None}
        answered = [_answer(hypothesis, pairs, where[start], where[end - 1], term) for start, end in wanted]
        spans = {span for span in answered if span}
        found += len(wanted) - answered.count(None)
        missed += answered.count(None)
        invented += sum(span not in spans for span in _occurrences(hypothesis, term))
    return TermCounts(found, missed, invented)


def bag_counts(reference: Sequence[str], hypothesis: Sequence[str], terms: Sequence[Term]) -> TermCounts:
    """The same without looking where: shown only to tell how much a bag of words flatters."""
    total = TermCounts()
    for term in terms:
        wanted, got = (sum(1 for _ in _occurrences(side, term)) for side in (reference, hypothesis))
        total += TermCounts(min(wanted, got), max(wanted - got, 0), max(got - wanted, 0))
    return total


def biased_counts(
    reference: Sequence[str], hypothesis: Sequence[str], pairs: Sequence[Pair], terms: Sequence[Term]
) -> tuple[ErrorCounts, ErrorCounts]:
    """Word errors on the listed words and on all others; the two add up to the errors of the alignment.

    Listed words are the terms of one word; an inserted word belongs to the list it is in. Definition: Le et al. 2021.

    Returns:
        Counts for B-WER and for U-WER.
    """
    listed = {spelling[0] for term in terms for spelling in term if len(spelling) == 1}
    ops: tuple[list[Op], list[Op]] = ([], [])
    for pair in pairs:
        word = reference[pair.reference] if pair.reference is not None else hypothesis[pair.hypothesis or 0]
        ops[word not in listed].append(pair.op)
    return count_ops(ops[0]), count_ops(ops[1])


def _occurrences(tokens: Sequence[str], term: Term) -> Iterator[tuple[int, int]]:
    """Spans that match any spelling, the longest where several start, none overlapping another of the same term."""
    firsts, sizes = _shape(term)
    if firsts.isdisjoint(tokens):
        return
    free = 0
    for start, token in enumerate(tokens):
        if start < free or token not in firsts:
            continue
        for size in sizes:
            # At the end of the text the slice is shorter, and may be a shorter spelling.
            if (said := tuple(tokens[start : start + size])) in term:
                free = start + len(said)
                yield start, free
                break


@functools.lru_cache(maxsize=1 << 10)
def _shape(term: Term) -> tuple[frozenset[str], tuple[int, ...]]:
    """First tokens of all spellings, and their lengths, the longest first."""
    return frozenset(spelling[0] for spelling in term), tuple(sorted({len(each) for each in term}, reverse=True))


def _answer(
    hypothesis: Sequence[str], pairs: Sequence[Pair], first: int, last: int, term: Term
) -> tuple[int, int] | None:
    """The span of the hypothesis that says the term in these columns of the alignment, if it does."""
    joined: Collection[str] = {"".join(spelling) for spelling in term}
    before, after = _insertions(pairs, first, -1), _insertions(pairs, last, 1)
    for left in range(before + 1):
        for right in range(after + 1):
            said = [pair.hypothesis for pair in pairs[first - left : last + right + 1] if pair.hypothesis is not None]
            if said and "".join(hypothesis[place] for place in said) in joined:
                return said[0], said[-1] + 1
    return None


def _insertions(pairs: Sequence[Pair], column: int, step: int) -> int:
    """Inserted words directly beside a column, as far as a split word can reach."""
    reached = 0
    while reached < _REACH:
        beside = column + step * (reached + 1)
        if not 0 <= beside < len(pairs) or pairs[beside].op != "insertion":
            break
        reached += 1
    return reached
