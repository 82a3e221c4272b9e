import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.captions import (
    Erasure,
    caption_erasure,
    emissions,
    erasure,
    formatting_share,
    has_interims,
)
from evalkit.scoring.text import profile
from evalkit.types import Hypothesis
from tests import obvious
from tests.conversations import heard, spoken, update

EN = profile("en")
STATES = st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=8)


@given(STATES)
def test_words_taken_back_are_bounded_by_words_shown(states: list[list[str]]) -> None:
    found = erasure(states)
    assert found.updates == len(states) - 1
    assert found.changed <= found.erased <= sum(map(len, states[:-1]))
    assert (found.revisions > 0) == (found.erased > 0)
    assert erasure(states, extend_ok=True).erased <= found.erased


@given(st.lists(st.sampled_from("abc"), max_size=10))
def test_captions_that_only_grow_take_nothing_back(words: list[str]) -> None:
    assert erasure([words[:size] for size in range(len(words) + 1)]).erased == 0


@given(STATES, STATES)
def test_adding_counts_scores_both(left: list[list[str]], right: list[list[str]]) -> None:
    both = erasure(left) + erasure(right)
    assert both.erased == erasure(left).erased + erasure(right).erased
    assert both.final_words == len(left[-1]) + len(right[-1])


def test_no_update_is_not_zero_churn() -> None:
    assert erasure([["hello"]]).normalised is None
    assert erasure([["hello"], ["hello"]]).normalised == 0.0
    assert Erasure().edit_overhead is None


def test_a_capital_letter_changes_one_word_though_it_erases_the_line() -> None:
    said = heard(update(1, "the quick brown"), update(2, "The quick brown"))
    assert (caption_erasure(said, str.split).erased, caption_erasure(said, str.split).changed) == (3, 1)
    assert caption_erasure(said, EN.tokens).erased == 0
    assert formatting_share(caption_erasure(said, str.split), caption_erasure(said, EN.tokens)) == 1.0


def test_a_number_that_grows_or_is_rewritten_takes_nothing_back() -> None:
    readings = (EN.tokens, profile("basic").tokens)
    grown = heard(update(1, "at twenty"), update(2, "at twenty one"), update(3, "at twenty one dollars"))
    assert caption_erasure(grown, EN.tokens).erased == 2
    assert caption_erasure(grown, *readings).erased == 0
    rewritten = heard(update(1, "at nine thirty"), update(2, "at 9:30"))
    assert caption_erasure(rewritten, profile("basic").tokens).erased == 2
    assert caption_erasure(rewritten, *readings).erased == 0
    assert caption_erasure(heard(update(1, "fifteen"), update(2, "fifty")), *readings).erased == 1


def test_a_segment_that_starts_anew_takes_nothing_back() -> None:
    said = heard(
        update(1, "the quick", segment=(0, 0, 0)),
        update(2, "the quick brown", "chunk_final", (0, 0, 0)),
        update(3, "fox", segment=(0, 0, 1)),
        update(4, "the quick brown fox", "utterance_final", (0, 0)),
    )
    assert caption_erasure(said, str.split).erased == 0


def test_growth_of_one_channel_does_not_erase_the_other() -> None:
    said = heard(
        update(1, spoken(("a", 0, 1), channel=0), segment=(0, 0)),
        update(2, spoken(("x", 0, 1), channel=1), segment=(1, 0)),
        update(3, spoken(("a", 0, 1), ("b", 1, 2), channel=0), segment=(0, 0)),
        update(4, spoken(("y", 0, 1), channel=1), segment=(1, 0)),
    )
    found = caption_erasure(said, str.split)
    assert (found.erased, found.final_words) == (1, 3)


def test_interims_are_what_can_be_taken_back() -> None:
    assert not has_interims(heard(update(1, "hello", "utterance_final")))
    assert not has_interims(heard(update(1, "", "interim"), update(2, "hello", "utterance_final")))
    assert has_interims(heard(update(1, "hello"), update(2, "hello", "utterance_final")))


def test_each_word_has_its_first_stable_and_committed_time() -> None:
    said = heard(
        update(1, "hell"),
        update(2, "hello"),
        update(3, "yellow"),
        update(4, "hello word"),
        update(5, "hello world"),
        update(6, "Hello world.", "utterance_final"),
    )
    found = [(item.word.text, item.first_s, item.stable_s, item.committed_s) for item in emissions(said, EN)]
    assert found == [("Hello", 2, 4, 6), ("world.", 5, 5, 6)]


def test_repeated_words_are_shown_one_after_the_other() -> None:
    said = heard(*(update(t, " ".join(["no"] * t)) for t in (1, 2, 3)))
    assert [item.first_s for item in emissions(said, EN)] == [1, 2, 3]


def test_a_word_is_committed_with_the_chunk_that_locks_it() -> None:
    said = heard(
        update(1, "a b", "chunk_final", (0, 0, 0)),
        update(2, "c", "interim", (0, 0, 1)),
        update(3, "a b c", "utterance_final"),
    )
    assert [item.committed_s for item in emissions(said, EN)] == [1, 1, 3]


def test_words_never_committed_have_no_such_time() -> None:
    assert [item.committed_s for item in emissions(heard(update(1, "hello")), EN)] == [None]


