import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from evalkit.scoring.confidence import BINS, EDGES, gaps, judged, told_apart
from evalkit.scoring.text import profile
from tests.conversations import word

SHARES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9, 0.97, 0.999, 1.0]), max_size=12)


def test_words_are_right_when_all_their_tokens_are() -> None:
    said = [word("it's"), word("ten"), word("o'clock")]
    got = [
        word("it", confidence=0.9),
        word("is", confidence=0.8),
        word("um", confidence=0.7),
        word("tan", confidence=0.2),
    ]
    assert judged(said, [*got, word("o'clock")], profile("en")) == ((0.9, 0.8), (0.2,))


def test_gaps_of_bins() -> None:
    """Seven tenths said of five words, three of them right; 0.9 belongs to the bin that begins there."""
    found = gaps([0.7] * 3 + [0.9] * 5, [0.7] * 2)
    assert found == pytest.approx([0, 0, 0, 0.5, 0, -0.5, 0, 0, 0, 0])
    assert gaps([], []) == (0.0,) * BINS
    assert gaps([1.0], [0.0]) == (0.0,) * BINS


@given(SHARES, SHARES)
def test_the_sum_of_gaps_is_the_calibration_error_of_an_independent_formula(
    right: list[float], wrong: list[float]
) -> None:
    said, true = np.array([*right, *wrong]), np.array([1.0] * len(right) + [0.0] * len(wrong))
    bins = np.digitize(said, EDGES)
    weighed = [
        (bins == bin_).sum() * abs(said[bins == bin_].mean() - true[bins == bin_].mean()) for bin_ in np.unique(bins)
    ]
    assert sum(map(abs, gaps(right, wrong))) == pytest.approx(sum(weighed), abs=1e-9)


@given(st.tuples(SHARES, SHARES), st.tuples(SHARES, SHARES))
def test_gaps_of_clips_add(first: tuple[list[float], list[float]], second: tuple[list[float], list[float]]) -> None:
    both = gaps(first[0] + second[0], first[1] + second[1])
    assert [a + b for a, b in zip(gaps(*first), gaps(*second), strict=True)] == pytest.approx(both, abs=1e-9)


@given(SHARES, SHARES, st.randoms(use_true_random=False))
def test_order_never_matters(right: list[float], wrong: list[float], chance: random.Random) -> None:
    shuffled = [chance.sample(side, len(side)) for side in (right, wrong)]
    assert gaps(*shuffled) == pytest.approx(gaps(right, wrong))
    assert told_apart(*shuffled) == told_apart(right, wrong)


@given(SHARES.filter(bool), SHARES.filter(bool))
def test_pairs_told_apart_are_the_area_of_an_independent_tool(right: list[float], wrong: list[float]) -> None:
    labels = [1] * len(right) + [0] * len(wrong)
    pairs = len(right) * len(wrong)
    assert told_apart(right, wrong) / pairs == pytest.approx(roc_auc_score(labels, right + wrong))
    assert told_apart(right, right) / len(right) ** 2 == 0.5
