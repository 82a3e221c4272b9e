"""The worked cases of golden.json, or of the file named by EVALKIT_GOLDEN: one adapter per metric family.

An adapter translates a case into calls of public functions and gives back what they return; it knows no expected value
and no single case. A case whose family is pending is not collected.
"""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit import intervals
from evalkit.scoring import captions, cost, latency, speakers, text, timing, words
from evalkit.types import Event, State, Turn, Word
from tests import conversations

PATH = Path(os.environ.get("EVALKIT_GOLDEN") or Path(__file__).parent / "golden.json")
CASES = json.loads(PATH.read_text("utf-8"))["cases"]
Case = Mapping[str, Any]
Answer = dict[str, Any]

PENDING = {
    "attainability", "average_lagging", "billed_seconds", "bootstrap_wer", "budget", "capacity", "caption_state",
    "capitalisation", "channel_swap", "cluster_bootstrap", "combine", "coordinated_omission", "criterion", "crosstalk",
    "degradation", "deletion_bursts", "design_effect", "drift", "endpointing", "entity", "evidence", "final_assembly",
    "final_violations", "formatted_wer", "keyterm", "latency_breakdown", "mapsswe", "mapsswe_z", "mcnemar", "mulaw",
    "multiple_comparisons", "non_inferiority", "normalizer_whisper_basic", "normalizer_whisper_en", "paired_bootstrap",
    "pareto", "partial_quality", "peak_rate", "punctuation_error_rate", "rejection", "retry", "salvage", "seam",
    "slices", "snr_gain", "speaker_count", "speaker_flips", "stages", "time_quantum", "timestamp_validity",
    "turn_taking", "wder", "wer_by_normaliser", "wer_compound_tolerant", "wer_difference_se", "zero_failure_n",
}  # fmt: skip
"""Families that are not implemented yet."""

PENDING_KEYS = {"orcwer", "tcpwer", "speaker_confusion_cost", "p_two_sided_mapsswe"}
"""Results inside implemented families that are not implemented yet."""

FOREIGN_KEYS = {"jiwer_wer", "jiwer_wip", "diarizationlm", "linear", "p95_text", "rule_of_three", "status"}
"""What other tools print, written down to document a trap, and texts for people."""


def tokens(sentence: str, name: str = "none") -> tuple[str, ...]:
    return text.profile(name).tokens(sentence)


def flat(found: words.ErrorCounts) -> Answer:
    return {
        "H": found.hits, "S": found.substitutions, "D": found.deletions, "I": found.insertions,
        "N": found.reference_words, "errors": found.errors, "perfect": found.perfect, "wer": found.rate,
        "mer": found.match_error_rate, "wip": found.information_preserved, "wil": found.information_lost,
    }  # fmt: skip


def wer(case: Case) -> Answer:
    said, got = case["input"]["reference"], case["input"]["hypothesis"]
    name = case["params"].get("normalizer", "none")
    pairs = words.align(tokens(said, name), tokens(got, name))
    return {
        **flat(words.unit_counts(tokens(said, name), tokens(got, name))),
        "leading_insertions": words.leading_insertions(pairs),
        "trailing_deletions": words.trailing_deletions(pairs),
        "wer_raw": words.unit_counts(tokens(said), tokens(got)).rate,
        "wer_basic": words.unit_counts(tokens(said, "basic"), tokens(got, "basic")).rate,
    }


def wer_corpus(case: Case) -> Answer:
    sides = zip(case["input"]["references"], case["input"]["hypotheses"], strict=True)
    found = [words.unit_counts(tokens(said), tokens(got)) for said, got in sides]
    rates = sorted(clip.rate for clip in found if clip.rate is not None)
    speech = [clip for clip in found if clip.reference_words]
    perfect = sum(clip.perfect for clip in speech) / len(speech)
    pooled = sum(found, words.ErrorCounts()).rate
    return {
        "per_clip": [clip.rate for clip in found],
        "pooled": pooled,
        "pooled_all": pooled,
        "pooled_speech_only": sum(speech, words.ErrorCounts()).rate,
        "macro_mean": sum(rates) / len(rates),
        "median": intervals.percentile(rates, 0.5),
        "perfect_rate": perfect,
        "sentence_error_rate": 1 - perfect,
        "n_undefined": len(found) - len(rates),
    }


