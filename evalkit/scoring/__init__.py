"""Scoring: pure functions from (clip, trace, hypothesis) to counts. No network, no clock, no rates.

``score`` makes one row; ``evalkit.stats`` folds rows into rates; ``catalogue.METRICS`` says what each rate means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalkit.errors import ParseError, Refused
from evalkit.scoring import captions, latency, speakers, timing
from evalkit.scoring.catalogue import METRICS, describe
from evalkit.scoring.cost import Price, cost_usd, price, prices
from evalkit.scoring.text import Profile, is_spaced, primary_language, profile, profile_for
from evalkit.scoring.words import ErrorCounts, Pair, align, character_counts, unit_counts
from evalkit.types import Clip, Evidence, Hypothesis, Score, Trace, Turn, Word

__all__ = [
    "METRICS",
    "VERSION",
    "ErrorCounts",
    "Pair",
    "Price",
    "Profile",
    "align",
    "describe",
    "price",
    "prices",
    "profile",
    "profile_for",
    "score",
]

VERSION = "1"
"""Changes whenever a number changes."""

_MISSING, _NOT_APPLICABLE, _INVALID_PACING = "missing_input", "not_applicable", "invalid_pacing"
_STREAMED = ("lat.ttfp_audio", "lat.ttfp_speech", "lat.word_first", "lat.word_stable", "lat.ttfs", "lat.finalize")
_COLLAR_S = {"dia.der": 0.0, "dia.der.collar250": 0.25}


@dataclass(slots=True)
class _Row:
    """The columns of one score while they are gathered."""

    counts: dict[str, float] = field(default_factory=dict)
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def lack(self, reason: str, *families: str) -> None:
        """Note why no metric of these families (leading parts of metric ids) exists for this clip."""
        for metric in METRICS:
            if any(metric.id == family or metric.id.startswith(family + ".") for family in families):
                self.absent[metric.id] = reason

    def add(self, base: str, columns: Mapping[str, float]) -> None:
        self.counts.update({f"{base}.{name}": value + 0 for name, value in columns.items()})

    def measure(self, name: str, seconds: float | None) -> None:
        """One latency, or its absence."""
        if seconds is None:
            self.lack(_MISSING, name)
        else:
            self.values[name] = (seconds,)


@dataclass(frozen=True, slots=True)
class _Case:
    """What the families look at: a failed answer has no words here."""

    clip: Clip
    trace: Trace
    hypothesis: Hypothesis
    reference: tuple[Word, ...] | None
    words: tuple[Word, ...]
    profile: Profile

    @property
    def failed(self) -> bool:
        return self.hypothesis.failure is not None


def score(
    clip: Clip, attempts: Sequence[Trace], hypothesis: Hypothesis, *, price: Price | None, evidence: Evidence
) -> Score:
    """One row of counts for a clip, a provider and a route. Pure.

    Args:
        clip: the clip with its reference.
        attempts: every attempt in order; the last is the one that is scored, all of them cost.
        hypothesis: what the provider said in the last attempt. A failed one is scored as if nothing had been said;
            the text that did arrive is kept in ``Score.hypothesis``.
        price: the line of the price table, or None when unknown.
        evidence: what the numbers may be used for.

    Returns:
        Counts and values; every metric of the catalogue can be made from them or is named in ``absent``.
    """
    trace = attempts[-1]
    case = _Case(
        clip=clip,
        trace=trace,
        hypothesis=hypothesis,
        reference=_in_time_order(clip.reference) if clip.reference is not None else None,
        words=() if hypothesis.failure else hypothesis.words,
        profile=profile_for(clip.language),
    )
    row = _Row()
    row.add("run", {"clips": 1, "attempts": len(attempts), "answered": not case.failed, "failed": case.failed})
    if clip.kind == "nonspeech":
        row.lack(_NOT_APPLICABLE, "acc.wer", "acc.cer", "dia", "ts", "str", "lat.setup", *_STREAMED)
        _hallucinations(row, case)
    else:
        row.lack(_NOT_APPLICABLE, "acc.halluc")
        _accuracy(row, case)
        _diarization(row, case)
        _timestamps(row, case)
        _stability(row, case)
        _stream_latency(row, case)
    _request_latency(row, case)
    _cost(row, case, attempts, price)
    _pacing(row, trace)
    return Score(
        clip_id=clip.id,
        provider=trace.provider,
        route=trace.route,
        evidence=evidence,
        kind=clip.kind,
        cluster=clip.cluster or clip.id,
        language=clip.language,
        slices={**clip.tags, "language": clip.language or "unknown"},
        audio_s=clip.duration_s,
        attempts=len(attempts),
        failure=_failure(hypothesis),
        counts=row.counts,
        values=row.values,
        absent=row.absent,
        pacing=trace.pacing(),
        reference=None if case.reference is None else _text(case.reference),
        hypothesis=hypothesis.text,
    )


def _failure(hypothesis: Hypothesis) -> str | None:
    failure = hypothesis.failure
    if failure is None:
        return None
    kind = "parse" if isinstance(failure, ParseError) else "refused" if isinstance(failure, Refused) else "unavailable"
    return f"{kind}: {failure}"


def _text(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)


def _in_time_order(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Words of several channels merged by start, the way ``Hypothesis.words`` merges them."""
    if len({word.channel for word in words}) > 1 and all(word.start_s is not None for word in words):
        return tuple(sorted(words, key=lambda word: word.start_s or 0.0))
    return words


