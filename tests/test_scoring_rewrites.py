import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.rewrites import canonical, steps
from evalkit.scoring.text import profile

EN = profile("en")
WORDS = st.lists(st.sampled_from(["a", "A", "b,", "nine", "thirty", "9:30", "um", "-", "$50", "fifty"]), max_size=7)


def changed(before: str, after: str, kind: str = "lexical") -> list[str]:
    was = before.split()
    return [
        was[index]
        for step in steps(was, after.split(), EN)
        if (step.lexical if kind == "lexical" else step.kind == kind)
        for index in step.before
    ]


@pytest.mark.parametrize(
    ("before", "after", "lexical", "reformatted"),
    [
        ("i owe you fifteen", "I owe you fifty dollars.", ["fifteen"], ["i"]),
        ("i owe you fifty", "I owe you $50.", [], ["i", "fifty"]),
        ("the room for nine thirty", "The room for 9:30, and tell Dana", [], ["the", "nine", "thirty"]),
        ("for nine thirty", "for 9:45", ["nine", "thirty"], []),
        ("fifteen nine thirty", "fifty 9:30", ["fifteen"], ["nine", "thirty"]),
        ("it will cost", "It'll cost", [], ["it", "will"]),
        (
            "one hundred and ten dollars and five cents",
            "$110.05",
            [],
            ["one", "hundred", "and", "ten", "dollars", "and", "five", "cents"],
        ),
        ("um hello - there", "hello there", [], ["um", "-"]),
        ("hello there", "hello", ["there"], []),
        ("fifty dollars", "fifty euros", ["dollars"], []),
        ("at minus four", "at four", ["minus"], []),
        ("", "hello", [], []),
        ("hello", "", ["hello"], []),
    ],
)
def test_what_says_the_same_is_only_reformatted(
    before: str, after: str, lexical: list[str], reformatted: list[str]
) -> None:
    assert changed(before, after) == lexical
    assert changed(before, after, "reformatted") == reformatted


def test_marks_that_make_another_word_are_part_of_it() -> None:
    basic = profile("basic")
    assert canonical(["\u0915\u093f"], basic) != canonical(["\u0915\u0940"], basic)


def test_a_word_that_grew_is_exchanged_and_the_next_one_is_added() -> None:
    found = steps(["I", "owe", "fifteen"], ["I", "owe", "fifty", "pounds"], EN)
    assert [(step.kind, step.before, step.after) for step in found[2:]] == [
        ("replaced", range(2, 3), range(2, 3)),
        ("added", range(3, 3), range(3, 4)),
    ]


@given(WORDS, WORDS)
def test_steps_cover_both_texts_from_left_to_right(before: list[str], after: list[str]) -> None:
    found = steps(before, after, EN)
    assert [index for step in found for index in step.before] == list(range(len(before)))
    assert [index for step in found for index in step.after] == list(range(len(after)))
    for step in found:
        if step.kind == "kept":
            assert [before[index] for index in step.before] == [after[index] for index in step.after]


@given(WORDS)
def test_nothing_changes_when_the_text_stays(words: list[str]) -> None:
    assert {step.kind for step in steps(words, words, EN)} <= {"kept"}


@given(WORDS, WORDS)
def test_added_words_at_the_end_change_nothing(words: list[str], more: list[str]) -> None:
    assert not any(step.lexical for step in steps(words, words + more, EN))


@given(WORDS)
def test_capitals_and_full_stops_change_nothing(words: list[str]) -> None:
    loud = [word.upper() + "." for word in words]
    assert not any(step.lexical for step in steps(words, loud, EN))
