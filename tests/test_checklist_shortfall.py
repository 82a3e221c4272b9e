"""What a figure lacks to be sure."""

import pytest

from evalkit.checklist import Criterion, Finding, Verdict
from evalkit.checklist.findings import Seen
from evalkit.checklist.shortfall import clips_missing, smallest_seen
from evalkit.stats.intervals import detectable, t_quantile, zero_failure_trials

MOST = Criterion("x", "upper", target=0.1, limit=0.2, minimum={"n": 100})
LEAST = Criterion("x", "lower", target=0.9, limit=0.8)


def seen(
    value: float | None, lo: float | None = None, hi: float | None = None, n: float = 200, clips: int = 50
) -> Seen:
    return Seen(Finding(value, lo, hi, {"n": n}), clips=clips, clusters=20)


@pytest.mark.parametrize(
    ("criterion", "found", "verdict", "missing"),
    [
        (MOST, seen(0.08, 0.04, 0.12), "warn", 150),  # half the width takes four times the clips
        (LEAST, seen(0.92, 0.88, 0.96), "warn", 150),
        (MOST, seen(0.08, 0.04, 0.12), "pass", None),
        (MOST, seen(0.15, 0.1, 0.2), "warn", None),  # more of the same proves the contrary
        (MOST, seen(0.08, 0.07, 0.09, n=40), "insufficient", 75),
        (MOST, seen(0.08, n=0, clips=0), "insufficient", 100),
        (MOST, seen(None, 0.3), "warn", None),
        (LEAST, seen(1.0, 0.8, 1.0, clips=10), "warn", zero_failure_trials(0.1, two_sided=True) - 10),
    ],
)
def test_clips_that_are_missing(criterion: Criterion, found: Seen, verdict: Verdict, missing: int | None) -> None:
    assert clips_missing(criterion, found, verdict) == missing


def test_the_wider_half_of_an_interval_tells_what_could_have_been_seen() -> None:
    expected = detectable(0.04 / t_quantile(19))
    assert smallest_seen(MOST, seen(0.02, 0.0, 0.06)) == pytest.approx(expected)
    assert smallest_seen(LEAST, seen(0.98, 0.94, 1.0)) == pytest.approx(expected)
    assert smallest_seen(MOST, seen(0.02, 0.0)) is None
    assert smallest_seen(MOST, seen(None, 0.3)) is None
    assert smallest_seen(Criterion("x", "presence"), seen(1.0, 0.5, 1.0)) is None
