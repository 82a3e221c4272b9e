import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.entities import Entity, EntityCounts, entity_counts, extract, number_tokens
from evalkit.scoring.words import ErrorCounts

SLOTS = st.lists(
    st.builds(Entity, st.sampled_from(["amount", "phone"]), st.sampled_from(["1", "12", "13"])), max_size=6
)


@pytest.mark.parametrize(
    ("said", "kind", "value"),
    [
        ("it costs $1,250", "amount", "$1250"),
        ("it costs twelve hundred and fifty dollars", "amount", "$1250"),
        ("twenty one dollars and fifty cents", "amount", "$21.50"),
        ("on April 20, 2026", "date", "2026-04-20"),
        ("on the twentieth of April twenty twenty six", "date", "2026-04-20"),
        ("on 2026-04-20", "date", "2026-04-20"),
        ("on the 4th of July", "date", "--07-04"),
        ("in April 2026", "date", "2026-04"),
        ("at 9:30 a.m.", "time", "09:30 am"),
        ("at nine thirty a m", "time", "09:30 am"),
        ("at five o'clock", "time", "05:00"),
        ("call 555-0142", "phone", "5550142"),
        ("call five five five oh one four two", "phone", "5550142"),
        ("flight BA2490", "id", "ba2490"),
        ("flight b a two four nine zero", "id", "ba2490"),
        ("ten percent", "percent", "10%"),
        ("10 %", "percent", "10%"),
        ("the third time", "ordinal", "3"),
        ("minus four", "integer", "-4"),
        ("three point five", "decimal", "3.5"),
        ("write to anna@example.com", "email", "anna@example.com"),
        ("write to anna at example dot com", "email", "anna@example.com"),
        ("see www.example.org", "url", "example.org"),
        ("see example dot org", "url", "example.org"),
    ],
)
def test_values_have_one_form(said: str, kind: str, value: str) -> None:
    assert extract(said) == [Entity(kind, value)]


def test_text_without_values_has_none() -> None:
    assert extract("May I go to the march on Sunday, please? It may rain.") == []


def test_kinds_are_matched_apart_and_in_order() -> None:
    said = [Entity("amount", "$5"), Entity("phone", "5550142"), Entity("date", "2026-04")]
    got = [Entity("phone", "5550124"), Entity("percent", "10%"), Entity("amount", "$5")]
    found = entity_counts(said, got)
    assert found.slots == ErrorCounts(1, 1, 1, 1)
    assert found.digit_error_rate == pytest.approx(2 / 7)
    assert found.slot_error_rate == 1.0


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("amount", "$1,250", "$1250.00"),
        ("amount", "21.5", "21.50"),
        ("percent", "10 %", "10.0"),
        ("integer", "1,000", "1000"),
        ("phone", "(555) 01-42", "5550142"),
        ("ordinal", "3rd", "3"),
        ("time", "9:30 AM", "09:30 am"),
        ("email", "Ann@b.com", "ann@b.com"),
        ("id", "AB12", "ab12"),
    ],
)
def test_annotated_values_are_compared_however_they_are_written(kind: str, one: str, other: str) -> None:
    assert entity_counts([Entity(kind, one)], [Entity(kind, other)]).slots.hits == 1


@pytest.mark.parametrize(
    ("kind", "one", "other"), [("amount", "$5", "\u20ac5"), ("integer", "10", "100"), ("amount", "0.50", "5")]
)
def test_other_values_stay_other_values(kind: str, one: str, other: str) -> None:
    assert entity_counts([Entity(kind, one)], [Entity(kind, other)]).slots.substitutions == 1


def test_a_lost_telephone_number_loses_all_its_digits() -> None:
    assert entity_counts([Entity("phone", "5550142")], []).digits == ErrorCounts(deletions=7)


def test_rates_without_a_denominator() -> None:
    none = EntityCounts()
    assert (none.slot_error_rate, none.recall, none.precision, none.digit_error_rate) == (None,) * 4


@given(SLOTS, SLOTS)
def test_every_slot_is_counted_once(left: list[Entity], right: list[Entity]) -> None:
    found = entity_counts(left, right)
    assert found.slots.reference_words == len(left)
    assert found.slots.hypothesis_words == len(right)
    assert entity_counts(left, left) == EntityCounts(ErrorCounts(len(left)), entity_counts(left, left).digits)


def test_number_tokens() -> None:
    assert number_tokens(["$5", "the", "3rd"]) == 2
