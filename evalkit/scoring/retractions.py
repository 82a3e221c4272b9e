"""Words that captions showed and then took back: how long each stood, what came instead, and whether it mattered.

Case, punctuation and number format are no change here (see rewrites.py): what counts is that a reader was told
something else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalkit.scoring.rewrites import steps
from evalkit.scoring.stretches import tails
from evalkit.scoring.text import Profile
from evalkit.types import Hypothesis

NEGATIONS = frozenset(
    "not no never none nothing nobody neither nor nowhere without hardly unable".split()  # noqa: SIM905 a word list
)
"""English words that turn a sentence round; the ``en`` profile makes "not" of "n't" and "cannot"."""

_SENTENCE_ENDS = (".", "?", "!", "\u2026", ":", "\u3002")


@dataclass(frozen=True, slots=True)
class Change:
    """One word of a caption that came to say something else."""

    before: str
    """What was shown; empty when a word was put in between others."""
    after: str
    """What stands there now; empty when it is gone."""
    stood_s: float
    """How long ``before`` was shown; 0 when there was none."""


def changes(hypothesis: Hypothesis, rules: Profile) -> list[Change]:
    """Every word taken back or put in between, over neighbouring captions of each channel, in order of time.

    Growth at the end is no change.

    Args:
        hypothesis: what was said when.
        rules: the profile of the language.
    """
    found: dict[int, list[tuple[float, Change]]] = {}
    since: dict[int, list[float]] = {}
    for tail in tails(hypothesis):
        was, now = [word.text for word in tail.words_before], [word.text for word in tail.words_after]
        standing = since.setdefault(tail.channel, [])
        start = len(standing) - len(was)
        shown_since, made = update_changes(was, now, standing[start:], tail.t_s, rules)
        standing[start:] = shown_since
        found.setdefault(tail.channel, []).extend((tail.t_s, change) for change in made)
    in_order = sorted((item for channel in sorted(found) for item in found[channel]), key=lambda item: item[0])
    return [change for _, change in in_order]


def update_changes(
    was: Sequence[str], now: Sequence[str], since: Sequence[float], t_s: float, rules: Profile
) -> tuple[list[float], list[Change]]:
    """What one update did to a text.

    Args:
        was: words before, as displayed.
        now: words after.
        since: for each word before, when it was first shown.
        t_s: when the update came.
        rules: the profile of the language.

    Returns:
        For each word after, when it was first shown; and what happened to those before.
    """
    shown_since = [t_s] * len(now)
    found: list[Change] = []
    made = steps(was, now, rules)
    kept = max((step.after.stop for step in made if step.kind in ("kept", "reformatted")), default=0)
    for step in made:
        if step.kind in ("kept", "reformatted"):
            for index in step.after:
                shown_since[index] = min(since[at] for at in step.before)
        elif step.lexical:
            instead = " ".join(now[index] for index in step.after)
            found += [Change(was[at], instead, t_s - since[at]) for at in step.before]
        elif step.after.stop < kept:
            found += [Change("", now[index], 0.0) for index in step.after]
    return shown_since, found


def retracted(found: Iterable[Change]) -> list[Change]:
    """Those in which something that had been shown was taken back."""
    return [change for change in found if change.before]


def number_flips(found: Iterable[Change], rules: Profile) -> int:
    """Changes in which a number was taken back or took another word's place."""
    return sum(_has_number(change.before, rules) or _has_number(change.after, rules) for change in retracted(found))


def name_flips(found: Iterable[Change], final: Sequence[str], rules: Profile) -> int:
    """Changes in which a name of the final text was taken back or took another word's place.

    Args:
        found: changes of the captions.
        final: words of the final text as displayed; those with a capital inside a sentence are names.
        rules: the profile of the language.
    """
    known = names(final, rules)
    return sum(
        any(rules.tokens(text) in known for text in (change.before, change.after) if text)
        for change in retracted(found)
    )


def negation_flips(found: Iterable[Change], rules: Profile) -> int:
    """Changes that brought in or took away an English negation."""
    return sum(_negates(change.before, rules) != _negates(change.after, rules) for change in found)


def names(final: Sequence[str], rules: Profile) -> set[tuple[str, ...]]:
    """Capitalised words inside a sentence, as tokens; "I" is none."""
    found = set()
    for before, word in pairwise(final):
        bare = word.lstrip("\"'(\u201c\u2018")
        if bare[:1].isupper() and not before.rstrip("\"')\u201d\u2019").endswith(_SENTENCE_ENDS):
            found.add(rules.tokens(word))
    return {tokens for tokens in found if tokens and tokens[0] != "i"}


def _has_number(text: str, rules: Profile) -> bool:
    return any(char.isdigit() for token in rules.tokens(text) for char in token)


def _negates(text: str, rules: Profile) -> bool:
    return any(token in NEGATIONS for token in rules.tokens(text))
