"""Running, as rows of scores."""

import pytest

from tests.conversations import answered, clip, final, heard
from tests.scored import CASES, LOST, REFERENCE, scored


def test_the_last_attempt_is_scored() -> None:
    row = scored(clip(REFERENCE, 36.0), [answered(9.0), answered(0.5)], final(REFERENCE))
    assert row.attempts == row.counts["run.attempts"] == 2
    assert (row.counts["run.clips"], row.counts["run.answered"], row.counts["run.failed"]) == (1, 1, 0)
    assert row.values["lat.rest_total"] == pytest.approx([0.5])


def test_a_clip_without_a_usable_answer_is_not_covered() -> None:
    row = scored(clip(REFERENCE), answered(status=503), heard(failure=LOST))
    assert (row.counts["run.answered"], row.counts["run.failed"]) == (0, 1)


def test_pacing_is_ours_and_only_of_streams() -> None:
    assert scored(*CASES["rest"]).absent["pace.late_p99"] == "not_applicable"
    assert scored(*CASES["never connected"]).absent["pace.invalid_clips"] == "missing_input"
    assert scored(*CASES["stream badly paced"]).counts["pace.invalid"] == 1
