"""The worked cases of golden.json, or of the file named by EVALKIT_GOLDEN: one adapter per metric family.

An adapter translates a case into calls of public functions and gives back what they return; it knows no expected value
and no single case. A case whose family is pending is not collected.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.golden import (
    accuracy,
    cost,
    diarization,
    failure,
    latency,
    limits,
    multichannel,
    robustness,
    streaming,
    timestamps,
    uncertainty,
    verdict,
    voice_agent,
)
from tests.golden.shared import Answer, Case

PATH = Path(os.environ.get("EVALKIT_GOLDEN") or Path(__file__).parent / "golden.json")
CASES = json.loads(PATH.read_text("utf-8"))["cases"]

PENDING: set[str] = set()
"""Families that are not implemented yet."""

PENDING_KEYS: set[str] = set()
"""Results inside implemented families that are not implemented yet."""

FOREIGN_KEYS = {
    "jiwer_wer", "jiwer_wip", "true_slope", "diarizationlm", "linear", "p95_text", "rule_of_three", "status",
    "erased_if_replaced_by_event_start",
}  # fmt: skip
"""What other tools print, written down to document a trap, and texts for people."""

FAMILIES = (
    accuracy, uncertainty, diarization, timestamps, multichannel, streaming, latency, cost, robustness, failure, limits,
    voice_agent, verdict,
)  # fmt: skip
ADAPTERS: dict[str, Callable[[Case], Answer]] = {
    name: adapter for family in FAMILIES for name, adapter in family.ADAPTERS.items()
}


def compared(expected: Any, got: Any, tolerance: float, where: str) -> list[str]:
    """Every place where the two differ by more than the tolerance, absolute and relative."""
    if isinstance(expected, dict):
        assert isinstance(got, dict), where
        known = {key: value for key, value in expected.items() if key not in PENDING_KEYS | FOREIGN_KEYS}
        missing = [f"{where}.{key}: not returned" for key in known if key not in got]
        return missing + [
            line
            for key, value in known.items()
            if key in got
            for line in compared(value, got[key], tolerance, f"{where}.{key}")
        ]
    if isinstance(expected, list):
        if len(expected) != len(got):
            return [f"{where}: {got} has not the length of {expected}"]
        return [
            line
            for index, (want, have) in enumerate(zip(expected, got, strict=True))
            for line in compared(want, have, tolerance, f"{where}[{index}]")
        ]
    if isinstance(expected, int | float) and not isinstance(expected, bool) and got is not None:
        same = math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)
    else:
        same = expected == got
    return [] if same else [f"{where}: expected {expected!r}, got {got!r}"]


@pytest.mark.parametrize("case", [case for case in CASES if case["metric"] in ADAPTERS], ids=lambda case: case["id"])
def test_worked_case(case: Case) -> None:
    answer = ADAPTERS[case["metric"]](case)
    assert compared(case["expected"], answer, case["tolerance"], case["id"]) == []


def test_every_family_is_implemented_or_named_as_pending() -> None:
    families = {case["metric"] for case in CASES}
    assert families - set(ADAPTERS) - PENDING == set()
    assert set(ADAPTERS) & PENDING == set()
