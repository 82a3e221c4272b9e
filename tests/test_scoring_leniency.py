import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.leniency import STEPS, Waterfall, content_counts, waterfall
from evalkit.scoring.text import profile
from evalkit.scoring.words import align, counts, unit_counts

SAID = ["a", "the", "well", "so", "like", "you", "know", "not", "no", "never", "36", "of"]
SAID += ["cat", "cats", "cat's", "week", "night", "weeknight", "house"]
WORDS = st.lists(
    st.sampled_from(
        [
            "a",
            "the",
            "well",
            "so",
            "like",
            "you",
            "know",
            "not",
            "no",
            "never",
            "36",
            "cat",
            "cats",
            "cat's",
            "week",
            "night",
            "weeknight",
            "of",
            "house",
        ]
    ),
    max_size=8,
)


def falls(said: str, got: str, **rules: frozenset[str]) -> Waterfall:
    left, right = profile("en").tokens(said), profile("en").tokens(got)
    basic = unit_counts(profile("basic").tokens(said), profile("basic").tokens(got)).errors
    return waterfall(left, right, strict=basic, en=unit_counts(left, right).errors, **rules)


@pytest.mark.parametrize(
    ("said", "got", "step"),
    [
        ("he won't pay", "he will not pay", "en"),
        ("next week night", "next weeknight", "compounds"),
        ("learnt it", "learned it", "spelling"),
        ("the cats sat", "the cat sat", "plurals"),
        ("the driver's office", "the drivers office", "plurals"),
        ("two houses", "two house", "plurals"),
        ("the boxes", "the box", "plurals"),
        ("open the door", "open door", "articles"),
        ("well you know he left", "he left", "openers"),
        ("he left and", "he left", "truncation"),
        ("he left", "he left and", "truncation"),
    ],
)
def test_each_step_forgives_its_own(said: str, got: str, step: str) -> None:
    found = falls(said, got)
    assert found.lenient == 0
    assert [name for name, errors in found.forgiven.items() if errors] == [step]


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ("I do not know", "I do know"),
        ("there is no cat", "there is a cat"),
        ("I can go", "I can't go"),
        ("with out", "without"),
        ("room 36", "room 3"),
        ("the first one", "the first"),
        ("flight b 2", "flight b2"),
        ("he did it never", "he did it"),
    ],
)
def test_numbers_and_negations_are_never_forgiven(said: str, got: str) -> None:
    assert falls(said, got).lenient > 0


def test_listed_terms_are_never_forgiven() -> None:
    assert falls("ask the alexas", "ask the alexa").lenient == 0
    assert falls("ask the alexas", "ask the alexa", terms=frozenset({"alexas"})).lenient == 1


def test_steps_can_be_switched_off() -> None:
    assert falls("open the door", "open door", steps=frozenset(STEPS) - {"articles"}).lenient == 1
    assert falls("week night", "weeknight", steps=frozenset(STEPS) - {"compounds"}).lenient == 2


@given(WORDS, WORDS)
def test_steps_only_take_errors_away_and_add_up(left: list[str], right: list[str]) -> None:
    errors = unit_counts(left, right).errors
    found = waterfall(tuple(left), tuple(right), strict=errors, en=errors)
    assert all(value >= 0 for value in found.forgiven.values())
    assert found.strict - sum(found.forgiven.values()) == found.lenient >= 0
    assert found.reference_words == len(left)
    kept = [[word for word in side if word in ("not", "no", "never", "36")] for side in (left, right)]
    assert (found.lenient > 0) or sorted(kept[0]) == sorted(kept[1])


@given(WORDS, WORDS)
def test_content_words_are_a_part_of_all_words(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    found, whole = content_counts(left, right, pairs), counts(pairs)
    assert found.errors <= whole.errors
    assert found.reference_words == sum(word not in {"a", "the", "so", "you", "of"} for word in left)
