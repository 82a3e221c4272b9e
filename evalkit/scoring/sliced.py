"""Metrics of slices: made from the slices of a summary (``evalkit.stats.slices``), not from the columns of a score."""

from evalkit.scoring.define import ratio
from evalkit.types import Metric

MIN_CLIPS = 20
MIN_WORDS = 500
MIN_CLUSTERS = 5
LEAST = f"{MIN_CLIPS} clips, {MIN_WORDS} words and {MIN_CLUSTERS} clusters"
"""What a slice needs to be leaned on."""

PROFILES = ("en", "basic")
"""Text rules whose word error rates are compared slice by slice."""


def gap_metrics(profile: str) -> tuple[Metric, Metric]:
    """The worst slice and the mean of slices of the word error rate under one profile."""
    rate = f"word error rate ({profile})"
    gap = ratio(
        f"acc.slice.{profile}.worst_gap",
        f"Worst slice ({profile})",
        f"Largest {rate} of a slice minus that of all clips, over the values of one tag with at least {MIN_CLIPS} "
        f"clips, {MIN_WORDS} words and {MIN_CLUSTERS} clusters; its p-value is adjusted (Holm) for the slices of the "
        "tag.",
        (),
        (),
    )
    macro = ratio(
        f"acc.slice.{profile}.macro",
        f"Mean of slices ({profile})",
        f"Unweighted mean of the {rate} over the same slices, which another mix of clips does not change.",
        (),
        (),
    )
    return gap, macro


METRICS: tuple[Metric, ...] = tuple(metric for profile in PROFILES for metric in gap_metrics(profile))
"""The slice of such a row of a summary is the name of the tag."""
