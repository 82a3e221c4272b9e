"""Worked cases: accuracy."""

from evalkit import intervals
from evalkit.scoring import words
from tests.golden.shared import Answer, Case, flat, tokens


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


def run_to_run(case: Case) -> Answer:
    sides = list(zip(case["input"]["run_1"], case["input"]["run_2"], strict=True))
    found = sum((words.unit_counts(tokens(first), tokens(second)) for first, second in sides), words.ErrorCounts())
    return {
        "identical_clips": sum(first == second for first, second in sides) / len(sides),
        "disagreement": found.rate,
        "ref_words": found.reference_words,
    }


ADAPTERS = {
    "wer": wer,
    "wer_corpus": wer_corpus,
    "alignment": alignment,
    "cer": cer,
    "token_error_rate_mixed": token_error_rate_mixed,
    "hallucination": hallucination,
    "run_to_run": run_to_run,
}
