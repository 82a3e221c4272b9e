import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.text import profile
from evalkit.scoring.timing import Offsets, comparable_words, drifts, number_words, within
from evalkit.types import Word
from tests.conversations import spoken, spread, word

EN = profile("en")


def test_drift_is_hypothesis_minus_reference_for_start_and_end() -> None:
    found = drifts(spoken(("hello", 1.0, 1.4)), spoken(("Hello,", 1.05, 1.3)), EN)
    assert [(round(drift.start_s, 9), round(drift.end_s or 0, 9)) for drift in found] == [(0.05, -0.1)]


def test_substituted_inserted_and_number_words_take_no_part() -> None:
    reference = spoken(("call", 0.0, 0.3), ("twenty", 0.3, 0.6), ("bad", 0.6, 0.9), ("men", 0.9, 1.2))
    hypothesis = spoken(
        ("um", 0.0, 0.1), ("call", 0.1, 0.3), ("20", 0.3, 0.6), ("mad", 0.6, 0.9), ("men", 0.9, 1.2), ("oh", 2.0, 2.1)
    )
    assert [drift.reference for drift in drifts(reference, hypothesis, EN)] == [0, 3]


def test_a_contraction_against_two_words_has_no_time() -> None:
    reference = spoken(("we", 0.0, 0.2), ("do", 0.2, 0.4), ("not", 0.4, 0.6), ("go", 0.6, 0.8))
    hypothesis = spoken(("we", 0.0, 0.2), ("don't", 0.2, 0.6), ("go", 0.6, 0.8))
    assert [drift.reference for drift in drifts(reference, hypothesis, EN)] == [0, 3]


def test_words_without_times_drop_out() -> None:
    reference = [word("a", 0.0, 0.2), word("b"), word("c", 0.4, None)]
    hypothesis = [word("a"), word("b", 0.2, 0.4), word("c", 0.5, 0.7)]
    found = drifts(reference, hypothesis, EN)
    assert [(drift.reference, drift.end_s) for drift in found] == [(2, None)]


def test_coverage_counts_words_that_could_match() -> None:
    words = [word("um", 0.0, 0.1), word("twenty", 0.1, 0.2), word("good", 0.2, 0.3), word("men")]
    assert number_words(words, EN) == {1}
    assert comparable_words(words, EN) == 1


@given(st.floats(-5, 5), st.integers(1, 12))
def test_shifting_the_hypothesis_shifts_every_drift(shift_s: float, number: int) -> None:
    reference = spread(" ".join(f"w{chr(97 + index)}" for index in range(number)), 10.0)
    moved = [Word(said.text, (said.start_s or 0) + shift_s, (said.end_s or 0) + shift_s) for said in reference]
    found = drifts(reference, moved, EN)
    assert len(found) == number
    assert all(drift.start_s == pytest.approx(shift_s, abs=1e-9) for drift in found)
    assert all(drift.end_s == pytest.approx(shift_s, abs=1e-9) for drift in found)


def test_shares_within_a_limit_include_the_limit() -> None:
    assert within([0.1, -0.1000000001, 0.1001], 0.1) == 2
    assert Offsets((0.05, -0.2)).within(0.1) == 0.5


def test_nothing_matched_gives_no_figure() -> None:
    nothing = Offsets(())
    assert (nothing.mean_s, nothing.median_s, nothing.mean_absolute_s, nothing.p95_absolute_s) == (None,) * 4
    assert nothing.within(0.1) is None
