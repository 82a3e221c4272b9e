import functools
import random
from collections.abc import Sequence

import kaldialign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.compounds import compound_errors
from evalkit.scoring.words import unit_counts

PARTS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "abab"]), max_size=8)


def obvious(left: Sequence[str], right: Sequence[str]) -> int:
    @functools.cache
    def best(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [best(i - 1, j - 1) + (left[i - 1] != right[j - 1]), best(i - 1, j) + 1, best(i, j - 1) + 1]
        for parts in (2, 3):
            if i >= parts and "".join(left[i - parts : i]) == right[j - 1]:
                ways.append(best(i - parts, j - 1))
            if j >= parts and "".join(right[j - parts : j]) == left[i - 1]:
                ways.append(best(i - 1, j - parts))
        return min(ways)

    return best(len(left), len(right))


@given(PARTS, PARTS)
def test_the_fast_way_equals_the_obvious_one(left: list[str], right: list[str]) -> None:
    assert compound_errors(left, right) == obvious(left, right) == compound_errors(right, left)
    assert compound_errors(left, right) <= unit_counts(left, right).errors


@pytest.mark.parametrize(
    ("left", "right", "errors"),
    [
        ("next week night", "next weeknight", 0),
        ("the white paper", "the whitepaper is", 1),
        ("never the less we", "nevertheless we", 0),
        ("one by one by one", "onebyonebyone", 5),  # five parts are one too many for a slip of the space bar
        ("a b c", "abd", 3),
    ],
)
def test_joins(left: str, right: str, errors: int) -> None:
    assert compound_errors(left.split(), right.split()) == errors


def test_kept_words_are_not_joined() -> None:
    assert compound_errors(["with", "out"], ["without"], kept={"without"}) == 2
    assert compound_errors(["with", "out"], ["without"], kept={"out"}) == 2


def test_kaldialign_agrees() -> None:
    """It joins two words; with words of two parts at most the definitions are the same."""
    chance = random.Random(5)
    for _ in range(300):
        left, right = ([chance.choice(["x", "y", "z", "xy", "yz"]) for _ in range(chance.randint(1, 12))] for _ in "ab")
        theirs = kaldialign.edit_distance(left, right, merge_compounds=True)["total"]
        assert compound_errors(left, right) == theirs, (left, right)
