import itertools
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.scoring.text import profile
from evalkit.scoring.timing import (
    Offsets,
    agreement,
    boundaries,
    comparable_words,
    drifts,
    final_shifts,
    judgeable,
    largest_step,
    long_enough,
    number_words,
    offsets,
    reference_error_s,
    slope,
)
from evalkit.types import Word
from tests.conversations import heard, spoken, spread, update, word

EN = profile("en")


def test_drift_is_hypothesis_minus_reference_for_start_and_end() -> None:
    found = drifts(spoken(("hello", 1.0, 1.4)), spoken(("Hello,", 1.05, 1.3)), EN)
    assert [(round(drift.start_s, 9), round(drift.end_s or 0, 9)) for drift in found] == [(0.05, -0.1)]


def test_substituted_inserted_and_number_words_take_no_part() -> None:
    reference = spoken(("call", 0.0, 0.3), ("twenty", 0.3, 0.6), ("bad", 0.6, 0.9), ("men", 0.9, 1.2))
    hypothesis = spoken(
        ("um", 0.0, 0.1), ("call", 0.1, 0.3), ("20", 0.3, 0.6), ("mad", 0.6, 0.9), ("men", 0.9, 1.2), ("oh", 2.0, 2.1)
    )
    assert [drift.reference for drift in drifts(reference, hypothesis, EN)] == [0, 3]


def test_a_contraction_against_two_words_has_no_time() -> None:
    reference = spoken(("we", 0.0, 0.2), ("do", 0.2, 0.4), ("not", 0.4, 0.6), ("go", 0.6, 0.8))
    hypothesis = spoken(("we", 0.0, 0.2), ("don't", 0.2, 0.6), ("go", 0.6, 0.8))
    assert [drift.reference for drift in drifts(reference, hypothesis, EN)] == [0, 3]


def test_words_without_times_drop_out() -> None:
    reference = [word("a", 0.0, 0.2), word("b"), word("c", 0.4, None)]
    hypothesis = [word("a"), word("b", 0.2, 0.4), word("c", 0.5, 0.7)]
    found = drifts(reference, hypothesis, EN)
    assert [(drift.reference, drift.end_s) for drift in found] == [(2, None)]


def test_coverage_counts_words_that_could_match() -> None:
    words = [word("um", 0.0, 0.1), word("twenty", 0.1, 0.2), word("good", 0.2, 0.3), word("men")]
    assert number_words(words, EN) == {1}
    assert comparable_words(words, EN) == 1


def test_a_name_that_holds_a_digit_is_no_number() -> None:
    words = spoken(("mp3", 0.0, 0.3), ("w1", 0.3, 0.6), ("$5", 0.6, 0.9), ("3rd", 0.9, 1.2), ("1990s", 1.2, 1.5))
    assert number_words(words, EN) == {2, 3, 4}
    assert [drift.reference for drift in drifts(words, words, EN)] == [0, 1]


@given(st.floats(-5, 5), st.integers(1, 12))
def test_shifting_the_hypothesis_shifts_every_drift(shift_s: float, number: int) -> None:
    reference = spread(" ".join(f"w{chr(97 + index)}" for index in range(number)), 10.0)
    moved = [Word(said.text, (said.start_s or 0) + shift_s, (said.end_s or 0) + shift_s) for said in reference]
    found = drifts(reference, moved, EN)
    assert len(found) == number
    assert all(drift.start_s == pytest.approx(shift_s, abs=1e-9) for drift in found)
    assert all(drift.end_s == pytest.approx(shift_s, abs=1e-9) for drift in found)


def test_shares_within_a_limit_include_the_limit() -> None:
    assert Offsets((0.1, -0.1000000001, 0.1001)).count_within(0.1) == 2
    assert Offsets((0.05, -0.2)).within(0.1) == 0.5


def test_nothing_matched_gives_no_figure() -> None:
    nothing = Offsets(())
    assert (nothing.mean_s, nothing.median_s, nothing.mean_absolute_s, nothing.p95_absolute_s) == (None,) * 4
    assert nothing.within(0.1) is None


