"""Worked cases: latency."""

from collections.abc import Sequence
from typing import Any

from evalkit import intervals
from evalkit.scoring import captions, latency, text
from evalkit.types import Event
from tests import conversations
from tests.golden.shared import STATES, Answer, Case, milliseconds, timed


def stream_trace(case: Case) -> Answer:
    given = case["input"]
    start = given["connect_start"]
    origin = given["T0"] - start
    events = [Event(given["ws_open"] - start, 0.0, "open"), Event(given["session_ready"] - start, 0.0, "received", "")]
    events.append(Event(origin + given["audio_s"], given["audio_s"], "audio", {"due_s": origin + given["audio_s"]}))
    events.append(Event(given["audio_done_sent"] - start, given["audio_s"], "sent", ""))
    events += [Event(t - start, 0.0, "received", said) for t, _, said in given["events"]]
    trace = conversations.trace(events)
    updates = [
        conversations.update(t - start, said, STATES[kind]) for t, kind, said in given["events"] if kind in STATES
    ]
    heard = conversations.heard(*updates)
    clip = conversations.clip(timed(given["ref_words"]), given["audio_s"])
    rules = text.profile("basic")
    begin_s, end_s = latency.speech_bounds_s(clip)
    found = latency.word_latencies(clip.reference or (), captions.emissions(heard, rules), origin, rules)
    display, lexical = captions.caption_erasure(heard, str.split), captions.caption_erasure(heard, rules.tokens)
    connect_s, setup_s = latency.connect_s(trace), latency.setup_s(trace)
    first_s, final_s = latency.first_text_s(heard), latency.final_text_s(heard)
    assert connect_s is not None
    assert setup_s is not None
    assert first_s is not None
    assert final_s is not None
    assert begin_s is not None
    assert end_s is not None
    minutes = given["audio_s"] / 60
    return {
        "connect_s": connect_s,
        "session_ready_s": setup_s - connect_s,
        "setup_s": setup_s,
        "first_partial_from_audio_start_s": first_s - origin,
        "first_partial_from_speech_start_s": first_s - origin - begin_s,
        "first_emission_s": [word.first_s for word in found],
        "stable_emission_s": [word.stable_s for word in found],
        "committed_emission_s": [word.committed_s for word in found],
        "partial_recognition_latency_s": max(word.first_s + end for word, end in _ends(found, clip.reference)) - end_s,
        "ttfs_s": final_s - origin - end_s,
        "finalization_latency_s": latency.finalize_s(trace),
        "lexical_erased": lexical.erased,
        "display_erased": display.erased,
        "formatting_share": captions.formatting_share(display, lexical),
        "lexical_ne": lexical.normalised,
        "display_ne": display.normalised,
        "lexical_eo": lexical.edit_overhead,
        "words_rewritten_per_min_lexical": lexical.changed / minutes,
        "words_rewritten_per_min_display": display.changed / minutes,
        "display_edit_changes": display.changed,
        "revision_events_lexical": lexical.revisions,
        "updates": display.updates,
    }


def _ends(found: Sequence[latency.WordLatency], reference: Any) -> list[tuple[latency.WordLatency, float]]:
    return [(word, reference[word.reference].end_s) for word in found]


def throughput(case: Case) -> Answer:
    audio, waited = case["input"]["audio_s"], case["input"]["processing_s"]
    ratios = [heard / spent for heard, spent in zip(audio, waited, strict=True)]
    return {
        "rtf_pooled": intervals.cluster_ratio(waited, audio).value,
        "rtfx_pooled": intervals.cluster_ratio(audio, waited).value,
        "rtfx_mean_of_ratios": sum(ratios) / len(ratios),
    }


def percentiles(case: Case) -> Answer:
    if "values" in case["input"]:
        return {"inverted_cdf": intervals.percentile(case["input"]["values"], case["input"]["q"] / 100)}
    given = case["input"]["latency_ms"]
    came = [value for value in given if value is not None]
    failed = len(given) - len(came)
    return {
        "n": len(given),
        "n_failed": failed,
        "p50": intervals.percentile(came, 0.5, failed=failed),
        "p90": intervals.percentile(came, 0.9, failed=failed),
        "p95": intervals.percentile(came, 0.95, failed=failed),
        "p95_successes_only": intervals.percentile(came, 0.95),
    }


def send_pacing(case: Case) -> Answer:
    given = case["input"]
    size = given["chunk_s"]
    trace = conversations.trace(
        Event(t, round((k + 1) * size, 9), "audio", {"due_s": round(given["T0"] + (k + 1) * size, 9)})
        for k, t in enumerate(given["sent_at"])
    )
    pacing = trace.pacing()
    assert pacing
    late = latency.lateness_s(trace)
    return {
        "lateness_ms": [milliseconds(value) for value in late],
        "p50_ms": milliseconds(pacing.late_p50_s),
        "max_ms": milliseconds(pacing.late_max_s),
        "late_over_20ms_share": sum(value > 0.020 for value in late) / len(late),
        "end_drift_ms": milliseconds(pacing.end_drift_s),
        "valid": pacing.valid,
    }


ADAPTERS = {
    "stream_trace": stream_trace,
    "throughput": throughput,
    "percentiles": percentiles,
    "send_pacing": send_pacing,
}
