"""Worked cases: robustness."""

import numpy as np

from evalkit import degrade
from evalkit.scoring import robustness
from tests.golden.shared import Answer, Case


def points(rate: float | None) -> float | None:
    return None if rate is None else 100 * rate


def degradation(case: Case) -> Answer:
    """A condition without a rate was refused by the service and is no part of the sweep."""
    given = case["input"]
    known = [at for at, rate in enumerate(given["wer"]) if rate is not None]
    ratios, rates = [given["snr_db"][at] for at in known], [given["wer"][at] for at in known]
    found = robustness.degradation(ratios, rates, given["clean_wer"])
    relative, excess = dict(zip(known, found.relative, strict=True)), dict(zip(known, found.excess, strict=True))
    return {
        "slope_pt_per_db": points(found.slope_per_db),
        "snr_at_double_clean": found.doubling_snr_db,
        "relative_degradation": [relative.get(at) for at in range(len(given["wer"]))],
        "delta_wer": [excess.get(at) for at in range(len(given["wer"]))],
        "area_mean_excess_pt": points(found.mean_excess),
        "monotone": found.monotone,
    }


def mulaw(case: Case) -> Answer:
    codes = degrade.encode_mulaw(case["input"]["pcm16"])
    return {"ulaw": codes.tolist(), "decoded": degrade.decode_mulaw(codes).tolist()}


def snr_gain(case: Case) -> Answer:
    signal, noise = np.array(case["input"]["signal"]), np.array(case["input"]["noise"])
    gain = degrade.noise_gain(degrade.power(signal), degrade.power(noise), case["input"]["target_snr_db"])
    scaled = None if gain is None else degrade.power(gain * noise)
    return {
        "signal_power": degrade.power(signal),
        "noise_power": degrade.power(noise),
        "noise_gain": gain,
        "check_snr_db": None if scaled is None else degrade.snr_db(degrade.power(signal), scaled),
    }


ADAPTERS = {"degradation": degradation, "mulaw": mulaw, "snr_gain": snr_gain}
