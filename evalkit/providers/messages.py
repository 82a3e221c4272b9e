"""Reading what services say in JSON: what every provider needs, and nothing of any one of them."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.errors import ParseError, Refused
from evalkit.providers import Provider, raise_for_end
from evalkit.types import Event, Update, Word


def understood(
    events: Sequence[Event],
    provider: Provider,
    *,
    check: Callable[[Mapping[str, Any]], None],
    answer: Callable[[Event], Update],
    stream: Callable[[Sequence[Event]], Iterator[Update]],
) -> Iterator[Update]:
    """What a recorded conversation of a provider with a request and a stream says.

    Args:
        events: the record.
        provider: who was asked, over which route.
        check: raises what the status of an HTTP answer means.
        answer: reads that of a request.
        stream: reads the messages of a socket.

    Raises:
        Refused: as ``check`` says, or there is a page where a socket should be.
        Unavailable: as ``check`` says, or no answer was recorded.
        ParseError: a message was not understood.
    """
    for event in events:
        if event.kind == "received" and isinstance(event.data, Mapping):
            check(event.data)
            if provider.route != "rest":
                status = int(event.data["status"])
                raise Refused(f"{provider.name}: HTTP {status} instead of a socket", status=status)
            yield answer(event)
            return
    if provider.route == "rest":
        raise_for_end(events, provider.name)
    yield from stream(events)


def read(text: str, who: str) -> Mapping[str, Any]:
    """The JSON object in a message or a body.

    Raises:
        ParseError: it is none; ``who`` is named.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{who}: not JSON: {text[:80]!r}") from error
    if not isinstance(message, Mapping):
        raise ParseError(f"{who}: not a JSON object: {text[:80]!r}")
    return message


def number(value: Any) -> float | None:
    """A time or a share; None stays None.

    Raises:
        ValueError: no finite number.
        TypeError: nothing like a number.
    """
    if value is None:
        return None
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{found} is no time")
    return found


def timed(words: Sequence[Word]) -> bool:
    """Whether every word has a start and an end."""
    return all(word.start_s is not None and word.end_s is not None for word in words)


def of_type(kind: str) -> Callable[[str], bool]:
    """A test for messages of one ``type``, which reads JSON only when the text could be one."""

    def matches(message: str) -> bool:
        if kind not in message:
            return False
        try:
            content = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(content, Mapping) and content.get("type") == kind

    return matches
