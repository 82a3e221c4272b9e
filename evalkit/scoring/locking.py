"""Locked text that changed after all: a final that was taken back.

Two locks are kept apart: the text of an utterance_final is promised for good, the text of a chunk_final until its
utterance is restated as a whole. Words rewritten without saying something else ("nine thirty", "9:30,") are counted
apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evalkit.scoring.rewrites import steps
from evalkit.scoring.text import Profile
from evalkit.types import Hypothesis, State, Update

Level = Literal["utterance", "chunk"]

_LEVELS: Mapping[State, Level] = {"utterance_final": "utterance", "chunk_final": "chunk"}


@dataclass(frozen=True, slots=True)
class Locked:
    """Locked words and what became of them; counts add."""

    words: int = 0
    """Words that were locked."""
    changed: int = 0
    """Locked words that were exchanged or removed later, once per update that did it."""
    reformatted: int = 0
    """Locked words that were only written differently later."""
    updates: int = 0
    """Updates that changed at least one locked word."""

    def __add__(self, other: "Locked") -> "Locked":
        return Locked(
            self.words + other.words,
            self.changed + other.changed,
            self.reformatted + other.reformatted,
            self.updates + other.updates,
        )

    @property
    def rate(self) -> float | None:
        """Changed words per locked word; None when nothing was locked."""
        return self.changed / self.words if self.words else None

    @property
    def verdict(self) -> Literal["pass", "warn", "fail"]:
        """``fail`` when locked text came to say something else, ``warn`` when it was only rewritten."""
        return "fail" if self.changed else "warn" if self.reformatted else "pass"


def locked_changes(hypothesis: Hypothesis, rules: Profile) -> dict[Level, Locked]:
    """What later updates did to locked text of the same stretch; words that are added change nothing.

    Args:
        hypothesis: what was said when.
        rules: the profile of the language, for the canonical form of what differs.

    Returns:
        Counts for both locks.
    """
    found: dict[Level, Locked] = {"utterance": Locked(), "chunk": Locked()}
    for update, replaced in hypothesis.replacements():
        held = [(text, _LEVELS[old.state]) for old in replaced if old.state in _LEVELS for text in _texts(old)]
        for level, changes in _changes(held, _texts(update), rules).items():
            found[level] += changes
        level_now = _LEVELS.get(update.state)
        if level_now:
            # A chunk that restates locked chunks locks only what is new in it.
            before = sum(level_now == "chunk" or level == "utterance" for _, level in held)
            found[level_now] += Locked(words=max(len(_texts(update)) - before, 0))
    return found


def _changes(held: list[tuple[str, Level]], now: list[str], rules: Profile) -> dict[Level, Locked]:
    changed: dict[Level, int] = {"utterance": 0, "chunk": 0}
    reformatted = dict(changed)
    for step in steps([text for text, _ in held], now, rules) if held else ():
        counts = changed if step.lexical else reformatted if step.kind == "reformatted" else None
        if counts is not None:
            for index in _rewritten(step.before, [text for text, _ in held], [now[at] for at in step.after]):
                counts[held[index][1]] += 1
    return {level: Locked(0, changed[level], reformatted[level], int(changed[level] > 0)) for level in _LEVELS.values()}


def _rewritten(before: range, held: list[str], now: list[str]) -> list[int]:
    """The words of a stretch that are not there any more as they were."""
    return [index for index in before if held[index] not in now]


def _texts(update: Update) -> list[str]:
    return " ".join(word.text for word in update.words).split()
