"""Latency: every delay of a stream or a request, from the stamps of one trace."""

import statistics
from collections.abc import Mapping

from evalkit.errors import ParseError
from evalkit.scoring import captions, endpoints, stitching
from evalkit.scoring import latency as timeline
from evalkit.scoring.define import Statistic, latency, ratio
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

_SETUP = ("lat.setup", "lat.connect", "lat.ready")
_CONNECTED = (*_SETUP, "lat.setup_cold", "lat.rtt")
_WORDS = (
    "lat.word_first",
    "lat.word_stable",
    "lat.word_committed",
    "lat.service.word_first",
    "lat.beyond_rtt.word_first",
)
_AFTER_SPEECH = ("lat.pr", "lat.ttfs", "lat.service.ttfs", "lat.beyond_rtt.ttfs")
_OTHER_ENDS = ("lat.ttfs_silence", "lat.ttfs_forced")
_ENDPOINTS = ("lat.endpoint", "lat.endpoint_done")
_ENDPOINT_COUNTS = ("lat.endpoint.early", "lat.endpoint.missed")
_FIRST_TEXT = ("lat.ttfp_audio", "lat.ttfp_speech")
_STREAMED = (*_FIRST_TEXT, *_WORDS, *_AFTER_SPEECH, *_OTHER_ENDS, "lat.finalize", *_ENDPOINTS)
_REQUESTED = ("lat.rest_total", "lat.rest_cold")
_PARTS = ("lat.rest_connect", "lat.rest_upload", "lat.rest_server", "lat.rest_download")
_SPEED = ("lat.rtfx", "lat.rtf")

_MAIN: tuple[Statistic, ...] = ("p50", "p95", "p99")
_TTFS = "pipecat stt-benchmark"

