"""Spending: what answers cost at the dated price table, per hour, per clip and per word that is right.

Sums stand in the numerators: ``cost.per_audio_hour`` carries the dollars of the whole run. How far an estimate is off
needs an invoice, which no run holds: ``cost.estimate_error``.
"""

from evalkit.scoring.cost import billed_audio_s, cost_usd
from evalkit.scoring.define import ratio
from evalkit.scoring.row import Case, Row
from evalkit.scoring.words import unit_counts
from evalkit.types import Metric

_PRICED = ("cost.per_audio_hour", "cost.per_1000_clips", "cost.per_1000_correct_words", "cost.retry_overhead")
_DOLLARS = "US dollars at the dated price table"

METRICS: tuple[Metric, ...] = (
    ratio(
        "cost.per_audio_hour",
        "Cost per audio hour",
        f"{_DOLLARS} per hour of clips, all billed attempts included.",
        ["cost.usd"],
        ["cost.audio_s"],
        unit="usd_per_h",
        scale=3600.0,
    ),
    ratio(
        "cost.per_1000_clips",
        "Cost per 1,000 clips",
        f"{_DOLLARS} per thousand clips, all billed attempts included.",
        ["cost.usd"],
        ["cost.clips"],
        unit="usd",
        scale=1000.0,
    ),
    ratio(
        "cost.per_1000_correct_words",
        "Cost per 1,000 correct words",
        f"{_DOLLARS} per thousand reference words that were right under the headline profile of the language "
        "(characters where words are not separated), failed clips and clips without speech included in the cost.",
        ["cost.correct.usd"],
        ["cost.correct.words"],
        unit="usd",
        scale=1000.0,
    ),
    ratio(
        "cost.retry_overhead",
        "Cost of failed attempts",
        f"{_DOLLARS} of billed attempts without a usable answer per dollar of attempts with one.",
        ["cost.failed_usd"],
        ["cost.answered_usd"],
    ),
    ratio(
        "cost.billed_hours",
        "Audio sent per clip hour",
        "Seconds of audio the service was made to hear over all attempts per second of clips, before any rounding by "
        "the vendor.",
        ["cost.billed_hours.billed_s"],
        ["cost.billed_hours.audio_s"],
        unit="x",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Dollars, and the seconds they were paid for."""
    clip_s = case.clip.duration_s
    billed_s = sum(billed_audio_s(trace, clip_s) for trace in case.attempts)
    row.add("cost.billed_hours", {"billed_s": billed_s, "audio_s": clip_s})
    usd = None if case.price is None else cost_usd(case.price, case.attempts, clip_s)
    if usd is None or case.price is None:
        row.lack("missing_input", *_PRICED)
        return
    last_usd = usd if len(case.attempts) == 1 else cost_usd(case.price, case.attempts[-1:], clip_s) or 0.0
    answered_usd = 0.0 if case.failed else last_usd
    row.add("cost", {"usd": usd, "audio_s": clip_s, "clips": 1})
    row.add("cost", {"answered_usd": answered_usd, "failed_usd": max(usd - answered_usd, 0.0)})
    if case.reference is None:
        row.lack("missing_input", "cost.per_1000_correct_words")
    else:
        row.add("cost.correct", {"usd": usd, "words": _correct_words(row, case)})


def _correct_words(row: Row, case: Case) -> float:
    # Accuracy has counted them already wherever words are separated by spaces.
    known = row.counts.get(f"acc.wer.{case.profile.name}.hits")
    if known is not None:
        return known
    return unit_counts(case.profile.tokens(case.expected), case.profile.tokens(case.got)).hits
