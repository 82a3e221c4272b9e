import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from evalkit.scoring.confidence import calibration_error, error_detection_auc, judged
from evalkit.scoring.text import profile
from tests.conversations import word

SHARES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=12)


def test_words_are_right_when_all_their_tokens_are() -> None:
    said = [word("it's"), word("ten"), word("o'clock")]
    got = [
        word("it", confidence=0.9),
        word("is", confidence=0.8),
        word("um", confidence=0.7),
        word("tan", confidence=0.2),
    ]
    assert judged(said, [*got, word("o'clock")], profile("en")) == ((0.9, 0.8), (0.2,))


def test_calibration() -> None:
    assert calibration_error([1.0] * 5, [0.0] * 5) == 0
    assert calibration_error([0.0] * 5, [1.0] * 5) == 1
    assert calibration_error([0.5] * 10, [0.5] * 10) == pytest.approx(0)
    assert calibration_error([0.8] * 6, [0.8] * 4) == pytest.approx(0.2)
    assert calibration_error([0.4], []) == pytest.approx(0.6)
    assert calibration_error([], []) is None


def test_bins_hold_equally_many_words() -> None:
    """Two bins of two: 0.1 and 0.2 (one right), 0.7 and 0.9 (one right)."""
    assert calibration_error([0.2, 0.9], [0.1, 0.7], bins=2) == pytest.approx((abs(0.3 - 1) + abs(1.6 - 1)) / 4)


@given(SHARES, SHARES, st.randoms(use_true_random=False))
def test_order_never_matters_and_rates_are_bounded(
    right: list[float], wrong: list[float], chance: random.Random
) -> None:
    shuffled = [chance.sample(side, len(side)) for side in (right, wrong)]
    for measure in (calibration_error, error_detection_auc):
        value = measure(right, wrong)
        assert value is None or 0 <= value <= 1
        assert measure(*shuffled) == pytest.approx(value)


@given(SHARES.filter(bool), SHARES.filter(bool))
def test_the_area_is_that_of_an_independent_tool(right: list[float], wrong: list[float]) -> None:
    labels = [1] * len(right) + [0] * len(wrong)
    assert error_detection_auc(right, wrong) == pytest.approx(roc_auc_score(labels, right + wrong))
    assert error_detection_auc(right, right) == pytest.approx(0.5)
