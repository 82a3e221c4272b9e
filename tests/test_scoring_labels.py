import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import text
from evalkit.scoring.labels import (
    CountErrors,
    Flips,
    TurnChanges,
    WordLabels,
    caption_flips,
    flips,
    speaker_count,
    speakers_in,
    word_labels,
)
from evalkit.types import Hypothesis, Word
from tests import obvious
from tests.conversations import heard, spoken, spread, update, word

NONE, EN = text.profile("none"), text.profile("en")
LABELS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["x", "y", "z", None])), max_size=12)


def labelled(sentence: str, speakers: str) -> list[Word]:
    return [
        Word(token, speaker=None if name == "-" else name)
        for token, name in zip(sentence.split(), speakers, strict=True)
    ]


def test_numbers_of_speakers() -> None:
    found = speaker_count(2, 2) + speaker_count(1, 3) + speaker_count(3, 2)
    assert found == CountErrors(3, 1, 1, 3)
    assert (found.accuracy, found.mean_absolute, found.mean_signed) == (1 / 3, 1, 1 / 3)
    assert (CountErrors().accuracy, CountErrors().mean_absolute, CountErrors().mean_signed) == (None,) * 3
    assert speakers_in(labelled("a b c d", "AB-A")) == 2


@given(LABELS)
def test_wrong_labels_are_those_of_the_best_map(pairs: list[tuple[str, str | None]]) -> None:
    """Every one-to-one map tried; a word without a label is never right."""
    found = WordLabels(tuple(said for said, _ in pairs), tuple(got for _, got in pairs))
    names, others = ("A", "B"), ("x", "y", "z", "nobody")
    best = max(
        sum(dict(zip(names, chosen, strict=True))[said] == got for said, got in pairs)
        for chosen in itertools.permutations(others, 2)
    )
    assert found.wrong == len(pairs) - best
    assert found.rate is None if not pairs else 0 <= (found.rate or 0) <= 1


@given(LABELS, st.randoms(use_true_random=False))
def test_names_of_speakers_do_not_matter(pairs: list[tuple[str, str | None]], chance: random.Random) -> None:
    new = dict(zip("xyz", chance.sample("pqr", 3), strict=True))
    said, got = tuple(said for said, _ in pairs), tuple(label for _, label in pairs)
    renamed = tuple(None if label is None else new[label] for label in got)
    assert WordLabels(said, got).wrong == WordLabels(said, renamed).wrong
    assert WordLabels(said, got).changes() == WordLabels(said, renamed).changes()


def test_inserted_and_deleted_words_have_no_label_to_be_wrong() -> None:
    reference = labelled("good morning everyone hello there let us start", "AAABBAAA")
    hypothesis = labelled("good morning everyone hello their let us go start", "111000111")
    found = word_labels(reference, hypothesis, NONE)
    assert (found.aligned, found.wrong) == (8, 1)


def test_a_reference_word_without_a_speaker_cannot_be_judged() -> None:
    reference = [Word("a", speaker="A"), Word("b"), Word("c", speaker="A")]
    found = word_labels(reference, [Word(said, speaker="1") for said in "abc"], NONE)
    assert (found.aligned, found.wrong) == (2, 0)


def test_words_are_aligned_in_time_order() -> None:
    reference = [*spoken(("b", 1.0, 1.2), speaker="B"), *spoken(("a", 0.0, 0.2), speaker="A")]
    hypothesis = [*spoken(("a", 0.0, 0.2), speaker="0"), *spoken(("b", 1.0, 1.2), speaker="1")]
    assert word_labels(reference, hypothesis, NONE) == WordLabels(("A", "B"), ("0", "1"))


def test_of_equal_words_the_nearer_in_time_is_meant() -> None:
    reference = [*spoken(("no", 0.0, 0.2), speaker="A"), *spoken(("no", 5.0, 5.2), speaker="B")]
    assert word_labels(reference, spoken(("no", 0.1, 0.3), speaker="0"), NONE).reference == ("A",)
    assert word_labels(reference, spoken(("no", 5.1, 5.3), speaker="0"), NONE).reference == ("B",)


def test_changes_of_speaker_between_neighbours() -> None:
    """Changes after 2, 4 and 5 against 3 and 4; the word without a label is passed over."""
    found = WordLabels(tuple("AABBAB"), ("0", "0", "0", "1", "0", "0")).changes()
    assert found == TurnChanges(both=1, reference=3, hypothesis=2)
    assert (found.precision, found.recall) == (1 / 2, 1 / 3)
    assert WordLabels(tuple("ABB"), ("0", None, "1")).changes() == TurnChanges(1, 1, 1)
    assert (TurnChanges().precision, TurnChanges().recall) == (None, None)
    assert TurnChanges(1, 2, 3) + TurnChanges(1, 1, 1) == TurnChanges(2, 3, 4)


def test_a_label_changed_while_the_word_stood() -> None:
    states = [labelled("hi there", "00"), labelled("hi there bob", "011"), labelled("hi there bob", "011")]
    found = flips(states, NONE)
    assert found == Flips(1, 3)
    assert found.rate == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("states", "relabelled"),
    [
        ([("a b", "0-"), ("a b", "01")], 0),
        ([("a b", "01"), ("a b", "0-"), ("a b", "01")], 0),
        ([("a b", "01"), ("a b", "0-"), ("a b", "00")], 1),
        ([("a b", "00"), ("a b", "01"), ("a b", "00")], 1),
        ([("a b", "00"), ("a c", "01")], 0),
        ([("A, b", "00"), ("a b.", "10")], 1),
        ([("no", "0"), ("No, no no", "011")], 0),
        ([("a b c", "000"), ("x a b c", "1111")], 3),
        ([("a", "0"), ("", "")], 0),
        ([], 0),
    ],
)
def test_what_counts_as_a_change(states: list[tuple[str, str]], relabelled: int) -> None:
    """A first label is none, a lost one neither; a replaced word starts anew; punctuation does not hide a word."""
    assert flips([labelled(*state) for state in states], EN).relabelled == relabelled
    assert Flips().rate is None


def test_channels_of_a_stream_are_followed_apart() -> None:
    first, second = spread("hi bob", speaker="0", channel=0), spread("hello", speaker="0", channel=1)
    changed = [word(said.text, said.start_s, said.end_s, speaker="1", channel=1) for said in second]
    said = heard(
        update(1, first, segment=(0, 0)), update(2, second, segment=(1, 0)), update(3, changed, segment=(1, 0)),
    )  # fmt: skip
    assert caption_flips(said, EN) == Flips(1, 3)


@given(obvious.conversations())
def test_following_the_changes_is_following_whole_captions(said: Hypothesis) -> None:
    whole = (flips([state.words for state in states], EN) for states in obvious.channel_states(said).values())
    assert caption_flips(said, EN) == sum(whole, Flips())
