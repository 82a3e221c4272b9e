"""Punctuation marks aligned: against the published algorithm cell by cell, and what must hold of any two texts."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.marks import mark_pairs

MARKS = frozenset(".,?")
sides = st.lists(st.sampled_from([*"abcd", *MARKS]), max_size=12)


def published(reference: Sequence[str], hypothesis: Sequence[str]) -> Counter[tuple[str | None, str | None]]:
    """The marks that are paired, by the recurrence and the order of ties of ``punct_er.py``; the others are alone."""
    left, right = (["." if token in MARKS else token for token in side] for side in (reference, hypothesis))
    cost = [[row + column for column in range(len(right) + 1)] for row in range(len(left) + 1)]
    for row in range(1, len(left) + 1):
        for column in range(1, len(right) + 1):
            cost[row][column] = min(
                cost[row - 1][column - 1] + (left[row - 1] != right[column - 1]),
                cost[row][column - 1] + 1,
                cost[row - 1][column] + 1,
            )
    paired: Counter[tuple[str | None, str | None]] = Counter()
    row, column = len(left), len(right)
    while row and column:
        same = left[row - 1] == right[column - 1]
        if same or cost[row][column] == cost[row - 1][column - 1] + 1:
            row, column = row - 1, column - 1
            paired[reference[row], hypothesis[column]] += same and reference[row] in MARKS
        elif cost[row][column] == cost[row][column - 1] + 1:
            column -= 1
        else:
            row -= 1
    alone = [Counter(token for token in side if token in MARKS) for side in (reference, hypothesis)]
    for (mine, theirs), times in paired.items():
        alone[0][str(mine)] -= times
        alone[1][str(theirs)] -= times
    paired.update({(mark, None): times for mark, times in alone[0].items()})
    paired.update({(None, mark): times for mark, times in alone[1].items()})
    return +paired


@given(sides, sides)
def test_marks_are_paired_as_published(reference: list[str], hypothesis: list[str]) -> None:
    assert Counter(mark_pairs(reference, hypothesis, MARKS)) == published(reference, hypothesis)


@given(sides, sides)
def test_every_mark_is_there_once_and_in_order(reference: list[str], hypothesis: list[str]) -> None:
    pairs = mark_pairs(reference, hypothesis, MARKS)
    for place, side in enumerate((reference, hypothesis)):
        assert [pair[place] for pair in pairs if pair[place]] == [token for token in side if token in MARKS]


def test_a_mark_against_a_word_is_no_pair() -> None:
    assert mark_pairs(["a", "."], ["a", "b"], MARKS) == [(".", None)]
    assert mark_pairs(["a", "b"], ["a", "."], MARKS) == [(None, ".")]


def test_any_mark_may_stand_for_another() -> None:
    assert mark_pairs(["so", ",", "yes", "."], ["so", "yes", "?"], MARKS) == [(",", None), (".", "?")]


def test_without_marks_there_is_nothing() -> None:
    assert mark_pairs(["a"], ["b", "c"], MARKS) == []
    assert mark_pairs([], [], MARKS) == []
