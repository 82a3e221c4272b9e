"""British spellings in American, and what only looks British."""

import pytest

from evalkit.scoring.spelling import american


@pytest.mark.parametrize(
    ("british", "here"),
    [
        ("colourful", "colorful"),
        ("neighbourhood", "neighborhood"),
        ("centres", "centers"),
        ("kilometre", "kilometer"),
        ("manoeuvre", "maneuver"),
        ("travelling", "traveling"),
        ("recognise", "recognize"),
        ("organisation", "organization"),
        ("grey", "gray"),
    ],
)
def test_british_spelling(british: str, here: str) -> None:
    assert american(british) == here
    assert american(here) == here


@pytest.mark.parametrize(
    "word", ["exercise", "promise", "hour", "four", "our", "glamour", "advise", "noise", "hello", "more"]
)
def test_words_that_only_look_british_are_left_alone(word: str) -> None:
    assert american(word) == word