METRICS: tuple[Metric, ...] = (
    *latency(
        "lat.setup",
        "Set-up",
        "Start of the connection until the service is ready for audio, without the first one of a process",
        "p50",
        "p95",
    ),
    *latency(
        "lat.setup_cold",
        "Set-up, cold",
        "Start of the first connection of a process until the service is ready for audio",
        "p50",
    ),
    *latency("lat.connect", "Connection", "Start of the connection until the upgrade is done, with TLS", "p50"),
    *latency("lat.ready", "Ready", "End of the upgrade until the service is ready for audio", "p50"),
    *latency("lat.rtt", "Round trip", "Round trip to the service before, during and after audio, over pings", "p50"),
    *latency(
        "lat.ttfp_audio", "First text after audio", "First text shown after the first sample of audio was spoken", "p50"
    ),
    *latency("lat.ttfp_speech", "First text after speech", "First text shown after the first word began", *_MAIN),
    *latency("lat.word_first", "Word shown", "A word first shown after it was spoken to its end", *_MAIN),
    *latency("lat.word_stable", "Word stable", "A word shown for good after it was spoken to its end", *_MAIN),
    *latency(
        "lat.word_committed", "Word committed", "A word first in locked text after it had been spoken", "p50", "p95"
    ),
    *latency(
        "lat.service.word_first",
        "Word shown, service only",
        "A word first shown after it was spoken to its end, less the lateness of our own frame that held its end",
        "p50",
        "p95",
    ),
    *latency(
        "lat.beyond_rtt.word_first",
        "Word shown, beyond the round trip",
        "A word first shown after it was spoken to its end, less our own lateness and the median round trip of the "
        "stream: what a client beside the service would wait",
        "p50",
        "p95",
    ),
    *latency(
        "lat.pr",
        "Partial recognition latency",
        "Last final word first shown after speech ended",
        *_MAIN,
        source="Yu et al. 2021 (FastEmit)",
    ),
    *latency(
        "lat.ttfs",
        "Time to final segment",
        "Last final text received after speech ended, where audio ended with the clip",
        *_MAIN,
        source=_TTFS,
    ),
    *latency(
        "lat.ttfs_silence",
        "Time to final segment in silence",
        "Last final text received after speech ended, where silence was sent on after the clip",
        "p50",
        "p95",
        source=_TTFS,
    ),
    *latency(
        "lat.ttfs_forced",
        "Time to final segment when forced",
        "Last final text received after speech ended, where the client asked for it amid the audio",
        "p50",
        "p95",
        source=_TTFS,
    ),
    *latency(
        "lat.service.ttfs",
        "Time to final segment, service only",
        "Last final text received after speech ended, less the lateness of our own frame that held its end",
        "p50",
        "p95",
        source=_TTFS,
    ),
    *latency(
        "lat.beyond_rtt.ttfs",
        "Time to final segment, beyond the round trip",
        "Last final text received after speech ended, less our own lateness and the median round trip of the stream",
        "p50",
        "p95",
        source=_TTFS,
    ),
    *latency(
        "lat.endpoint",
        "Endpoint",
        "Final text of an utterance after its end, where the service found the end by itself",
        *_MAIN,
    ),
    *latency(
        "lat.endpoint_done",
        "Endpoint at end of audio",
        "Final text of an utterance after its end, where the end of audio had been announced",
        "p50",
        "p95",
    ),
    ratio(
        "lat.endpoint.early",
        "Early endpoints",
        "Endpoints inside an utterance, which cut the speaker off, per utterance.",
        ["lat.endpoint.early"],
        ["lat.endpoint.utterances"],
        bounded=True,
    ),
    ratio(
        "lat.endpoint.missed",
        "Missed endpoints",
        "Share of utterances without an endpoint before the next utterance began.",
        ["lat.endpoint.missed"],
        ["lat.endpoint.utterances"],
        bounded=True,
    ),
    *latency("lat.finalize", "Finalisation", "Last message received after the end of audio was announced", *_MAIN),
    *latency(
        "lat.rest_total",
        "REST answer",
        "Start of the request until the last byte of the answer, without the first request of a process",
        *_MAIN,
    ),
    *latency(
        "lat.rest_cold",
        "REST answer, cold",
        "Start of the first request of a process until the last byte of the answer",
        "p50",
    ),
    *latency("lat.rest_connect", "REST connection", "Start of the request until a new connection was made", "p50"),
    *latency("lat.rest_upload", "REST upload", "Connection until the last byte of the request was sent", "p50", "p95"),
    *latency("lat.rest_server", "REST server", "Last byte of the request until the first of the answer", "p50", "p95"),
    *latency("lat.rest_download", "REST download", "First byte of the answer until its last", "p50", "p95"),
    ratio(
        "lat.rtfx",
        "RTFx",
        "Seconds of audio per second of waiting for the REST answer, pooled over answered clips.",
        ["lat.rtfx.audio_s"],
        ["lat.rtfx.processing_s"],
        unit="x",
        direction="higher",
        source="Open ASR Leaderboard",
    ),
    ratio(
        "lat.rtf",
        "RTF",
        "Seconds of waiting for the REST answer per second of audio, pooled over answered clips.",
        ["lat.rtfx.processing_s"],
        ["lat.rtfx.audio_s"],
        unit="x",
    ),
)


def measure(row: Row, case: Case) -> None:
    """The delays of the route that was taken."""
    if case.clip.kind == "nonspeech" or case.trace.route == "rest":
        row.lack("not_applicable", *_CONNECTED, *_STREAMED, *_ENDPOINT_COUNTS)
    elif _broken_off(case):
        row.lack("missing_input", *_CONNECTED, *_STREAMED, *_ENDPOINT_COUNTS)
    else:
        _set_up(row, case)
        _streamed(row, case)
    if case.trace.route == "rest":
        _requested(row, case)
    else:
        row.lack("not_applicable", *_REQUESTED, *_PARTS, *_SPEED)


def _broken_off(case: Case) -> bool:
    """Whether nothing was asked of the service, or its answer not waited for: that says nothing about its speed."""
    ended = case.endings[-1]
    return case.failed and (ended.ours or ended.refused)


def _set_up(row: Row, case: Case) -> None:
    setup_s, connect_s = timeline.setup_s(case.trace), timeline.connect_s(case.trace)
    times = {"lat.setup": setup_s, "lat.connect": connect_s, "lat.ready": _since(connect_s, setup_s)}
    never = case.failed and not isinstance(case.hypothesis.failure, ParseError) and not timeline.was_ready(case.trace)
    cold = timeline.is_cold(case.trace) and not never
    for name, seconds in times.items():
        if never and (seconds is None or name != "lat.connect"):
            row.add(name, {"failed": 1})
        elif cold:
            row.lack("not_applicable", name)
        else:
            row.measure(name, seconds)
    if cold:
        row.measure("lat.setup_cold", setup_s)
    else:
        row.lack("not_applicable", "lat.setup_cold")
    trips_s = timeline.round_trips_s(case.trace)
    if trips_s:
        row.values["lat.rtt"] = trips_s
    else:
        row.lack("missing_input", "lat.rtt")


