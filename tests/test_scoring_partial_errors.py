"""Captions against what had been said by then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.partial_errors import PartialErrors, partial_errors
from evalkit.scoring.text import profile
from evalkit.scoring.words import unit_counts
from evalkit.types import Hypothesis
from tests import obvious
from tests.conversations import heard, spoken, spread, update, word

EN = profile("en")
SAID = spread("the quick brown fox", 0.0, 0.5)


def test_each_caption_is_held_against_the_words_that_had_ended() -> None:
    """T0 is 10; with 0.3 s of grace, one word has ended at 10.8, two at 11.3, all at 12.3."""
    said = heard(update(10.8, "the"), update(11.3, "the quack"), update(12.3, "the quick fox", "utterance_final"))
    found = partial_errors(said, SAID, 10.0, EN)
    assert found == PartialErrors(updates=3, errors=0 + 1 + 1, words=1 + 2 + 4)
    assert found.rate == pytest.approx(2 / 7)


def test_words_shown_before_they_had_ended_are_errors_and_words_not_shown_in_time_as_well() -> None:
    assert partial_errors(heard(update(0.1, "the quick")), SAID, 0.0, EN) == PartialErrors(1, 2, 0)
    assert partial_errors(heard(update(9.0, "the quick")), SAID, 0.0, EN) == PartialErrors(1, 2, 4)
    assert partial_errors(heard(update(1.0, "the quick")), SAID, 0.0, EN, lag_s=0.0) == PartialErrors(1, 0, 2)
    assert PartialErrors(1, 2, 0).rate is None


def test_numbers_are_read_in_their_utterance() -> None:
    said = spoken(("twenty", 0, 0.5), ("one", 0.5, 1.0), ("more", 3.0, 3.5))
    assert partial_errors(heard(update(1.4, "21")), said, 0.0, EN) == PartialErrors(1, 0, 1)
    parted = spoken(("twenty", 0, 0.5), ("one", 2.0, 2.5))
    final = heard(update(1.0, "twenty", "utterance_final", (0, 0)), update(3.0, "one", "utterance_final", (0, 1)))
    assert partial_errors(final, parted, 0.0, EN) == PartialErrors(2, 0, 3)


def test_channels_are_held_against_their_own_words() -> None:
    said = (*spread("hello", channel=0), *spread("good day", channel=1))
    left = update(5, spread("hello", channel=0), segment=(0, 0))
    right = update(5, spread("good dog", channel=1), segment=(1, 0))
    assert partial_errors(heard(left, right), said, 0.0, EN) == PartialErrors(2, 1, 3)
    assert partial_errors(heard(left, right), spread("hello good day"), 0.0, EN) is None
    assert partial_errors(heard(update(5, "hello good day")), said, 0.0, EN) == PartialErrors(1, 0, 3)


def test_without_times_nothing_can_be_said() -> None:
    assert partial_errors(heard(update(1, "hello")), [word("hello")], 0.0, EN) is None
    assert partial_errors(heard(update(1, "hello")), [], 0.0, EN) is None
    assert partial_errors(heard(), SAID, 0.0, EN) is None


@given(obvious.conversations(), st.lists(st.sampled_from("no not twenty one Smith cat".split()), max_size=12))  # noqa: SIM905
def test_errors_are_those_of_whole_captions(said: Hypothesis, texts: list[str]) -> None:
    rules = profile("basic")
    reference = [word(text, place * 0.7, place * 0.7 + 0.5, channel=place % 2) for place, text in enumerate(texts)]
    found = partial_errors(said, reference, 0.0, rules)
    channels = obvious.channel_states(said)
    if found is None:
        assert not channels or not reference or len(channels) > len({item.channel for item in reference})
        return
    expected = PartialErrors()
    for channel, states in channels.items():
        spoken_here = reference if len(channels) == 1 else [item for item in reference if item.channel == channel]
        for state in states:
            ended = [item for item in spoken_here if (item.end_s or 0) <= state.t_s - 0.3]
            sides = [rules.tokens(" ".join(item.text for item in side)) for side in (ended, state.words)]
            expected += PartialErrors(1, unit_counts(*sides).errors, len(sides[0]))
    assert found == expected
