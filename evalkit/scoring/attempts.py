"""How one attempt ended, read from the neutral events of its record, and what the attempts at a clip make together.

``evalkit.wire`` says what those events hold. Times between attempts come from the wall clock that labels each trace:
nothing else spans two of them, and where it cannot be right nothing is concluded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

from evalkit.errors import ParseError, ProviderError, Refused
from evalkit.scoring.failures import REFUSED, UNREADABLE, Request, retryable, succeeded
from evalkit.types import Event, Trace

RESUMED_S = 600.0
"""A longer pause between two attempts is no wait of the client: the run was stopped and taken up again."""

_TIMED_OUT = re.compile(r" did not answer in time\b| (within|took nothing more for) [\d.e+-]+ s$")
_BROKEN_OFF = "broken off by us"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one attempt."""

    began_at: float
    """Seconds since the epoch, by the wall clock."""
    ended_at: float
    """The last event of the record, on the same clock."""
    status: int | None = None
    """Of the recorded HTTP answer, or of a refused upgrade; None when there was none."""
    told_s: float | None = None
    """What ``Retry-After`` asked for."""
    opened: bool = False
    """A socket was open."""
    dropped: bool = False
    """The socket closed before the conversation was over."""
    close_code: int | None = None
    timed_out: bool = False
    """Neither an answer nor an error within our timeout."""
    refused: bool = False
    """Never sent, because it could not succeed."""
    ours: bool = False
    """Broken off by this client: says nothing about the service."""


def ending(trace: Trace) -> Ending:
    """How one attempt ended."""
    began_at = trace.started_at.timestamp()
    answer: Mapping[str, Any] = next((event.data for event in reversed(trace.events) if _is_answer(event)), {})
    error = next((event for event in reversed(trace.events) if event.kind == "error"), None)
    closed = next((event for event in reversed(trace.events) if event.kind == "closed"), None)
    told: Mapping[str, Any] = error.data if error is not None and isinstance(error.data, Mapping) else {}
    message = str(told.get("message", ""))
    return Ending(
        began_at=began_at,
        ended_at=began_at + max((event.t_s for event in trace.events), default=0.0),
        status=int(answer["status"]) if answer else None,
        told_s=retry_after_s(answer.get("headers") or {}),
        opened=any(event.kind == "open" for event in trace.events),
        # Our own close follows the error that made us give up; a closed socket comes before the error it caused.
        dropped=closed is not None and error is not None and trace.events.index(closed) < trace.events.index(error),
        close_code=None if closed is None or not isinstance(closed.data, Mapping) else closed.data.get("code"),
        timed_out=bool(_TIMED_OUT.search(message)),
        refused=told.get("type") == "Refused",
        ours=message.startswith(_BROKEN_OFF),
    )


def retry_after_s(headers: Mapping[str, Any]) -> float | None:
    """Seconds a ``Retry-After`` header asks for (RFC 9110, 10.2.3), a date being relative to the answer's own."""
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    told = named.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", told):
        return float(told)
    try:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(named.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(wait.total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one request: a clip, from its first attempt until the client stopped trying."""

    endings: tuple[Ending, ...]
    request: Request
    waits_known: bool
    """Whether every wait that the service asked for can be told."""
    recovery_s: float | None
    """First failure that may be retried until the end of the success; None when unknown, or when there was no such."""


def courses(endings: Sequence[Ending], failure: ProviderError | ParseError | None) -> list[Course]:
    """The requests that a clip came to: a run taken up again after a stop asks anew.

    A request whose last attempt this client broke off is left out: nobody knows what would have come of it.

    Args:
        endings: of every attempt, in order.
        failure: of the last one; all before it failed, or they would not have been followed by another.
    """
    found: list[list[Ending]] = []
    for index, end in enumerate(endings):
        before = endings[index - 1] if index else None
        if before is None or before.ours or end.began_at - before.ended_at > RESUMED_S:
            found.append([])
        found[-1].append(end)
    return [
        _course(attempts, _last(attempts[-1], failure) if attempts is found[-1] else _before(attempts[-1]))
        for attempts in found
        if not attempts[-1].ours
    ]


def _course(endings: Sequence[Ending], last: int | None) -> Course:
    statuses = [*(_before(end) for end in endings[:-1]), last]
    told = [end.told_s for end in endings[:-1]]
    waits = [after.began_at - before.ended_at for before, after in pairwise(endings)]
    first = next((at for at, status in enumerate(statuses) if retryable(status)), None)
    known = min(waits, default=0.0) >= 0  # a clock that was set back in between tells nothing
    recovered = first is not None and succeeded(last) and known
    return Course(
        tuple(endings),
        Request(tuple(statuses), tuple(told if known else [None] * len(told)), tuple(waits)),
        known or not any(asked is not None for asked in told),
        endings[-1].ended_at - endings[first].ended_at if recovered and first is not None else None,
    )


def _before(end: Ending) -> int | None:
    """The status of an attempt that was followed by another."""
    if end.refused:
        return REFUSED
    return None if succeeded(end.status) else end.status


def _last(end: Ending, failure: ProviderError | ParseError | None) -> int | None:
    """The status of the last attempt, or the one that says the same as its outcome."""
    if failure is None:
        return end.status if succeeded(end.status) else 200
    if isinstance(failure, ParseError):
        return UNREADABLE
    if isinstance(failure, Refused):
        return REFUSED if end.status is None or succeeded(end.status) or retryable(end.status) else end.status
    return end.status if retryable(end.status) else None


def _is_answer(event: Event) -> bool:
    return event.kind == "received" and isinstance(event.data, Mapping) and "status" in event.data