def _streamed(row: Row, case: Case) -> None:
    pacing = case.trace.pacing()
    if pacing is not None and not pacing.valid:
        row.lack("invalid_pacing", *_STREAMED)
        return
    if isinstance(case.hypothesis.failure, ParseError):
        row.lack("missing_input", *_STREAMED)
        return
    if case.failed:
        _never(row, case)
        return
    origin_s = case.trace.audio_origin_s()
    if origin_s is None:
        row.lack("missing_input", *_STREAMED)
        return
    begin_s, end_s = timeline.speech_bounds_s(case.clip)
    first_s, final_s = timeline.first_text_s(case.hypothesis), timeline.final_text_s(case.hypothesis)
    spoken_s = None if end_s is None else origin_s + end_s
    ttfs_s = _since(spoken_s, final_s)
    if case.trace.from_s:
        row.lack("not_applicable", *_FIRST_TEXT)  # the clip began in an attempt before this one
    elif captions.has_interims(case.hypothesis):
        row.measure("lat.ttfp_audio", _since(origin_s, first_s))
        row.measure("lat.ttfp_speech", _since(None if begin_s is None else origin_s + begin_s, first_s))
    else:
        row.lack("not_applicable", *_FIRST_TEXT)
    shown = captions.emissions(case.hypothesis, case.profile)
    row.measure("lat.pr", _since(spoken_s, timeline.last_word_shown_s(shown)))
    late_s = None if end_s is None else timeline.lateness_at_s(case.trace, [end_s])[0]
    delay = None if ttfs_s is None or late_s is None else timeline.Delay(ttfs_s, late_s, _round_trip_s(case))
    _ended(row, case, ttfs_s, delay)
    _words(row, case, shown, origin_s)
    _endpoints(row, case, origin_s)


def _round_trip_s(case: Case) -> float | None:
    """The median round trip of the stream."""
    trips_s = timeline.round_trips_s(case.trace)
    return statistics.median(trips_s) if trips_s else None


def _ended(row: Row, case: Case, ttfs_s: float | None, delay: timeline.Delay | None) -> None:
    """What waits for the end of audio, for each way to end it apart: they are different products."""
    mode = endpoints.end_mode(case.trace, case.clip.duration_s)
    row.add("lat.end_mode", {str(mode): 1})
    own = {"done": "lat.ttfs", "silence": "lat.ttfs_silence", "forced": "lat.ttfs_forced"}[mode or "done"]
    row.lack("not_applicable", *({"lat.ttfs", *_OTHER_ENDS} - {own}))
    row.measure(own, ttfs_s)
    if own == "lat.ttfs":
        row.measure("lat.service.ttfs", None if delay is None else delay.service_s)
        row.measure("lat.beyond_rtt.ttfs", None if delay is None else delay.beyond_rtt_s)
        row.measure("lat.finalize", timeline.finalize_s(case.trace))
    else:
        row.lack("not_applicable", "lat.service.ttfs", "lat.beyond_rtt.ttfs", "lat.finalize")


def _never(row: Row, case: Case) -> None:
    """A failed stream: each of its delays is one that never ended."""
    begin_s, end_s = timeline.speech_bounds_s(case.clip)
    timed_words = timeline.expected_words(case.reference or (), case.profile)
    spans = endpoints.spoken_spans(case.clip)
    units: Mapping[str, int] = {
        "lat.ttfp_audio": 1,
        "lat.ttfp_speech": int(begin_s is not None),
        **dict.fromkeys(_WORDS, timed_words),
        **dict.fromkeys(_AFTER_SPEECH, int(end_s is not None)),
        "lat.endpoint": sum(map(len, spans.values())),
        "lat.finalize": 1,
    }
    for name, number in units.items():
        if number:
            row.add(name, {"failed": number})
        else:
            row.lack("missing_input", name)
    row.lack("missing_input", "lat.endpoint_done", *_OTHER_ENDS, *_ENDPOINT_COUNTS)


