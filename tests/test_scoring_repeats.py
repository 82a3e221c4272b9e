import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.repeats import Disagreement, disagreement
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts

PAIRS = st.lists(st.tuples(st.text("ab ", max_size=8), st.text("ab ", max_size=8)), max_size=5)


def test_two_runs() -> None:
    found = disagreement([("send it to anna", "send it to hannah"), ("yes", "yes"), ("Yes", "yes")], profile("basic"))
    assert found.rate == pytest.approx(1 / 6)
    assert found.identical_share == pytest.approx(1 / 3)


def test_nothing_to_compare() -> None:
    assert disagreement([], profile("none")) == Disagreement(ErrorCounts(), 0, 0)
    assert disagreement([], profile("none")).rate is disagreement([], profile("none")).identical_share is None


@given(PAIRS, PAIRS)
def test_counts_add_and_errors_are_symmetric(some: list[tuple[str, str]], more: list[tuple[str, str]]) -> None:
    rules = profile("basic")
    assert disagreement(some, rules) + disagreement(more, rules) == disagreement(some + more, rules)
    back = disagreement([(second, first) for first, second in some], rules)
    assert back.words.errors == disagreement(some, rules).words.errors
