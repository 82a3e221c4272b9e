"""Which word errors a reader would forgive, found by rules alone: a waterfall from the strict count to the lenient one.

English only. Each step is applied on top of the ones before it, to both sides alike, and can only forgive: numbers,
negations and listed terms are never relaxed, since a wrong one changes what was said.
"""

import functools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from evalkit.scoring.compounds import compound_errors
from evalkit.scoring.words import ErrorCounts, Pair, count_ops

Tokens = tuple[str, ...]

STEPS = ("compounds", "spelling", "plurals", "articles", "openers", "truncation")
"""After the ``en`` profile, in this order."""

NEGATIONS = frozenset({
    "no", "not", "never", "without", "nor", "neither", "none", "nobody", "nothing", "nowhere", "cannot", "hardly",
    "scarcely", "barely", "unless",
})  # fmt: skip
ARTICLES = frozenset({"a", "an", "the"})
_OPENERS = (("you", "know"), ("well",), ("so",), ("like",))
FUNCTION_WORDS = frozenset({
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "being", "but", "by", "can", "could", "did", "do", "does", "doing", "for", "from", "had", "has",
    "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it",
    "its", "just", "me", "might", "more", "most", "my", "of", "on", "or", "our", "ours", "out", "over", "shall",
    "she", "should", "so", "some", "such", "than", "that", "the", "their", "theirs", "them", "then", "there",
    "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "us", "very", "was", "we",
    "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with", "would",
    "you", "your", "yours",
})  # fmt: skip
"""Words that carry grammar rather than content; negations carry content."""