def test_starts_and_ends_of_matched_words() -> None:
    found = drifts([word("a", 0.0, 0.2), word("b", 0.4)], [word("a", 0.1, 0.15), word("b", 0.7, 0.9)], EN)
    starts, ends = offsets(found)
    assert starts.values_s == pytest.approx((0.1, 0.3))
    assert ends.values_s == pytest.approx((-0.05,))
    assert starts.sum_s == pytest.approx(0.4)
    assert ends.absolute_s == pytest.approx(0.05)
    assert boundaries(found).mean_absolute_s == pytest.approx(0.075), "only of words that have both"


@pytest.mark.parametrize(
    ("source", "error_s"),
    [
        ("isolated words concatenated with known silences", 0.0),
        ("synthesis with marks", 0.015),
        ("manual annotation (Praat TextGrid of the Montreal Forced Aligner test data)", 0.015),
        ("forced alignment, pocketsphinx 5.1.1 en-us, 10 ms grid; check before trusting below 50 ms", 0.05),
        ("turns exact (synthesis); words inside a turn by forced alignment, pocketsphinx 5.1.1", 0.05),
        ("forced alignment, pocketsphinx 5.1.1 (median |err| 10 ms vs MFA TextGrids)", 0.01),
        ("a friend", 0.05),
        ("", 0.05),
        (None, 0.05),
    ],
)
def test_a_threshold_needs_a_reference_twice_as_exact(source: str | None, error_s: float) -> None:
    assert reference_error_s(source) == error_s
    assert judgeable(2 * error_s, source)
    assert judgeable(2 * error_s - 0.001, source) is False


POINTS = st.lists(st.tuples(st.integers(0, 900), st.integers(-500, 500)), min_size=2, max_size=20)


@settings(max_examples=50, deadline=None)
@given(POINTS)
def test_the_slope_is_the_median_of_all_pairs(points: list[tuple[int, int]]) -> None:
    at_s, drift_s = [float(at) for at, _ in points], [drift / 1000 for _, drift in points]
    found = slope(at_s, drift_s)
    pairs = [
        (later[1] - earlier[1]) / 1000 / (later[0] - earlier[0])
        for earlier, later in itertools.combinations(points, 2)
        if later[0] != earlier[0]
    ]
    if not pairs:
        assert found is None
        return
    assert found is not None
    assert found.s_per_min == pytest.approx(60 * statistics.median(pairs), abs=1e-9)
    if found.lo_s_per_min is not None and found.hi_s_per_min is not None:
        assert found.lo_s_per_min <= found.s_per_min + 1e-9
        assert found.s_per_min <= found.hi_s_per_min + 1e-9
    assert found.jitter_s >= 0


@settings(max_examples=50, deadline=None)
@given(POINTS, st.integers(0, 1000), st.integers(-300, 300))
def test_starting_later_moves_neither_slope_nor_jitter(
    points: list[tuple[int, int]], later_s: int, offset_ms: int
) -> None:
    drift_s = [drift / 1000 for _, drift in points]
    plain = slope([float(at) for at, _ in points], drift_s)
    moved = slope([float(at + later_s) for at, _ in points], [drift + offset_ms / 1000 for drift in drift_s])
    assert (plain is None) == (moved is None)
    if plain and moved:
        assert moved.s_per_min == pytest.approx(plain.s_per_min, abs=1e-9)
        assert moved.jitter_s == pytest.approx(plain.jitter_s, abs=1e-9)
        expected = plain.intercept_s + offset_ms / 1000 - plain.after_s(later_s)
        assert moved.intercept_s == pytest.approx(expected, abs=1e-9)


