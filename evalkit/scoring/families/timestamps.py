"""Timestamps: how far the times of matched words are off, whether they drift, and whether they can be true."""

from collections.abc import Sequence
from dataclasses import replace

from evalkit.scoring import captions, plausible, timing
from evalkit.scoring.define import Statistic, columns, ratio, sentence, spread
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric, Word

_AAS = "Shi et al. 2023 (AAS)"
_LIMITS_MS = (50, 100, 200)
_STEP_WORDS = 5
"""A window needs so many words to have a median worth comparing."""
_GRID_TIMES = 10
"""A divisor of fewer different times says little about their grid."""
_FAULTS = {
    "missing": ("Words without times", "words without a start or an end"),
    "zero_length": ("Words of no length", "words that end where they start"),
    "negative_length": ("Words ending before they start", "words that end before they start"),
    "start_decreases": ("Starts going back", "words that start before the word in front of them in their channel"),
    "overlaps": ("Overlapping words", "words that begin over 10 ms before their neighbour of the same speaker ends"),
    "beyond_audio": ("Words beyond the audio", "words that end over 50 ms after the audio"),
    "too_long": ("Words longer than 2 s", "words longer than 2 s"),
    "negative_start": ("Words before the audio", "words that start before 0"),
}


def _offset(edge: str) -> list[Metric]:
    base = f"ts.offset.{edge}"
    words = columns(base, "words")
    of_words = f"of word {edge}s, hypothesis minus reference, over matched words that are not numbers"
    return [
        ratio(
            f"{base}.mean",
            f"Mean {edge} drift",
            f"Mean signed error {of_words}; positive is late.",
            columns(base, "sum_s"),
            words,
            unit="s",
            direction="zero",
            source=_AAS,
        ),
        _signed(f"{base}.median", f"Median {edge} drift", f"Median signed error {of_words}; positive is late.", base),
        ratio(
            f"{base}.mae",
            f"Mean absolute {edge} error",
            f"Mean absolute error {of_words}.",
            columns(base, "absolute_s"),
            words,
            unit="s",
            source=_AAS,
        ),
        spread(
            f"{base}.p95",
            f"{sentence(edge)} error p95",
            f"95th percentile of the absolute error {of_words}.",
            f"{base}.absolute",
            "p95",
            source=_AAS,
        ),
        *(
            ratio(
                f"{base}.within_{limit}ms",
                f"{sentence(edge)}s within {limit} ms",
                f"Share of matched words whose {edge} is at most {limit} ms off.",
                columns(base, f"within_{limit}ms"),
                words,
                direction="higher",
                source=_AAS,
            )
            for limit in _LIMITS_MS
        ),
    ]


def _signed(metric_id: str, title: str, definition: str, values: str, statistic: Statistic = "p50") -> Metric:
    """A statistic of signed values, best at zero."""
    return replace(spread(metric_id, title, definition, values, statistic), direction="zero")


def _fault(name: str) -> Metric:
    title, which = _FAULTS[name]
    return _valid(f"ts.valid.{name}", title, f"Per word of the hypothesis, {which}; no reference is needed.", name)


def _valid(metric_id: str, title: str, definition: str, column: str) -> Metric:
    return ratio(metric_id, title, definition, columns("ts.valid", column), columns("ts.valid", "words"))


_AGREE = "Between the words a stream and the REST answer of one provider share, start times, stream minus REST"

