import functools
import random
from collections.abc import Sequence

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.text import profile
from evalkit.scoring.words import (
    ErrorCounts,
    Pair,
    align,
    character_counts,
    counts,
    leading_insertions,
    matched_words,
    trailing_deletions,
    unit_counts,
    word_tokens,
)
from tests.conversations import spoken, word

TOKENS = st.lists(st.sampled_from("abcd"), max_size=9)
COUNTS = st.builds(ErrorCounts, *[st.integers(0, 50)] * 4)


def cost(pairs: Sequence[Pair]) -> int:
    return sum({"hit": 0, "substitution": 4, "deletion": 3, "insertion": 3}[pair.op] for pair in pairs)


def slow_cost(left: Sequence[str], right: Sequence[str]) -> int:
    """The same minimum, written the obvious way."""

    @functools.cache
    def best(i: int, j: int) -> int:
        if not i or not j:
            return 3 * (i + j)
        return min(
            best(i - 1, j - 1) + (0 if left[i - 1] == right[j - 1] else 4), best(i - 1, j) + 3, best(i, j - 1) + 3
        )

    return best(len(left), len(right))


@given(TOKENS, TOKENS)
def test_the_hit_alignment_is_the_cheapest_one(left: list[str], right: list[str]) -> None:
    assert cost(align(left, right)) == slow_cost(left, right)


