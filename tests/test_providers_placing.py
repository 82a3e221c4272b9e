"""Word times on the words of a text, however the list of words is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.providers.placing import placed
from evalkit.types import Word

TEXT = "Please call Mrs. O'Neil at twenty-five past $9.30 – now!"
WRITTEN = ["Please", "call", "Mrs", "O'Neil", "at", "twenty", "five", "past", "9", "30", "now"]
PIECES = [
    " Pl", "ease", " call", " Mrs", ".", " O", "'", "Neil", " at", " twenty", "-", "five", " past", " $", "9", ".",
    "30", " –", " now", "!",
]  # fmt: skip


def listed(texts: list[str]) -> list[Word]:
    return [Word(text, float(k), k + 0.5, confidence=0.5) for k, text in enumerate(texts)]


def spans(text: str, pieces: list[Word]) -> dict[str, tuple[float | None, float | None]]:
    return {word.text: (word.start_s, word.end_s) for word in placed(text, pieces)}


@pytest.mark.parametrize("texts", [WRITTEN, PIECES])
def test_every_word_of_the_text_gets_the_times_of_what_it_is_made_of(texts: list[str]) -> None:
    found = spans(TEXT, listed(texts))
    assert " ".join(found) == TEXT
    untimed = {word for word, span in found.items() if None in span}
    assert untimed <= {"–"}
    first, last = texts.index(" twenty" if texts is PIECES else "twenty"), texts.index("five")
    assert found["twenty-five"] == (first, last + 0.5)


def test_a_word_the_list_does_not_have_keeps_no_times_and_its_neighbours_keep_theirs() -> None:
    found = spans("one two three four", listed(["one", "three", "four"]))
    assert found == {"one": (0, 0.5), "two": (None, None), "three": (1, 1.5), "four": (2, 2.5)}


def test_pieces_of_words_find_their_word_beside_one_the_list_does_not_have() -> None:
    found = spans("set now a timer", listed([" se", "t", " a", " tim", "er"]))
    assert found == {"set": (0, 1.5), "now": (None, None), "a": (2, 2.5), "timer": (3, 4.5)}
    found = spans("sets timers", listed([" se", "t", " tim", "ers"]))
    assert found == {"sets": (None, None), "timers": (2, 3.5)}


def test_what_only_the_list_has_is_no_part_of_the_transcript() -> None:
    assert spans("one two", listed(["one", "um", "two"])) == {"one": (0, 0.5), "two": (2, 2.5)}
    assert placed("", listed(["one"])) == ()


def test_a_repeated_word_is_not_given_the_times_of_its_twin() -> None:
    found = [word.start_s for word in placed("no no no it is", listed(["no", "no", "no", "it", "is"]))]
    assert found == [0, 1, 2, 3, 4]


def test_a_language_without_blanks_is_one_word_from_end_to_end() -> None:
    assert placed("今日は", listed(["今日", "は"]))[0] == Word("今日は", 0, 1.5, confidence=0.25)


def test_without_a_list_nothing_is_made_up() -> None:
    assert placed("one two", []) == (Word("one"), Word("two"))


def test_confidence_is_that_of_all_pieces_or_none() -> None:
    assert placed("okay", [Word("ok", 0, 1, confidence=0.5), Word("ay", 1, 2, confidence=0.5)])[0].confidence == 0.25
    joined = placed("so okay", [Word(" so"), Word(" ok", 0, 1, confidence=0.5), Word("ay", 1, 2, confidence=0.5)])
    assert [word.confidence for word in joined] == [None, 0.25]
    assert placed("a okay", [Word(" a"), Word(" ok", confidence=0.5), Word("ay")])[1].confidence is None


_WORD = st.text("abcé9'-.,$", min_size=1, max_size=6)


@given(st.lists(_WORD, max_size=8), st.lists(_WORD, max_size=8))
def test_the_text_stands_whatever_the_list_says(said: list[str], others: list[str]) -> None:
    text = " ".join(said)
    assert " ".join(word.text for word in placed(text, listed(others))) == text
    own = placed(text, listed(said))
    assert all(word.start_s is not None for word in own if any(c.isalnum() for c in word.text))
    starts = [word.start_s for word in own if word.start_s is not None]
    assert starts == sorted(starts)