def alignment(case: Case) -> Answer:
    said, got = tokens(case["input"]["reference"]), tokens(case["input"]["hypothesis"])
    unit, hit = words.unit_counts(said, got), words.counts(words.align(said, got))
    return {
        "wer": unit.rate,
        "jiwer": flat(unit),
        "hit_alignment": flat(hit),
        "wer_unit_cost": unit.rate,
        "wer_sclite": hit.rate,
        "hits_unit_cost": unit.hits,
        "hits_sclite": hit.hits,
    }


def cer(case: Case) -> Answer:
    name = case["params"].get("normalizer", "none")
    sides = [tokens(case["input"][side], name) for side in ("reference", "hypothesis")]
    plain = [tokens(case["input"][side]) for side in ("reference", "hypothesis")]
    without = words.character_counts(sides[0], sides[1], spaces=False)
    return {
        "cer": without.rate,
        "N": without.reference_words,
        "cer_with_spaces": words.character_counts(sides[0], sides[1], spaces=True).rate,
        "cer_without_spaces": without.rate,
        "wer": words.unit_counts(*plain).rate,
        "wer_whitespace_tokens": words.unit_counts(*plain).rate,
    }


def token_error_rate_mixed(case: Case) -> Answer:
    said, got = (tokens(case["input"][side], "mixed") for side in ("reference", "hypothesis"))
    found = words.unit_counts(said, got)
    return {"rate": found.rate, "N": found.reference_words, "tokens_ref": list(said), "tokens_hyp": list(got)}


def hallucination(case: Case) -> Answer:
    found = [len(tokens(clip["hypothesis"], "basic")) for clip in case["input"]["clips"]]
    minutes = sum(clip["duration_s"] for clip in case["input"]["clips"]) / 60
    with_words = sum(number > 0 for number in found)
    return {
        "clip_rate": with_words / len(found),
        "clip_rate_ci95": list(intervals.clopper_pearson(with_words, len(found))),
        "words": sum(found),
        "words_per_minute": sum(found) / minutes,
        "max_words": max(found),
    }


def zero_event_bound(case: Case) -> Answer:
    trials = case["input"]["n"]
    return {
        "upper95_one_sided": intervals.zero_event_bound(trials),
        "upper95_two_sided": intervals.zero_event_bound(trials, two_sided=True),
    }


def turns(rows: Sequence[Sequence[Any]]) -> list[Turn]:
    return [Turn(str(name), start, end) for start, end, name in rows]


def der(case: Case) -> Answer:
    said, got = turns(case["input"]["reference"]), turns(case["input"]["hypothesis"])
    collar_s, skip = case["params"]["collar_one_sided_s"], case["params"]["skip_overlap"]
    duration_s = case["input"]["uem"][1]
    # The file holds pyannote's own figures: overlaps of one speaker counted twice, and 1.0 where there is no rate.
    found = speakers.speaker_seconds(said, got, duration_s, collar_s=collar_s, skip_overlap=skip, merge=False)
    jaccard, speaker_count = speakers.jaccard_error(said, got, duration_s, collar_s=collar_s, skip_overlap=skip)
    return {
        "total": found.total,
        "miss": found.miss,
        "fa": found.false_alarm,
        "confusion": found.confusion,
        "der": 1.0 if found.rate is None else found.rate,
        "jer": jaccard / speaker_count if speaker_count else 1.0,
    }


def der_corpus(case: Case) -> Answer:
    found = [
        speakers.speaker_seconds(turns(file["reference"]), turns(file["hypothesis"]), file["uem"][1])
        for file in case["input"]["files"]
    ]
    rates = [file.rate for file in found if file.rate is not None]
    return {
        "per_file": [file.rate for file in found],
        "pooled": sum(found, speakers.SpeakerSeconds()).rate,
        "macro": sum(rates) / len(rates),
    }


def cp(case: Case) -> words.ErrorCounts:
    sides = [
        speakers.by_speaker(
            [Word(said, start, end, str(name)) for name, said, start, end in case["input"][side]], text.profile("none")
        )
        for side in ("reference", "hypothesis")
    ]
    return speakers.cp_counts(*sides)


def cpwer_family(case: Case) -> Answer:
    found = cp(case)
    return {"cpwer": {**flat(found), "length": found.reference_words, "rate": found.rate}}


def cpwer(case: Case) -> Answer:
    return {"meeteval": cp(case).rate}


