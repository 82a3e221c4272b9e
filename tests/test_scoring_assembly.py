"""The transcript of pieces against the whole as a provider tells it."""

from dataclasses import replace

from evalkit.scoring.assembly import disagreement
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Update
from tests.conversations import heard, update, word

EN = profile("en")


def told(t_s: float, whole: str, segment: tuple[int, ...] = (0, 9), channel: int | None = None) -> Update:
    """A message that says nothing new and tells everything again."""
    return replace(
        update(t_s, "", segment=segment), restated=tuple(word(text, channel=channel) for text in whole.split())
    )


def test_nothing_told_again_is_no_agreement() -> None:
    assert disagreement(heard(update(1, "a b", "utterance_final")), EN) is None
    assert disagreement(heard(), EN) is None


def test_a_whole_that_is_only_written_otherwise_agrees() -> None:
    pieces = update(1, "book nine thirty", "utterance_final", (0, 0)), update(2, "thank you", "utterance_final", (0, 1))
    assert disagreement(heard(*pieces, told(3, "Book 9:30. Thank you!")), EN) == ErrorCounts(hits=4)


def test_lost_doubled_and_changed_words_are_counted() -> None:
    pieces = update(1, "a b b c", "utterance_final", (0, 0)), update(2, "e", "utterance_final", (0, 1))
    found = disagreement(heard(*pieces, told(3, "a b x d e")), EN)
    assert found is not None
    assert (found.errors, found.reference_words) == (2, 5)


def test_what_comes_after_a_whole_is_not_held_against_it() -> None:
    first, later = update(1, "a b", "utterance_final", (0, 0)), update(4, "c", "utterance_final", (0, 1))
    assert disagreement(heard(first, told(2, "a b"), later), EN) == ErrorCounts(hits=2)
    assert disagreement(heard(first, told(2, "x y"), later, told(5, "a b c")), EN) == ErrorCounts(hits=3), (
        "the last counts"
    )


def test_each_channel_has_a_whole_of_its_own() -> None:
    left, right = [word("a", channel=0)], [word("b", channel=1), word("c", channel=1)]
    pieces = update(1, left, "utterance_final", (0, 0)), update(1.1, right, "utterance_final", (1, 0))
    wholes = told(2, "a", (0, 1), channel=0), told(2, "b d", (1, 1), channel=1)
    assert disagreement(heard(*pieces, *wholes), EN) == ErrorCounts(hits=2, substitutions=1)
