"""Reference and hypothesis side by side, word by word, as they were compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from evalkit.scoring import text, words
from evalkit.scoring.words import ErrorCounts, Op
from evalkit.types import Score


@dataclass(frozen=True, slots=True)
class Step:
    """One place of an alignment; the missing side of a deletion or an insertion is empty."""

    kind: Op
    reference: str
    hypothesis: str


def steps(score: Score) -> tuple[Step, ...]:
    """The aligned words of a score under the profile of its language; empty when the reference is unknown.

    This is the alignment with the most matches. Its split into substitutions, deletions and insertions can differ from
    the counted one, which has the fewest errors. A failed answer has no words, whatever arrived before it failed.
    """
    if score.reference is None:
        return ()
    profile = text.profile_for(score.language)
    left = profile.tokens(score.reference)
    right = profile.tokens("" if score.failure is not None else score.hypothesis)
    return tuple(
        Step(
            pair.op,
            "" if pair.reference is None else left[pair.reference],
            "" if pair.hypothesis is None else right[pair.hypothesis],
        )
        for pair in words.align(left, right)
    )


def errors(score: Score) -> ErrorCounts:
    """Word errors as they were counted, under the profile of the clip's language if it has them."""
    for profile in (text.profile_for(score.language).name, "en", "basic"):
        names = [f"acc.wer.{profile}.{kind}" for kind in ("hits", "substitutions", "deletions", "insertions")]
        if names[0] in score.counts:
            return ErrorCounts(*(int(score.counts.get(name, 0)) for name in names))
    return ErrorCounts()


def html(places: Iterable[Step]) -> str:
    """Aligned words as HTML for a notebook; told apart by strokes and signs, not by colour alone."""
    shown = []
    for step in places:
        gone = f'<del style="color:#c0392b" title="deletion">{escape(step.reference)}</del>'
        if step.kind == "hit":
            shown.append(escape(step.reference))
        elif step.kind == "deletion":
            shown.append(gone)
        elif step.kind == "insertion":
            shown.append(f'<ins style="color:#2980b9" title="insertion">+{escape(step.hypothesis)}</ins>')
        else:
            new = f'<b style="color:#2980b9" title="substitution">→{escape(step.hypothesis)}</b>'
            shown.append(gone.replace("deletion", "substitution") + new)
    return " ".join(shown)
