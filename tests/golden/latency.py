"""Worked cases: latency."""

from collections.abc import Mapping
from typing import Any

from evalkit.scoring import captions, endpoints, lagging, latency, load, text
from evalkit.stats import intervals
from evalkit.types import Event
from tests import conversations
from tests.golden.shared import Answer, Case, asked, milliseconds, parsed, rules_of, several, share, timed


def stream_trace(case: Case) -> Answer:
    given = case["input"]
    start = given.get("connect_start") if given.get("connect_start") is not None else given["T0"]
    origin = given["T0"] - start
    trace = conversations.trace(conversation(given, start))
    heard = parsed(
        [{"kind": kind, "text": said, "channel": (*channel, None)[0]} for _, kind, said, *channel in given["events"]],
        [t - start for t, *_ in given["events"]],
        closed=False,
    )
    clip = conversations.clip(timed(given.get("ref_words")), given["audio_s"])
    rules = text.profile(rules_of(case, "basic"))
    begin_s, end_s = latency.speech_bounds_s(clip)
    begin_s, end_s = given.get("speech_start_s", begin_s), given.get("speech_end_s", end_s)
    shown = captions.emissions(heard, rules)
    found = latency.word_latencies(clip.reference or (), shown, origin, rules)
    display, lexical = captions.caption_erasure(heard, str.split), captions.caption_erasure(heard, rules.tokens)
    connect_s = latency.connect_s(trace) if given.get("connect_start") is not None else None
    setup_s = latency.setup_s(trace) if connect_s is not None else None
    first_s, final_s = latency.first_text_s(heard), latency.final_text_s(heard)
    minutes = given["audio_s"] / 60
    ready = given.get("session_ready") is not None
    return {
        "connect_s": connect_s,
        "session_ready_s": less(setup_s, connect_s) if ready else None,
        "setup_s": setup_s,
        "first_partial_from_audio_start_s": less(first_s, origin),
        "first_partial_from_speech_start_s": less(first_s, origin, begin_s),
        "first_emission_s": [word.first_s for word in found],
        "stable_emission_s": [word.stable_s for word in found],
        "committed_emission_s": [word.committed_s for word in found],
        "partial_recognition_latency_s": less(latency.last_word_shown_s(shown), origin, end_s),
        "ttfs_s": less(final_s, origin, end_s),
        "endpoint_s": less(max(endpoints.final_times_s(heard), default=None), origin, end_s),
        "finalization_latency_s": latency.finalize_s(trace) if given.get("audio_done_sent") is not None else None,
        "lexical_erased": lexical.erased,
        "display_erased": display.erased,
        "formatting_share": captions.formatting_share(display, lexical),
        "lexical_ne": lexical.normalised,
        "display_ne": display.normalised,
        "lexical_eo": lexical.edit_overhead,
        "display_eo": display.edit_overhead,
        "words_rewritten_per_min_lexical": share(lexical.changed, minutes),
        "words_rewritten_per_min_display": share(display.changed, minutes),
        "display_edit_changes": display.changed,
        "lexical_edit_changes": lexical.changed,
        "revision_events_lexical": lexical.revisions,
        "revision_events_display": display.revisions,
        "updates": display.updates,
    }


def conversation(given: Mapping[str, Any], start: float) -> list[Event]:
    """What the wire would have recorded, as far as the case tells."""
    origin, audio_s = given["T0"] - start, given["audio_s"]
    events = []
    if given.get("ws_open") is not None:
        events.append(Event(given["ws_open"] - start, 0.0, "open"))
    if given.get("session_ready") is not None:
        events.append(Event(given["session_ready"] - start, 0.0, "received", ""))
    events.append(Event(origin + audio_s, audio_s, "audio", {"due_s": origin + audio_s}))
    if given.get("audio_done_sent") is not None:
        events.append(Event(given["audio_done_sent"] - start, audio_s, "sent", ""))
    return events + [Event(t - start, 0.0, "received", said) for t, _, said, *_ in given["events"]]


def less(moment: float | None, *parts: float | None) -> float | None:
    """A moment after others; None when one of them is unknown."""
    known = [part for part in parts if part is not None]
    return None if moment is None or len(known) < len(parts) else moment - sum(known)


