"""What a reader sees beyond the words: punctuation, capitals, and both together."""

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.scoring import english
from evalkit.scoring.marks import mark_pairs
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts, hit_pairs, unit_counts

MARKS = (".", ",", "?", "!")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """Casing of words that are otherwise right; counts add."""

    matched: int = 0
    errors: int = 0
    """Matched words whose casing differs anywhere."""
    both_capital: int = 0
    reference_capitals: int = 0
    hypothesis_capitals: int = 0

    def __add__(self, other: "CaseCounts") -> "CaseCounts":
        return CaseCounts(
            self.matched + other.matched,
            self.errors + other.errors,
            self.both_capital + other.both_capital,
            self.reference_capitals + other.reference_capitals,
            self.hypothesis_capitals + other.hypothesis_capitals,
        )

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.matched if self.matched else None

    @property
    def recall(self) -> float | None:
        return self.both_capital / self.reference_capitals if self.reference_capitals else None

    @property
    def precision(self) -> float | None:
        return self.both_capital / self.hypothesis_capitals if self.hypothesis_capitals else None


def is_formatted(text: str) -> bool:
    """Whether a reference was written to be read: it ends a phrase with a mark and does not use one case only."""
    one_case = any(map(str.islower, text)) != any(map(str.isupper, text))
    return re.search(r"\w[.,?!](?:\s|$)", text) is not None and not one_case


def punctuation_counts(
    reference: str, hypothesis: str, *, marks: Sequence[str] = MARKS, lexical: bool = True
) -> ErrorCounts:
    """Errors among punctuation marks, once words and marks are aligned together, every mark being like every other.

    The punctuation error rate (Meister et al. 2023) is the ``match_error_rate`` of the result.

    Args:
        reference: as written.
        hypothesis: as written.
        marks: single characters that count.
        lexical: compare words without case, and read a number as one word, so that "3.50" has no full stop. False
            gives the published algorithm, in which both disturb the marks.
    """
    left, right = (_words_and_marks(text, marks, lexical=lexical) for text in (reference, hypothesis))
    listed = frozenset(marks)
    if listed.isdisjoint(left) or listed.isdisjoint(right):  # no mark can stand for another
        return ErrorCounts(0, 0, *(sum(map(side.count, listed)) for side in (left, right)))
    pairs = mark_pairs(left, right, listed)
    return ErrorCounts(
        hits=sum(mine == theirs for mine, theirs in pairs),
        substitutions=sum(None not in (mine, theirs) and mine != theirs for mine, theirs in pairs),
        deletions=sum(theirs is None for _, theirs in pairs),
        insertions=sum(mine is None for mine, _ in pairs),
    )


def case_counts(reference: str, hypothesis: str) -> CaseCounts:
    """Casing among the hits of the alignment that ignores case and punctuation; other words say nothing about it."""
    left, right = _cased_words(reference), _cased_words(hypothesis)
    matched = errors = both = mine_capital = theirs_capital = 0
    for pair in hit_pairs(*(tuple(map(str.casefold, side)) for side in (left, right))):
        if pair.op != "hit" or pair.reference is None or pair.hypothesis is None:
            continue
        mine, theirs = left[pair.reference], right[pair.hypothesis]
        matched += 1
        if mine == theirs and mine.islower():
            continue
        errors += mine != theirs
        both += mine[0].isupper() and theirs[0].isupper()
        mine_capital += mine[0].isupper()
        theirs_capital += theirs[0].isupper()
    return CaseCounts(matched, errors, both, mine_capital, theirs_capital)


def formatted_counts(reference: str, hypothesis: str, *, marks_as_tokens: bool = True) -> ErrorCounts:
    """Word errors with case and punctuation kept: marks as tokens of their own, or glued to their words."""
    rules = profile("formatted" if marks_as_tokens else "none")
    return unit_counts(rules.tokens(reference), rules.tokens(hypothesis))


def _words_and_marks(text: str, marks: Sequence[str], *, lexical: bool) -> list[str]:
    text = unicodedata.normalize("NFC", text)
    listed = re.escape("".join(marks))
    if not lexical:
        return re.findall(rf"[\w']+|[{listed}]", text)
    text = _NUMBER.sub("0", text.casefold().replace("\u2019", "'")).translate(_spaced(tuple(marks)))
    return re.findall(rf"[{listed}]|[^\s{listed}]+", text)


@functools.cache
def _spaced(marks: tuple[str, ...]) -> english.SpacedPunctuation:
    """What is neither a mark nor part of a word parts words."""
    return english.SpacedPunctuation(keep="'" + "".join(marks))


def _cased_words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).replace("\u2019", "'"))
