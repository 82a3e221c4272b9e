"""What a reader of live captions sees: words taken back, and when each final word appeared and settled.

Everything here works on caption states, never on raw messages.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import CaptionState, Hypothesis, State, Word

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

    Args:
        hypothesis: what was said when.
        readings: how a caption becomes tokens: ``str.split`` for what the eye sees, a profile's tokens for what the
            words say. Of several, each update is judged by the one under which it takes back least, so that neither
            "twenty" growing to "twenty one" (21) nor "nine thirty" rewritten as "9:30" counts. The first also counts
            the final words.
        extend_ok: a last word that only grew ("some", "something") is not taken back.
    """
    total = Erasure()
    for states in channel_states(hypothesis).values():
        shown = [" ".join(word.text for word in state.words) for state in states]
        found = [Erasure(final_words=len(readings[0](shown[-1])))]
        for before, after in pairwise(shown):
            updates = [_taken_back(reading(before), reading(after), extend_ok) for reading in readings]
            found.append(min(updates, key=lambda update: update.erased))
        total += Erasure(
            updates=sum(update.updates for update in found),
            revisions=sum(update.revisions for update in found),
            erased=sum(update.erased for update in found),
            changed=sum(update.changed for update in found),
            final_words=found[0].final_words,
            depths=tuple(depth for update in found for depth in update.depths),
        )
    return total


def channel_states(hypothesis: Hypothesis) -> dict[int | None, list[CaptionState]]:
    """The captions of each channel from its first text on, one per update that was about it.

    An update without words that changes nothing is none, and one of another channel is none either.
    """
    states: dict[int | None, list[CaptionState]] = {}
    for update, caption in zip(hypothesis.updates, hypothesis.captions(), strict=True):
        pieces: dict[int | None, list[tuple[Word, State]]] = {channel: [] for channel in states}
        for word, state in zip(caption.words, caption.states, strict=True):
            pieces.setdefault(word.channel, []).append((word, state))
        about = {word.channel for word in update.words}
        for channel, shown in pieces.items():
            words = tuple(word for word, _ in shown)
            before = states.setdefault(channel, [])
            if channel in about or words != before[-1].words:
                before.append(CaptionState(caption.t_s, words, tuple(state for _, state in shown)))
    return {channel: states[channel] for channel in sorted(states, key=_channel_order)}


def emissions(hypothesis: Hypothesis, profile: Profile) -> list[Emission]:
    """For each word of the final transcript, in the order of ``hypothesis.words``: first shown, stable, committed."""
    return list(_emissions(hypothesis, profile))


@functools.lru_cache(maxsize=2)  # stability and latency both ask for those of one clip, and they cost
def _emissions(hypothesis: Hypothesis, profile: Profile) -> tuple[Emission, ...]:
    captions = list(hypothesis.captions())
    found = [emission for channel in _channels(captions) for emission in _channel_emissions(captions, channel, profile)]
    if len({emission.word.channel for emission in found}) > 1 and all(
        word.start_s is not None for word in hypothesis.words
    ):
        found.sort(key=lambda emission: emission.word.start_s or 0.0)
    return tuple(found)


def _channel_emissions(captions: Sequence[CaptionState], channel: int | None, profile: Profile) -> list[Emission]:
    final = [word for word in captions[-1].words if word.channel == channel]
    final_tokens, owners = word_tokens(final, profile)
    first: dict[int, float] = {}
    committed: dict[int, float] = {}
    stable: dict[int, float] = {}
    for caption in captions:
        shown = [pair for pair in zip(caption.words, caption.states, strict=True) if pair[0].channel == channel]
        held = _held([word for word, _ in shown], final, final_tokens, owners, profile)
        locked = held
        if any(state == "interim" for _, state in shown):
            locked = _held([word for word, state in shown if state != "interim"], final, final_tokens, owners, profile)
        for index in held:
            first.setdefault(index, caption.t_s)
            stable.setdefault(index, caption.t_s)
        for index in locked:
            committed.setdefault(index, caption.t_s)
        stable = {index: t_s for index, t_s in stable.items() if index in held}
    return [
        Emission(word, first[index], stable[index], committed.get(index))
        for index, word in enumerate(final)
        if index in first and index in stable
    ]


def _held(
    words: Sequence[Word], final: Sequence[Word], final_tokens: Tokens, owners: Sequence[int], profile: Profile
) -> set[int]:
    """Indices of final words all of whose tokens are in a caption."""
    tokens, shown = word_tokens(words, profile)
    # Captions grow at the end: equal beginnings belong together, or "no" would be taken for the last of "no no no".
    prefix = _common_prefix(tokens, final_tokens)
    there = set(range(prefix))
    finally_s = [final[owner].start_s for owner in owners[prefix:]]
    now_s = [words[owner].start_s for owner in shown[prefix:]]
    for pair in align(final_tokens[prefix:], tokens[prefix:], finally_s, now_s) if len(tokens) > prefix else ():
        if pair.op == "hit" and _near(finally_s[pair.reference or 0], now_s[pair.hypothesis or 0]):
            there.add(prefix + (pair.reference or 0))
    missing = {owner for index, owner in enumerate(owners) if index not in there}
    return {owners[index] for index in there} - missing


def _near(left_s: float | None, right_s: float | None) -> bool:
    return left_s is None or right_s is None or abs(left_s - right_s) <= NEAR_S


def _channels(captions: Sequence[CaptionState]) -> list[int | None]:
    found = {word.channel for caption in captions for word in caption.words}
    return sorted(found, key=_channel_order)


def _channel_order(channel: int | None) -> int:
    return -1 if channel is None else channel


def _common_prefix(left: Tokens, right: Tokens) -> int:
    same = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            break
        same += 1
    return same