def _errors(found: ErrorCounts) -> dict[str, float]:
    return {
        "hits": found.hits,
        "substitutions": found.substitutions,
        "deletions": found.deletions,
        "insertions": found.insertions,
    }


def _accuracy(row: _Row, case: _Case) -> None:
    families = ("acc.wer.en", "acc.wer.basic", "acc.cer")
    if case.reference is None:
        row.lack(_MISSING, *families)
        return
    expected, got = _text(case.reference), _text(case.words)
    spaced = is_spaced(case.clip.language)
    applies = {"en": primary_language(case.clip.language) == "en", "basic": spaced}
    for name, applicable in applies.items():
        base = f"acc.wer.{name}"
        if not applicable:
            row.lack(_NOT_APPLICABLE, base)
            continue
        found = _errors(unit_counts(profile(name).tokens(expected), profile(name).tokens(got)))
        row.add(base, found)
        if case.failed:
            row.lack(_MISSING, f"{base}.scored_only")
        else:
            row.add(f"{base}.scored_only", found)
    basic = profile("basic")
    with_spaces = spaced and primary_language(case.clip.language) != "ko"
    row.add("acc.cer", _errors(character_counts(basic.tokens(expected), basic.tokens(got), spaces=with_spaces)))


def _hallucinations(row: _Row, case: _Case) -> None:
    if case.failed:
        row.lack(_MISSING, "acc.halluc")
        return
    words = len(profile("basic").tokens(_text(case.words)))
    row.add(
        "acc.halluc",
        {"clips": 1, "clips_with_words": words > 0, "words": words, "audio_s": case.clip.duration_s},
    )


def _diarization(row: _Row, case: _Case) -> None:
    labelled = speakers.distinct_speakers(case.words)
    silent = not case.words
    if not silent and all(word.speaker is None for word in labelled):
        row.lack(_MISSING, "dia")
        return
    reference = case.reference or ()
    expected_turns = _reference_turns(case)
    got_turns = speakers.turns_of(labelled)
    if expected_turns is None or (not silent and not got_turns):
        row.lack(_MISSING, "dia.der")
    else:
        for base, collar_s in _COLLAR_S.items():
            found = speakers.speaker_seconds(expected_turns, got_turns, case.clip.duration_s, collar_s=collar_s)
            row.add(
                base,
                {
                    "miss_s": found.miss,
                    "false_alarm_s": found.false_alarm,
                    "confusion_s": found.confusion,
                    "total_s": found.total,
                },
            )
    if not reference or any(word.speaker is None for word in reference):
        row.lack(_MISSING, "dia.cpwer")
    else:
        sides = (speakers.by_speaker(side, case.profile) for side in (reference, labelled))
        row.add("dia.cpwer", _errors(speakers.cp_counts(*sides)))


def _reference_turns(case: _Case) -> tuple[Turn, ...] | None:
    if case.clip.turns is not None:
        return case.clip.turns
    words = case.reference or ()
    if not words or any(word.speaker is None or word.start_s is None or word.end_s is None for word in words):
        return None
    return speakers.turns_of(words)


def _timestamps(row: _Row, case: _Case) -> None:
    comparable = timing.comparable_words(case.reference or (), case.profile)
    if case.failed or not comparable or all(word.start_s is None for word in case.words):
        row.lack(_MISSING, "ts")
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
    edges = {"start": [drift.start_s for drift in found], "end": [d.end_s for d in found if d.end_s is not None]}
    for edge, drifts in edges.items():
        base = f"ts.offset.{edge}"
        if not drifts:
            row.lack(_MISSING, base)
            continue
        row.add(
            base,
            {
                "words": len(drifts),
                "sum_s": sum(drifts),
                "absolute_s": sum(map(abs, drifts)),
                "within_100ms": timing.within(drifts, 0.1),
            },
        )
        row.values[base] = tuple(drifts)
        row.values[f"{base}.absolute"] = tuple(map(abs, drifts))


