"""Worked cases: streaming."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from evalkit.providers.xai import Xai
from evalkit.scoring import captions, locking, retractions, settling, text, words
from evalkit.types import Event, Hypothesis, Word
from tests.golden.shared import Answer, Case, tokens

FLAGS = {"interim": (False, False), "segment_final": (True, False), "utterance_final": (True, True)}


def erased(states: Sequence[str], name: str | None = None, **rules: bool) -> captions.Erasure:
    return captions.erasure([state.split() if name is None else tokens(state, name) for state in states], **rules)


def parsed(messages: Sequence[Mapping[str, Any]], *, done: bool = False) -> Hypothesis:
    """What our reading of recorded messages says; a neutral event becomes the message that means it."""
    events = [Event(0.0, 0.0, "open", {"url": "ws://127.0.0.1/v1/stt"})]
    for number, message in enumerate(messages, start=1):
        if "kind" in message:
            final, closing = FLAGS[message["kind"]]
            rest = {key: value for key, value in message.items() if key != "kind"}
            message = {"type": "transcript.partial", "is_final": final, "speech_final": closing, **rest}
        events.append(Event(float(number), 0.0, "received", json.dumps(message)))
    if not done:
        events.append(Event(len(messages) + 1.0, 0.0, "received", '{"type": "transcript.done", "text": ""}'))
    heard = Hypothesis.of(Xai(route="streaming").parse(events))
    assert heard.failure is None
    return heard


def shown(heard: Hypothesis) -> list[str]:
    return [" ".join(word.text for word in state.words) for state in heard.captions()]


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
        "status": "ok" if found.updates else "not_applicable",
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


def caption_state(case: Case) -> Answer:
    """Every list of events of a case is one reading of the same conversation."""
    readings = [events for name, events in case["input"].items() if name.startswith("events")]
    states = [shown(parsed(events)) for events in readings]
    assert all(other == states[0] for other in states), states
    display, lexical = erased(states[0]), erased(states[0], "basic")
    raw = erased([event["text"] for event in readings[0]])
    return {
        "caption_states": states[0],
        "erased": lexical.erased,
        "ne": lexical.normalised,
        "lexical_erased": lexical.erased,
        "display_erased": display.erased,
        "display_edit_changes": display.changed,
        "naive_erased": raw.erased,
        "naive_ne": raw.normalised,
        "final_text": parsed(readings[0]).text,
        "naive_concat_of_finals": " ".join(event["text"] for event in readings[0] if event["kind"] != "interim"),
    }


def final_violations(case: Case) -> Answer:
    events = case["input"]["events"]
    found = locking.locked_changes(parsed(events), text.profile("en"))
    both = found["utterance"] + found["chunk"]
    finals = [tokens(event["text"], "basic") for event in events if event["kind"] != "interim"]
    pairs = [pair for old, new in pairwise(finals) for pair in words.align(old, new)]
    return {
        "lexical_words_changed": both.changed,
        "formatting_words_changed": both.reformatted,
        "events_with_change": both.updates,
        "naive_token_changes": sum(pair.op in ("substitution", "deletion") for pair in pairs),
        "verdict": both.verdict,
    }


def partial_quality(case: Case) -> Answer:
    final = case["input"]["final"].split()
    found = settling.partial_quality([partial.split() for partial in case["input"]["partials"]], final)
    return {
        "first_partial_prefix_correct": found.first_prefix_share,
        "first_partial_words": found.first_words,
        "first_partial_word_recall": found.first_hit_share,
        "last_vs_final_word_edits": found.last_edits,
        "last_vs_final_rate": found.last_edit_rate,
        "final_differs_from_last": found.differing > 0,
    }


def final_assembly(case: Case) -> Answer:
    messages = case["input"]["events"]
    heard = parsed(messages, done=True)
    reference = tokens(case["input"]["reference"], case["params"]["normalizer"])

    def wer(said: str) -> float | None:
        return words.unit_counts(reference, tokens(said, case["params"]["normalizer"])).rate

    finals = " ".join(message["text"] for message in messages if message.get("is_final"))
    done = " ".join(message["text"] for message in messages if message["type"] == "transcript.done")
    return {
        "text": heard.text,
        "source": settling.final_source(heard),
        "wer": wer(heard.text),
        "naive_all_is_final_wer": wer(finals),
        "done_text_only_wer": wer(done),
    }


def speaker_flips(case: Case) -> Answer:
    states = [[Word(said, speaker=str(speaker)) for said, speaker in state] for state in case["input"]["states"]]
    flipped = retractions.relabelled(states, text.profile("basic"))
    return {
        "words_relabelled": flipped,
        "final_words": len(states[-1]),
        "flip_rate": flipped / len(states[-1]) if states[-1] else None,
    }


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
