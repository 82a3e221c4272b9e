"""What a reader of live captions sees: words taken back, and when each final word appeared and settled.

Everything here works on caption states, never on raw messages.
"""

import functools
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from evalkit.scoring.stretches import Place, Shown, changes, last_shown, tails
from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Hypothesis, Word

Tokens = Sequence[str]

NEAR_S = 1.0
"""A caption's word stands for a word of the final transcript only when it lies this close to it in time: without the
bound, the "the" of an early caption is taken for a "the" spoken twenty seconds later."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Words taken back over a sequence of caption states; counts add."""

    updates: int = 0
    revisions: int = 0
    """Updates that took back at least one word."""
    erased: int = 0
    """Words after the longest common prefix of neighbouring states."""
    changed: int = 0
    """Words substituted or deleted between neighbouring states: what visibly changes."""
    final_words: int = 0
    depths: tuple[int, ...] = ()
    """Words taken back by each update that took any back."""

    def __add__(self, other: "Erasure") -> "Erasure":
        return Erasure(
            self.updates + other.updates,
            self.revisions + other.revisions,
            self.erased + other.erased,
            self.changed + other.changed,
            self.final_words + other.final_words,
            self.depths + other.depths,
        )

    @property
    def depth(self) -> int:
        """Most words taken back by one update."""
        return max(self.depths, default=0)

    @property
    def normalised(self) -> float | None:
        """Normalised erasure; None when nothing was updated or nothing is left in the end."""
        return self.erased / self.final_words if self.updates and self.final_words else None

    @property
    def edit_overhead(self) -> float | None:
        """Share of edits that were unnecessary (Baumann et al. 2009); None when nothing was ever shown."""
        edits = self.final_words + 2 * self.erased
        return 2 * self.erased / edits if self.updates and edits else None

    @property
    def phantom(self) -> bool:
        """Text was shown and nothing of it is left."""
        return self.final_words == 0 and self.erased > 0


@dataclass(frozen=True, slots=True)
class Emission:
    """When one word of the final transcript came, in wire time."""

    word: Word
    first_s: float
    """First shown."""
    stable_s: float
    """Shown from here to the end."""
    committed_s: float | None
    """First part of locked text; None if it never was."""


def erasure(states: Sequence[Tokens], *, extend_ok: bool = False) -> Erasure:
    """Words taken back over caption states, oldest first; the last state is the final text.

    Args:
        states: tokens of each state.
        extend_ok: a last word that only grew ("some", "something") is not taken back.
    """
    total = Erasure(final_words=len(states[-1]) if states else 0)
    return sum((_taken_back(*pair, extend_ok) for pair in pairwise(states)), total)


def _taken_back(before: Tokens, after: Tokens, extend_ok: bool = False) -> Erasure:
    """One update."""
    kept = _common_prefix(before, after)
    erased = len(before) - kept
    if extend_ok and erased == 1 and len(after) > kept and after[kept].startswith(before[kept]):
        erased = 0
    pairs = align(before[kept:], after[kept:]) if erased else []
    changed = sum(pair.op in ("substitution", "deletion") for pair in pairs)
    return Erasure(1, int(erased > 0), erased, changed, 0, (erased,) if erased else ())


def formatting_share(display: Erasure, lexical: Erasure) -> float | None:
    """Share of visibly changed words of which only case, punctuation or number format changed."""
    return 1 - lexical.changed / display.changed if display.changed else None


def has_interims(hypothesis: Hypothesis) -> bool:
    """Whether text was shown before it was final, so that there was anything to take back."""
    return any(update.state != "utterance_final" and update.words for update in hypothesis.updates)


def caption_erasure(hypothesis: Hypothesis, *readings: Callable[[str], Tokens], extend_ok: bool = False) -> Erasure:
    """Words taken back over the captions of each channel, summed over channels.

    Each utterance is read on its own: no number runs from one into the next.

    Args:
        hypothesis: what was said when.
        readings: how a caption becomes tokens: ``str.split`` for what the eye sees, a profile's tokens for what the
            words say. Of several, each update is judged by the one under which it takes back least, so that neither
            "twenty" growing to "twenty one" (21) nor "nine thirty" rewritten as "9:30" counts. The first also counts
            the final words.
        extend_ok: a last word that only grew ("some", "something") is not taken back.
    """
    made: dict[int, list[Erasure]] = {}
    for tail in tails(hypothesis):
        own = made.setdefault(tail.channel, [])
        if tail.first:
            continue
        before, after = [shown.text for shown in tail.before], [shown.text for shown in tail.after]
        own.append(_least(before, after, readings, extend_ok))
    found = [update for channel in sorted(made) for update in made[channel]]
    return Erasure(
        updates=sum(update.updates for update in found),
        revisions=sum(update.revisions for update in found),
        erased=sum(update.erased for update in found),
        changed=sum(update.changed for update in found),
        final_words=sum(len(readings[0](shown.text)) for shown in last_shown(hypothesis).values()),
        depths=tuple(depth for update in found for depth in update.depths),
    )


