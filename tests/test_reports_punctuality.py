from dataclasses import replace

from evalkit.reports import punctuality
from evalkit.types import Pacing
from tests.rows import row

GOOD = Pacing(50, 0.001, 0.002, 0.003, -0.001, stall_max_s=0.004, blocked_s=0.0)
LATE = replace(GOOD, late_max_s=0.2, stall_max_s=0.15)


def test_the_worst_clip_of_each_system_is_told_and_named() -> None:
    scores = [replace(row(f"c{k}"), pacing=pacing) for k, pacing in enumerate([GOOD, LATE, GOOD, None])]
    (own,) = punctuality.of(scores, [("new", "streaming"), ("new", "rest")])
    assert (own.clips, own.frames, own.kept_out, own.invalid) == (3, 150, ("c1",), 1)
    assert (own.late_max_s, own.stall_max_s, own.blocked_s) == (0.2, 0.15, 0.0)


def test_what_was_not_measured_is_not_zero() -> None:
    old = replace(GOOD, stall_max_s=None, blocked_s=None)
    (own,) = punctuality.of([replace(row("c"), pacing=old)], [("new", "streaming")])
    assert (own.stall_max_s, own.blocked_s) == (None, None)
    assert punctuality.of([row("c")], [("new", "streaming")]) == ()
