from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.doubts import doubts
from evalkit.types import Clip, Route, Score, Word
from tests import handmade
from tests.rows import row

SAID = "please enter your password followed by the pound key and wait for the tone"


def clip(text: str, clip_id: str = "a") -> Clip:
    words = tuple(Word(word, 0.5 * k, 0.5 * k + 0.4) for k, word in enumerate(text.split()))
    return Clip(clip_id, f"audio/{clip_id}.wav", "5a", 9.0, 16_000, 1, reference=words, language="en")


def heard(text: str, provider: str = "new", route: Route = "rest", clip_id: str = "a", reference: str = "x") -> Score:
    return replace(row(clip_id, provider=provider, route=route), hypothesis=text, reference=reference)


def both(reference: str, first: str, second: str) -> list[tuple[str, str]]:
    found = doubts([heard(first), heard(second, "old")], {"a": clip(reference)})
    return [(one.reference, one.said) for one in found]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (SAID, []),
        (SAID.replace("password", "account"), [("account", "password")]),
        (SAID.replace("your password", "the number"), [("the number", "your password")]),
        (SAID.replace("followed by ", ""), [("", "followed by")]),
        (SAID.replace("the pound", "the big round pound"), [("big round", "")]),
        (SAID.replace("please ", "") + " now", [("", "please"), ("now", "")]),
    ],
)
def test_what_both_hear_otherwise_than_the_reference_is_in_doubt(reference: str, found: list[tuple[str, str]]) -> None:
    assert both(reference, SAID, SAID) == found


def test_systems_that_disagree_with_one_another_doubt_nothing() -> None:
    reference = SAID.replace("password", "account")
    assert both(reference, SAID, reference) == []
    assert both(reference, SAID, SAID.replace("password", "passport")) == []


def test_errors_of_one_beside_the_stretch_do_not_hide_it() -> None:
    reference = SAID.replace("password", "account")
    assert both(reference, SAID, SAID.replace("please enter", "please and her")) == [("account", "password")]


def test_other_ways_to_write_the_same_are_no_doubt() -> None:
    assert both("we need twenty one chairs um today", "We need 21 chairs today.", "we need 21 chairs today") == []


def test_more_must_agree_against_the_reference_than_with_it() -> None:
    reference = SAID.replace("password", "account")
    rows = [heard(SAID, "new"), heard(SAID, "new", "streaming"), heard(reference, "old")]
    (one,) = doubts(rows, {"a": clip(reference)})
    assert (one.said, one.reference_by) == ("password", ("old rest",))
    assert doubts([*rows, heard(reference, "old", "streaming")], {"a": clip(reference)}) == []


def test_a_word_is_never_cut_in_two() -> None:
    said = "we cannot go there"
    assert both("we can go there", said, said) == [("can", "cannot")]


def test_a_doubt_tells_where_it_is_and_who_says_so() -> None:
    rows = [heard(SAID), heard(SAID, "new", "streaming"), heard("please", "old")]
    (one,) = [found for found in doubts(rows, {"a": clip(SAID.replace("password", "account"))}) if found.words]
    assert (one.from_word, one.to_word, one.start_s, one.end_s) == (3, 4, 1.5, 1.9)
    assert (one.before, one.after) == ("please enter your", "followed by the pound")
    assert (one.said_by, one.providers) == (("new rest", "new streaming"), 1)
    assert one.path == "audio/a.wav"


def test_a_failed_answer_says_nothing() -> None:
    rows = [heard(SAID), replace(heard(SAID, "old"), failure="refused: no")]
    assert doubts(rows, {"a": clip("something else")}) == []


def test_times_and_confidence_come_with_the_words_that_were_scored() -> None:
    reference = replace(clip("x"), reference=tuple(map(Word, SAID.replace("password", "account").split())))
    words = tuple(Word(word, float(k), k + 0.5, confidence=0.5 + k / 100) for k, word in enumerate(SAID.split()))
    rows = [heard(SAID), heard(SAID, "old")]
    (one,) = doubts(rows, {"a": reference}, {("a", "new", "rest"): words})
    assert (one.start_s, one.end_s) == (3.0, 3.5)
    assert one.confidence == pytest.approx(0.53)
    (other,) = doubts(rows, {"a": reference}, {("a", "new", "rest"): words[1:]})
    assert (other.start_s, other.confidence) == (None, None)


def test_what_more_providers_and_more_words_say_comes_first() -> None:
    wrong = {"a": "your password", "b": "password", "c": "the pound key"}
    clips = {
        name: clip(SAID.replace(words, " ".join("xyz"[: len(words.split())])), name) for name, words in wrong.items()
    }
    rows = [heard(SAID, provider, clip_id=name) for name in "ab" for provider in ("new", "old")]
    rows += [heard(SAID, "new", route, clip_id="c") for route in ("rest", "streaming")]
    assert [one.clip_id for one in doubts(rows, clips)] == ["a", "b", "c"]


def test_a_planted_wrong_reference_is_found_first() -> None:
    rows = handmade.scores(48)
    clips = {row.clip_id: clip(row.reference or "", row.clip_id) for row in rows}
    name = "clip-09"
    assert "keep going and if you are lucky" in (clips[name].text or "")
    clips[name] = clip("keep going and if they were quite happy you will run plumb into them", name)
    first = doubts(rows, clips)[0]
    assert (first.clip_id, first.providers) == (name, 2)
    assert "are lucky" in first.said


WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(WORDS, WORDS, WORDS)
def test_putting_in_what_was_said_brings_the_reference_nearer_to_those_who_agree(
    reference: list[str], first: list[str], second: list[str]
) -> None:
    rows = [heard(" ".join(first)), heard(" ".join(second), "old")]
    words = list(reference)
    found = doubts(rows, {"a": clip(" ".join(reference))})
    for one in sorted(found, key=lambda one: -one.from_word):
        assert " ".join(reference[one.from_word : one.to_word]) == one.reference != one.said
        words[one.from_word : one.to_word] = one.said.split()
    again = doubts(rows, {"a": clip(" ".join(words))})
    assert len(again) <= len(found)
    if first == second and first != reference:
        assert words == first


@given(WORDS, WORDS)
def test_order_of_systems_does_not_matter(reference: list[str], first: list[str]) -> None:
    rows = [heard(" ".join(first)), heard(" ".join(first), "old")]
    spans = [
        [(one.from_word, one.to_word, one.said) for one in doubts(order, {"a": clip(" ".join(reference))})]
        for order in (rows, rows[::-1])
    ]
    assert spans[0] == spans[1]
