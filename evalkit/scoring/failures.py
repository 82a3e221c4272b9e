"""What happens when things go wrong: retries, cut connections, bad input.

``families.failing`` makes metrics of retries and salvage. A seam needs a client that reconnects in mid-clip and a
rejection needs input that no corpus can hold (every clip is decoded, and sent as it should be): for those, ``seam`` and
``rejections`` judge what a test of the service has recorded by itself.
"""

import functools
import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations_with_replacement
from typing import Any

from evalkit.scoring.band import HIT
from evalkit.scoring.words import align, counts

SEAM_S = 5.0
MAX_REJECTION_S = 10.0
_RETRYABLE_4XX = (408, 425, 429)
REFUSED = 400
"""Stands for a refusal without a status of its own, such as an error message on a socket."""
UNREADABLE = 0
"""Stands for an answer nobody could read: no success, and the same again would bring the same."""


@dataclass(frozen=True, slots=True)
class Request:
    """All attempts at one request."""

    statuses: tuple[int | None, ...]
    """HTTP status of each attempt in order, ``REFUSED`` or ``UNREADABLE``; None when no answer came."""
    told_s: tuple[float | None, ...] = ()
    """Per wait: what ``Retry-After`` asked for, or None when nothing did."""
    waited_s: tuple[float, ...] = ()
    """Per wait: how long the client waited."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Counts over requests; they add, rates are None without a denominator."""

    requests: int = 0
    attempts: int = 0
    first_try: int = 0
    eventual: int = 0
    retryable: int = 0
    """Requests of which an attempt failed in a way that may be retried."""
    recovered: int = 0
    """Those of them that succeeded after all."""
    waits_told: int = 0
    waits_honoured: int = 0
    wrong_retries: int = 0
    """Attempts made after an answer that no retry can change."""

    def __add__(self, other: "Retries") -> "Retries":
        return Retries(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def first_try_rate(self) -> float | None:
        return _share(self.first_try, self.requests)

    @property
    def eventual_rate(self) -> float | None:
        return _share(self.eventual, self.requests)

    @property
    def retry_success_rate(self) -> float | None:
        return _share(self.recovered, self.retryable)

    @property
    def amplification(self) -> float | None:
        """Attempts per request."""
        return _share(self.attempts, self.requests)

    @property
    def honoured_rate(self) -> float | None:
        return _share(self.waits_honoured, self.waits_told)


def succeeded(status: int | None) -> bool:
    """Whether an answer is one."""
    return status is not None and 200 <= status < 300


def retryable(status: int | None) -> bool:
    """Whether the same request may work later: no answer, 408, 425, 429 or 5xx."""
    return status is None or status in _RETRYABLE_4XX or status >= 500


def retries(requests: Sequence[Request], *, min_backoff_s: float | None = None) -> Retries:
    """Score a client's retries.

    Args:
        requests: every request with all its attempts.
        min_backoff_s: the least the policy waits when the server did not say; None: such waits are not judged.
    """
    each = [_retries(request, min_backoff_s) for request in requests]
    return functools.reduce(operator.add, each) if each else Retries()


def _retries(request: Request, min_backoff_s: float | None) -> Retries:
    failed = [retryable(status) for status in request.statuses]
    done = any(succeeded(status) for status in request.statuses)
    # Rounded clocks: a wait of exactly the told time must not fail by a nanosecond.
    judged = [
        waited >= least - 1e-9
        for waited, told in zip(request.waited_s, request.told_s or (None,) * len(request.waited_s), strict=True)
        if (least := min_backoff_s if told is None else told) is not None
    ]
    return Retries(
        requests=1,
        attempts=len(request.statuses),
        first_try=int(bool(request.statuses) and succeeded(request.statuses[0])),
        eventual=int(done),
        retryable=int(any(failed)),
        recovered=int(any(failed) and done),
        waits_told=len(judged),
        waits_honoured=sum(judged),
        wrong_retries=sum(not again and not succeeded(status) for again, status in _but_last(failed, request)),
    )


def _but_last(failed: Sequence[bool], request: Request) -> list[tuple[bool, int | None]]:
    return list(zip(failed, request.statuses, strict=True))[:-1]


@dataclass(frozen=True, slots=True)
class Salvage:
    """What of the words spoken before a cut the client still holds."""

    spoken: int
    kept: int
    unspoken: int
    """Reference words that had not ended by then."""

    def __add__(self, other: "Salvage") -> "Salvage":
        return Salvage(self.spoken + other.spoken, self.kept + other.kept, self.unspoken + other.unspoken)

    @property
    def rate(self) -> float | None:
        return _share(self.kept, self.spoken)


def salvage(reference: Sequence[str], ends_s: Sequence[float], held: Sequence[str], cut_audio_s: float) -> Salvage:
    """Words right in the hit alignment of what was spoken with what is held (locked text, or the caption).

    Args:
        reference: tokens, already normalised, in order.
        ends_s: when each ends in audio time.
        held: tokens the client still has.
        cut_audio_s: audio time of the cut.
    """
    spoken = [token for token, end_s in zip(reference, ends_s, strict=True) if end_s <= cut_audio_s]
    return Salvage(len(spoken), counts(align(spoken, held)).hits, len(reference) - len(spoken))


@dataclass(frozen=True, slots=True)
class Seam:
    """What a reconnect did to the transcript."""

    duplicated: int
    """Words said twice: the longest end of the first part that begins the second."""
    lost: int
    """Reference words missing at the seam once those are taken out."""
    joined_errors: int
    """Errors of the two parts simply joined, in the hit alignment ..."""
    joined_substitutions: int
    """... of which so many look like substitutions: words lost and words doubled cover each other up."""


def seam(
    reference: Sequence[str],
    before: Sequence[str],
    after: Sequence[str],
    *,
    starts_s: Sequence[float] = (),
    seam_audio_s: float | None = None,
) -> Seam:
    """Compare the joined parts of a transcript with the reference around the seam.

    Args:
        reference: tokens, already normalised.
        before: tokens of the part before the cut.
        after: tokens of the part after it.
        starts_s: start of each reference token; with ``seam_audio_s``, words within five seconds count as lost at
            the seam, else those between the two parts: the longest such stretch of all alignments that cost least.
        seam_audio_s: audio time of the cut.
    """
    joined = counts(align(reference, [*before, *after]))
    doubled = overlap(before, after)
    rest = after[doubled:]
    if seam_audio_s is not None and len(starts_s) == len(reference):
        lost = sum(
            pair.op == "deletion"
            and pair.reference is not None
            and abs(starts_s[pair.reference] - seam_audio_s) <= SEAM_S
            for pair in align(reference, [*before, *rest])
        )
    else:
        lost = _between(reference, before, rest)
    return Seam(doubled, lost, joined.errors, joined.substitutions)


def overlap(before: Sequence[str], after: Sequence[str]) -> int:
    """Length of the longest end of one part that is the beginning of the other."""
    most = min(len(before), len(after))
    return next((size for size in range(most, 0, -1) if list(before[-size:]) == list(after[:size])), 0)


def _between(reference: Sequence[str], before: Sequence[str], after: Sequence[str]) -> int:
    """Reference words that fall to neither part: as many as the cheapest hit alignments of both allow."""
    ahead = _prefix_costs(before, reference)
    behind = _prefix_costs(after[::-1], reference[::-1])[::-1]
    cuts = combinations_with_replacement(range(len(reference) + 1), 2)
    return -min((ahead[end] + HIT.gap * (start - end) + behind[start], end - start) for end, start in cuts)[1]


def _prefix_costs(held: Sequence[str], reference: Sequence[str]) -> list[int]:
    """What it costs to align some words with the first n of the reference, for every n."""
    costs = [HIT.gap * size for size in range(len(reference) + 1)]
    for word in held:
        row = [costs[0] + HIT.gap]
        for at, said in enumerate(reference):
            matched = costs[at] + (0 if said == word else HIT.substitution)
            row.append(min(matched, costs[at + 1] + HIT.gap, row[at] + HIT.gap))
        costs = row
    return costs


@dataclass(frozen=True, slots=True)
class BadInput:
    """The answer to something no service should accept."""

    status: int | None
    """None: no answer and no error within the timeout."""
    body: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Rejections:
    """Counts over bad inputs; they add."""

    inputs: int = 0
    rejected: int = 0
    """Answered with 4xx."""
    clear: int = 0
    """Of those, with a message and in time."""
    accepted: int = 0
    server_errors: int = 0
    hangs: int = 0

    def __add__(self, other: "Rejections") -> "Rejections":
        return Rejections(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def clear_rate(self) -> float | None:
        return _share(self.clear, self.inputs)


def rejections(answers: Sequence[BadInput], *, max_s: float = MAX_REJECTION_S) -> Rejections:
    """Judge by class and message, not by exact code: services differ from their documents there."""
    found = Rejections()
    for answer in answers:
        status = answer.status
        rejected = status is not None and 400 <= status < 500
        found += Rejections(
            inputs=1,
            rejected=int(rejected),
            clear=int(rejected and answer.seconds <= max_s and bool(message(answer.body))),
            accepted=int(succeeded(status)),
            server_errors=int(status is not None and status >= 500),
            hangs=int(status is None),
        )
    return found


def message(body: str) -> str:
    """What an answer says went wrong, or an empty string: plain text, or the usual fields of a JSON object."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.strip()
    return _told(found)


def _told(found: Any) -> str:
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, dict):
        return next((text for key in ("error", "message", "detail", "msg") if (text := _told(found.get(key)))), "")
    if isinstance(found, list):
        return next((text for one in found if (text := _told(one))), "")
    return ""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