def _stability(row: _Row, case: _Case) -> None:
    if case.failed:
        row.lack(_NOT_APPLICABLE if case.trace.route == "rest" else _MISSING, "str")
        return
    if case.trace.route == "rest" or not captions.has_interims(case.hypothesis):
        row.lack(_NOT_APPLICABLE, "str")
        return
    lexical = captions.caption_erasure(case.hypothesis, case.profile.tokens, profile("basic").tokens)
    display = captions.caption_erasure(case.hypothesis, str.split)
    row.add(
        "str",
        {
            "updates": display.updates,
            "erased": lexical.erased,
            "final_words": lexical.final_words,
            "display_erased": display.erased,
            "display_final_words": display.final_words,
            "changed": display.changed,
            "audio_s": case.clip.duration_s,
        },
    )


def _stream_latency(row: _Row, case: _Case) -> None:
    if case.trace.route == "rest":
        row.lack(_NOT_APPLICABLE, "lat.setup", *_STREAMED)
        return
    row.measure("lat.setup", latency.setup_s(case.trace))
    pacing = case.trace.pacing()
    if pacing is not None and not pacing.valid:
        row.lack(_INVALID_PACING, *_STREAMED)
        return
    if isinstance(case.hypothesis.failure, ParseError):
        row.lack(_MISSING, *_STREAMED)
        return
    begin_s, end_s = latency.speech_bounds_s(case.clip)
    reference = case.reference or ()
    timed_words = latency.expected_words(reference, case.profile)
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
                row.lack(_MISSING, name)
        return
    origin_s = case.trace.audio_origin_s()
    if origin_s is None:
        row.lack(_MISSING, *_STREAMED)
        return
    first_s, final_s = latency.first_text_s(case.hypothesis), latency.final_text_s(case.hypothesis)
    row.measure("lat.ttfp_audio", _since(origin_s, first_s))
    row.measure("lat.ttfp_speech", _since(None if begin_s is None else origin_s + begin_s, first_s))
    row.measure("lat.ttfs", _since(None if end_s is None else origin_s + end_s, final_s))
    row.measure("lat.finalize", latency.finalize_s(case.trace))
    shown = captions.emissions(case.hypothesis, case.profile)
    words = latency.word_latencies(reference, shown, origin_s, case.profile)
    if not words:
        row.lack(_MISSING, "lat.word_first", "lat.word_stable")
        return
    row.values["lat.word_first"] = tuple(word.first_s for word in words)
    row.values["lat.word_stable"] = tuple(word.stable_s for word in words)


def _since(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else end_s - start_s


def _request_latency(row: _Row, case: _Case) -> None:
    if case.trace.route != "rest":
        row.lack(_NOT_APPLICABLE, "lat.rest_total", "lat.rtfx")
        return
    if case.failed:
        row.lack(_MISSING, "lat.rtfx")
        if isinstance(case.hypothesis.failure, ParseError):
            row.lack(_MISSING, "lat.rest_total")
        else:
            row.add("lat.rest_total", {"failed": 1})
        return
    seconds = latency.request_s(case.trace)
    row.measure("lat.rest_total", seconds)
    if seconds is None:
        row.lack(_MISSING, "lat.rtfx")
    else:
        row.add("lat.rtfx", {"audio_s": case.clip.duration_s, "processing_s": seconds})


def _cost(row: _Row, case: _Case, attempts: Sequence[Trace], price: Price | None) -> None:
    usd = None if price is None else cost_usd(price, attempts, case.clip.duration_s)
    if usd is None:
        row.lack(_MISSING, "cost")
    else:
        row.add("cost", {"usd": usd, "audio_s": case.clip.duration_s})


def _pacing(row: _Row, trace: Trace) -> None:
    pacing = trace.pacing()
    if pacing is None:
        row.lack(_NOT_APPLICABLE if trace.route == "rest" else _MISSING, "pace")
        return
    row.add("pace", {"clips": 1, "invalid": not pacing.valid})
    row.values["pace.late_p99"] = (pacing.late_p99_s,)
    row.values["pace.late_max"] = (pacing.late_max_s,)
    row.values["pace.end_drift"] = (pacing.end_drift_s,)
