"""Worked cases: latency."""

from evalkit import intervals
from evalkit.scoring import captions, endpoints, lagging, latency, load, text
from evalkit.types import Event
from tests import conversations
from tests.golden.shared import STATES, Answer, Case, milliseconds, timed

SHARES = (50, 90, 95, 99)


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
    shown = captions.emissions(heard, rules)
    found = latency.word_latencies(clip.reference or (), shown, origin, rules)
    display, lexical = captions.caption_erasure(heard, str.split), captions.caption_erasure(heard, rules.tokens)
    connect_s, setup_s = latency.connect_s(trace), latency.setup_s(trace)
    first_s, final_s = latency.first_text_s(heard), latency.final_text_s(heard)
    last_s = latency.last_word_shown_s(shown)
    assert last_s is not None
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
        "partial_recognition_latency_s": last_s - origin - end_s,
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


def throughput(case: Case) -> Answer:
    audio, waited = case["input"]["audio_s"], case["input"]["processing_s"]
    ratios = [heard / spent for heard, spent in zip(audio, waited, strict=True)]
    return {
        "rtf_pooled": intervals.cluster_ratio(waited, audio).value,
        "rtfx_pooled": load.rtfx(audio, waited),
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
        **{f"p{share}": intervals.percentile(came, share / 100, failed=failed) for share in SHARES},
        **{f"p{share}_successes_only": intervals.percentile(came, share / 100) for share in SHARES},
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


def average_lagging(case: Case) -> Answer:
    given = case["input"]
    delays, source, size = given["delays_ms"], given["source_ms"], given["reference_words"]
    return {
        "AL": lagging.average_lagging(delays, source, size),
        "LAAL": lagging.length_adaptive_average_lagging(delays, source, size),
        "DAL": lagging.differentiable_average_lagging(delays, source),
    }


def coordinated_omission(case: Case) -> Answer:
    raw = case["input"]["latencies_ms"]
    corrected = load.corrected_for_omission(raw, case["input"]["expected_interval_ms"])
    return {
        "count_raw": len(raw),
        "count_corrected": len(corrected),
        **{f"p{share}_raw": intervals.percentile(raw, share / 100) for share in SHARES},
        **{f"p{share}_corrected": intervals.percentile(corrected, share / 100) for share in SHARES},
    }


def endpointing(case: Case) -> Answer:
    given = case["input"]
    spans = [(item["speech"][0], item["speech"][1]) for item in given["utterances"]]
    found = endpoints.endpoints(endpoints.moved(spans, given["T0"]), given["utterance_finals"])
    return {
        "true_endpoints": found.true,
        "early_endpoints": found.early,
        "early_rate_per_utterance": found.early_rate,
        "missed": found.missed,
        "endpoint_latency_s": list(found.latencies_s),
    }


def latency_breakdown(case: Case) -> Answer:
    given = case["input"]
    said_s = given["T0"] + given["word_end_audio_s"]
    sent = Event(given["chunk_sent"], given["chunk_due"] - given["T0"], "audio", {"due_s": given["chunk_due"]})
    trace = conversations.trace([Event(0.0, 0.0, "open", {"rtt_s": given["rtt_s"]}), sent])
    (late_s,) = latency.lateness_at_s(trace, [given["word_end_audio_s"]])
    assert late_s is not None
    found = latency.Delay(given["received"] - said_s, late_s, latency.rtt_s(trace))
    return {
        "user_latency_s": found.user_s,
        "service_latency_s": found.service_s,
        "beyond_rtt_s": found.beyond_rtt_s,
        "client_share_s": found.client_s,
    }


ADAPTERS = {
    "stream_trace": stream_trace,
    "throughput": throughput,
    "percentiles": percentiles,
    "send_pacing": send_pacing,
    "average_lagging": average_lagging,
    "coordinated_omission": coordinated_omission,
    "endpointing": endpointing,
    "latency_breakdown": latency_breakdown,
}
