"""Reading JSON of services."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from evalkit import providers
from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.providers import messages
from evalkit.types import Event, Hypothesis, Route, Update, Word

PAGE = Event(1.0, 0.0, "received", {"status": 200, "headers": {}, "body": "", "phases": {}})
MESSAGE = Event(1.0, 0.0, "received", "hello")


def read(route: Route, *events: Event) -> Hypothesis:
    def check(answer: Mapping[str, Any]) -> None:
        assert answer["status"] == 200

    def answer(event: Event) -> Update:
        return Update(event.t_s, (Word("answered"),), (), "utterance_final")

    def stream(events: Sequence[Event]) -> Iterator[Update]:
        yield Update(1.0, (Word("streamed"),), (0,), "interim")

    asked = providers.load("xai", route)
    return Hypothesis.of(messages.understood(events, asked, check=check, answer=answer, stream=stream))


def test_a_record_is_read_as_what_it_is() -> None:
    assert read("rest", PAGE).text == "answered"
    assert read("streaming", MESSAGE).text == "streamed"
    assert isinstance(read("streaming", PAGE).failure, Refused)
    assert isinstance(read("rest", MESSAGE).failure, Unavailable)


@pytest.mark.parametrize("text", ["<html>", "[]", "[" * 100_000])
def test_what_is_no_object_names_who_said_it(text: str) -> None:
    with pytest.raises(ParseError, match=r"^vendor: not "):
        messages.read(text, "vendor")


def test_a_time_is_finite_or_unknown() -> None:
    assert messages.number(None) is None
    assert messages.number("1.5") == 1.5
    with pytest.raises(ValueError, match="no time"):
        messages.number(float("nan"))


def test_words_are_timed_when_each_of_them_is() -> None:
    assert messages.timed([Word("a", 0.0, 1.0)])
    assert not messages.timed([Word("a", 0.0, 1.0), Word("b", 1.0)])


@pytest.mark.parametrize(
    ("message", "found"),
    [('{"type":"done"}', True), ('{"type":"other","text":"done"}', False), ("done", False), ('["done"]', False)],
)
def test_a_message_is_of_a_type_by_its_field_and_not_by_its_words(message: str, found: bool) -> None:
    assert messages.of_type("done")(message) is found
