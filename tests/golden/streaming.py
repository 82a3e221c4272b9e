"""Worked cases: streaming."""

from collections.abc import Sequence

from evalkit.scoring import captions
from tests.golden.shared import Answer, Case, tokens


def erased(states: Sequence[str], name: str | None = None, **rules: bool) -> captions.Erasure:
    return captions.erasure([state.split() if name is None else tokens(state, name) for state in states], **rules)


def churn(case: Case) -> Answer:
    found = erased(case["input"]["states"])
    minutes = case["input"].get("audio_s", 60) / 60
    return {
        "erased": found.erased,
        "revision_events": found.revisions,
        "final_words": found.final_words,
        "ne": found.normalised,
        "upwr": found.normalised,
        "eo": found.edit_overhead,
        "max_depth": found.depth,
        "updates": found.updates,
        "revision_rate": found.revisions / found.updates if found.updates else None,
        "words_rewritten_per_minute": found.changed / minutes,
        "edit_changes": found.changed,
        "upsr_events_per_utterance": found.revisions,
        "phantom_utterance": found.phantom,
    }


def churn_extend_ok(case: Case) -> Answer:
    states = case["input"]["states"]
    return {
        "erased_strict": erased(states).erased,
        "erased_extend_ok": erased(states, extend_ok=True).erased,
        "final_words": erased(states).final_words,
    }


def churn_formatting(case: Case) -> Answer:
    display, lexical = erased(case["input"]["states"]), erased(case["input"]["states"], "basic")
    return {
        "display_erased": display.erased,
        "lexical_erased": lexical.erased,
        "display_ne": display.normalised,
        "lexical_ne": lexical.normalised,
        "formatting_share": captions.formatting_share(display, lexical),
    }


ADAPTERS = {
    "churn": churn,
    "churn_extend_ok": churn_extend_ok,
    "churn_formatting": churn_formatting,
}
