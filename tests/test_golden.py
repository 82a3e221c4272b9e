"""Worked cases: those of golden.json and golden_more.json, or of the file named by EVALKIT_GOLDEN.

One adapter per metric family translates a case into calls of public functions and gives back what they return; it knows
no expected value and no single case. A case whose family is pending is not collected.
"""

import importlib.metadata
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

HERE = Path(__file__).parent
NAMED = os.environ.get("EVALKIT_GOLDEN")
PATHS = [Path(NAMED)] if NAMED else [HERE / "golden.json", HERE / "golden_more.json"]
CASES = [case for path in PATHS for case in json.loads(path.read_text("utf-8"))["cases"]]

PENDING: set[str] = set()
"""Families that are not implemented yet."""

PENDING_KEYS: set[str] = set()
"""Results inside implemented families that are not implemented yet."""

FOREIGN_KEYS = {
    "jiwer_wer", "jiwer_wip", "true_slope", "diarizationlm", "linear", "rule_of_three", "status",
    "erased_if_replaced_by_event_start",
}  # fmt: skip
"""What other tools print, written down to document a trap."""

FAMILIES = (
    accuracy, uncertainty, diarization, timestamps, multichannel, streaming, latency, cost, robustness, failure, limits,
    voice_agent, verdict,
)  # fmt: skip
ADAPTERS: dict[str, Callable[[Case], Answer]] = {
    name: adapter for family in FAMILIES for name, adapter in family.ADAPTERS.items()
}


def adapter_of(metric: str) -> Callable[[Case], Answer] | None:
    """The adapter of a metric, which may be written with its family and in the singular: ``lat.percentile``."""
    name = metric.rsplit(".", maxsplit=1)[-1]
    return next((ADAPTERS[known] for known in (metric, name, f"{name}s") if known in ADAPTERS), None)


def compared(expected: Any, got: Any, tolerance: float, where: str) -> list[str]:
    """Every place where the two differ by more than the tolerance, absolute and relative."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{where}: expected {expected!r}, got {got!r}"]
        foreign = PENDING_KEYS | FOREIGN_KEYS
        # What is written for people is no figure.
        known = {key: value for key, value in expected.items() if key not in foreign and not key.endswith("_text")}
        missing = [f"{where}.{key}: not returned" for key in known if key not in got]
        return missing + [
            line
            for key, value in known.items()
            if key in got
            for line in compared(value, got[key], tolerance, f"{where}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(got, list) or len(expected) != len(got):
            return [f"{where}: {got} has not the length of {expected}"]
        return [
            line
            for index, (want, have) in enumerate(zip(expected, got, strict=True))
            for line in compared(want, have, tolerance, f"{where}[{index}]")
        ]
    if expected is None and isinstance(got, list) and got and all(value is None for value in got):
        return []
    if isinstance(expected, int | float) and not isinstance(expected, bool) and got is not None:
        same = math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)
    else:
        same = expected == got
    return [] if same else [f"{where}: expected {expected!r}, got {got!r}"]


def missing_packages(case: Case) -> list[str]:
    missing = []
    for name in case.get("requires") or ():
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    return missing


@pytest.mark.parametrize("case", [case for case in CASES if adapter_of(case["metric"])], ids=lambda case: case["id"])
def test_worked_case(case: Case) -> None:
    adapter = adapter_of(case["metric"])
    assert adapter
    if missing := missing_packages(case):
        pytest.skip(f"needs {', '.join(missing)}")
    answer = adapter({"params": {}, **case})
    assert compared(case["expected"], answer, case.get("tolerance", 1e-9), case["id"]) == []


def test_every_family_is_implemented_or_named_as_pending() -> None:
    unknown = {case["metric"] for case in CASES if adapter_of(case["metric"]) is None}
    assert unknown - PENDING == set()
    assert set(ADAPTERS) & PENDING == set()


def test_no_case_is_there_twice() -> None:
    names = [case["id"] for case in CASES]
    assert len(names) == len(set(names))
