"""Speaker labels of words: how many there are, whose words got the wrong one, where they change, whether they stay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from evalkit.scoring.stretches import tails
from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Hypothesis, Word

Label = str | None
_Seen = tuple[Label, bool]
"""The label a word has, and whether that ever changed."""


@dataclass(frozen=True, slots=True)
class CountErrors:
    """How far numbers of speakers are off, over recordings; counts add."""

    files: int = 0
    exact: int = 0
    signed: int = 0
    """Speakers too many minus speakers too few."""
    absolute: int = 0

    def __add__(self, other: "CountErrors") -> "CountErrors":
        return CountErrors(
            self.files + other.files,
            self.exact + other.exact,
            self.signed + other.signed,
            self.absolute + other.absolute,
        )

    @property
    def accuracy(self) -> float | None:
        """Share of recordings with the right number."""
        return self.exact / self.files if self.files else None

    @property
    def mean_absolute(self) -> float | None:
        return self.absolute / self.files if self.files else None

    @property
    def mean_signed(self) -> float | None:
        return self.signed / self.files if self.files else None


@dataclass(frozen=True, slots=True)
class WordLabels:
    """Labels of the words both sides have (hits and substitutions), in order."""

    reference: tuple[Label, ...]
    hypothesis: tuple[Label, ...]

    @property
    def aligned(self) -> int:
        return len(self.reference)

    @property
    def wrong(self) -> int:
        """Words whose label is not the one of their speaker, under the one-to-one map with the fewest such words.

        A word without a label is wrong: to whom should it belong.
        """
        names = sorted({label for label in self.reference if label is not None})
        found = sorted({label for label in self.hypothesis if label is not None})
        table = np.zeros((len(names), len(found)))
        for mine, theirs in zip(self.reference, self.hypothesis, strict=True):
            if mine is not None and theirs is not None:
                table[names.index(mine), found.index(theirs)] += 1
        return self.aligned - int(table[linear_sum_assignment(-table)].sum())

    @property
    def rate(self) -> float | None:
        """WDER of 2019; None when no word is aligned."""
        return self.wrong / self.aligned if self.aligned else None

    def changes(self) -> "TurnChanges":
        """Where neighbouring aligned words have different labels; words without a label are passed over."""
        labelled = [pair for pair in zip(self.reference, self.hypothesis, strict=True) if None not in pair]
        found = TurnChanges()
        for before, after in pairwise(labelled):
            mine, theirs = before[0] != after[0], before[1] != after[1]
            found += TurnChanges(int(mine and theirs), int(mine), int(theirs))
        return found


@dataclass(frozen=True, slots=True)
class TurnChanges:
    """Changes of speaker between neighbouring aligned words; counts add."""

    both: int = 0
    reference: int = 0
    hypothesis: int = 0

    def __add__(self, other: "TurnChanges") -> "TurnChanges":
        return TurnChanges(self.both + other.both, self.reference + other.reference, self.hypothesis + other.hypothesis)

    @property
    def precision(self) -> float | None:
        return self.both / self.hypothesis if self.hypothesis else None

    @property
    def recall(self) -> float | None:
        return self.both / self.reference if self.reference else None


@dataclass(frozen=True, slots=True)
class Flips:
    """Words of the last caption whose label ever changed while they were shown; counts add."""

    relabelled: int = 0
    final_words: int = 0

    def __add__(self, other: "Flips") -> "Flips":
        return Flips(self.relabelled + other.relabelled, self.final_words + other.final_words)

    @property
    def rate(self) -> float | None:
        return self.relabelled / self.final_words if self.final_words else None


def speaker_count(reference: int, hypothesis: int) -> CountErrors:
    """One recording with so many speakers on each side."""
    off = hypothesis - reference
    return CountErrors(1, int(off == 0), off, abs(off))


def speakers_in(words: Iterable[Word]) -> int:
    """Different labels."""
    return len({word.speaker for word in words} - {None})


def word_labels(reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile) -> WordLabels:
    """Labels of aligned words by the ``hit`` alignment of both streams (El Shafey et al. 2019).

    Args:
        reference: the words of all speakers; put into time order where all have a start, else taken as they come.
        hypothesis: the same.
        profile: text rules, applied word by word; a word of several tokens counts as several.
    """
    reference, hypothesis = _in_time_order(reference), _in_time_order(hypothesis)
    left, mine = word_tokens(reference, profile)
    right, theirs = word_tokens(hypothesis, profile)
    starts = [reference[owner].start_s for owner in mine], [hypothesis[owner].start_s for owner in theirs]
    pairs = [
        (reference[mine[pair.reference]].speaker, hypothesis[theirs[pair.hypothesis]].speaker)
        for pair in align(left, right, *starts)
        if pair.reference is not None and pair.hypothesis is not None
    ]
    pairs = [(said, got) for said, got in pairs if said is not None]  # whose word that is nobody wrote down
    return WordLabels(tuple(said for said, _ in pairs), tuple(got for _, got in pairs))


def flips(states: Iterable[Sequence[Word]], profile: Profile) -> Flips:
    """Final words whose label changed after they were first shown, over the caption states of one channel.

    A word is followed from state to state by the ``hit`` alignment; one that was replaced starts anew. That a word
    gets a label where it had none is no change.
    """
    shown: Sequence[Word] = ()
    seen: list[_Seen] = []
    for state in states:
        seen = _followed(shown, state, seen, profile)
        shown = state
    return Flips(sum(changed for _, changed in seen), len(shown))


def caption_flips(hypothesis: Hypothesis, profile: Profile) -> Flips:
    """`flips` of every channel of a stream; labels are compared within this one session only."""
    seen: dict[int, list[_Seen]] = {}
    for tail in tails(hypothesis):
        mine = seen.setdefault(tail.channel, [])
        before = tail.words_before
        kept = len(mine) - len(before)
        mine[kept:] = _followed(before, tail.words_after, mine[kept:], profile)
    return Flips(sum(changed for mine in seen.values() for _, changed in mine), sum(map(len, seen.values())))


def _followed(shown: Sequence[Word], state: Sequence[Word], seen: Sequence[_Seen], profile: Profile) -> list[_Seen]:
    """What is known of the words of a state, from what was known of those of the state before."""
    same = _common_prefix(shown, state)
    before = [_key(word, profile) for word in shown[same:]]
    after = [_key(word, profile) for word in state[same:]]
    # Captions grow at the end: equal beginnings belong together, or "no" would be taken for the last "no no no".
    kept = _common_prefix(before, after)
    pairs = [(index, index) for index in range(kept)]
    pairs += [
        (kept + pair.reference, kept + pair.hypothesis)
        for pair in align(before[kept:], after[kept:])
        if pair.op == "hit" and pair.reference is not None and pair.hypothesis is not None
    ]
    now: list[_Seen] = [(word.speaker, False) for word in state[same:]]
    for old, new in pairs:
        had, changed = seen[same + old]
        has = now[new][0]
        now[new] = (had if has is None else has, changed or (None not in (had, has) and had != has))
    return [*seen[:same], *now]


def _in_time_order(words: Sequence[Word]) -> Sequence[Word]:
    if any(word.start_s is None for word in words):
        return words
    return sorted(words, key=lambda word: word.start_s or 0.0)


def _key(word: Word, profile: Profile) -> str:
    return " ".join(profile.tokens(word.text))


def _common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    same = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine is not theirs and mine != theirs:
            break
        same += 1
    return same
