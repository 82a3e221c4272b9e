"""Scoring: pure functions from (clip, trace, hypothesis) to counts. No network, no clock, no rates.

``score`` makes one row; ``evalkit.stats`` folds rows into rates; ``catalogue.METRICS`` says what each rate means.
"""

from collections.abc import Sequence

from evalkit.errors import ParseError, Refused
from evalkit.scoring.catalogue import METRICS, below, describe
from evalkit.scoring.cost import Price, price, prices
from evalkit.scoring.families import FAMILIES
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import Profile, profile, profile_for
from evalkit.scoring.words import ErrorCounts, Pair, align
from evalkit.types import Clip, Evidence, Hypothesis, Score, Trace, Word

__all__ = [
    "METRICS",
    "VERSION",
    "ErrorCounts",
    "Pair",
    "Price",
    "Profile",
    "align",
    "describe",
    "price",
    "prices",
    "profile",
    "profile_for",
    "score",
]

VERSION = "3"
"""Changes whenever a number changes."""


def score(
    clip: Clip,
    attempts: Sequence[Trace],
    hypothesis: Hypothesis,
    *,
    price: Price | None,
    evidence: Evidence,
    terms: tuple[str, ...] = (),
    rest: tuple[Word, ...] | None = None,
) -> Score:
    """One row of counts for a clip, a provider and a route. Pure.

    Args:
        clip: the clip with its reference.
        attempts: every attempt in order; the last is the one that is scored, all of them cost.
        hypothesis: what the provider said in the last attempt. A failed one is scored as if nothing had been said;
            the text that did arrive is kept in ``Score.hypothesis``.
        price: the line of the price table, or None when unknown.
        evidence: what the numbers may be used for.
        rest: the words of the same provider's REST answer to the clip, when this is another route.
        terms: words and phrases that matter to the product; spellings of one term are parted by ``|``.

    Returns:
        Counts and values; every metric of the catalogue can be made from them or is named in ``absent``.
    """
    case = Case(
        clip=clip,
        attempts=attempts,
        hypothesis=hypothesis,
        reference=in_time_order(clip.reference) if clip.reference is not None else None,
        words=() if hypothesis.failure else hypothesis.words,
        profile=profile_for(clip.language),
        price=price,
        terms=terms,
        rest=rest,
    )
    row = Row()
    for family in FAMILIES:
        family.measure(row, case)
    return Score(
        clip_id=clip.id,
        provider=case.trace.provider,
        route=case.trace.route,
        evidence=evidence,
        kind=clip.kind,
        cluster=clip.cluster or clip.id,
        language=clip.language,
        slices=_slices(clip),
        audio_s=clip.duration_s,
        attempts=len(attempts),
        failure=_failure(hypothesis),
        counts=row.counts,
        values=row.values,
        absent=row.absent(below),
        pacing=case.trace.pacing(),
        reference=None if case.reference is None else case.expected,
        hypothesis=hypothesis.text if case.failed else case.got,
    )


def _slices(clip: Clip) -> dict[str, str]:
    times = {} if clip.times_source is None else {"times_source": clip.times_source}
    return {**clip.tags, **times, "language": clip.language or "unknown"}


def _failure(hypothesis: Hypothesis) -> str | None:
    failure = hypothesis.failure
    if failure is None:
        return None
    kind = "parse" if isinstance(failure, ParseError) else "refused" if isinstance(failure, Refused) else "unavailable"
    return f"{kind}: {failure}"


def in_time_order(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Words of several channels merged by start, the way ``Hypothesis.words`` merges them."""
    if len({word.channel for word in words}) > 1 and all(word.start_s is not None for word in words):
        return tuple(sorted(words, key=lambda word: word.start_s or 0.0))
    return words
