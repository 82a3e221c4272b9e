import subprocess
import sys
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.scoring.speakers import SpeakerSeconds, jaccard_error, merged_turns, speaker_seconds
from evalkit.scoring.sweep import sweep
from evalkit.types import Turn

DURATION_S = 12.0


def turns(step_s: float, most: int = 8) -> st.SearchStrategy[list[Turn]]:
    """Turns on a grid, some of them beyond the recording, some of no length, some overlapping their own speaker."""
    turn = st.builds(
        lambda speaker, start, length: Turn(speaker, start * step_s, (start + length) * step_s),
        st.sampled_from("ABCD"),
        st.integers(0, int(11 / step_s)),
        st.integers(0, int(4 / step_s)),
    )
    return st.lists(turn, max_size=most)


MILLISECONDS = turns(0.001)
EIGHTHS = turns(0.125)
"""Exact in binary, so that equally good maps of speakers are equally good for everybody."""


def later(turns: list[Turn], shift_s: int) -> list[Turn]:
    return [Turn(turn.speaker, turn.start_s + shift_s, turn.end_s + shift_s) for turn in turns]


def annotations(*sides: list[Turn]) -> list[Any]:
    from pyannote.core import Annotation, Segment

    made = []
    for side in sides:
        annotation = Annotation()
        for track, turn in enumerate(side):
            if turn.end_s > turn.start_s:
                annotation[Segment(turn.start_s, turn.end_s), track] = turn.speaker
        made.append(annotation)
    return made


def theirs(metric: str, reference: list[Turn], hypothesis: list[Turn], **options: Any) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyannote.core import Segment, Timeline
        from pyannote.metrics import diarization

        whole = Timeline([Segment(0.0, DURATION_S)])
        made: Any = getattr(diarization, metric)(**options)
        found: dict[str, float] = made.compute_components(*annotations(reference, hypothesis), uem=whole)
    return found


@settings(max_examples=60, deadline=None)
@given(MILLISECONDS, MILLISECONDS, st.sampled_from([0.0, 0.1, 0.25]), st.booleans(), st.booleans())
def test_seconds_are_those_of_pyannote(
    reference: list[Turn], hypothesis: list[Turn], collar_s: float, skip_overlap: bool, merge: bool
) -> None:
    if not merge:  # where turns of one speaker overlap, equally good maps may differ: take one speaker a side
        reference, hypothesis = (
            [Turn("A", turn.start_s, turn.end_s) for turn in side] for side in (reference, hypothesis)
        )
    found = speaker_seconds(
        reference, hypothesis, DURATION_S, collar_s=collar_s, skip_overlap=skip_overlap, merge=merge
    )
    sides = [list(merged_turns(side)) if merge else side for side in (reference, hypothesis)]
    expected = theirs("DiarizationErrorRate", *sides, collar=2 * collar_s, skip_overlap=skip_overlap)
    names = ("missed detection", "false alarm", "confusion", "total")
    got = (found.miss, found.false_alarm, found.confusion, found.total)
    assert got == pytest.approx([expected[name] for name in names], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(EIGHTHS, EIGHTHS, st.sampled_from([0.0, 0.25]), st.booleans())
def test_jaccard_errors_are_those_of_pyannote(
    reference: list[Turn], hypothesis: list[Turn], collar_s: float, skip_overlap: bool
) -> None:
    errors, speakers = jaccard_error(reference, hypothesis, DURATION_S, collar_s=collar_s, skip_overlap=skip_overlap)
    sides = [list(merged_turns(side)) for side in (reference, hypothesis)]
    expected = theirs("JaccardErrorRate", *sides, collar=2 * collar_s, skip_overlap=skip_overlap)
    assert (errors, speakers) == pytest.approx((expected["speaker error"], expected["speaker count"]), abs=1e-9)


def test_a_draw_is_decided_among_those_with_scored_time() -> None:
    reference = [Turn("A", 0.0, 0.125), Turn("B", 0.0, 0.75)]
    hypothesis = [Turn("A", 0.0, 0.25), Turn("B", 0.625, 0.875)]
    expected = theirs("JaccardErrorRate", reference, hypothesis, skip_overlap=True)["speaker error"]
    assert jaccard_error(reference, hypothesis, DURATION_S, skip_overlap=True)[0] == pytest.approx(expected)


@given(MILLISECONDS, MILLISECONDS)
def test_bounds(reference: list[Turn], hypothesis: list[Turn]) -> None:
    found = sweep(merged_turns(reference), merged_turns(hypothesis), DURATION_S)
    assert min(found.miss_s, found.false_alarm_s, found.confusion_s) >= 0
    assert found.miss_s + found.confusion_s <= found.total_s + 1e-9
    assert found.overlap_s <= found.speech_s <= min(found.total_s, DURATION_S) + 1e-9
    assert all(0 <= error <= 1 + 1e-12 for error in found.jaccard_errors().values())


@given(MILLISECONDS, MILLISECONDS, st.integers(1, 100))
def test_later_in_a_longer_recording_nothing_changes(
    reference: list[Turn], hypothesis: list[Turn], shift_s: int
) -> None:
    said, got = (
        [Turn(turn.speaker, turn.start_s, min(turn.end_s, DURATION_S)) for turn in side]
        for side in (reference, hypothesis)
    )
    before = speaker_seconds(said, got, DURATION_S)
    after = speaker_seconds(later(said, shift_s), later(got, shift_s), DURATION_S + shift_s)
    expected = (before.miss, before.errors, before.total)
    assert (after.miss, after.errors, after.total) == pytest.approx(expected, abs=1e-9)


@given(MILLISECONDS, MILLISECONDS)
def test_without_error_against_itself_and_miss_and_false_alarm_change_places(
    reference: list[Turn], hypothesis: list[Turn]
) -> None:
    assert speaker_seconds(reference, reference, DURATION_S).errors == 0
    one, other = speaker_seconds(reference, hypothesis, DURATION_S), speaker_seconds(hypothesis, reference, DURATION_S)
    assert (one.miss, one.false_alarm) == (other.false_alarm, other.miss)
    assert one.confusion == pytest.approx(other.confusion, abs=1e-9)


def test_counts_add_to_those_of_recordings_one_after_the_other() -> None:
    first, first_got = [Turn("A", 0, 5), Turn("B", 4, 8)], [Turn("x", 1, 6)]
    second, second_got = [Turn("C", 0, 3)], [Turn("y", 0, 2), Turn("z", 2, 4)]
    added = speaker_seconds(first, first_got, 10.0) + speaker_seconds(second, second_got, 10.0)
    both, both_got = [*first, *later(second, 10)], [*first_got, *later(second_got, 10)]
    assert added == speaker_seconds(both, both_got, 20.0)


def test_nothing_at_all() -> None:
    assert speaker_seconds([], [], 0.0) == SpeakerSeconds()
    assert jaccard_error([], [Turn("x", 0, 1)], 1.0) == (0, 0)


def test_overlap_is_of_different_speakers() -> None:
    found = sweep([Turn("A", 0, 4), Turn("B", 3, 6), Turn("B", 5, 7)], [], 10.0)
    assert (found.overlap_s, found.speech_s, found.total_s) == (1.0, 7.0, 9.0)


def test_counting_does_not_import_pyannote() -> None:
    """It takes seconds."""
    code = (
        "import sys; from evalkit.scoring.speakers import speaker_seconds; from evalkit.types import Turn;"
        "speaker_seconds([Turn('A', 0, 1)], [Turn('x', 0, 2)], 2.0); sys.exit('pyannote.metrics' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