def test_a_steady_drift_is_found_in_spite_of_a_wild_word() -> None:
    at_s = [10.0 * index for index in range(31)]
    drift_s = [0.02 + at / 60 * 0.005 for at in at_s]
    drift_s[7] = 9.0
    found = slope(at_s, drift_s)
    assert found is not None
    assert found.s_per_min == pytest.approx(0.005)
    assert found.intercept_s == pytest.approx(0.02, abs=0.001)
    assert found.jitter_s == pytest.approx(0, abs=1e-12)
    assert found.after_s(3600) == pytest.approx(0.3)


def test_the_slope_of_hours_of_words_is_that_of_some_of_them() -> None:
    at_s = [0.4 * index for index in range(30_000)]
    found = slope(at_s, [0.001 * at / 60 + 0.01 * (index % 3) for index, at in enumerate(at_s)])
    assert found is not None
    assert found.s_per_min == pytest.approx(0.001, abs=1e-5)


def test_ties_may_leave_no_interval() -> None:
    found = slope([0.0, 0.0, 1.0], [0.0, 0.0, 0.0])
    assert found is not None
    assert (found.s_per_min, found.lo_s_per_min, found.hi_s_per_min) == (0.0, None, None)


def test_few_words_or_short_audio_have_no_slope_to_report() -> None:
    assert long_enough([10.0 * index for index in range(31)])
    assert not long_enough([10.0 * index for index in range(29)])
    assert not long_enough([9.0 * index for index in range(31)])
    assert not long_enough([])


def test_a_jump_between_windows() -> None:
    at_s = [1.0, 2.0, 31.0, 32.0, 61.0, 62.0, 121.0]
    drift_s = [0.0, 0.02, 0.5, 0.52, 0.1, 0.1, 9.0]
    assert largest_step(at_s, drift_s) == pytest.approx(0.5)
    assert largest_step(at_s, [-drift for drift in drift_s]) == pytest.approx(-0.5)
    assert largest_step(at_s, drift_s, least=3) is None
    assert largest_step([1.0, 31.0], [0.0, 5.0]) == 5.0
    assert largest_step([1.0, 61.0], [0.0, 5.0]) is None, "a window lies between"
    assert largest_step([], []) is None


def test_agreement_is_stream_minus_rest() -> None:
    rest, stream = spoken(("hello", 0.5, 0.9), ("big", 1.0, 1.2)), spoken(("hello", 0.54, 0.96))
    assert [drift.start_s for drift in agreement(rest, stream, EN)] == pytest.approx([0.04])
    assert [drift.start_s for drift in agreement(stream, rest, EN)] == pytest.approx([-0.04])


def test_a_start_moves_between_its_first_interim_and_the_final_text() -> None:
    said = heard(
        update(1, spoken(("the", 0.5, 0.7))),
        update(2, spoken(("the", 0.6, 0.7), ("cat", 0.8, 1.0))),
        update(3, spoken(("The", 0.55, 0.7), ("cat", 0.8, 1.1), ("sat", 1.2, 1.4)), "utterance_final"),
    )
    assert final_shifts(said, EN) == pytest.approx([0.05, 0.0])


def test_a_like_word_far_away_another_channel_and_words_without_times_move_nothing() -> None:
    far = heard(update(1, spoken(("the", 0.5, 0.7))), update(3, spoken(("the", 9.0, 9.2)), "utterance_final"))
    other = heard(
        update(1, spoken(("the", 0.5, 0.7), channel=1), segment=(1, 0)),
        update(3, spoken(("the", 0.5, 0.7), channel=0), "utterance_final", (0, 0)),
    )
    between = heard(
        update(1, spoken(("the", 0.5, 0.7), ("cat", 4.0, 4.2))),
        update(3, spoken(("the", 3.0, 3.2), ("dog", 4.0, 4.2)), "utterance_final"),
    )
    untimed = heard(update(1, "the"), update(3, spoken(("the", 0.5, 0.7)), "utterance_final"))
    locked = heard(update(1, spoken(("the", 0.4, 0.7)), "chunk_final", (0, 0, 0)), *untimed.updates[1:])
    assert [final_shifts(said, EN) for said in (far, between, other, untimed, locked)] == [[]] * 5