def test_words_of_two_channels_come_in_the_order_of_the_transcript() -> None:
    said = heard(
        update(1, spoken(("b", 1, 2), ("d", 3, 4), channel=0), segment=(0, 0)),
        update(2, spoken(("a", 0, 1), ("c", 2, 3), channel=1), segment=(1, 0)),
    )
    assert [item.word.text for item in emissions(said, EN)] == [word.text for word in said.words] == list("abcd")


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=6))
def test_first_is_never_after_stable(states: list[list[str]]) -> None:
    said = heard(*(update(t, " ".join(state)) for t, state in enumerate(states)))
    found = emissions(said, profile("basic"))
    assert len(found) == len(states[-1])
    assert all(item.first_s <= item.stable_s <= len(states) - 1 for item in found)


def test_a_word_without_tokens_is_never_shown() -> None:
    assert [item.word.text for item in emissions(heard(update(1, "um hello")), EN)] == ["hello"]


def test_text_withdrawn_altogether_is_a_phantom() -> None:
    said = heard(update(1, "thank you"), update(2, ""))
    found = caption_erasure(said, str.split)
    assert found.phantom
    assert (found.erased, found.normalised) == (2, None)
    assert pytest.approx(1.0) == found.edit_overhead


def test_an_early_word_is_not_taken_for_the_same_word_spoken_later() -> None:
    """A real case: "the" of the first guess was counted as the "the" of the last sentence, 25 s before it was said."""
    said = heard(
        update(1, spoken(("the", 0.2, 0.4), ("purse", 0.4, 0.9)), "interim", (0, 0, 0)),
        update(2, spoken(("a", 0.2, 0.4), ("person", 0.4, 0.9)), "utterance_final", (0, 0)),
        update(26, spoken(("the", 25.0, 25.2), ("end", 25.2, 25.6)), "utterance_final", (0, 1)),
    )
    found = {item.word.text: (item.first_s, item.stable_s) for item in emissions(said, EN)}
    assert found == {"a": (2, 2), "person": (2, 2), "the": (26, 26), "end": (26, 26)}


def test_captions_without_times_are_still_matched_by_their_words() -> None:
    said = heard(update(1, "hello", "interim"), update(2, "well hello", "utterance_final"))
    assert [(item.word.text, item.first_s) for item in emissions(said, EN)] == [("well", 2), ("hello", 1)]


def test_depths_are_those_of_revising_updates() -> None:
    found = erasure([["a"], ["a", "b"], ["c"], ["c"], ["d"]])
    assert (found.depths, found.depth, found.revisions) == ((2, 1), 2, 2)
    assert (found + found).depths == (2, 1, 2, 1)


def test_a_last_word_that_grows_may_be_allowed() -> None:
    said = heard(update(1, "some"), update(2, "something"), update(3, "something good"), update(4, "something god"))
    assert caption_erasure(said, str.split).erased == 2
    assert caption_erasure(said, str.split, extend_ok=True).erased == 1


@given(obvious.conversations(), st.booleans())
def test_erasure_is_what_whole_captions_give(said: Hypothesis, extend_ok: bool) -> None:
    readings = (EN.tokens, profile("basic").tokens)
    for chosen in (readings, (str.split,)):
        found = caption_erasure(said, *chosen, extend_ok=extend_ok)
        assert found == obvious.caption_erasure(said, *chosen, extend_ok=extend_ok)


@given(obvious.conversations())
def test_emissions_are_what_whole_captions_give(said: Hypothesis) -> None:
    assert emissions(said, EN) == obvious.emissions(said, EN)


def test_a_word_shown_before_a_cut_that_came_after_it_was_shown_then() -> None:
    said = heard(
        update(1, "hello how are", segment=(0, 0, 0)),
        update(2, "hello", "utterance_final", (0, 0)),
        update(3, "how are you", "utterance_final", (0, 1)),
    )
    found = [(item.word.text, item.first_s, item.stable_s) for item in emissions(said, EN)]
    assert found == [("hello", 1, 1), ("how", 1, 3), ("are", 1, 3), ("you", 3, 3)]


def test_no_number_runs_from_one_utterance_into_the_next() -> None:
    said = heard(
        update(1, "twenty", segment=(0, 0, 0)),
        update(2, "twenty", "utterance_final", (0, 0)),
        update(3, "one more", segment=(0, 1, 0)),
    )
    assert caption_erasure(said, EN.tokens).erased == 0
    joined = heard(update(1, "twenty", "chunk_final", (0, 0, 0)), update(2, "one more", segment=(0, 0, 1)))
    assert caption_erasure(joined, EN.tokens).final_words == 2


def test_a_word_that_moves_to_the_next_utterance_while_it_stands_there_too_stays_shown() -> None:
    said = heard(
        update(1, "hello how", segment=(0, 0, 0)),
        update(2, "how are", segment=(0, 1, 0)),
        update(3, "hello", "utterance_final", (0, 0)),
        update(4, "how are", "utterance_final", (0, 1)),
    )
    found = [(item.word.text, item.first_s, item.stable_s) for item in emissions(said, EN)]
    assert found == [("hello", 1, 1), ("how", 1, 1), ("are", 2, 2)]
    assert emissions(said, EN) == obvious.emissions(said, EN)
