"""Streaming stability: what captions take back."""

from dataclasses import replace

from evalkit.scoring import captions, settling
from evalkit.scoring.define import Direction, Statistic, ratio, spread
from evalkit.scoring.row import Case, Reason, Row
from evalkit.scoring.text import profile
from evalkit.types import Metric

ERASURE = "Arivazhagan et al. 2020"
UNSTABLE = "Shangguan et al. 2020"
OVERHEAD = "Baumann et al. 2009"


def _rate(
    metric_id: str,
    title: str,
    definition: str,
    above: tuple[str, ...],
    below: tuple[str, ...],
    source: str = "evalkit",
    direction: Direction = "lower",
    *,
    bounded: bool | None = None,
) -> Metric:
    return ratio(metric_id, title, definition, above, below, source=source, direction=direction, bounded=bounded)


def _per_min(metric_id: str, title: str, definition: str, column: str, source: str) -> Metric:
    return ratio(metric_id, title, definition, [column], ["str.audio_s"], unit="per_min", scale=60.0, source=source)


def _depth(statistic: Statistic, name: str) -> Metric:
    made = spread(
        f"str.depth.{statistic}",
        f"Words per revision {statistic}",
        f"Words that one revising update takes back, ignoring case, punctuation and number format; {name}.",
        "str.depth",
        statistic,
    )
    return replace(made, unit="count")


METRICS: tuple[Metric, ...] = (
    _rate(
        "str.ne",
        "Normalised erasure",
        "Words taken back from captions per word of the final text, ignoring case, punctuation and number format.",
        ("str.erased",),
        ("str.final_words",),
        ERASURE,
    ),
    _rate(
        "str.ne.macro",
        "Normalised erasure, mean over utterances",
        "Mean over utterances of the words taken back per word of their final text, ignoring case, punctuation and "
        "number format.",
        ("str.utterance_ne",),
        ("str.updated_utterances",),
        ERASURE,
    ),
    _rate(
        "str.ne.display",
        "Normalised erasure, as displayed",
        "Words taken back from captions per word of the final text, counting changes of case and punctuation.",
        ("str.display_erased",),
        ("str.display_final_words",),
        ERASURE,
    ),
    _rate(
        "str.ne.extend_ok",
        "Normalised erasure, growing words allowed",
        "Words taken back from captions per word of the final text, where a last word may grow.",
        ("str.extend_ok_erased",),
        ("str.final_words",),
        ERASURE,
    ),
    _rate(
        "str.upwr",
        "Unstable partial words",
        "Unstable words of captions per word of the final text, which under the rule of the common beginning is the "
        "normalised erasure.",
        ("str.erased",),
        ("str.final_words",),
        UNSTABLE,
    ),
    _rate(
        "str.upsr",
        "Unstable partial segments",
        "Updates that take words back per utterance, ignoring case, punctuation and number format.",
        ("str.revisions",),
        ("str.utterances",),
        UNSTABLE,
    ),
    _rate(
        "str.flicker",
        "Flicker",
        "Share of caption updates that take words back, ignoring case, punctuation and number format.",
        ("str.revisions",),
        ("str.updates",),
        "Bruguier et al. 2023",
    ),
    _rate(
        "str.flicker.display",
        "Flicker, as displayed",
        "Share of caption updates that take words back, counting changes of case and punctuation.",
        ("str.display_revisions",),
        ("str.updates",),
        "Bruguier et al. 2023",
    ),
    _per_min(
        "str.flicker.per_min",
        "Flicker per minute",
        "Caption updates that take words back per minute of audio, ignoring case, punctuation and number format.",
        "str.revisions",
        "Bruguier et al. 2023",
    ),
    _per_min(
        "str.rewrites_per_min",
        "Visible rewrites per minute",
        "Words replaced or removed between neighbouring captions, as the eye sees them, per minute of audio.",
        "str.changed",
        "Whetten et al. 2023 (revokes per second)",
    ),
    _per_min(
        "str.rewrites_per_min.lexical",
        "Rewrites of words per minute",
        "Words replaced or removed between neighbouring captions per minute of audio, ignoring case, punctuation and "
        "number format.",
        "str.lexical_changed",
        "Whetten et al. 2023 (revokes per second)",
    ),
    _rate(
        "str.eo",
        "Edit overhead",
        "Share of caption edits that were not needed: twice the words taken back, per that and the final words.",
        ("str.erased", "str.erased"),
        ("str.final_words", "str.erased", "str.erased"),
        OVERHEAD,
    ),
    _depth("p50", "median"),
    _depth("p95", "95th percentile by nearest rank"),
    _depth("max", "maximum"),
    _rate(
        "str.edit_churn",
        "Edit churn",
        "Words replaced or removed between neighbouring captions per word of the final text, ignoring case, "
        "punctuation and number format.",
        ("str.lexical_changed",),
        ("str.final_words",),
    ),
    _rate(
        "str.edit_churn.display",
        "Edit churn, as displayed",
        "Words replaced or removed between neighbouring captions per word of the final text, as the eye sees them.",
        ("str.changed",),
        ("str.display_final_words",),
    ),
    _rate(
        "str.formatting_share",
        "Formatting share of rewrites",
        "Share of visibly rewritten words of which only case, punctuation or number format changed.",
        ("str.formatting_changed",),
        ("str.changed",),
        UNSTABLE,
        "higher",
    ),
    _rate(
        "str.phantom",
        "Phantom utterances",
        "Share of utterances that showed text of which nothing was left in the end.",
        ("str.phantom_utterances",),
        ("str.utterances",),
        bounded=True,
    ),
)


def no_captions(case: Case) -> Reason | None:
    """Why the captions of a clip cannot be judged, or None when they can."""
    if case.streamed and case.failed:
        return "missing_input"
    return None if case.streamed and captions.has_interims(case.hypothesis) else "not_applicable"


def measure(row: Row, case: Case) -> None:
    """Words taken back from captions."""
    if (reason := no_captions(case)) is not None:
        row.lack(reason, *(metric.id for metric in METRICS))
        return
    readings = (case.profile.tokens, profile("basic").tokens)
    lexical = captions.caption_erasure(case.hypothesis, *readings)
    display = captions.caption_erasure(case.hypothesis, str.split)
    shown = settling.utterances(case.hypothesis)
    apart = [captions.text_erasure(utterance.texts, *readings).normalised for utterance in shown]
    row.add(
        "str",
        {
            "updates": display.updates,
            "revisions": lexical.revisions,
            "display_revisions": display.revisions,
            "erased": lexical.erased,
            "extend_ok_erased": captions.caption_erasure(case.hypothesis, *readings, extend_ok=True).erased,
            "final_words": lexical.final_words,
            "display_erased": display.erased,
            "display_final_words": display.final_words,
            "changed": display.changed,
            "lexical_changed": lexical.changed,
            # One visible word may be several to the profile ("well-known"): no more is rewritten than is seen to be.
            "formatting_changed": max(display.changed - lexical.changed, 0),
            "utterance_ne": sum(share for share in apart if share is not None),
            "updated_utterances": sum(share is not None for share in apart),
            "utterances": len(shown),
            "phantom_utterances": sum(utterance.phantom for utterance in shown),
            "audio_s": case.clip.duration_s,
        },
    )
    row.values["str.depth"] = tuple(float(depth) for depth in lexical.depths)