def throughput(case: Case) -> Answer:
    audio, waited = several(case["input"]["audio_s"]), several(case["input"]["processing_s"])
    whole = case["input"].get("makespan_s")
    ratios = [heard / spent for heard, spent in zip(audio, waited, strict=True) if spent]
    return {
        "rtf_pooled": intervals.cluster_ratio(waited, audio).value,
        "rtfx_pooled": load.rtfx(audio, waited),
        "rtfx_mean_of_ratios": share(sum(ratios), len(ratios)),
        "throughput": None if whole is None else load.throughput(audio, [(0.0, whole)]),
    }


def percentiles(case: Case) -> Answer:
    """Values that are null never came: they count as infinite."""
    given = case["input"]
    values = given["values"] if "values" in given else given["latency_ms"]
    came = [value for value in values if value is not None]
    failed = len(values) - len(came)
    answer: Answer = {
        "n": len(values),
        "n_failed": failed,
        **ranked(case, "", came, failed),
        **ranked(case, "_successes_only", came),
    }
    wanted = given.get("q", case["params"].get("q"))
    if wanted is not None:
        found = [intervals.percentile(came, rank / 100, failed=failed) for rank in several(wanted)]
        answer["inverted_cdf"] = found if isinstance(wanted, list) else found[0]
    return answer


def ranked(case: Case, ending: str, values: list[float], failed: int = 0) -> Answer:
    """The percentiles that a case asks for by such a name."""
    names = asked(case, rf"p([\d.]+){ending}")
    return {name[0]: intervals.percentile(values, float(name[1]) / 100, failed=failed) for name in names}


def send_pacing(case: Case) -> Answer:
    given, params = case["input"], case["params"]
    size = given["chunk_s"]
    trace = conversations.trace(
        Event(t, round((k + 1) * size, 9), "audio", {"due_s": round(given["T0"] + (k + 1) * size, 9)})
        for k, t in enumerate(given["sent_at"])
    )
    late, pacing = latency.lateness_s(trace), trace.pacing()
    over = {
        f"late_over_{limit}ms_share": share(sum(value > limit / 1000 + 1e-9 for value in late), len(late))
        for limit in (10, 20, 50)
    }
    if pacing is None:
        return {"lateness_ms": [], **over, **dict.fromkeys(("p50_ms", "p99_ms", "max_ms", "end_drift_ms", "valid"))}
    most_s = params.get("max_lateness_ms", 1000 * pacing.MAX_LATE_S) / 1000
    drift_s = params.get("max_end_drift_ms", 1000 * pacing.MAX_DRIFT_S) / 1000
    return {
        "lateness_ms": [milliseconds(value) for value in late],
        "p50_ms": milliseconds(pacing.late_p50_s),
        "p99_ms": milliseconds(pacing.late_p99_s),
        "max_ms": milliseconds(pacing.late_max_s),
        **over,
        "end_drift_ms": milliseconds(pacing.end_drift_s),
        "valid": pacing.within(most_s, drift_s),
    }


def average_lagging(case: Case) -> Answer:
    given = case["input"]
    delays, source = given["delays_ms"], given["source_ms"]
    size = given.get("reference_words") if given.get("reference_words") is not None else len(delays)
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
        **ranked(case, "_raw", raw),
        **ranked(case, "_corrected", corrected),
    }


def endpointing(case: Case) -> Answer:
    given = case["input"]
    spans = [(item["speech"][0], item["speech"][1]) for item in given["utterances"]]
    finals = [t for t in given["utterance_finals"] if t is not None]
    found = endpoints.endpoints(endpoints.moved(spans, given.get("T0", 0.0)), finals)
    return {
        "true_endpoints": found.true,
        "early_endpoints": found.early,
        "early_rate_per_utterance": found.early_rate,
        "missed": found.missed,
        "missed_rate": share(found.missed, found.utterances),
        "endpoint_latency_s": list(found.latencies_s),
    }


def latency_breakdown(case: Case) -> Answer:
    given = case["input"]
    said_s = given["T0"] + given["word_end_audio_s"]
    sent = Event(given["chunk_sent"], given["chunk_due"] - given["T0"], "audio", {"due_s": given["chunk_due"]})
    trace = conversations.trace([Event(0.0, 0.0, "open", {"rtt_s": given.get("rtt_s")}), sent])
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
