"""Reference and hypothesis side by side, word by word, as they were compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from evalkit.scoring import text, words
from evalkit.scoring.words import ErrorCounts, Op
from evalkit.types import Score

LEGEND = "Struck: missed. After an arrow: heard instead. After a plus sign: never said."


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
    rules = text.profile_for(score.language)
    left = rules.tokens(score.reference)
    right = rules.tokens("" if score.failure is not None else score.hypothesis)
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
    names = [f"acc.wer.{profile(score)}.{kind}" for kind in ("hits", "substitutions", "deletions", "insertions")]
    return ErrorCounts(*(int(score.counts.get(name, 0)) for name in names))


def profile(score: Score) -> str:
    """The text rules under which the errors of a score were counted; empty when none were."""
    likely = (text.profile_for(score.language).name, "en", "basic")
    return next((name for name in likely if f"acc.wer.{name}.hits" in score.counts), "")


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


def line(score: Score) -> str:
    """A paragraph of HTML: whose answer it is, how many errors were counted by which text rules, and its words."""
    wrong = errors(score)
    failed = f"; failed ({score.failure})" if score.failure else ""
    about = (
        f"{score.provider} {score.route}: {wrong.errors} errors in {wrong.reference_words} words "
        f"(text rules {profile(score)}){failed}"
    )
    told = html(steps(score)) or "<i>no reference text</i>"
    return f"<p style='margin:0.3em 0'><small>{escape(about)}</small><br>{told}</p>"
