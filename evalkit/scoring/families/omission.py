"""Omission: speech lost in one piece."""

from evalkit.scoring.define import ratio
from evalkit.scoring.omissions import omissions
from evalkit.scoring.row import Case, Row
from evalkit.scoring.words import hit_pairs
from evalkit.types import Metric

_HIT = "hit alignment (NIST sclite weights)"

METRICS: tuple[Metric, ...] = (
    Metric(
        "acc.drop.longest",
        "Longest deletion run",
        "count",
        "lower",
        "Most reference words lost in a row in one clip.",
        _HIT,
        values="acc.drop.longest_of_clip",
        statistic="max",
    ),
    ratio(
        "acc.drop.bursts_per_min",
        "Deletion bursts per minute",
        "Runs of at least five lost reference words, per minute of audio.",
        ["acc.drop.bursts"],
        ["acc.drop.audio_s"],
        unit="per_min",
        scale=60.0,
        source=_HIT,
    ),
    ratio(
        "acc.drop.share",
        "Words lost in bursts",
        "Reference words lost in runs of at least five, per reference word.",
        ["acc.drop.burst_words"],
        ["acc.drop.reference_words"],
        source=_HIT,
        bounded=True,
    ),
    ratio(
        "acc.drop.head",
        "Words lost at the start",
        "Reference words lost before the first that was heard, per reference word.",
        ["acc.drop.head_words"],
        ["acc.drop.reference_words"],
        source=_HIT,
        bounded=True,
    ),
    ratio(
        "acc.drop.tail",
        "Words lost at the end",
        "Reference words lost after the last that was heard, per reference word.",
        ["acc.drop.tail_words"],
        ["acc.drop.reference_words"],
        source=_HIT,
        bounded=True,
    ),
    ratio(
        "acc.drop.truncated_clips",
        "Truncated clips",
        "Share of clips that lost at least three words and a tenth of their words at the end.",
        ["acc.drop.truncated"],
        ["acc.drop.clips"],
        source=_HIT,
        bounded=True,
    ),
)


def measure(row: Row, case: Case) -> None:
    """What an answered clip lost; a failed one lost everything, which is counted elsewhere."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "acc.drop")
        return
    if case.reference is None or case.failed:
        row.lack("missing_input", "acc.drop")
        return
    expected = case.profile.tokens(case.expected)
    if not expected:
        row.lack("not_applicable", "acc.drop")
        return
    found = omissions(hit_pairs(expected, case.profile.tokens(case.got)))
    row.add(
        "acc.drop",
        {
            "clips": 1,
            "audio_s": case.clip.duration_s,
            "reference_words": found.reference_words,
            "bursts": found.bursts,
            "burst_words": found.burst_words,
            "head_words": found.head,
            "tail_words": found.tail,
            "truncated": found.truncated,
        },
    )
    row.values["acc.drop.longest_of_clip"] = (float(found.longest),)