def words_to_segments(case: Case) -> Answer:
    said = [
        Word(token, start, end, None if name is None else str(name))
        for token, start, end, name in case["input"]["words"]
    ]
    unlabelled = speakers.unlabelled_words(said)
    return {
        "segments": [
            [turn.start_s, turn.end_s, turn.speaker]
            for turn in speakers.turns_of(said, gap_s=case["params"]["max_gap_s"])
        ],
        "unlabelled_words": unlabelled,
        "unlabelled_share": unlabelled / len(said),
    }


def timed(rows: Sequence[Sequence[Any]]) -> list[Word]:
    return [Word(token, start, end) for token, start, end in rows]


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def offsets(said: Sequence[Word], got: Sequence[Word]) -> tuple[int, timing.Offsets, timing.Offsets]:
    found = timing.drifts(said, got, text.profile("basic"))
    starts = timing.Offsets(tuple(drift.start_s for drift in found))
    ends = timing.Offsets(tuple(drift.end_s for drift in found if drift.end_s is not None))
    return len(found), starts, ends


def timestamp_error(case: Case) -> Answer:
    said, got = timed(case["input"]["reference"]), timed(case["input"]["hypothesis"])
    matched, starts, ends = offsets(said, got)
    both = timing.Offsets(starts.values_s + ends.values_s)
    answer: Answer = {
        "matched": matched,
        "coverage": matched / timing.comparable_words(said, text.profile("basic")),
        "start_diff_s": list(starts.values_s),
        "end_diff_s": list(ends.values_s),
        "aas_mean_boundary_ms": milliseconds(both.mean_absolute_s),
        "aas_funasr_ms": 2000 * (both.mean_absolute_s or 0.0),
    }
    for edge, found in (("start", starts), ("end", ends)):
        answer[f"{edge}_mean_ms"] = milliseconds(found.mean_s)
        answer[f"{edge}_median_ms"] = milliseconds(found.median_s)
        answer[f"{edge}_mae_ms"] = milliseconds(found.mean_absolute_s)
        answer[f"{edge}_p95_abs_ms"] = milliseconds(found.p95_absolute_s)
        answer[f"{edge}_within"] = {str(limit): found.within(limit / 1000) for limit in (50, 100, 200)}
    return answer


def timestamp_agreement(case: Case) -> Answer:
    said, got = timed(case["input"]["rest"]), timed(case["input"]["stream"])
    matched, starts, ends = offsets(said, got)
    return {
        "matched": matched,
        "coverage_vs_rest": matched / timing.comparable_words(said, text.profile("basic")),
        "start_median_ms": milliseconds(starts.median_s),
        "start_mae_ms": milliseconds(starts.mean_absolute_s),
        "end_mae_ms": milliseconds(ends.mean_absolute_s),
        "within_50_start": starts.within(0.05),
        "within_50_end": ends.within(0.05),
    }


def erased(states: Sequence[str], name: str | None = None, **rules: bool) -> captions.Erasure:
    return captions.erasure([state.split() if name is None else tokens(state, name) for state in states], **rules)


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


STATES: dict[str, State] = {"interim": "interim", "segment_final": "chunk_final", "utterance_final": "utterance_final"}


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


def interval(found: intervals.Estimate) -> Answer:
    return {"se": found.se, "ci95": [found.lo, found.hi]}


def wer_interval(case: Case) -> Answer:
    found = intervals.cluster_ratio(case["input"]["cluster_errors"], case["input"]["cluster_ref_words"])
    return {"wer": found.value, **interval(found)}


def wer_difference_cluster_t(case: Case) -> Answer:
    errors, reference = case["input"]["cluster_diff_errors"], case["input"]["cluster_ref_words"]
    found = intervals.cluster_ratio_difference(errors, reference, [0] * len(errors), reference)
    return {
        "delta": found.value,
        **interval(found),
        "df": found.clusters - 1,
        "t": intervals.t_quantile(found.clusters - 1),
        "p_two_sided_signflip": intervals.sign_flip_p(errors),
    }


def permutation_test(case: Case) -> Answer:
    return {"sum": sum(case["input"]["diff"]), "p_two_sided": intervals.sign_flip_p(case["input"]["diff"])}