_VARIANTS = {
    "adviser": "advisor", "advisers": "advisors", "amongst": "among", "whilst": "while", "towards": "toward",
    "afterwards": "afterward", "backwards": "backward", "forwards": "forward", "upwards": "upward",
    "downwards": "downward", "learnt": "learned", "burnt": "burned", "dreamt": "dreamed", "spelt": "spelled",
    "leant": "leaned", "leapt": "leaped", "spoilt": "spoiled", "spilt": "spilled", "barbeque": "barbecue",
    "omelette": "omelet", "whisky": "whiskey", "disc": "disk", "discs": "disks", "thru": "through", "tonite": "tonight",
    "til": "until", "till": "until",
    "cos": "because", "cuz": "because", "okey": "okay",
    "usable": "useable", "likable": "likeable", "sizable": "sizeable", "gypsy": "gipsy", "enquiry": "inquiry",
    "enquiries": "inquiries", "enquire": "inquire", "hallo": "hello", "hullo": "hello",
}  # fmt: skip
_ENDING = re.compile(r"(.{2,}(?:s|x|z|ch|sh))es?|(.{2,}[^s'ui])'?s|(.{2,})'s")
"""Plurals and possessives; an e after a sibilant goes too: "houses" must meet "house" as "boxes" meets "box"."""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Errors of one clip, strict and after each step."""

    reference_words: int
    """Of the ``en`` profile."""
    strict: int
    """Under the ``basic`` profile."""
    en: int
    """Under the ``en`` profile; more than ``strict`` when that profile splits words that both sides have wrong."""
    after: tuple[int, ...]
    """After each of ``STEPS``."""

    @property
    def forgiven(self) -> dict[str, int]:
        """Errors taken away by each step, in order."""
        left = (self.strict, self.en, *self.after)
        return {name: before - now for name, before, now in zip(("en", *STEPS), left[:-1], left[1:], strict=True)}

    @property
    def lenient(self) -> int:
        """Errors that are left at the end."""
        return self.after[-1]


def waterfall(
    reference: Tokens,
    hypothesis: Tokens,
    *,
    strict: int,
    en: int,
    terms: Collection[str] = (),
    steps: Collection[str] = STEPS,
) -> Waterfall:
    """What each relaxation forgives; where nothing was heard at all, nothing.

    Args:
        reference: tokens of the ``en`` profile.
        hypothesis: the same.
        strict: errors under the ``basic`` profile, by unit costs.
        en: errors under the ``en`` profile, by unit costs.
        terms: words of listed terms, never relaxed.
        steps: those switched on; the others forgive nothing.
    """
    kept = _Kept(frozenset(terms))
    words, errors, after = len(reference), en, []
    for step in STEPS:
        if errors and hypothesis and step in steps:
            before, joins = (reference, hypothesis), "compounds" in steps
            reference, hypothesis = (_RELAXED[step](side, kept) for side in before)
            if step == "compounds" or (reference, hypothesis) != before:
                errors = min(errors, _errors(reference, hypothesis, kept, joins=joins))
            if step == "truncation":
                errors = min(errors, _without_last(reference, hypothesis, kept, errors, joins=joins))
        after.append(errors)
    return Waterfall(words, strict, en, tuple(after))


def content_counts(reference: Sequence[str], hypothesis: Sequence[str], pairs: Sequence[Pair]) -> ErrorCounts:
    """Errors on content words: those of the reference, and inserted ones, that are not function words."""
    ops = [
        pair.op
        for pair in pairs
        if (reference[pair.reference] if pair.reference is not None else hypothesis[pair.hypothesis or 0])
        not in FUNCTION_WORDS
    ]
    return count_ops(ops)


class _Kept(frozenset[str]):
    """Words that are never relaxed: listed terms, negations, and whatever holds a digit."""

    def __contains__(self, word: object) -> bool:
        return super().__contains__(word) or word in NEGATIONS or any(map(str.isdigit, str(word)))


def _unchanged(tokens: Tokens, _: _Kept) -> Tokens:
    return tokens


def _one_spelling(tokens: Tokens, kept: _Kept) -> Tokens:
    return _replaced(tokens, tuple(map(_VARIANTS.get, tokens, tokens)), kept)


def _singular(tokens: Tokens, kept: _Kept) -> Tokens:
    return _replaced(tokens, tuple(map(_stem, tokens)), kept)


def _replaced(tokens: Tokens, others: Tokens, kept: _Kept) -> Tokens:
    """Each token by the other in its place, but for those that are kept."""
    if tokens == others:
        return tokens
    return tuple(word if word == other or word in kept else other for word, other in zip(tokens, others, strict=True))


@functools.lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    found = _ENDING.fullmatch(word) if word not in FUNCTION_WORDS else None
    return next((stem for stem in found.groups() if stem), word) if found else word


def _without_articles(tokens: Tokens, kept: _Kept) -> Tokens:
    if ARTICLES.isdisjoint(tokens):
        return tokens
    return tuple(word for word in tokens if word not in ARTICLES or word in kept)


def _without_openers(tokens: Tokens, kept: _Kept) -> Tokens:
    while opener := next((words for words in _OPENERS if tokens[: len(words)] == words), None):
        if any(word in kept for word in opener):
            break
        tokens = tokens[len(opener) :]
    return tokens


_RELAXED: dict[str, Callable[[Tokens, _Kept], Tokens]] = {
    "compounds": _unchanged,
    "spelling": _one_spelling,
    "plurals": _singular,
    "articles": _without_articles,
    "openers": _without_openers,
    "truncation": _unchanged,
}


def _errors(reference: Tokens, hypothesis: Tokens, kept: _Kept, *, joins: bool) -> int:
    if joins:
        return compound_errors(reference, hypothesis, kept=kept)
    return compound_errors(reference, hypothesis, kept=_EVERYTHING)


class _Everything(frozenset[str]):
    def __contains__(self, word: object) -> bool:
        return True


_EVERYTHING = _Everything()


def _without_last(reference: Tokens, hypothesis: Tokens, kept: _Kept, errors: int, *, joins: bool) -> int:
    """One function word that only one side has at its very end."""
    for one, other, swapped in ((reference, hypothesis, False), (hypothesis, reference, True)):
        if one and one[-1] in FUNCTION_WORDS and one[-1] not in kept:
            sides = (other, one[:-1]) if swapped else (one[:-1], other)
            errors = min(errors, _errors(*sides, kept, joins=joins))
    return errors
