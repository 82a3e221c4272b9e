"""How captions come to rest: what each utterance first showed, what its last guess was worth, how often text came.

An utterance here is a stretch of the transcript that ends in one utterance_final, seen on its own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from evalkit.scoring.stretches import utterances as utterances_of
from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, unit_counts
from evalkit.types import CaptionState, Hypothesis, Segment, State, Update

Tokens = Sequence[str]
Source = Literal["utterance_finals", "chunk_finals", "interim_only"]

_SOURCES: Mapping[State, Source] = {
    "interim": "interim_only",
    "chunk_final": "chunk_finals",
    "utterance_final": "utterance_finals",
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """The captions of one stretch of the transcript, from its first text on."""

    states: tuple[CaptionState, ...]

    @property
    def partials(self) -> tuple[CaptionState, ...]:
        """What was shown before all of it was final."""
        last = len(self.states)
        while last and all(state == "utterance_final" for state in self.states[last - 1].states):
            last -= 1
        return self.states[:last]

    @property
    def texts(self) -> list[str]:
        """What was shown, oldest first."""
        return [" ".join(word.text for word in state.words) for state in self.states]

    @property
    def phantom(self) -> bool:
        """Text was shown and nothing of it is left."""
        return not self.states[-1].words


@dataclass(frozen=True, slots=True)
class Partials:
    """What first and last partials were worth against the final text; counts add."""

    utterances: int = 0
    first_words: int = 0
    """Words of first partials."""
    first_prefix: int = 0
    """Of these, how many begin the final text, in order and without a gap."""
    first_hits: int = 0
    """Of these, how many are in the final text."""
    last_edits: int = 0
    """Words to change, remove or add to make the final text of the last partial."""
    final_words: int = 0
    differing: int = 0
    """Utterances whose last partial is not the final text."""

    def __add__(self, other: "Partials") -> "Partials":
        return Partials(
            self.utterances + other.utterances,
            self.first_words + other.first_words,
            self.first_prefix + other.first_prefix,
            self.first_hits + other.first_hits,
            self.last_edits + other.last_edits,
            self.final_words + other.final_words,
            self.differing + other.differing,
        )

    @property
    def first_prefix_share(self) -> float | None:
        """LCP(first partial, final) per word of the first partial; None without one."""
        return self.first_prefix / self.first_words if self.first_words else None

    @property
    def first_hit_share(self) -> float | None:
        """Words of the first partial that stayed, per word of it; None without one."""
        return self.first_hits / self.first_words if self.first_words else None

    @property
    def last_edit_rate(self) -> float | None:
        """Edits between last partial and final text per final word; None without final words."""
        return self.last_edits / self.final_words if self.final_words else None


def final_source(hypothesis: Hypothesis) -> Source | None:
    """Where the final transcript comes from: its least firmly held words decide; None without any words."""
    last = hypothesis.last_caption
    held = set(last.states) if last else set()
    for state, source in _SOURCES.items():
        if state in held:
            return source
    return None


def utterances(hypothesis: Hypothesis) -> list[Utterance]:
    """The utterances that showed any text, in the order in which they began to.

    Which utterance an update belongs to: ``stretches.utterances``.
    """
    utterance_of = utterances_of(hypothesis)
    members: dict[Segment, list[Update]] = {}
    for update in hypothesis.updates:
        members.setdefault(utterance_of[update.segment], []).append(update)
    found = []
    for own in members.values():
        states = list(Hypothesis(tuple(own)).captions())
        first = next((index for index, state in enumerate(states) if state.words), None)
        if first is not None:
            found.append(Utterance(tuple(states[first:])))
    return found


def partial_quality(partials: Sequence[Tokens], final: Tokens) -> Partials:
    """The first and the last partial of one utterance against its final text.

    Args:
        partials: tokens of what was shown before it was final, oldest first; empty ones are not partials.
        final: tokens of the final text.

    Returns:
        Counts; nothing is counted when there was no partial.
    """
    shown = [partial for partial in partials if partial]
    if not shown:
        return Partials()
    first, last = shown[0], shown[-1]
    prefix = next(
        (index for index, (mine, theirs) in enumerate(zip(first, final, strict=False)) if mine != theirs),
        min(len(first), len(final)),
    )
    hits = sum(pair.op == "hit" for pair in align(final, first))
    edits = unit_counts(final, last).errors
    return Partials(1, len(first), prefix, hits, edits, len(final), int(edits > 0))


def caption_partials(hypothesis: Hypothesis, rules: Profile) -> Partials:
    """``partial_quality`` of every utterance that showed something before it was final and ended in a final."""
    found = Partials()
    for utterance in utterances(hypothesis):
        if utterance.states[-1].states and "utterance_final" not in utterance.states[-1].states:
            continue
        partials, final = utterance.partials, utterance.states[-1]
        found += partial_quality([_tokens(partial, rules) for partial in partials], _tokens(final, rules))
    return found


def _tokens(state: CaptionState, rules: Profile) -> Tokens:
    return rules.tokens(" ".join(word.text for word in state.words))


def interim_times_s(hypothesis: Hypothesis) -> list[float]:
    """Wire times of the updates that showed text before it was final."""
    return [update.t_s for update in hypothesis.updates if update.words and update.state == "interim"]


def cadence_s(times_s: Sequence[float], speech: Sequence[tuple[float, float]]) -> list[float]:
    """Intervals between neighbouring updates while speech ran.

    Args:
        times_s: when text came, ascending.
        speech: start and end of each stretch of speech, on the same clock.

    Returns:
        One interval for each pair of neighbours inside one stretch.
    """
    found = []
    for start_s, end_s in speech:
        inside = times_s[bisect_left(times_s, start_s) : bisect_right(times_s, end_s)]
        found += [after - before for before, after in pairwise(inside)]
    return found


def stalls_s(times_s: Sequence[float], speech: Sequence[tuple[float, float]]) -> list[float]:
    """The longest time without new text in each stretch of speech, its beginning and its end counting as updates.

    So a service that shows nothing at all stalls for the whole stretch.
    """
    found = []
    for start_s, end_s in speech:
        inside = times_s[bisect_right(times_s, start_s) : bisect_left(times_s, end_s)]
        marks = [start_s, *inside, end_s]
        found.append(max(after - before for before, after in pairwise(marks)))
    return found
