"""Running, as rows of scores."""

import pytest

from tests.conversations import answered, clip, final
from tests.scored import CASES, PRICE, REFERENCE, scored


def test_all_attempts_cost_and_the_last_one_is_scored() -> None:
    row = scored(clip(REFERENCE, 36.0), [answered(9.0), answered(0.5)], final(REFERENCE), price=PRICE)
    assert row.counts["cost.usd"] == pytest.approx(0.002)
    assert row.counts["cost.audio_s"] == 36.0
    assert row.attempts == row.counts["run.attempts"] == 2
    assert row.values["lat.rest_total"] == pytest.approx([0.5])


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    row = scored(*CASES["rest"], price=None)
    assert row.absent["cost.per_audio_hour"] == "missing_input"
    assert "cost.usd" not in row.counts
