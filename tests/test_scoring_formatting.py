import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.formatting import (
    CaseCounts,
    case_counts,
    formatted_counts,
    is_formatted,
    punctuation_counts,
)
from evalkit.scoring.words import ErrorCounts

TEXT = st.text("aB ,.?!5", max_size=20)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Hello, world.", True),
        ("hello world", False),
        ("HELLO, WORLD.", False),
        ("hello, world.", False),
        ("Anna paid 3.50", False),
        ("\u0645\u0631\u062d\u0628\u0627.", True),  # a script without case
        ("", False),
    ],
)
def test_only_what_was_written_to_be_read_is_formatted(said: str, expected: bool) -> None:
    assert is_formatted(said) == expected


@pytest.mark.parametrize(
    ("said", "got", "expected"),
    [
        ("So, yes.", "so, yes.", ErrorCounts(2)),
        ("It is 3.50.", "it is 4.", ErrorCounts(1)),
        ("Yes?", "Yes.", ErrorCounts(substitutions=1)),
        ("Yes", "Yes.", ErrorCounts(insertions=1)),
        ("", "", ErrorCounts()),
    ],
)
def test_marks(said: str, got: str, expected: ErrorCounts) -> None:
    assert punctuation_counts(said, got) == expected


def test_other_marks_may_be_asked_for() -> None:
    assert punctuation_counts("a; b.", "a b.", marks=";") == ErrorCounts(deletions=1)


def test_the_published_way_takes_a_decimal_point_for_a_full_stop() -> None:
    assert punctuation_counts("3.50", "350", lexical=False).deletions == 1
    assert punctuation_counts("3.50", "350").errors == 0


@given(TEXT, TEXT)
def test_every_mark_is_counted_once_and_the_rate_is_bounded(said: str, got: str) -> None:
    found = punctuation_counts(said, got, lexical=False)
    marks = [sum(text.count(mark) for mark in ".,?!") for text in (said, got)]
    assert [found.reference_words, found.hypothesis_words] == marks
    assert found.match_error_rate is None or 0 <= found.match_error_rate <= 1
    assert punctuation_counts(said, said).errors == 0


@given(TEXT, TEXT)
def test_casing_needs_matched_words(said: str, got: str) -> None:
    found = case_counts(said, got)
    assert found.errors <= found.matched
    assert found.both_capital <= min(found.reference_capitals, found.hypothesis_capitals)
    assert case_counts(said, said).errors == 0


def test_casing_is_that_of_words_that_are_right() -> None:
    found = case_counts("Acme paid iPhone users", "acme sold Iphone users")
    assert found == CaseCounts(matched=3, errors=2, both_capital=0, reference_capitals=1, hypothesis_capitals=1)
    assert found + CaseCounts(1) == CaseCounts(4, 2, 0, 1, 1)
    assert CaseCounts().error_rate is CaseCounts().recall is CaseCounts().precision is None


def test_marks_as_tokens_or_glued() -> None:
    assert formatted_counts("Bye now.", "Bye now").errors == 1
    assert formatted_counts("Bye now.", "Bye now").reference_words == 3
    assert formatted_counts("Bye now.", "Bye now", marks_as_tokens=False).reference_words == 2


def test_case_does_not_move_the_marks() -> None:
    """Compared with case, the words part and the marks are lined up otherwise."""
    assert punctuation_counts("So,", "so, So so") == ErrorCounts(1, 0, 0, 0)
    assert punctuation_counts("So,", "so, So so", lexical=False) == ErrorCounts(0, 0, 1, 1)


def test_dashes_and_quotes_part_words_and_marks_of_a_script_do_not() -> None:
    assert punctuation_counts("\u201cwell-known\u201d, yes", "well known, yes") == ErrorCounts(1, 0, 0, 0)
    assert punctuation_counts("\u0928\u092e\u0938\u094d\u0924\u0947, a", "b, a") == ErrorCounts(1, 0, 0, 0)