def percentile_ci(case: Case) -> Answer:
    shares = sorted({0.9, *case["input"]["q"]})
    return {
        "ranks": {
            str(n): {str(q): list(intervals.percentile_ranks(n, q)) for q in case["input"]["q"]}
            for n in case["input"]["n"]
        },
        "min_n_upper_two_sided95": {str(q): intervals.units_for_upper_limit(q) for q in shares},
        "min_n_upper_one_sided95": {str(q): intervals.units_for_upper_limit(q, two_sided=False) for q in shares},
    }


def proportion_ci(case: Case) -> Answer:
    events, trials = case["input"]["successes"], case["input"]["n"]
    return {
        "wilson": list(intervals.wilson(events, trials)),
        "clopper": list(intervals.clopper_pearson(events, trials)),
    }


def run_to_run(case: Case) -> Answer:
    sides = list(zip(case["input"]["run_1"], case["input"]["run_2"], strict=True))
    found = sum((words.unit_counts(tokens(first), tokens(second)) for first, second in sides), words.ErrorCounts())
    return {
        "identical_clips": sum(first == second for first, second in sides) / len(sides),
        "disagreement": found.rate,
        "ref_words": found.reference_words,
    }


def cost_summary(case: Case) -> Answer:
    given = case["input"]
    price = cost.Price("p", "rest", "audio", float(given["price_per_hour"]), "", "")
    clip_s = given["mean_clip_s"]
    base = cost.cost_usd(price, [conversations.answered()] * given["clips"], clip_s) or 0.0
    retries = cost.cost_usd(price, [conversations.answered()] * given["failed_billed_attempts"], clip_s) or 0.0
    hours = given["clips"] * clip_s / 3600
    total = base + retries
    return {
        "audio_hours": hours,
        "base_cost": base,
        "retry_cost": retries,
        "total": total,
        "per_audio_hour": total / hours,
        "per_1000_clips": 1000 * total / given["clips"],
        "per_1000_correct_words": 1000 * total / given["hits"],
        "retry_overhead": retries / base,
    }


def price_units(case: Case) -> Answer:
    tick = float(case["input"]["tick_usd"])
    return {
        "rest_usd_per_hour": cost.usd_per_hour(case["input"]["per_audio_second_ticks"] * tick),
        "stream_usd_per_hour": cost.usd_per_hour(case["input"]["per_audio_second_streaming_ticks"] * tick),
    }


ADAPTERS: dict[str, Callable[[Case], Answer]] = {
    adapter.__name__: adapter
    for adapter in (
        wer, wer_corpus, alignment, cer, token_error_rate_mixed, hallucination, zero_event_bound, der, der_corpus,
        cpwer_family, cpwer, words_to_segments, timestamp_error, timestamp_agreement, churn, churn_extend_ok,
        churn_formatting, stream_trace, throughput, percentiles, send_pacing, wer_interval, wer_difference_cluster_t,
        permutation_test, percentile_ci, proportion_ci, run_to_run, cost_summary, price_units,
    )
}  # fmt: skip


def compared(expected: Any, got: Any, tolerance: float, where: str) -> list[str]:
    """Every place where the two differ by more than the tolerance, absolute and relative."""
    if isinstance(expected, dict):
        assert isinstance(got, dict), where
        known = {key: value for key, value in expected.items() if key not in PENDING_KEYS | FOREIGN_KEYS}
        missing = [f"{where}.{key}: not returned" for key in known if key not in got]
        return missing + [
            line
            for key, value in known.items()
            if key in got
            for line in compared(value, got[key], tolerance, f"{where}.{key}")
        ]
    if isinstance(expected, list):
        if len(expected) != len(got):
            return [f"{where}: {got} has not the length of {expected}"]
        return [
            line
            for index, (want, have) in enumerate(zip(expected, got, strict=True))
            for line in compared(want, have, tolerance, f"{where}[{index}]")
        ]
    if isinstance(expected, int | float) and not isinstance(expected, bool) and got is not None:
        same = math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)
    else:
        same = expected == got
    return [] if same else [f"{where}: expected {expected!r}, got {got!r}"]


@pytest.mark.parametrize("case", [case for case in CASES if case["metric"] in ADAPTERS], ids=lambda case: case["id"])
def test_worked_case(case: Case) -> None:
    answer = ADAPTERS[case["metric"]](case)
    assert compared(case["expected"], answer, case["tolerance"], case["id"]) == []


def test_every_family_is_implemented_or_named_as_pending() -> None:
    families = {case["metric"] for case in CASES}
    assert families - set(ADAPTERS) - PENDING == set()
    assert set(ADAPTERS) & PENDING == set()
