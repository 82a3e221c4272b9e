import dataclasses

from evalkit.reports import aligned
from tests import handmade

ONE = handmade.scores(1)[0]


def test_words_are_aligned_as_they_were_compared() -> None:
    """Case and punctuation are gone, and every kind of step is there."""
    score = dataclasses.replace(ONE, reference="At the tone, please say.", hypothesis="at a tone say now")
    kinds = [(step.kind, step.reference, step.hypothesis) for step in aligned.steps(score)]
    assert kinds == [
        ("hit", "at", "at"),
        ("substitution", "the", "a"),
        ("hit", "tone", "tone"),
        ("deletion", "please", ""),
        ("hit", "say", "say"),
        ("insertion", "", "now"),
    ]


def test_an_unknown_reference_has_no_alignment() -> None:
    assert aligned.steps(dataclasses.replace(ONE, reference=None)) == ()


def test_a_failed_answer_has_no_words() -> None:
    score = dataclasses.replace(ONE, reference="one two", hypothesis="one", failure="unavailable: gone")
    assert {step.kind for step in aligned.steps(score)} == {"deletion"}


def test_errors_are_the_counted_ones() -> None:
    counts = {
        f"acc.wer.en.{kind}": n for kind, n in zip(("hits", "substitutions", "deletions"), (5, 2, 1), strict=True)
    }
    found = aligned.errors(dataclasses.replace(ONE, counts={**counts, "acc.wer.en.insertions": 3}))
    assert (found.errors, found.reference_words) == (6, 8)


def test_another_language_uses_its_own_counts() -> None:
    counts = {"acc.wer.basic.hits": 1, "acc.wer.basic.deletions": 2}
    assert aligned.errors(dataclasses.replace(ONE, language="fr", counts=counts)).errors == 2


def test_a_line_tells_who_said_it_and_by_which_rules_it_was_counted() -> None:
    counts = {"acc.wer.en.hits": 1, "acc.wer.en.deletions": 1}
    score = dataclasses.replace(ONE, reference="one two", hypothesis="one", counts=counts, failure=None)
    told = aligned.line(score)
    assert f"{score.provider} {score.route}: 1 errors in 2 words (text rules en)" in told
    assert "<del" in told
    assert "failed (refused: no)" in aligned.line(dataclasses.replace(score, failure="refused: no"))
    assert "no reference text" in aligned.line(dataclasses.replace(score, reference=None))


def test_markup_in_a_hypothesis_stays_text() -> None:
    step = aligned.Step("insertion", "", "<img src=x>")
    assert "<img" not in aligned.html([step])
    assert "+&lt;img" in aligned.html([step])
