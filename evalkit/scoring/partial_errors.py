"""How right captions are while somebody is still speaking: each caption against what had been said by then."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Levenshtein

from evalkit.scoring.endpoints import UTTERANCE_GAP_S
from evalkit.scoring.stretches import rank, tails
from evalkit.scoring.text import Profile
from evalkit.types import Hypothesis, Word

LAG_S = 0.3
"""A word counts as said so long after its end: nobody can show it the moment it is over."""


@dataclass(frozen=True, slots=True)
class PartialErrors:
    """Word errors of captions against the words said by then, over updates; counts add."""

    updates: int = 0
    errors: int = 0
    words: int = 0
    """Words that had been said, once per update."""

    def __add__(self, other: "PartialErrors") -> "PartialErrors":
        return PartialErrors(self.updates + other.updates, self.errors + other.errors, self.words + other.words)

    @property
    def rate(self) -> float | None:
        """Errors per word that had been said; None when nothing had."""
        return self.errors / self.words if self.words else None


def partial_errors(
    hypothesis: Hypothesis, reference: Sequence[Word], origin_s: float, rules: Profile, *, lag_s: float = LAG_S
) -> PartialErrors | None:
    """Errors of every caption against the reference words that had ended ``lag_s`` before it, as ``unit`` counts them.

    Utterances are read one by one on both sides, so that no number runs from one into the next. Of words that overlap
    only those count that stand before the first which had not ended.

    Args:
        hypothesis: what was said when.
        reference: words in time order.
        origin_s: T0.
        rules: the profile of the language.
        lag_s: how long after its end a word has to be shown.

    Returns:
        Counts over the updates of all channels; None when nothing was shown, when reference words lack times, or
        when captions have channels that the reference does not tell apart.
    """
    said: dict[int, list[Word]] = {}
    for word in reference:
        said.setdefault(rank(word.channel), []).append(word)
    if not reference or any(word.start_s is None or word.end_s is None for word in reference):
        return None
    shown_on = {rank(word.channel) for update in hypothesis.updates for word in update.words}
    if len(shown_on) == 1:
        said = {channel: list(reference) for channel in shown_on}
    if not shown_on or not shown_on <= set(said):
        return None
    signs = _Signs(rules)
    spoken = {channel: _Spoken.of(words, signs) for channel, words in said.items()}
    shown: dict[int, str] = {}
    updates = errors = words = last = 0
    for tail in tails(hypothesis):
        mine = shown.get(tail.channel, "")
        before, after = ("".join(signs.of(stretch.text) for stretch in side) for side in (tail.before, tail.after))
        mine = mine[: len(mine) - len(before)] + after
        shown[tail.channel] = mine
        expected = spoken[tail.channel].by(tail.t_s - origin_s - lag_s, signs)
        # The hint only says where to look first: neighbouring captions have about as many errors.
        last = Levenshtein.distance(expected, mine, score_hint=last + 16)
        updates, errors, words = updates + 1, errors + last, words + len(expected)
    return PartialErrors(updates, errors, words)


class _Signs:
    """One character for every token there is: long strings are compared much faster than long lists."""

    def __init__(self, rules: Profile) -> None:
        self._rules = rules
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """The tokens of a text, a character each."""
        return "".join(self._known.setdefault(token, chr(len(self._known) + 1)) for token in self._rules.tokens(text))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The reference of one channel, its finished utterances read beforehand."""

    texts: tuple[str, ...]
    over_s: tuple[float, ...]
    """For each word when it and all before it had ended."""
    starts: tuple[int, ...]
    """Index of the first word of each utterance."""
    sizes: tuple[int, ...]
    """How many tokens come before each utterance."""
    tokens: str

    @classmethod
    def of(cls, words: Sequence[Word], signs: _Signs) -> "_Spoken":
        texts = tuple(word.text for word in words)
        over_s = tuple(accumulate((word.end_s or 0.0 for word in words), max))
        starts = tuple(
            index
            for index, word in enumerate(words)
            if index == 0 or (word.start_s or 0.0) - over_s[index - 1] > UTTERANCE_GAP_S
        )
        ends = (*starts[1:], len(texts))
        read = [signs.of(" ".join(texts[start:stop])) for start, stop in zip(starts, ends, strict=True)]
        return cls(texts, over_s, starts, tuple(accumulate(map(len, read), initial=0)), "".join(read))

    def by(self, moment_s: float, signs: _Signs) -> str:
        """Tokens of the words that were over by a moment."""
        stop = bisect_right(self.over_s, moment_s)
        if stop == len(self.texts):
            return self.tokens
        utterance = bisect_right(self.starts, stop) - 1
        return self.tokens[: self.sizes[utterance]] + signs.of(" ".join(self.texts[self.starts[utterance] : stop]))
