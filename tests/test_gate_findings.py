"""What a gate says: states, and the exit status they come to."""

import pytest

from evalkit.gate.findings import CANNOT_JUDGE, PASS, REGRESSION, Finding, Outcome, State, few, points, shown
from evalkit.scoring.catalogue import describe


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["passed"], PASS),
        (["improved"], PASS),
        (["passed", "warned", "skipped"], PASS),
        (["passed", "unjudged"], CANNOT_JUDGE),
        (["passed", "regressed"], REGRESSION),
        (["unjudged", "regressed"], REGRESSION),
        (["skipped"], CANNOT_JUDGE),
        (["warned"], CANNOT_JUDGE),
        ([], CANNOT_JUDGE),
    ],
)
def test_the_exit_status(states: list[State], status: int) -> None:
    outcome = Outcome("run", "main", tuple(Finding(state, "equality", "acc.wer.en", "told") for state in states))
    assert outcome.status == status
    assert outcome.lede.startswith({0: "pass:", 1: "regression:", 2: "cannot judge:"}[status])


def test_figures_are_told_finely_enough_to_show_a_difference() -> None:
    assert shown(describe("acc.wer.en"), 0.10123) == "10.12 %"
    assert shown(describe("lat.word_first.p50"), 0.4321) == "432 ms"
    assert shown(describe("acc.wer.en"), None) == "–"
    assert points(-0.0123) == "−1.23"


def test_many_names_are_cut_short() -> None:
    assert few(["a", "b"]) == "a, b"
    assert few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
