import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import settling
from evalkit.scoring.settling import Partials, partial_quality
from evalkit.scoring.text import profile
from evalkit.types import State
from tests.conversations import heard, update

EN = profile("en")
TEXT = st.lists(st.sampled_from("abc"), max_size=5)
TIMES = st.lists(st.floats(0, 20), max_size=10).map(sorted)
TWO = heard(
    update(1, "the quack", "interim", (0, 0, 0)),
    update(2, "the quick", "chunk_final", (0, 0, 0)),
    update(3, "browne", "interim", (0, 0, 1)),
    update(4, "The quick brown.", "utterance_final", (0, 0)),
    update(5, "thanks", "interim", (0, 1, 0)),
    update(6, "", "utterance_final", (0, 1)),
)


def test_utterances_are_seen_on_their_own() -> None:
    first, second = settling.utterances(TWO)
    assert [" ".join(word.text for word in state.words) for state in first.states][-2:] == [
        "the quick browne",
        "The quick brown.",
    ]
    assert (first.phantom, second.phantom) == (False, True)
    assert [state.t_s for state in first.partials] == [1, 2, 3]


def test_first_and_last_partials_of_each_utterance() -> None:
    """thanks is a partial, too: nothing of it is left, and its word has to go."""
    found = settling.caption_partials(TWO, EN)
    assert found == Partials(2, 3, 1, 1, 2, 3, 2)
    assert found.first_prefix_share == pytest.approx(1 / 3)
    assert found.last_edit_rate == pytest.approx(2 / 3)


def test_an_utterance_without_a_partial_or_without_a_final_is_not_judged() -> None:
    assert settling.caption_partials(heard(update(1, "hi", "utterance_final")), EN) == Partials()
    assert settling.caption_partials(heard(update(1, "hi"), update(2, "hello")), EN) == Partials()
    assert Partials().first_prefix_share is Partials().first_hit_share is Partials().last_edit_rate is None


def test_locked_chunks_are_partials_until_the_utterance_is_final() -> None:
    said = heard(update(1, "hello", "chunk_final", (0, 0, 0)), update(2, "Yellow.", "utterance_final", (0, 0)))
    assert settling.caption_partials(said, EN).differing == 1


def test_chunks_whose_utterance_never_ended_are_one_utterance() -> None:
    said = heard(update(1, "a", "chunk_final", (0, 0, 0)), update(2, "b", "interim", (0, 0, 1)))
    assert len(settling.utterances(said)) == 1


def test_formatting_at_the_last_is_no_difference() -> None:
    said = heard(update(1, "at nine thirty"), update(2, "At 9:30.", "utterance_final"))
    assert settling.caption_partials(said, EN).differing == 0


@given(st.lists(TEXT, max_size=4), TEXT)
def test_shares_lie_between_none_and_all(partials: list[list[str]], final: list[str]) -> None:
    found = partial_quality(partials, final)
    assert 0 <= found.first_prefix <= found.first_hits <= found.first_words
    assert found.last_edits <= max(found.final_words, max(map(len, partials), default=0))
    assert (found.differing == 1) == (found.last_edits > 0)


@given(TEXT, TEXT)
def test_partials_add(left: list[str], right: list[str]) -> None:
    both = partial_quality([left], right) + partial_quality([right], left)
    assert both.first_words == (len(left) + len(right) if both.utterances == 2 else len(left or right))


@pytest.mark.parametrize(
    ("states", "source"),
    [
        (["utterance_final"], "utterance_finals"),
        (["utterance_final", "chunk_final"], "chunk_finals"),
        (["utterance_final", "interim"], "interim_only"),
        ([], None),
    ],
)
def test_where_the_final_text_comes_from(states: list[State], source: str | None) -> None:
    said = heard(*(update(index, "hi", state, (0, index)) for index, state in enumerate(states)))
    assert settling.final_source(said) == source


def test_cadence_is_measured_while_speech_runs() -> None:
    times_s = [0.5, 1.0, 1.6, 4.0, 6.5]
    assert settling.cadence_s(times_s, [(0.0, 2.0), (3.0, 7.0)]) == pytest.approx([0.5, 0.6, 2.5])
    assert settling.stalls_s(times_s, [(0.0, 2.0), (3.0, 7.0)]) == pytest.approx([0.6, 2.5])
    assert settling.stalls_s([], [(1.0, 4.0)]) == [3.0]


@given(TIMES, st.floats(0, 10), st.floats(0.1, 10), st.floats(0, 100))
def test_rhythm_moves_with_the_clock(times_s: list[float], start_s: float, length_s: float, by_s: float) -> None:
    """Sixteenths are exact in binary, so that no time crosses an edge by rounding."""
    start, end, by = (round(16 * value) / 16 for value in (start_s, start_s + length_s, by_s))
    times = [round(16 * value) / 16 for value in times_s]
    late = [value + by for value in times]
    assert settling.cadence_s(times, [(start, end)]) == settling.cadence_s(late, [(start + by, end + by)])
    stalls = settling.stalls_s(times, [(start, end)])
    assert stalls == settling.stalls_s(late, [(start + by, end + by)])
    assert 0 <= stalls[0] <= end - start
    assert max(settling.cadence_s(times, [(start, end)]), default=0.0) <= stalls[0]


def test_interims_set_the_rhythm() -> None:
    assert settling.interim_times_s(TWO) == [1, 3, 5]