def text_erasure(texts: Sequence[str], *readings: Callable[[str], Tokens]) -> Erasure:
    """Words taken back over the texts that one utterance showed, oldest first; readings as for captions."""
    total = Erasure(final_words=len(readings[0](texts[-1])) if texts else 0)
    return sum((_least([before], [after], readings) for before, after in pairwise(texts)), total)


def _least(
    before: Sequence[str], after: Sequence[str], readings: Sequence[Callable[[str], Tokens]], extend_ok: bool = False
) -> Erasure:
    """One update of utterances, under the reading by which it takes back least."""
    found = [
        _taken_back(
            [token for text in before for token in reading(text)],
            [token for text in after for token in reading(text)],
            extend_ok,
        )
        for reading in readings
    ]
    return min(found, key=lambda update: update.erased)


def emissions(hypothesis: Hypothesis, profile: Profile) -> list[Emission]:
    """For each word of the final transcript, in the order of ``hypothesis.words``: first shown, stable, committed.

    What a stretch shows is compared with the final text of its utterance and of the one that follows, because text
    may be cut otherwise in the end than it was at first.
    """
    return list(_emissions(hypothesis, profile))


@dataclass(frozen=True, slots=True)
class _Goal:
    """The final words that what a stretch shows may be."""

    words: tuple[Word, ...]
    tokens: tuple[str, ...]
    owners: tuple[int, ...]
    """For each token the index of its word."""
    base: int
    """Index of the first word in the final captions."""


_NO_GOAL = _Goal((), (), (), 0)


@functools.lru_cache(maxsize=2)  # stability and latency both ask for those of one clip, and they cost
def _emissions(hypothesis: Hypothesis, profile: Profile) -> tuple[Emission, ...]:
    final = last_shown(hypothesis)
    words = [word for shown in final.values() for word in shown.words]
    goals = _goals(final, profile)
    order = list(goals)
    held: dict[Place, set[int]] = {}
    holders: Counter[int] = Counter()
    first: dict[int, float] = {}
    stable: dict[int, float] = {}
    committed: dict[int, float] = {}
    for made in changes(hypothesis):
        lost: set[int] = set()
        for change in made:
            at = bisect_left(order, change.place)
            goal = goals[order[at]] if at < len(order) and order[at][0] == change.place[0] else _NO_GOAL
            before, (now, locked) = held.get(change.place, set()), _reached(change.after, goal, profile)
            holders.update(now - before)
            holders.subtract(before - now)
            held[change.place] = now
            lost |= before - now
            for index in now:
                first.setdefault(index, change.t_s)
                stable.setdefault(index, change.t_s)
            for index in locked:
                committed.setdefault(index, change.t_s)
        for index in lost:
            if not holders[index]:
                del stable[index]
    found = [
        Emission(word, first[index], stable[index], committed.get(index))
        for index, word in enumerate(words)
        if index in stable
    ]
    if len({word.channel for word in words}) > 1 and all(word.start_s is not None for word in words):
        found.sort(key=lambda emission: emission.word.start_s or 0.0)
    return tuple(found)


def _goals(final: Mapping[Place, Shown], profile: Profile) -> dict[Place, _Goal]:
    """For each stretch of the final captions its words and those of the next one of its channel."""
    places = list(final)
    goals: dict[Place, _Goal] = {}
    base = 0
    for place, following in zip_longest(places, places[1:]):
        more = final[following].words if following and following[0] == place[0] else ()
        words = (*final[place].words, *more)
        tokens, owners = word_tokens(words, profile)
        goals[place] = _Goal(words, tuple(tokens), tuple(owners), base)
        base += len(final[place].words)
    return goals


def _reached(shown: Shown, goal: _Goal, profile: Profile) -> tuple[set[int], set[int]]:
    """Indices of the final words that are shown, and of those that are shown in locked text."""
    held = _held(shown.words, goal, profile)
    if "interim" not in shown.states:
        return held, held
    firm = [word for word, state in zip(shown.words, shown.states, strict=True) if state != "interim"]
    return held, _held(firm, goal, profile)


def _held(words: Sequence[Word], goal: _Goal, profile: Profile) -> set[int]:
    """Indices of final words all of whose tokens are shown."""
    tokens, shown = word_tokens(words, profile)
    # Captions grow at the end: equal beginnings belong together, or "no" would be taken for the last of "no no no".
    prefix = _common_prefix(tokens, goal.tokens)
    there = set(range(prefix))
    finally_s = [goal.words[owner].start_s for owner in goal.owners[prefix:]]
    now_s = [words[owner].start_s for owner in shown[prefix:]]
    for pair in align(goal.tokens[prefix:], tokens[prefix:], finally_s, now_s) if len(tokens) > prefix else ():
        if pair.op == "hit" and _near(finally_s[pair.reference or 0], now_s[pair.hypothesis or 0]):
            there.add(prefix + (pair.reference or 0))
    missing = {owner for index, owner in enumerate(goal.owners) if index not in there}
    return {goal.base + goal.owners[index] for index in there if goal.owners[index] not in missing}


def _near(left_s: float | None, right_s: float | None) -> bool:
    return left_s is None or right_s is None or abs(left_s - right_s) <= NEAR_S


def _common_prefix(left: Tokens, right: Tokens) -> int:
    same = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            break
        same += 1
    return same
