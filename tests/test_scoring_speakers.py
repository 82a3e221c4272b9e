import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.scoring.speakers import (
    SpeakerSeconds,
    by_speaker,
    distinct_speakers,
    jaccard_error,
    lasting_speakers,
    merged_turns,
    overlap_seconds,
    speaker_seconds,
    speech_by_speaker,
    turns_of,
    unlabelled_words,
)
from evalkit.scoring.text import profile
from evalkit.types import Turn
from tests.conversations import spoken, word

TURN = st.builds(
    lambda speaker, start, length: Turn(speaker, start / 10, (start + length) / 10),
    st.sampled_from("ABC"),
    st.integers(0, 80),
    st.integers(1, 30),
)
TURNS = st.lists(TURN, max_size=8)


def swept(reference: list[Turn], hypothesis: list[Turn]) -> tuple[float, float]:
    """Error and total seconds on a 0.1 s grid, with every map of speakers tried."""
    names = sorted({turn.speaker for turn in reference})
    labels = sorted({turn.speaker for turn in hypothesis})
    cells = range(120)
    who = [{t.speaker for t in reference if round(t.start_s * 10) <= k < round(t.end_s * 10)} for k in cells]
    got = [{t.speaker for t in hypothesis if round(t.start_s * 10) <= k < round(t.end_s * 10)} for k in cells]
    padded = labels + [""] * len(names)
    right = max(
        sum(
            sum(name in a and label in b for name, label in zip(names, order, strict=True))
            for a, b in zip(who, got, strict=True)
        )
        for order in set(itertools.permutations(padded, len(names)))
    )
    errors = sum(max(len(a), len(b)) for a, b in zip(who, got, strict=True)) - right
    return errors / 10, sum(map(len, who)) / 10


@settings(max_examples=40, deadline=None)
@given(TURNS, TURNS)
def test_the_rate_is_that_of_the_definition(reference: list[Turn], hypothesis: list[Turn]) -> None:
    """Errors and total equal a plain sweep over a 0.1 s grid with every speaker map tried."""
    found = speaker_seconds(reference, hypothesis, 12.0)
    errors, total = swept(list(merged_turns(reference)), list(merged_turns(hypothesis)))
    assert found.errors == pytest.approx(errors, abs=1e-6)
    assert found.total == pytest.approx(total, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(TURNS, TURNS)
def test_speaker_names_do_not_matter(reference: list[Turn], hypothesis: list[Turn]) -> None:
    renamed = [Turn({"A": "z", "B": "y", "C": "x"}[turn.speaker], turn.start_s, turn.end_s) for turn in hypothesis]
    first, second = speaker_seconds(reference, hypothesis, 12.0), speaker_seconds(reference, renamed, 12.0)
    assert first.errors == pytest.approx(second.errors)


def test_the_collar_is_per_side() -> None:
    """md-eval's 0.25 s collar leaves out half a second around an inner boundary."""
    reference = [Turn("A", 0, 5), Turn("B", 5, 10)]
    hypothesis = [Turn("x", 0, 5.2), Turn("y", 5.2, 10)]
    assert speaker_seconds(reference, hypothesis, 10.0).confusion == pytest.approx(0.2)
    collared = speaker_seconds(reference, hypothesis, 10.0, collar_s=0.25)
    assert collared.confusion == 0
    assert collared.total == pytest.approx(10 - 0.5 - 2 * 0.25)


def test_overlapping_turns_of_one_speaker_are_counted_once() -> None:
    reference = [Turn("A", 0, 5), Turn("A", 4, 6)]
    assert speaker_seconds(reference, [Turn("x", 0, 6)], 6.0) == SpeakerSeconds(0, 0, 0, 6)
    assert speaker_seconds(reference, [Turn("x", 0, 6)], 6.0, merge=False).miss == pytest.approx(1.0)


def test_nobody_in_the_reference_has_no_rate_but_keeps_its_false_alarm() -> None:
    found = speaker_seconds([], [Turn("x", 1, 3)], 10.0)
    assert found.rate is None
    assert found.false_alarm == pytest.approx(2.0)
    assert (found + SpeakerSeconds(total=10)).rate == pytest.approx(0.2)


def test_a_lost_speaker_counts_whole_in_the_jaccard_error() -> None:
    error, speakers = jaccard_error([Turn("A", 0, 9), Turn("B", 9, 10)], [Turn("x", 0, 9)], 10.0)
    assert error == pytest.approx(1.0)
    assert speakers == 2


def test_turns_close_at_a_gap_another_speaker_or_an_unlabelled_word() -> None:
    words = (
        *spoken(("a", 0.0, 0.3), ("b", 0.8, 1.0), speaker="A"),
        *spoken(("c", 1.0, 1.2), speaker="B"),
        *spoken(("d", 1.2, 1.4), speaker="A"),
        *spoken(("e", 1.4, 1.5)),
        *spoken(("f", 1.5, 1.6), ("g", 2.2, 2.3), speaker="A"),
        word("h", speaker="A"),
    )
    assert [(turn.speaker, turn.start_s, turn.end_s) for turn in turns_of(words)] == [
        ("A", 0.0, 1.0),
        ("B", 1.0, 1.2),
        ("A", 1.2, 1.4),
        ("A", 1.5, 1.6),
        ("A", 2.2, 2.3),
    ]
    assert unlabelled_words(words) == 1


def test_labels_of_several_channels_are_kept_apart() -> None:
    words = (*spoken(("a", 0.0, 0.2), speaker="0", channel=0), *spoken(("b", 0.1, 0.3), speaker="0", channel=1))
    assert [said.speaker for said in distinct_speakers(words)] == ["0:0", "1:0"]
    assert len(turns_of(distinct_speakers(words))) == 2
    assert distinct_speakers(words[:1]) == words[:1]


def test_words_are_joined_per_speaker_in_time_order() -> None:
    words = (*spoken(("two", 1.0, 1.2), speaker="A"), *spoken(("Hi", 0.5, 0.7)), *spoken(("go", 0.0, 0.2), speaker="A"))
    assert by_speaker(words, profile("en")) == {"A": ("go", "2"), "": ("hi",)}


def test_a_speaker_of_a_word_does_not_last() -> None:
    turns = [Turn("A", 0, 300), Turn("B", 300, 302), Turn("C", 310, 313), Turn("C", 312, 313.5)]
    assert speech_by_speaker(turns) == {"A": 300, "B": 2, "C": 3.5}
    assert lasting_speakers(turns) == 2, "B has two seconds, but less than one percent"
    assert lasting_speakers([Turn("A", 0, 2), Turn("B", 2, 3.9)]) == 1
    assert lasting_speakers([]) == 0


def test_overlap_counts_time_and_not_speakers() -> None:
    assert overlap_seconds([Turn("A", 0, 4), Turn("B", 3, 6), Turn("C", 3, 5)], 10.0) == (2.0, 6.0)


def test_importing_scoring_does_not_import_pyannote() -> None:
    """It takes seconds, and a run without speakers never needs it."""
    code = "import sys, evalkit.scoring, evalkit.stats; sys.exit('pyannote.metrics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