@given(TOKENS, TOKENS)
def test_an_alignment_uses_every_token_once_and_in_order(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    assert [pair.reference for pair in pairs if pair.reference is not None] == list(range(len(left)))
    assert [pair.hypothesis for pair in pairs if pair.hypothesis is not None] == list(range(len(right)))
    for pair in pairs:
        both = pair.reference is not None and pair.hypothesis is not None
        assert both == (pair.op in ("hit", "substitution"))
        if pair.reference is not None and pair.hypothesis is not None:
            assert (left[pair.reference] == right[pair.hypothesis]) == (pair.op == "hit")


def test_ties_go_to_the_diagonal_then_deletion_then_insertion() -> None:
    assert [pair.op for pair in align(["a", "b"], ["c"])] == ["deletion", "substitution"]
    assert [pair.op for pair in align(["a", "a"], ["a"])] == ["deletion", "hit"]
    assert [pair.op for pair in align(["a"], ["a", "a"])] == ["insertion", "hit"]


def test_times_settle_which_of_equal_words_is_meant() -> None:
    early = align(["no"], ["no", "no", "no"], [1.0], [1.02, 2.0, 3.0])
    assert [pair.op for pair in early] == ["hit", "insertion", "insertion"]
    late = align(["no"], ["no", "no", "no"], [1.9], [1.02, 2.0, 3.0])
    assert [pair.op for pair in late] == ["insertion", "hit", "insertion"]


@given(TOKENS, TOKENS, st.randoms(use_true_random=False))
def test_times_never_change_the_cost(left: list[str], right: list[str], chance: random.Random) -> None:
    starts = [[chance.uniform(0, 100) for _ in side] for side in (left, right)]
    assert cost(align(left, right, *starts)) == slow_cost(left, right)


def test_an_alignment_belongs_to_whoever_asked_for_it() -> None:
    first = align(["a", "b"], ["a"])
    first.clear()
    assert [pair.op for pair in align(["a", "b"], ["a"])] == ["hit", "deletion"]


def test_times_on_some_words_only_are_not_used() -> None:
    assert align(["a", "a"], ["a"], [0.0, None], [0.0]) == align(["a", "a"], ["a"])


def of_jiwer(found: jiwer.WordOutput | jiwer.CharacterOutput) -> ErrorCounts:
    return ErrorCounts(found.hits, found.substitutions, found.deletions, found.insertions)


@given(TOKENS, TOKENS)
def test_unit_counts_are_those_of_jiwer(left: list[str], right: list[str]) -> None:
    """Each of the four, for an error rate is settled but its parts are a matter of ties."""
    found = unit_counts(left, right)
    if left:
        assert found == of_jiwer(jiwer.process_words(" ".join(left), " ".join(right)))
    assert found.reference_words == len(left)
    assert found.hypothesis_words == len(right)


def test_unit_counts_of_long_texts_are_those_of_jiwer() -> None:
    """More than 64 words at a time, the width of the machine words that are compared at once."""
    chance = random.Random(3)
    for few in (4, 40, 4000):
        left = [f"w{chance.randrange(few)}" for _ in range(700)]
        right = [
            f"w{chance.randrange(few)}" if chance.random() < 0.3 else token for token in left[chance.randrange(9) :]
        ]
        assert unit_counts(left, right) == of_jiwer(jiwer.process_words(" ".join(left), " ".join(right)))


@given(TOKENS.filter(bool), TOKENS, st.booleans())
def test_character_counts_are_those_of_jiwer(left: list[str], right: list[str], spaces: bool) -> None:
    glue = " " if spaces else ""
    found = jiwer.process_characters(glue.join(left), glue.join(right))
    assert character_counts(left, right, spaces=spaces) == of_jiwer(found)


@given(TOKENS, TOKENS)
def test_bounds(left: list[str], right: list[str]) -> None:
    """Errors lie between the difference of the lengths and the longer one; MER, WIP and WIL stay in 0..1."""
    found = unit_counts(left, right)
    assert abs(len(left) - len(right)) <= found.errors <= max(len(left), len(right))
    assert found.errors <= counts(align(left, right)).errors
    for rate in (found.match_error_rate, found.information_preserved, found.information_lost):
        assert rate is None or 0 <= rate <= 1
    assert found.perfect == (left == right)


@given(TOKENS, TOKENS)
def test_swapping_the_sides_swaps_deletions_and_insertions(left: list[str], right: list[str]) -> None:
    there, back = unit_counts(left, right), unit_counts(right, left)
    assert there.errors == back.errors


@given(TOKENS, TOKENS, TOKENS, TOKENS)
def test_adding_counts_scores_the_concatenation_with_a_wall_between(
    a: list[str], b: list[str], c: list[str], d: list[str]
) -> None:
    """Two clips pooled are one clip in which nothing may be aligned across the seam."""
    wall = ["|"] * 40
    joined = unit_counts(a + wall + c, b + wall + d)
    parts = unit_counts(a, b) + unit_counts(c, d)
    assert (joined.errors, joined.reference_words) == (parts.errors, parts.reference_words + len(wall))


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add_like_numbers(a: ErrorCounts, b: ErrorCounts, c: ErrorCounts) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + ErrorCounts() == a
    assert (a + b).errors == a.errors + b.errors


def test_rates_without_a_denominator_are_none() -> None:
    invented = ErrorCounts(insertions=2)
    assert invented.rate is None
    assert invented.information_preserved is None
    assert invented.match_error_rate == 1.0
    assert ErrorCounts().match_error_rate is None
    assert ErrorCounts(deletions=3).information_preserved == 0.0


def test_ends_of_an_alignment() -> None:
    pairs = align(["a", "b", "c", "d", "e"], ["x", "y", "a", "b", "c"])
    assert (leading_insertions(pairs), trailing_deletions(pairs)) == (2, 2)
    assert leading_insertions(align([], ["x"])) == 1
    assert trailing_deletions(align(["x"], [])) == 1


def test_characters_with_and_without_spaces() -> None:
    assert character_counts(["ab", "c"], ["a", "bc"], spaces=False).errors == 0
    assert character_counts(["ab", "c"], ["a", "bc"], spaces=True).errors == 2
    assert character_counts([], ["ab"], spaces=True) == ErrorCounts(insertions=2)


def test_a_word_may_give_several_tokens_or_none() -> None:
    tokens, owners = word_tokens([word("um"), word("don't"), word("go")], profile("en"))
    assert (tokens, owners) == (["do", "not", "go"], [1, 1, 2])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("um we don't go", "we do not go", [(1, 0), (3, 3)]),
        ("we don't go", "We don\u2019t go.", [(0, 0), (1, 1), (2, 2)]),
        ("well-known man", "well known man", [(1, 2)]),
        ("a b c", "a x c", [(0, 0), (2, 2)]),
        ("", "a", []),
    ],
)
def test_only_words_that_say_the_same_and_nothing_else_match(
    left: str, right: str, expected: list[tuple[int, int]]
) -> None:
    first, second = ([word(text) for text in side.split()] for side in (left, right))
    assert matched_words(first, second, profile("en")) == expected


def test_matching_prefers_the_word_at_the_right_time() -> None:
    reference = spoken(("no", 5.0, 5.3))
    said = spoken(("no", 1.0, 1.3), ("no", 5.1, 5.4), ("no", 9.0, 9.3))
    assert matched_words(reference, said, profile("en")) == [(0, 1)]
    assert matched_words(reference, said, profile("en"), timed=False) == [(0, 2)]


def test_the_cost_is_that_of_an_independent_aligner() -> None:
    """kaldialign (it comes with meeteval) with the same weights finds no cheaper alignment; ties may differ."""
    import kaldialign

    chance = random.Random(1)
    for _ in range(200):
        left, right = ([chance.choice("abcdef") for _ in range(chance.randint(1, 30))] for _ in range(2))
        theirs = kaldialign.align(left, right, "*", sclite_mode=True)
        assert sum(3 if "*" in pair else 4 * (pair[0] != pair[1]) for pair in theirs) == cost(align(left, right))


def test_a_long_pair_stays_in_memory() -> None:
    """Three thousand words take nine megabytes of back-pointers and are aligned exactly."""
    left = [str(number % 97) for number in range(3000)]
    right = [token for number, token in enumerate(left) if number % 50]
    assert counts(align(left, right)) == ErrorCounts(hits=2940, deletions=60)
