"""Worked cases: accuracy."""

from evalkit import intervals
from evalkit.scoring import compounds, entities, formatting, keyterms, omissions, repeats, text, whisper, words
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
    sides = zip(case["input"]["run_1"], case["input"]["run_2"], strict=True)
    found = repeats.disagreement(sides, text.profile("none"))
    return {
        "identical_clips": found.identical_share,
        "disagreement": found.rate,
        "ref_words": found.words.reference_words,
    }


def normalizer_whisper_en(case: Case) -> Answer:
    return {"out": [whisper.normalised(said, "whisper_en") for said in case["input"]["texts"]]}


def normalizer_whisper_basic(case: Case) -> Answer:
    said = case["input"]["texts"]
    return {
        "out": [whisper.normalised(line, "whisper_basic") for line in said],
        "out_preserve_marks": [whisper.normalised(line, "whisper_basic", preserve_marks=True) for line in said],
    }


def wer_by_normaliser(case: Case) -> Answer:
    said, got = case["input"]["reference"], case["input"]["hypothesis"]
    rates = {
        name: words.unit_counts(tokens(said, name), tokens(got, name)).rate for name in (*text.PROFILES, *whisper.NAMES)
    }
    return {
        **rates,
        "ref_en": whisper.normalised(said, "whisper_en"),
        "hyp_en": whisper.normalised(got, "whisper_en"),
    }


def wer_compound_tolerant(case: Case) -> Answer:
    name = case["params"].get("normalizer", "none")
    said, got = tokens(case["input"]["reference"], name), tokens(case["input"]["hypothesis"], name)
    found, free = words.unit_counts(said, got), compounds.compound_errors(said, got)
    return {
        "wer": found.rate,
        "wer_compound": words.ErrorCounts(len(said) - free, free).rate if said else None,
        "errors": found.errors,
        "errors_compound": free,
    }


def keyterm(case: Case) -> Answer:
    rules = text.profile("basic")
    terms = keyterms.terms_of(tuple(case["input"]["terms"]), rules)
    found, bag = keyterms.TermCounts(), keyterms.TermCounts()
    biased, others = words.ErrorCounts(), words.ErrorCounts()
    for said, got in zip(case["input"]["references"], case["input"]["hypotheses"], strict=True):
        left, right = rules.tokens(said), rules.tokens(got)
        pairs = words.align(left, right)
        found += keyterms.term_counts(left, right, pairs, terms)
        bag += keyterms.bag_counts(left, right, terms)
        listed, rest = keyterms.biased_counts(left, right, pairs, terms)
        biased, others = biased + listed, others + rest
    return {
        "occurrences": found.occurrences,
        "tp": found.found,
        "fn": found.missed,
        "fp": found.invented,
        "recall": found.recall,
        "precision": found.precision,
        "f1": found.f1,
        "bag_recall": bag.recall,
        "bag_precision": bag.precision,
        "bwer": biased.rate,
        "uwer": others.rate,
        "wer": (biased + others).rate,
        "bwer_words": biased.reference_words,
        "uwer_words": others.reference_words,
    }


def entity(case: Case) -> Answer:
    sides = ([entities.Entity(*slot) for slot in case["input"][side]] for side in ("reference", "hypothesis"))
    found = entities.entity_counts(*sides)
    return {
        "correct": found.slots.hits,
        "substitutions": found.slots.substitutions,
        "deletions": found.slots.deletions,
        "insertions": found.slots.insertions,
        "slot_error_rate": found.slot_error_rate,
        "exact_recall": found.recall,
        "exact_precision": found.precision,
        "digit_error_rate": found.digit_error_rate,
    }


def punctuation_error_rate(case: Case) -> Answer:
    sides, marks = (case["input"]["reference"], case["input"]["hypothesis"]), case["params"]["marks"]
    published = formatting.punctuation_counts(*sides, marks=marks, lexical=False)
    return {
        "C": published.hits,
        "D": published.deletions,
        "I": published.insertions,
        "S": published.substitutions,
        "per": published.match_error_rate,
        "per_evalkit": formatting.punctuation_counts(*sides, marks=marks).match_error_rate,
    }


def capitalisation(case: Case) -> Answer:
    found = formatting.case_counts(case["input"]["reference"], case["input"]["hypothesis"])
    return {
        "matched": found.matched,
        "case_errors": found.errors,
        "case_error_rate": found.error_rate,
        "cap_recall": found.recall,
        "cap_precision": found.precision,
    }


def formatted_wer(case: Case) -> Answer:
    sides = case["input"]["reference"], case["input"]["hypothesis"]
    return {
        "punct_as_tokens": formatting.formatted_counts(*sides).rate,
        "punct_attached": formatting.formatted_counts(*sides, marks_as_tokens=False).rate,
    }


def deletion_bursts(case: Case) -> Answer:
    pairs = words.align(tokens(case["input"]["reference"]), tokens(case["input"]["hypothesis"]))
    found = omissions.omissions(pairs, **case["params"])
    return {
        "deletions": found.deletions,
        "longest": found.longest,
        "bursts": found.bursts,
        "burst_words": found.burst_words,
        "burst_share": found.burst_share,
        "tail": found.tail,
        "head": found.head,
    }


def slices(case: Case) -> Answer:
    answer: Answer = {}
    for system, found in case["input"].items():
        rates = {name: intervals.cluster_ratio([errors], [said]).value for name, (errors, said) in found.items()}
        answer |= {f"{system}_{name}": rate for name, rate in rates.items()}
        errors, said = zip(*found.values(), strict=True)
        answer[f"{system}_pooled"] = intervals.cluster_ratio(errors, said).value
        known = [rate for rate in rates.values() if rate is not None]
        answer[f"{system}_slice_macro"] = sum(known) / len(known) if known else None
    return answer


ADAPTERS = {
    "wer": wer,
    "wer_corpus": wer_corpus,
    "alignment": alignment,
    "cer": cer,
    "token_error_rate_mixed": token_error_rate_mixed,
    "hallucination": hallucination,
    "run_to_run": run_to_run,
    "normalizer_whisper_en": normalizer_whisper_en,
    "normalizer_whisper_basic": normalizer_whisper_basic,
    "wer_by_normaliser": wer_by_normaliser,
    "wer_compound_tolerant": wer_compound_tolerant,
    "keyterm": keyterm,
    "entity": entity,
    "punctuation_error_rate": punctuation_error_rate,
    "capitalisation": capitalisation,
    "formatted_wer": formatted_wer,
    "deletion_bursts": deletion_bursts,
    "slices": slices,
}
