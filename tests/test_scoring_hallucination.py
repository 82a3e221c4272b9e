import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.hallucination import inserted_words, loops, silent_gaps, words_within
from evalkit.scoring.text import profile
from tests.conversations import spoken, word


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("no no no no", True),
        ("no no no", False),
        ("thank you " * 4, True),
        ("so thank you thank you thank you thank you now", True),
        ("a b c d e f " * 4, True),
        ("a b c d e f g " * 4, False),
        ("a a b b a a b b", False),
        ("", False),
    ],
)
def test_loops(said: str, expected: bool) -> None:
    assert loops(said.split()) is expected


@given(st.lists(st.sampled_from("ab"), max_size=20))
def test_loops_are_what_they_are_said_to_be(tokens: list[str]) -> None:
    obvious = any(
        tokens[start : start + 4 * size] == tokens[start : start + size] * 4
        for size in range(1, 7)
        for start in range(len(tokens) - 4 * size + 1)
    )
    assert loops(tokens) is obvious


def test_gaps_lie_between_before_and_after_the_words() -> None:
    words = spoken(("a", 1.0, 2.0), ("b", 1.5, 1.7), ("c", 2.4, 3.0))
    assert silent_gaps(words, 4.0) == [(0.25, 0.75), (3.25, 3.75)]
    assert silent_gaps((), 3.0) == [(0.25, 2.75)]


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1)), max_size=6), st.floats(0, 100))
def test_gaps_move_with_the_words(spans: list[tuple[float, float]], shift: float) -> None:
    words = spoken(*((str(at), at, at + length) for at, length in spans))
    moved = spoken(*((str(at), at + shift, at + shift + length) for at, length in spans))
    inner = [gap for gap in silent_gaps(words, 12.0) if spans and gap[0] > min(at for at, _ in spans)]
    later = [gap for gap in silent_gaps(moved, 12.0 + shift) if spans and gap[0] > min(at for at, _ in spans) + shift]
    assert abs(len(inner) - len(later)) <= len(spans)
    total = [sum(end - start for start, end in gaps) for gaps in (inner, later)]
    if len(inner) == len(later):
        assert total[0] == pytest.approx(total[1], abs=1e-6)


def test_inserted_words_and_where_they_are() -> None:
    rules = profile("en")
    said = spoken(("no", 5.0, 5.3))
    got = spoken(("no", 1.0, 1.3), ("no", 5.1, 5.4), ("um", 2.0, 2.2))
    assert inserted_words(said, got, rules) == [got[0]]
    assert inserted_words(said, spoken(("No.", 5.0, 5.1)), rules) == []
    assert words_within([got[0], word("x")], [(0.5, 1.4)]) == 1
    assert words_within([got[0]], [(1.1, 2.0)]) == 0