def _words(row: Row, case: Case, shown: list[captions.Emission], origin_s: float) -> None:
    reference, begun_s = case.reference or (), _begun_s(case)
    words = [
        word
        for word in timeline.word_latencies(reference, shown, origin_s, case.profile)
        if (reference[word.reference].end_s or 0.0) > begun_s
    ]
    if not words:
        row.lack("missing_input", *_WORDS)
        return
    row.values["lat.word_first"] = tuple(word.first_s for word in words)
    row.values["lat.word_stable"] = tuple(word.stable_s for word in words)
    committed = tuple(word.committed_s for word in words if word.committed_s is not None)
    row.values["lat.word_committed"] = committed
    if len(committed) < len(words):
        # Never locked: a word that never came, for whoever waits for final text.
        row.add("lat.word_committed", {"failed": len(words) - len(committed)})
    late = timeline.lateness_at_s(case.trace, [reference[word.reference].end_s or 0.0 for word in words])
    trip_s = _round_trip_s(case)
    delays = [timeline.Delay(word.first_s, late_s or 0.0, trip_s) for word, late_s in zip(words, late, strict=True)]
    row.values["lat.service.word_first"] = tuple(delay.service_s for delay in delays)
    beyond = tuple(delay.beyond_rtt_s for delay in delays if delay.beyond_rtt_s is not None)
    if beyond:
        row.values["lat.beyond_rtt.word_first"] = beyond
    else:
        row.lack("missing_input", "lat.beyond_rtt.word_first")


def _endpoints(row: Row, case: Case, origin_s: float) -> None:
    begun_s = _begun_s(case)
    spans = {
        channel: [span for span in own if span[0] >= begun_s]
        for channel, own in endpoints.spoken_spans(case.clip).items()
    }
    if not any(spans.values()):
        row.lack("missing_input", *_ENDPOINTS, *_ENDPOINT_COUNTS)
        return
    ended_s = endpoints.end_of_input_s(case.trace)
    by_itself: list[float] = []
    when_told: list[float] = []
    utterances = early = missed = 0
    for channel, own in spans.items():
        found = endpoints.endpoints(endpoints.moved(own, origin_s), endpoints.final_times_s(case.hypothesis, channel))
        utterances, early, missed = utterances + found.utterances, early + found.early, missed + found.missed
        for latency_s, at_s in zip(found.latencies_s, found.at_s, strict=True):
            (by_itself if ended_s is None or at_s < ended_s else when_told).append(latency_s)
    row.add("lat.endpoint", {"utterances": utterances, "early": early, "missed": missed})
    for name, values in (("lat.endpoint", by_itself), ("lat.endpoint_done", when_told)):
        row.values[name] = tuple(values)


def _begun_s(case: Case) -> float:
    """Where in the clip this attempt began to speak; a stream taken up again is as fast as what it says from there."""
    return case.trace.from_s + stitching.REPLAYED_S if case.trace.from_s else 0.0


def _since(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else end_s - start_s


def _requested(row: Row, case: Case) -> None:
    # A failed request counts as one that never ended even when it was the warm-up.
    cold = timeline.is_cold(case.trace) and not case.failed
    own, other = ("lat.rest_cold", "lat.rest_total") if cold else _REQUESTED
    row.lack("not_applicable", other)
    if case.failed:
        row.lack("missing_input", *_PARTS, *_SPEED)
        if isinstance(case.hypothesis.failure, ParseError) or _broken_off(case):
            row.lack("missing_input", own)
        else:
            row.add(own, {"failed": 1})
        return
    seconds = timeline.request_s(case.trace)
    row.measure(own, seconds)
    if seconds is None:
        row.lack("missing_input", *_SPEED)
    else:
        row.add("lat.rtfx", {"audio_s": case.clip.duration_s, "processing_s": seconds})
    parts = timeline.rest_parts(case.trace)
    if parts is None:
        row.lack("missing_input", *_PARTS)
        return
    row.measure("lat.rest_upload", parts.upload_s)
    row.measure("lat.rest_server", parts.server_s)
    row.measure("lat.rest_download", parts.download_s)
    if parts.connect_s is None:
        # A connection that had been kept open: there was none to make.
        row.lack("not_applicable", "lat.rest_connect")
    else:
        row.measure("lat.rest_connect", parts.connect_s)
