import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.plausible import TimeFaults, time_faults, time_grid_s
from evalkit.types import Word
from tests.conversations import spoken, spread, word

SPANS = st.lists(st.tuples(st.integers(-5, 120), st.integers(-5, 30)), max_size=10)


def words_at(spans: list[tuple[int, int]], speaker: str = "A") -> list[Word]:
    return [Word("w", start / 10, (start + length) / 10, speaker) for start, length in spans]


def test_times_of_a_plain_answer_are_sound() -> None:
    assert time_faults(spread("the quick brown fox"), 3.0) == TimeFaults(words=4)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (("x", 0.5, 0.5), "zero_length"),
        (("x", 0.5, 0.4), "negative_length"),
        (("x", 2.0, 2.08), "beyond_audio"),
        (("x", -0.1, 0.2), "negative_start"),
    ],
)
def test_faults_of_one_word(said: tuple[str, float, float], fault: str) -> None:
    found = time_faults(spoken(said), 2.0)
    assert getattr(found, fault) == 1
    assert found.all == 1


def test_what_no_contract_allows() -> None:
    said = spoken(("a", 0.5, 0.4), ("b", 0.2, 0.3), ("c", -0.1, 0.1), ("d", 1.0, 1.0), ("e", 2.4, 2.6))
    found = time_faults(said, 2.0)
    assert (found.negative_length, found.start_decreases, found.beyond_audio, found.negative_start) == (1, 2, 1, 1)
    assert found.broken == 4, "a start before the audio is a fault, but none of these"


def test_limits_themselves_are_allowed() -> None:
    assert time_faults(spoken(("x", 0.1, 2.1)), 2.05).all == 0
    assert time_faults(spoken(("a", 0.0, 0.71), ("b", 0.70, 0.9)), 2.0).all == 0
    assert time_faults(spoken(("a", 0.0, 0.72), ("b", 0.70, 0.9)), 2.0) == TimeFaults(words=2, overlaps=1)
    assert time_faults(spoken(("x", 0.1, 2.2)), 3.0) == TimeFaults(words=1, too_long=1)


def test_a_word_without_times_is_only_missing() -> None:
    found = time_faults([word("a", 0.5, 0.7), word("b", 0.1), word("c"), word("d", 0.8, 0.9)], 1.0)
    assert found == TimeFaults(words=4, missing=2)
    assert found.broken == 0


def test_going_back_is_no_overlap_and_channels_and_speakers_are_judged_apart() -> None:
    assert time_faults(spoken(("a", 0.5, 0.8), ("b", 0.2, 0.7)), 1.0) == TimeFaults(words=2, start_decreases=1)
    apart = (*spoken(("a", 0.5, 0.8), channel=0), *spoken(("b", 0.2, 0.7), channel=1))
    assert time_faults(apart, 1.0).all == 0
    two = (*spoken(("a", 0.2, 0.8), speaker="A"), *spoken(("b", 0.5, 0.7), speaker="B"))
    assert time_faults(two, 1.0).all == 0


@given(SPANS, SPANS)
def test_counts_add(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    """Of two channels scored together and each alone."""
    left = [Word("w", said.start_s, said.end_s, channel=0) for said in words_at(first)]
    right = [Word("w", said.start_s, said.end_s, channel=1) for said in words_at(second)]
    assert time_faults([*left, *right], 10.0) == time_faults(left, 10.0) + time_faults(right, 10.0)


@given(SPANS, st.integers(1, 50))
def test_later_in_longer_audio_only_the_start_of_it_matters(spans: list[tuple[int, int]], shift: int) -> None:
    moved = [(start + 10 * shift, length) for start, length in spans]
    before, after = time_faults(words_at(spans), 10.0), time_faults(words_at(moved), 10.0 + shift)
    assert after.negative_start == 0
    assert after.all == before.all - before.negative_start
    assert before.broken <= before.all <= 7 * len(spans)


def test_the_grid_of_times() -> None:
    assert time_grid_s([0.24, 0.48, 0.96, 1.12]) == 0.08
    assert time_grid_s([0.0, 0.5]) == 0.5
    assert time_grid_s([0.24, 0.481]) == 0.001
    assert time_grid_s([0.0]) is None
    assert time_grid_s([]) is None


@given(st.lists(st.integers(1, 5000), min_size=1), st.sampled_from([1, 10, 20, 80]))
def test_every_time_is_a_multiple_of_the_grid(steps: list[int], grid_ms: int) -> None:
    found = time_grid_s([step * grid_ms / 1000 for step in steps])
    assert found is not None
    assert round(1000 * found) % grid_ms == 0
    assert all((step * grid_ms) % round(1000 * found) == 0 for step in steps)
