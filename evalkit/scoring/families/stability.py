"""Streaming stability: what captions take back."""

from evalkit.scoring import captions
from evalkit.scoring.define import ratio
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import profile
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = (
    ratio(
        "str.ne",
        "Normalised erasure",
        "Words taken back from captions per word of the final text, ignoring case, punctuation and number format.",
        ["str.erased"],
        ["str.final_words"],
        source="Arivazhagan et al. 2020",
    ),
    ratio(
        "str.ne.display",
        "Normalised erasure, as displayed",
        "Words taken back from captions per word of the final text, counting changes of case and punctuation.",
        ["str.display_erased"],
        ["str.display_final_words"],
        source="Arivazhagan et al. 2020",
    ),
    ratio(
        "str.rewrites_per_min",
        "Visible rewrites per minute",
        "Words replaced or removed between neighbouring captions, as the eye sees them, per minute of audio.",
        ["str.changed"],
        ["str.audio_s"],
        unit="per_min",
        scale=60.0,
        source="Whetten et al. 2023 (revokes per second)",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Words taken back from captions."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "str")
        return
    if case.failed:
        row.lack("not_applicable" if case.trace.route == "rest" else "missing_input", "str")
        return
    if case.trace.route == "rest" or not captions.has_interims(case.hypothesis):
        row.lack("not_applicable", "str")
        return
    lexical = captions.caption_erasure(case.hypothesis, case.profile.tokens, profile("basic").tokens)
    display = captions.caption_erasure(case.hypothesis, str.split)
    row.add(
        "str",
        {
            "updates": display.updates,
            "erased": lexical.erased,
            "final_words": lexical.final_words,
            "display_erased": display.erased,
            "display_final_words": display.final_words,
            "changed": display.changed,
            "audio_s": case.clip.duration_s,
        },
    )
