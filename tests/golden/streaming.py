"""Worked cases: streaming."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from evalkit.scoring import captions, labels, locking, settling, text, words
from evalkit.types import Hypothesis, Word
from tests.golden.shared import Answer, Case, parsed, rules_of, share, tokens


def erased(states: Sequence[str | None], name: str | None = None, **rules: bool) -> captions.Erasure:
    texts = [state or "" for state in states]
    return captions.erasure([state.split() if name is None else tokens(state, name) for state in texts], **rules)


def shown(heard: Hypothesis) -> list[str]:
    return [" ".join(word.text for word in state.words) for state in heard.captions()]


def lexical_rules(case: Case) -> str:
    return rules_of(case, "basic")


def churn(case: Case) -> Answer:
    """Display tokens, unless the case names a text profile."""
    named = rules_of(case, "") or ("basic" if case["params"].get("tokens") == "lexical" else None)
    found = erased(case["input"]["states"], named)
    seconds = case["input"].get("audio_s")
    return {
        "erased": found.erased,
        "revision_events": found.revisions,
        "final_words": found.final_words,
        "ne": found.normalised,
        "upwr": found.normalised,
        "eo": found.edit_overhead,
        "max_depth": found.depth,
        "depths": list(found.depths),
        "updates": found.updates,
        "revision_rate": share(found.revisions, found.updates),
        "flicker": share(found.revisions, found.updates),
        "flicker_per_min": share(found.revisions, (seconds or 0) / 60),
        "words_rewritten_per_minute": share(found.changed, (seconds or 0) / 60),
        "edit_changes": found.changed,
        "edit_churn": share(found.changed, found.final_words) if found.updates else None,
        "upsr_events_per_utterance": found.revisions,
        "phantom_utterance": found.phantom,
        "status": "ok" if found.updates else "not_applicable",
    }


def churn_extend_ok(case: Case) -> Answer:
    states = case["input"]["states"]
    strict, lenient = erased(states), erased(states, extend_ok=True)
    return {
        "erased_strict": strict.erased,
        "erased_extend_ok": lenient.erased,
        "final_words": strict.final_words,
        "ne_strict": strict.normalised,
        "ne_extend_ok": lenient.normalised,
    }


def churn_formatting(case: Case) -> Answer:
    display, lexical = erased(case["input"]["states"]), erased(case["input"]["states"], lexical_rules(case))
    return {
        "display_erased": display.erased,
        "lexical_erased": lexical.erased,
        "display_ne": display.normalised,
        "lexical_ne": lexical.normalised,
        "display_edit_changes": display.changed,
        "lexical_edit_changes": lexical.changed,
        "formatting_share": captions.formatting_share(display, lexical),
    }


def caption_state(case: Case) -> Answer:
    """Every list of events of a case is one reading of the same conversation."""
    readings = [events for name, events in case["input"].items() if name.startswith("events")]
    states = [shown(parsed(events, closed=False)) for events in readings]
    assert all(other == states[0] for other in states), states
    display, lexical = erased(states[0]), erased(states[0], lexical_rules(case))
    said = [event for event in readings[0] if event.get("text")]
    raw = erased([event["text"] for event in said])
    return {
        "caption_states": states[0],
        "erased": lexical.erased,
        "ne": lexical.normalised,
        "lexical_erased": lexical.erased,
        "lexical_ne": lexical.normalised,
        "display_erased": display.erased,
        "display_ne": display.normalised,
        "display_edit_changes": display.changed,
        "formatting_share": captions.formatting_share(display, lexical),
        "updates": display.updates,
        "naive_erased": raw.erased,
        "naive_ne": raw.normalised,
        "final_text": parsed(readings[0]).text,
        "naive_concat_of_finals": " ".join(event["text"] for event in said if event["kind"] in FINALS),
    }


def final_violations(case: Case) -> Answer:
    events = case["input"]["events"]
    found = locking.locked_changes(parsed(events), text.profile(rules_of(case, "en")))
    both = found["utterance"] + found["chunk"]
    finals = [tokens(event["text"], "basic") for event in events if event["kind"] in FINALS and event.get("text")]
    pairs = [pair for old, new in pairwise(finals) for pair in words.align(old, new)]
    return {
        "lexical_words_changed": both.changed,
        "formatting_words_changed": both.reformatted,
        "events_with_change": both.updates,
        "locked_words": both.words,
        **{f"{level}_words": counts.words for level, counts in found.items()},
        **{f"{level}_changed": counts.changed for level, counts in found.items()},
        **{f"{level}_rate": counts.rate for level, counts in found.items()},
        "naive_token_changes": sum(pair.op in ("substitution", "deletion") for pair in pairs),
        "verdict": both.verdict,
    }


def partial_quality(case: Case) -> Answer:
    named = rules_of(case, "")

    def read(said: str | None) -> Sequence[str]:
        return tokens(said, named) if named else (said or "").split()

    found = settling.partial_quality(
        [read(partial) for partial in case["input"]["partials"]], read(case["input"]["final"])
    )
    return {
        "first_partial_prefix_correct": found.first_prefix_share,
        "first_partial_words": found.first_words,
        "first_partial_word_recall": found.first_hit_share,
        "last_vs_final_word_edits": found.last_edits,
        "last_vs_final_rate": found.last_edit_rate,
        "final_differs_from_last": found.differing > 0,
    }


def final_assembly(case: Case) -> Answer:
    messages, name = case["input"]["events"], rules_of(case, "basic")
    heard = parsed(messages)
    reference = tokens(case["input"].get("reference"), name)

    def wer(said: str) -> float | None:
        return words.unit_counts(reference, tokens(said, name)).rate

    def joined(*kinds: str) -> str:
        return " ".join(str(message.get("text") or "") for message in messages if kind_of(message) in kinds)

    return {
        "text": heard.text,
        "source": settling.final_source(heard),
        "wer": wer(heard.text),
        "naive_all_is_final_wer": wer(joined(*FINALS)),
        "done_text_only_wer": wer(joined("done")),
    }


def kind_of(message: Any) -> str:
    if "kind" in message:
        return str(message["kind"])
    if message.get("is_final"):
        return "utterance_final" if message.get("speech_final") else "segment_final"
    return str(message["type"]).removeprefix("transcript.")


def speaker_flips(case: Case) -> Answer:
    states = [
        [Word(said, speaker=None if speaker is None else str(speaker)) for said, speaker in state]
        for state in case["input"]["states"]
    ]
    found = labels.flips(states, text.profile(lexical_rules(case)))
    return {"words_relabelled": found.relabelled, "final_words": found.final_words, "flip_rate": found.rate}


FINALS = ("segment_final", "utterance_final")
ADAPTERS = {
    "churn": churn,
    "churn_extend_ok": churn_extend_ok,
    "churn_formatting": churn_formatting,
    "caption_state": caption_state,
    "final_violations": final_violations,
    "partial_quality": partial_quality,
    "final_assembly": final_assembly,
    "speaker_flips": speaker_flips,
}
