import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import retractions
from evalkit.scoring.captions import caption_erasure
from evalkit.scoring.retractions import Change
from evalkit.scoring.text import profile
from evalkit.types import Hypothesis
from tests import obvious
from tests.conversations import heard, spoken, update

EN = profile("en")
STATES = st.lists(st.lists(st.sampled_from(["a", "A.", "b", "two", "2"]), max_size=4).map(" ".join), max_size=6)


def said_in_turn(*texts: str) -> list[Change]:
    return retractions.changes(heard(*(update(t_s, text) for t_s, text in enumerate(texts))), EN)


def test_a_word_stands_from_its_first_showing_until_it_is_replaced_or_gone() -> None:
    assert said_in_turn("I", "I owe fifteen", "I owe fifteen", "i owe fifty", "I owe") == [
        Change("fifteen", "fifty", 2),
        Change("fifty", "", 1),
    ]


def test_a_reformatted_word_stands_on() -> None:
    assert said_in_turn("nine thirty", "9:30", "ten") == [Change("9:30", "ten", 2)]


def test_growth_is_no_change_but_a_word_put_in_between_is() -> None:
    assert said_in_turn("we can", "we can go", "we can not go") == [Change("", "not", 0.0)]


def test_channels_do_not_change_each_other() -> None:
    said = heard(
        update(1, spoken(("a", 0, 1), channel=0), segment=(0, 0)),
        update(2, spoken(("x", 0, 1), channel=1), segment=(1, 0)),
        update(4, spoken(("b", 0, 1), channel=0), segment=(0, 0)),
    )
    assert retractions.changes(said, EN) == [Change("a", "b", 3)]


def test_numbers_names_and_negations_that_flip() -> None:
    final = ["tell", "Dana", "we", "cannot", "pay", "fifty"]
    found = said_in_turn("tell Diana we can pay fifteen", "tell Dana we can pay fifteen", " ".join(final))
    assert retractions.number_flips(found, EN) == 1
    assert retractions.name_flips(found, final, EN) == 1
    assert retractions.negation_flips(found, EN) == 1
    assert retractions.negation_flips([Change("don't", "do", 1.0), Change("no", "not", 1.0)], EN) == 1
    assert retractions.number_flips([Change("", "two", 0.0), Change("two", "too", 1.0)], EN) == 1


def test_names_are_capitals_inside_a_sentence() -> None:
    text = "Hello Dana. Yes, \"Bob and I saw NASA? Then I'm off"
    assert retractions.names(text.split(), EN) == {("dana",), ("bob",), ("nasa",)}


@given(STATES, st.floats(0, 100))
def test_nothing_stands_longer_than_captions_ran(states: list[str], by_s: float) -> None:
    said = [update(t_s, text) for t_s, text in enumerate(states)]
    found = retractions.changes(heard(*said), EN)
    assert all(0 <= change.stood_s <= len(states) for change in found)
    later = retractions.changes(heard(*(update(t_s + by_s, text) for t_s, text in enumerate(states))), EN)
    assert [change.stood_s for change in later] == pytest.approx([change.stood_s for change in found])


@given(STATES)
def test_repeating_an_update_changes_no_metric_of_captions(states: list[str]) -> None:
    said = heard(*(update(t_s, text) for t_s, text in enumerate(states)))
    twice = heard(*(update(t_s + half, text) for t_s, text in enumerate(states) for half in (0, 0.5)))
    assert retractions.changes(said, EN) == retractions.changes(twice, EN)
    once, again = caption_erasure(said, EN.tokens), caption_erasure(twice, EN.tokens)
    assert (once.erased, once.revisions, once.changed, once.depths) == (
        again.erased,
        again.revisions,
        again.changed,
        again.depths,
    )


@given(obvious.conversations())
def test_changes_are_what_whole_captions_give(said: Hypothesis) -> None:
    assert retractions.changes(said, EN) == obvious.changes(said, EN)