METRICS: tuple[Metric, ...] = (
    *_offset("start"),
    *_offset("end"),
    spread("ts.agree.median", "Stream against REST, median", f"{_AGREE}: median.", "ts.agree", "p50"),
    ratio(
        "ts.agree.mae",
        "Stream against REST, mean size",
        f"{_AGREE}: mean absolute difference.",
        columns("ts.agree", "absolute_s"),
        columns("ts.agree", "words"),
        unit="s",
    ),
    *(
        ratio(
            f"ts.agree.within_{limit}ms",
            f"Stream and REST within {limit} ms",
            f"{_AGREE}: share at most {limit} ms apart.",
            columns("ts.agree", f"within_{limit}ms"),
            columns("ts.agree", "words"),
            direction="higher",
        )
        for limit in _LIMITS_MS
    ),
    ratio(
        "ts.agree.coverage",
        "Words shared with REST",
        "Words with times of the REST answer that the stream has too, numbers left out.",
        columns("ts.agree", "words"),
        columns("ts.agree", "rest_words"),
        direction="higher",
    ),
    ratio(
        "ts.coverage",
        "Timed words matched",
        "Reference words matched by a hypothesis word with times, per reference word that has times and is no number.",
        ["ts.matched_words"],
        ["ts.reference_words"],
        direction="higher",
    ),
    ratio(
        "ts.numbers",
        "Number words",
        "Share of the reference words that become digits and take no part in the figures of drift: the time of 21 "
        "cannot be compared with that of twenty one.",
        ["ts.numbers.words"],
        ["ts.numbers.of"],
        direction="zero",
        bounded=True,
    ),
    ratio(
        "ts.offset.aas",
        "AAS, mean of boundaries",
        "Accumulated averaging shift: mean absolute error of the starts and ends of matched words with both.",
        ["ts.offset.aas.absolute_s"],
        ["ts.offset.aas.boundaries"],
        unit="s",
        source=_AAS,
    ),
    ratio(
        "ts.offset.aas_funasr",
        "AAS as in FunASR",
        "The same with the errors of start and end added rather than averaged, as FunASR's code does: twice as much.",
        ["ts.offset.aas.absolute_s"],
        ["ts.offset.aas.words"],
        unit="s",
        source="FunASR timestamp_tools",
    ),
    _signed(
        "ts.slope.p50",
        "Drift per minute of audio",
        "How much later words get with every minute of a clip (Theil-Sen slope of start drift), median over clips with "
        "at least 30 matched words over 5 min.",
        "ts.slope",
    ),
    _signed(
        "ts.slope.low",
        "Drift per minute, lower limit",
        "Lower end of the 95 % interval of a clip's Theil-Sen slope (Sen 1968), median over clips.",
        "ts.slope.lo",
    ),
    _signed(
        "ts.slope.high",
        "Drift per minute, upper limit",
        "Upper end of the 95 % interval of a clip's Theil-Sen slope (Sen 1968), median over clips.",
        "ts.slope.hi",
    ),
    spread(
        "ts.slope.max",
        "Drift per minute of audio, worst",
        "The largest absolute Theil-Sen slope of start drift, in seconds per minute, of any clip.",
        "ts.slope.absolute",
        "max",
    ),
    _signed(
        "ts.intercept",
        "Constant offset",
        "Start drift at the beginning of a clip on its Theil-Sen line, median over clips.",
        "ts.intercept",
    ),
    spread(
        "ts.jitter",
        "Jitter of word starts",
        "Median absolute deviation of start drifts from the clip's Theil-Sen line, median over clips.",
        "ts.jitter",
        "p50",
    ),
    spread(
        "ts.max_step",
        "Largest step of drift",
        "The largest jump between the median start drifts of neighbouring windows of 30 s (with at least 5 matched "
        "words each) in any clip.",
        "ts.max_step",
        "max",
    ),
    _valid(
        "ts.valid",
        "Impossible word times",
        "Word times no contract allows (negative length, start going back, end beyond the audio), per word of the "
        "hypothesis.",
        "broken",
    ),
    *map(_fault, _FAULTS),
    spread(
        "ts.grid",
        "Grid of word times",
        "The greatest step of which all word times of a clip are multiples, median over clips; a coarse grid alone "
        "costs a quarter of its step on average.",
        "ts.grid",
        "p50",
    ),
    _signed(
        "ts.final_shift.p50",
        "Start moved by finalising",
        "Start of a word in the final text minus its start when it was first shown in an interim, median over words.",
        "ts.final_shift",
    ),
    spread(
        "ts.final_shift.p95",
        "Start moved by finalising p95",
        "95th percentile of how far the start of a word moved between its first interim and the final text.",
        "ts.final_shift.absolute",
        "p95",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Signed drift of the words both sides agree on, and the times of all words by themselves."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "ts")
        return
    _offsets(row, case)
    _agreement(row, case)
    _faults(row, case)
    _moves(row, case)


def _agreement(row: Row, case: Case) -> None:
    if case.trace.route == "rest":
        row.lack("not_applicable", "ts.agree")
        return
    comparable = timing.comparable_words(case.rest or (), case.profile)
    if not comparable or case.failed or all(word.start_s is None for word in case.words):
        row.lack("missing_input", "ts.agree")
        return
    starts, _ = timing.offsets(timing.agreement(case.rest or (), case.words, case.profile))
    row.add("ts.agree", {"rest_words": comparable, **_sizes(starts)})
    if starts.values_s:
        row.values["ts.agree"] = starts.values_s
    else:
        row.lack("missing_input", "ts.agree.median")


def _offsets(row: Row, case: Case) -> None:
    comparable = timing.comparable_words(case.reference or (), case.profile)
    if case.reference is None:
        row.lack("missing_input", "ts.numbers")
    else:
        numbers = len(timing.number_words(case.reference, case.profile))
        row.add("ts.numbers", {"words": numbers, "of": len(case.reference)})
    if case.failed or not comparable or all(word.start_s is None for word in case.words):
        row.lack("missing_input", "ts.offset", "ts.coverage", *_LONG)
        return
    found = timing.drifts(case.reference or (), case.words, case.profile)
    row.add(
        "ts",
        {
            "matched_words": len(found),
            "reference_words": comparable,
            "hypothesis_words": len(case.words),
            "untimed_words": sum(word.start_s is None for word in case.words),
        },
    )
    for edge, drifts in zip(("start", "end"), timing.offsets(found), strict=True):
        base = f"ts.offset.{edge}"
        if not drifts.values_s:
            row.lack("missing_input", base)
            continue
        row.add(base, {"sum_s": drifts.sum_s, **_sizes(drifts)})
        row.values[base] = drifts.values_s
        row.values[f"{base}.absolute"] = drifts.sizes_s
    _both_edges(row, found)
    _long_audio(row, case.reference or (), found)


def _sizes(found: timing.Offsets) -> dict[str, float]:
    within = {f"within_{limit}ms": found.count_within(limit / 1000) for limit in _LIMITS_MS}
    return {"words": len(found.values_s), "absolute_s": found.absolute_s, **within}


def _both_edges(row: Row, found: Sequence[timing.Drift]) -> None:
    both = timing.boundaries(found)
    number = len(both.values_s)
    if not number:
        row.lack("missing_input", "ts.offset.aas", "ts.offset.aas_funasr")
        return
    row.add("ts.offset.aas", {"absolute_s": both.absolute_s, "boundaries": number, "words": number // 2})


_LONG = ("ts.slope", "ts.intercept", "ts.jitter", "ts.max_step")


def _long_audio(row: Row, reference: Sequence[Word], found: Sequence[timing.Drift]) -> None:
    at_s = [reference[drift.reference].start_s or 0.0 for drift in found]
    drifts = [drift.start_s for drift in found]
    step = timing.largest_step(at_s, drifts, least=_STEP_WORDS)
    row.measure("ts.max_step", None if step is None else abs(step))
    slope = timing.slope(at_s, drifts) if timing.long_enough(at_s) else None
    if slope is None:
        row.lack("missing_input", "ts.slope", "ts.intercept", "ts.jitter")
        return
    row.values["ts.slope"] = (slope.s_per_min,)
    if slope.lo_s_per_min is not None and slope.hi_s_per_min is not None:
        row.values["ts.slope.lo"], row.values["ts.slope.hi"] = (slope.lo_s_per_min,), (slope.hi_s_per_min,)
    else:
        row.lack("missing_input", "ts.slope.low", "ts.slope.high")
    row.values["ts.slope.absolute"] = (abs(slope.s_per_min),)
    row.values["ts.intercept"] = (slope.intercept_s,)
    row.values["ts.jitter"] = (slope.jitter_s,)


def _faults(row: Row, case: Case) -> None:
    words = case.words
    if len({word.channel for word in words}) > 1:  # merged by start they would all be in order
        *_, last = case.hypothesis.captions()
        words = last.words
    if not words or all(word.start_s is None for word in words):
        row.lack("missing_input", "ts.valid", "ts.grid")
        return
    found = plausible.time_faults(words, case.clip.duration_s)
    row.add("ts.valid", {**{name: getattr(found, name) for name in found.names()}, "broken": found.broken})
    times = {time_s for word in words for time_s in (word.start_s, word.end_s) if time_s is not None}
    row.measure("ts.grid", plausible.time_grid_s(times) if len(times) >= _GRID_TIMES else None)


def _moves(row: Row, case: Case) -> None:
    if case.trace.route == "rest" or (not case.failed and not captions.has_interims(case.hypothesis)):
        row.lack("not_applicable", "ts.final_shift")
        return
    moved = [] if case.failed else timing.final_shifts(case.hypothesis, case.profile)
    if not moved:
        row.lack("missing_input", "ts.final_shift")
        return
    row.values["ts.final_shift"] = tuple(moved)
    row.values["ts.final_shift.absolute"] = tuple(map(abs, moved))
