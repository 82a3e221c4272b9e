"""Latency: every delay of a stream or a request, from the stamps of one trace."""

from evalkit.errors import ParseError
from evalkit.scoring import captions
from evalkit.scoring import latency as timeline
from evalkit.scoring.define import latency, ratio
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

_STREAMED = ("lat.ttfp_audio", "lat.ttfp_speech", "lat.word_first", "lat.word_stable", "lat.ttfs", "lat.finalize")

METRICS: tuple[Metric, ...] = (
    *latency("lat.setup", "Set-up", "Start of the connection until the service is ready for audio", "p50"),
    *latency(
        "lat.ttfp_audio", "First text after audio", "First text shown after the first sample of audio was spoken", "p50"
    ),
    *latency("lat.ttfp_speech", "First text after speech", "First text shown after the first word began", "p50", "p95"),
    *latency("lat.word_first", "Word shown", "A word first shown after it was spoken to its end", "p50", "p95"),
    *latency("lat.word_stable", "Word stable", "A word shown for good after it was spoken to its end", "p50", "p95"),
    *latency(
        "lat.ttfs",
        "Time to final segment",
        "Last final text received after speech ended",
        "p50",
        "p95",
        source="pipecat stt-benchmark",
    ),
    *latency(
        "lat.finalize", "Finalisation", "Last message received after the end of audio was announced", "p50", "p95"
    ),
    *latency("lat.rest_total", "REST answer", "Start of the request until the last byte of the answer", "p50", "p95"),
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
)


def measure(row: Row, case: Case) -> None:
    """The delays of the route that was taken."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "lat.setup", *_STREAMED)
    else:
        _streamed(row, case)
    _requested(row, case)


def _streamed(row: Row, case: Case) -> None:
    if case.trace.route == "rest":
        row.lack("not_applicable", "lat.setup", *_STREAMED)
        return
    row.measure("lat.setup", timeline.setup_s(case.trace))
    pacing = case.trace.pacing()
    if pacing is not None and not pacing.valid:
        row.lack("invalid_pacing", *_STREAMED)
        return
    if isinstance(case.hypothesis.failure, ParseError):
        row.lack("missing_input", *_STREAMED)
        return
    begin_s, end_s = timeline.speech_bounds_s(case.clip)
    reference = case.reference or ()
    timed_words = timeline.expected_words(reference, case.profile)
    units = {
        "lat.ttfp_audio": 1,
        "lat.ttfp_speech": int(begin_s is not None),
        "lat.word_first": timed_words,
        "lat.word_stable": timed_words,
        "lat.ttfs": int(end_s is not None),
        "lat.finalize": 1,
    }
    if case.failed:
        for name, number in units.items():
            if number:
                row.add(name, {"failed": number})
            else:
                row.lack("missing_input", name)
        return
    origin_s = case.trace.audio_origin_s()
    if origin_s is None:
        row.lack("missing_input", *_STREAMED)
        return
    first_s, final_s = timeline.first_text_s(case.hypothesis), timeline.final_text_s(case.hypothesis)
    row.measure("lat.ttfp_audio", _since(origin_s, first_s))
    row.measure("lat.ttfp_speech", _since(None if begin_s is None else origin_s + begin_s, first_s))
    row.measure("lat.ttfs", _since(None if end_s is None else origin_s + end_s, final_s))
    row.measure("lat.finalize", timeline.finalize_s(case.trace))
    shown = captions.emissions(case.hypothesis, case.profile)
    words = timeline.word_latencies(reference, shown, origin_s, case.profile)
    if not words:
        row.lack("missing_input", "lat.word_first", "lat.word_stable")
        return
    row.values["lat.word_first"] = tuple(word.first_s for word in words)
    row.values["lat.word_stable"] = tuple(word.stable_s for word in words)


def _since(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else end_s - start_s


def _requested(row: Row, case: Case) -> None:
    if case.trace.route != "rest":
        row.lack("not_applicable", "lat.rest_total", "lat.rtfx")
        return
    if case.failed:
        row.lack("missing_input", "lat.rtfx")
        if isinstance(case.hypothesis.failure, ParseError):
            row.lack("missing_input", "lat.rest_total")
        else:
            row.add("lat.rest_total", {"failed": 1})
        return
    seconds = timeline.request_s(case.trace)
    row.measure("lat.rest_total", seconds)
    if seconds is None:
        row.lack("missing_input", "lat.rtfx")
    else:
        row.add("lat.rtfx", {"audio_s": case.clip.duration_s, "processing_s": seconds})
