import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import text
from evalkit.scoring.channels import (
    Leak,
    TurnOrder,
    by_channel,
    leaks,
    skews_s,
    swap,
    timed,
    turn_order,
    untimed_share,
)
from evalkit.types import Word
from tests.conversations import spoken, spread, word

EN, NONE = text.profile("en"), text.profile("none")
SENTENCES = st.lists(st.lists(st.sampled_from("abcde"), max_size=30), min_size=3, max_size=3)


def moved(words: tuple[Word, ...], by_s: float) -> tuple[Word, ...]:
    return tuple(Word(said.text, (said.start_s or 0) + by_s, (said.end_s or 0) + by_s) for said in words)


def test_words_by_channel() -> None:
    words = [word("a", channel=1), word("b", channel=0), word("c", channel=5), word("d")]
    assert [[said.text for said in side] for side in by_channel(words, 3)] == [["b"], ["a"], []]


def test_words_without_times() -> None:
    side = [spread("a b"), (*spread("c"), word("d"))]
    assert untimed_share(side) == 0.25
    assert untimed_share([(), ()]) == 0.0
    assert [len(timed(words)) for words in side] == [2, 1]


def test_swapped_channels_are_found() -> None:
    support, caller = (
        ["hello", "this", "is", "support", "how", "can", "i", "help"],
        ["hi", "my", "order", "number", "is", "five", "five", "two"],
    )
    found = swap([support, caller], [caller, support])
    assert found.errors == ((8, 0), (0, 8))
    assert (found.best, found.identity_errors, found.best_errors, found.swapped) == ((1, 0), 16, 0, True)


@pytest.mark.parametrize(
    ("said", "got", "swapped"),
    [
        ((5, 5), "swapped", True),
        ((4, 4), "swapped", False),
        ((5, 0), "swapped", True),
        ((20, 20), "empty", False),
        ((20, 20), "right", False),
    ],
)
def test_a_swap_saves_ten_errors_and_half_of_them(said: tuple[int, int], got: str, swapped: bool) -> None:
    reference = [["a"] * said[0], ["b"] * said[1]]
    nothing: list[list[str]] = [[], []]
    hypothesis = {"swapped": reference[::-1], "right": reference, "empty": nothing}[got]
    assert swap(reference, hypothesis).swapped is swapped


def test_saving_less_than_half_is_no_swap() -> None:
    said, wrong = ["a"] * 30, ["x"] * 30
    found = swap([said, ["b"] * 30], [[*wrong, *"bbbbb"], [*wrong, *"aaaaa"]])
    assert found.identity_errors - found.best_errors < found.identity_errors / 2
    assert not found.swapped


@given(SENTENCES, SENTENCES)
def test_the_best_assignment_is_the_best_of_all(reference: list[list[str]], hypothesis: list[list[str]]) -> None:
    found = swap(reference, hypothesis)
    sums = [sum(found.errors[row][order[row]] for row in range(3)) for order in itertools.permutations(range(3))]
    assert found.best_errors == min(sums) <= found.identity_errors
    if found.identity_errors == found.best_errors:
        assert found.best == (0, 1, 2), "of equals the channels as they are"


def test_leaked_words_are_errors_the_other_channel_explains() -> None:
    reference = [spoken(("hello", 0.0, 0.4), ("there", 0.5, 0.9)), spoken(("yes", 2.0, 2.3), ("sure", 2.4, 2.8))]
    late = spoken(("hello", 0.0, 0.4), ("there", 0.5, 0.9), ("yes", 2.6, 2.9))
    near = spoken(("hello", 0.0, 0.4), ("Yes,", 2.5, 2.8))
    assert leaks(reference, [late, reference[1]], EN) == [Leak(0, 3), Leak(0, 2)]
    assert leaks(reference, [near, ()], EN) == [Leak(1, 2), Leak(0, 0)]
    assert leaks(reference, [late, ()], EN, window_s=0.6)[0].leaked == 1
    assert (Leak(1, 4) + Leak(0, 4)).rate == 1 / 8
    assert Leak().rate is None


def test_a_word_both_say_is_no_leak() -> None:
    both = spoken(("yes", 2.0, 2.3))
    assert leaks([both, both], [both, both], EN) == [Leak(0, 1), Leak(0, 1)]


def test_a_word_said_twice_on_its_own_channel_is_no_leak() -> None:
    assert leaks([spoken(("yes", 2.0, 2.3)), ()], [spoken(("yes", 2.0, 2.3), ("yes", 2.3, 2.5)), ()], EN)[0].leaked == 0


def test_turns_that_start_together_are_in_order() -> None:
    first, second = spoken(("a", 0.0, 0.4)), spoken(("b", 1.0, 1.4))
    assert turn_order([first, second], [first, moved(second, -1.0)], NONE) == TurnOrder(0, 1)


@given(st.integers(0, 3000))
def test_leaks_do_not_depend_on_when_the_call_began(shift_ms: int) -> None:
    reference = [spread("a b c"), spread("d e f", 0.2)]
    hypothesis = [spread("a d c"), spread("d e c f", 0.2)]
    said, got = ([moved(words, shift_ms / 1000) for words in side] for side in (reference, hypothesis))
    assert leaks(reference, hypothesis, NONE) == leaks(said, got, NONE) == [Leak(1, 3), Leak(1, 4)]


def test_skew_is_the_difference_of_median_drifts() -> None:
    reference = [spread("a b c"), spread("d e f"), spread("g h"), ()]
    hypothesis = [moved(reference[0], 0.1), moved(reference[1], 0.35), spread("x y"), ()]
    assert skews_s(reference, hypothesis, NONE) == [pytest.approx(0.25), None, None]
    assert skews_s([(), reference[1]], [(), reference[1]], NONE) == [None]
    assert skews_s([], [], NONE) == []


@pytest.mark.parametrize(("late_s", "wrong"), [(0.0, 0), (0.9, 0), (1.5, 1), (9.0, 2)])
def test_turns_of_a_channel_that_comes_late_are_read_in_the_wrong_order(late_s: float, wrong: int) -> None:
    """Turns begin at 0 (first), 1 (second), 2.2 (first), 4 (second)."""
    first = (*spoken(("a", 0.0, 0.4)), *spoken(("c", 2.2, 2.4)))
    second = (*spoken(("b", 1.0, 1.4), ("b2", 1.5, 1.7)), *spoken(("d", 4.0, 4.4)))
    assert turn_order([first, second], [first, moved(second, late_s)], NONE) == TurnOrder(min(wrong, 1), 3)
    early = turn_order([first, second], [first, moved(second, -late_s)], NONE)
    assert early.pairs == 3
    assert early.wrong == {0.0: 0, 0.9: 0, 1.5: 1, 9.0: 2}[late_s]


def test_a_turn_nobody_heard_breaks_both_of_its_pairs() -> None:
    first, second = (*spoken(("a", 0.0, 0.4)), *spoken(("c", 2.0, 2.4))), spoken(("b", 1.0, 1.4))
    assert turn_order([first, second], [first, ()], NONE) == TurnOrder(0, 0)
    assert (TurnOrder(1, 2) + TurnOrder(0, 2)).rate == 1 / 4
    assert TurnOrder().rate is None
