import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.robustness import degradation, effective_robustness

RATES = st.lists(st.floats(0, 1), min_size=5, max_size=5)
SNR = [20, 15, 10, 5, 0]


@given(RATES, st.floats(0.01, 0.5), st.permutations(range(5)))
def test_the_order_of_conditions_does_not_matter(rates: list[float], clean: float, order: list[int]) -> None:
    found = degradation(SNR, rates, clean)
    again = degradation([SNR[k] for k in order], [rates[k] for k in order], clean)
    assert found.slope_per_db == pytest.approx(again.slope_per_db)
    assert found.mean_excess == pytest.approx(again.mean_excess)
    assert (found.doubling_snr_db, found.monotone) == (again.doubling_snr_db, again.monotone)
    assert found.mean_excess == pytest.approx(np.trapezoid(np.array(rates)[::-1] - clean, SNR[::-1]) / 20)


def test_a_line_has_its_slope() -> None:
    found = degradation(SNR, [0.05 + 0.01 * (20 - snr) for snr in SNR], 0.05)
    assert found.slope_per_db == pytest.approx(-0.01)
    assert found.doubling_snr_db == pytest.approx(15)
    assert found.monotone


def test_the_doubling_ratio_lies_between_conditions() -> None:
    assert degradation([20, 10], [0.05, 0.15], 0.05).doubling_snr_db == pytest.approx(15)


def test_outside_the_sweep_nothing_is_made_up() -> None:
    assert degradation(SNR, [0.05] * 5, 0.05).doubling_snr_db is None
    assert degradation(SNR, [0.5] * 5, 0.05).doubling_snr_db is None
    assert degradation([20, 15, 10], [0.5, 0.05, 0.5], 0.05).doubling_snr_db is None
    assert degradation([10], [0.2], 0.1).slope_per_db is None
    assert degradation([], [], 0.1).mean_excess is None
    # 30 dB is outside the range of slope and area.
    assert degradation([30, *SNR], [0.9, *[0.1] * 5], 0.1).mean_excess == pytest.approx(0)


def test_a_clean_rate_of_nothing_has_no_relative_degradation() -> None:
    found = degradation(SNR, [0.1] * 5, 0.0)
    assert found.relative == (None,) * 5
    assert found.doubling_snr_db is None
    assert found.excess == (0.1,) * 5


def test_a_curve_that_falls_with_noise_is_flagged() -> None:
    assert not degradation(SNR, [0.06, 0.05, 0.1, 0.2, 0.3], 0.05).monotone


def test_hard_audio_cancels_out() -> None:
    found = effective_robustness({"babble": 0.10, "codec": 0.01}, {"babble": 0.12, "speed": 0.5})
    assert found == {"babble": pytest.approx(-0.02)}
