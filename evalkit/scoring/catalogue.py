"""Every metric by id: what it means, and from which columns of the scores it is made.

A definition here is what users read beside the number. Adding a metric is one entry here and its columns in
``evalkit.scoring.score``; nothing else has to know it.
"""

from collections.abc import Sequence
from typing import Literal

from evalkit.errors import SettingsError
from evalkit.types import Metric

Direction = Literal["lower", "higher", "zero"]
Statistic = Literal["p50", "p95", "max"]

_LEVENSHTEIN = "Levenshtein alignment by jiwer; NIST sclite"
_NIST = "NIST Rich Transcription; pyannote.metrics"


def _columns(base: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{base}.{name}" for name in names)


def _ratio(
    metric_id: str,
    title: str,
    definition: str,
    numerator: Sequence[str],
    denominator: Sequence[str],
    *,
    source: str = "evalkit",
    unit: str = "rate",
    direction: Direction = "lower",
    scale: float = 1.0,
) -> Metric:
    return Metric(
        metric_id, title, unit, direction, definition, source, tuple(numerator), tuple(denominator), scale=scale
    )


def _spread(
    metric_id: str, title: str, definition: str, values: str, statistic: Statistic, *, source: str = "evalkit"
) -> Metric:
    return Metric(metric_id, title, "s", "lower", definition, source, values=values, statistic=statistic)


def _error_rate(metric_id: str, title: str, definition: str, source: str = _LEVENSHTEIN) -> Metric:
    return _ratio(
        metric_id,
        title,
        definition,
        _columns(metric_id, "substitutions", "deletions", "insertions"),
        _columns(metric_id, "hits", "substitutions", "deletions"),
        source=source,
    )


def _sentence(text: str) -> str:
    """With a capital in front; ``str.capitalize`` would also lower every other one."""
    return text[:1].upper() + text[1:]


def _word_error(profile: str, rules: str) -> list[Metric]:
    base, label = f"acc.wer.{profile}", f"WER ({profile})"
    words = _columns(base, "hits", "substitutions", "deletions")
    what = f"substituted, deleted and inserted words per reference word after {rules}"
    return [
        _error_rate(
            base, label, f"{_sentence(what)}, pooled over clips; a failed clip counts as all its words deleted."
        ),
        _error_rate(
            f"{base}.scored_only",
            f"{label}, answered clips",
            f"{_sentence(what)}, over the clips that were answered.",
        ),
        *(
            _ratio(
                f"{base}.{short}_rate",
                f"{_sentence(kind)} ({profile})",
                f"{_sentence(kind)} per reference word after {rules}.",
                _columns(base, kind),
                words,
                source=_LEVENSHTEIN,
            )
            for short, kind in (("sub", "substitutions"), ("del", "deletions"), ("ins", "insertions"))
        ),
    ]


def _diarization(metric_id: str, title: str, collar: str) -> Metric:
    return _ratio(
        metric_id,
        title,
        "Missed, invented and wrongly attributed speaker time per second of reference speaker time after the best "
        f"one-to-one map of speakers, overlap scored, {collar}; turns are built from the words (gaps up to 0.5 s).",
        _columns(metric_id, "miss_s", "false_alarm_s", "confusion_s"),
        _columns(metric_id, "total_s"),
        source=_NIST,
    )


def _offset(edge: str) -> list[Metric]:
    base = f"ts.offset.{edge}"
    words = _columns(base, "words")
    of_words = f"of word {edge}s, hypothesis minus reference, over matched words that are not numbers"
    source = "Shi et al. 2023 (AAS)"
    return [
        _ratio(
            f"{base}.mean",
            f"Mean {edge} drift",
            f"Mean signed error {of_words}; positive is late.",
            _columns(base, "sum_s"),
            words,
            unit="s",
            direction="zero",
            source=source,
        ),
        _ratio(
            f"{base}.mae",
            f"Mean absolute {edge} error",
            f"Mean absolute error {of_words}.",
            _columns(base, "absolute_s"),
            words,
            unit="s",
            source=source,
        ),
        _spread(
            f"{base}.p95",
            f"{_sentence(edge)} error p95",
            f"95th percentile of the absolute error {of_words}.",
            f"{base}.absolute",
            "p95",
            source=source,
        ),
        _ratio(
            f"{base}.within_100ms",
            f"{_sentence(edge)}s within 100 ms",
            f"Share of matched words whose {edge} is at most 100 ms off.",
            _columns(base, "within_100ms"),
            words,
            direction="higher",
            source=source,
        ),
    ]


def _latency(base: str, title: str, definition: str, *statistics: Statistic, source: str = "evalkit") -> list[Metric]:
    names = {"p50": "median", "p95": "95th percentile", "max": "maximum"}
    return [
        _spread(
            f"{base}.{statistic}",
            f"{title} {statistic}",
            f"{definition}; {names[statistic]} by nearest rank, failed clips counting as never.",
            base,
            statistic,
            source=source,
        )
        for statistic in statistics
    ]


METRICS: tuple[Metric, ...] = (
    *_word_error("en", "the English text rules (numbers, contractions, spelling, fillers)"),
    *_word_error("basic", "the basic text rules (case, punctuation)"),
    _error_rate(
        "acc.cer",
        "CER",
        "Character errors per reference character after the basic text rules, without spaces where words are not "
        "separated by them; a failed clip counts as all its characters deleted.",
    ),
    _ratio(
        "acc.halluc.clip_rate",
        "Hallucination, clips",
        "Share of clips without speech for which any word was returned.",
        ["acc.halluc.clips_with_words"],
        ["acc.halluc.clips"],
        source="Koenecke et al. 2024",
    ),
    _ratio(
        "acc.halluc.words_per_min",
        "Hallucination, words per minute",
        "Words returned per minute of audio without speech.",
        ["acc.halluc.words"],
        ["acc.halluc.audio_s"],
        unit="per_min",
        scale=60.0,
        source="Koenecke et al. 2024",
    ),
    _diarization("dia.der", "DER", "no collar"),
    _diarization("dia.der.collar250", "DER, collar 0.25 s", "a collar of 0.25 s on each side of a reference boundary"),
    _error_rate(
        "dia.cpwer",
        "cpWER",
        "Word errors per reference word when each speaker's words are joined and the speakers are paired so that there "
        "are fewest; words of unpaired speakers are errors.",
        "Watanabe et al. 2020 (CHiME-6)",
    ),
    *_offset("start"),
    *_offset("end"),
    _ratio(
        "ts.coverage",
        "Timed words matched",
        "Reference words matched by a hypothesis word with times, per reference word that has times and is no number.",
        ["ts.matched_words"],
        ["ts.reference_words"],
        direction="higher",
    ),
    _ratio(
        "str.ne",
        "Normalised erasure",
        "Words taken back from captions per word of the final text, ignoring case, punctuation and number format.",
        ["str.erased"],
        ["str.final_words"],
        source="Arivazhagan et al. 2020",
    ),
    _ratio(
        "str.ne.display",
        "Normalised erasure, as displayed",
        "Words taken back from captions per word of the final text, counting changes of case and punctuation.",
        ["str.display_erased"],
        ["str.display_final_words"],
        source="Arivazhagan et al. 2020",
    ),
    _ratio(
        "str.rewrites_per_min",
        "Visible rewrites per minute",
        "Words replaced or removed between neighbouring captions, as the eye sees them, per minute of audio.",
        ["str.changed"],
        ["str.audio_s"],
        unit="per_min",
        scale=60.0,
        source="Whetten et al. 2023 (revokes per second)",
    ),
    *_latency("lat.setup", "Set-up", "Start of the connection until the service is ready for audio", "p50"),
    *_latency(
        "lat.ttfp_audio", "First text after audio", "First text shown after the first sample of audio was spoken", "p50"
    ),
    *_latency(
        "lat.ttfp_speech", "First text after speech", "First text shown after the first word began", "p50", "p95"
    ),
    *_latency("lat.word_first", "Word shown", "A word first shown after it was spoken to its end", "p50", "p95"),
    *_latency("lat.word_stable", "Word stable", "A word shown for good after it was spoken to its end", "p50", "p95"),
    *_latency(
        "lat.ttfs",
        "Time to final segment",
        "Last final text received after speech ended",
        "p50",
        "p95",
        source="pipecat stt-benchmark",
    ),
    *_latency(
        "lat.finalize", "Finalisation", "Last message received after the end of audio was announced", "p50", "p95"
    ),
    *_latency("lat.rest_total", "REST answer", "Start of the request until the last byte of the answer", "p50", "p95"),
    _ratio(
        "lat.rtfx",
        "RTFx",
        "Seconds of audio per second of waiting for the REST answer, pooled over answered clips.",
        ["lat.rtfx.audio_s"],
        ["lat.rtfx.processing_s"],
        unit="x",
        direction="higher",
        source="Open ASR Leaderboard",
    ),
    _ratio(
        "cost.per_audio_hour",
        "Cost per audio hour",
        "US dollars at the dated price table per hour of clips, all billed attempts included.",
        ["cost.usd"],
        ["cost.audio_s"],
        unit="usd_per_h",
        scale=3600.0,
    ),
    _ratio(
        "run.coverage",
        "Coverage",
        "Share of clips for which there is a usable answer after retries.",
        ["run.answered"],
        ["run.clips"],
        direction="higher",
    ),
    _ratio(
        "fail.rate", "Failures", "Share of clips without a usable answer after retries.", ["run.failed"], ["run.clips"]
    ),
    _spread(
        "pace.late_p99",
        "Frame lateness p99",
        "99th percentile of how late our own audio frames left, in the worst clip.",
        "pace.late_p99",
        "max",
    ),
    _spread(
        "pace.late_max", "Frame lateness, worst", "The latest any of our own audio frames left.", "pace.late_max", "max"
    ),
    _spread(
        "pace.end_drift",
        "Pacing drift at the end",
        "How late the last audio frame of a clip left, in the worst clip.",
        "pace.end_drift",
        "max",
    ),
    _ratio(
        "pace.invalid_clips",
        "Badly paced clips",
        "Share of streamed clips our own instrument paced too badly (a frame over 50 ms or the last over 20 ms late); "
        "their latencies are left out.",
        ["pace.invalid"],
        ["pace.clips"],
    ),
)

_BY_ID = {metric.id: metric for metric in METRICS}


def describe(metric_id: str) -> Metric:
    """The metric of that id.

    Raises:
        SettingsError: there is none; the nearest id is suggested.
    """
    if metric_id not in _BY_ID:
        raise SettingsError.unknown("metric", metric_id, _BY_ID)
    return _BY_ID[metric_id]
