"""Worked cases: accuracy."""

import importlib.util
import statistics
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from evalkit.scoring import (
    compounds,
    entities,
    formatting,
    hallucination,
    keyterms,
    omissions,
    repeats,
    text,
    whisper,
    words,
)
from evalkit.stats import intervals
from tests.golden.shared import Answer, Case, flat, rules_of, share, tokens


def profiles() -> Iterator[str]:
    yield from text.PROFILES
    if importlib.util.find_spec("whisper_normalizer"):
        yield from whisper.NAMES


def wer(case: Case) -> Answer:
    said, got = case["input"]["reference"], case["input"]["hypothesis"]
    name = rules_of(case)
    pairs = words.align(tokens(said, name), tokens(got, name))
    return {
        **flat(words.unit_counts(tokens(said, name), tokens(got, name))),
        "leading_insertions": words.leading_insertions(pairs),
        "trailing_deletions": words.trailing_deletions(pairs),
        "wer_raw": words.unit_counts(tokens(said), tokens(got)).rate,
        **{f"wer_{rules}": words.unit_counts(tokens(said, rules), tokens(got, rules)).rate for rules in profiles()},
    }


def wer_corpus(case: Case) -> Answer:
    name = rules_of(case)
    sides = list(zip(case["input"]["references"], case["input"]["hypotheses"], strict=True))
    found = [words.unit_counts(tokens(said, name), tokens(got, name)) for said, got in sides]
    answered = [clip for clip, (_, got) in zip(found, sides, strict=True) if got is not None]
    rates = sorted(clip.rate for clip in found if clip.rate is not None)
    speech = [clip for clip in found if clip.reference_words]
    imperfect = sum(not clip.perfect for clip in speech)
    pooled = sum(found, words.ErrorCounts())
    return {
        "per_clip": [clip.rate for clip in found],
        **{key: value for key, value in flat(pooled).items() if key != "perfect"},
        "pooled": pooled.rate,
        "pooled_all": pooled.rate,
        "pooled_speech_only": sum(speech, words.ErrorCounts()).rate,
        "fail_as_empty": pooled.rate,
        "scored_only": sum(answered, words.ErrorCounts()).rate,
        "coverage": share(len(answered), len(found)),
        "macro_mean": share(sum(rates), len(rates)),
        "median": statistics.median(rates) if rates else None,
        # Silence that was left silent is perfect, though it has no rate and so no sentence to be wrong.
        "perfect_rate": share(sum(clip.perfect for clip in found), len(found)),
        "sentence_error_rate": share(imperfect, len(speech)),
        "n_undefined": len(found) - len(rates),
    }


def alignment(case: Case) -> Answer:
    said, got = (tokens(case["input"][side], rules_of(case)) for side in ("reference", "hypothesis"))
    unit, hit = words.unit_counts(said, got), words.counts(words.align(said, got))
    return {
        "wer": unit.rate,
        "jiwer": flat(unit),
        "hit_alignment": flat(hit),
        "wer_unit_cost": unit.rate,
        "wer_sclite": hit.rate,
        "hits_unit_cost": unit.hits,
        "hits_sclite": hit.hits,
        "errors_unit_cost": unit.errors,
        "errors_sclite": hit.errors,
    }


def cer(case: Case) -> Answer:
    """A case names a language or a text profile; either says whether spaces are characters."""
    name, language = rules_of(case), {**case["input"], **case["params"]}.get("language")
    spaced = name not in ("cjk_char", "mixed") and text.is_spaced(language) and text.primary_language(language) != "ko"
    sides = [tokens(case["input"][side], name) for side in ("reference", "hypothesis")]
    plain = [tokens(case["input"][side]) for side in ("reference", "hypothesis")]
    clusters = text.has_marks(language)
    found = {
        spaces: words.character_counts(sides[0], sides[1], spaces=spaces, clusters=clusters) for spaces in (True, False)
    }
    return {
        **{key: value for key, value in flat(found[spaced]).items() if key in ("H", "S", "D", "I", "N", "errors")},
        "cer": found[spaced].rate,
        "cer_with_spaces": found[True].rate,
        "cer_without_spaces": found[False].rate,
        "wer": words.unit_counts(*plain).rate,
        "wer_whitespace_tokens": words.unit_counts(*plain).rate,
    }


def token_error_rate_mixed(case: Case) -> Answer:
    said, got = (tokens(case["input"][side], "mixed") for side in ("reference", "hypothesis"))
    found = words.unit_counts(said, got)
    return {**flat(found), "rate": found.rate, "tokens_ref": list(said), "tokens_hyp": list(got)}


def hallucinations(case: Case) -> Answer:
    said = [tokens(clip.get("hypothesis"), rules_of(case, "basic")) for clip in case["input"]["clips"]]
    minutes = sum(clip["duration_s"] for clip in case["input"]["clips"]) / 60
    found, with_words = sum(map(len, said)), sum(map(bool, said))
    return {
        "clips": len(said),
        "clips_with_words": with_words,
        "clip_rate": share(with_words, len(said)),
        "clip_rate_ci95": list(intervals.clopper_pearson(with_words, len(said))) if said else None,
        "words": found,
        "words_per_minute": share(found, minutes),
        "words_per_min": share(found, minutes),
        "max_words": max(map(len, said), default=0),
        "loop_rate": share(sum(map(hallucination.loops, said)), len(said)),
    }


def run_to_run(case: Case) -> Answer:
    runs = [case["input"][name] for name in sorted(case["input"]) if name.startswith("run_")]
    sides = [
        pair
        for both in combinations(runs, 2)
        for pair in zip(*both, strict=True)
        if None not in pair  # both answered
    ]
    found = repeats.disagreement(sides, text.profile(rules_of(case)))
    return {
        "identical_clips": found.identical_share,
        "disagreement": found.rate,
        "ref_words": found.words.reference_words,
        "errors": found.words.errors,
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
    said, got = case["input"]["reference"] or "", case["input"]["hypothesis"] or ""
    answer: Answer = {name: words.unit_counts(tokens(said, name), tokens(got, name)).rate for name in profiles()}
    if "whisper_en" in answer:
        answer |= {"ref_en": whisper.normalised(said, "whisper_en"), "hyp_en": whisper.normalised(got, "whisper_en")}
    return answer


def wer_compound_tolerant(case: Case) -> Answer:
    name = rules_of(case)
    said, got = tokens(case["input"]["reference"], name), tokens(case["input"]["hypothesis"], name)
    found, free = words.unit_counts(said, got), compounds.compound_errors(said, got)
    return {
        "N": len(said),
        "wer": found.rate,
        "wer_compound": share(free, len(said)),
        "errors": found.errors,
        "errors_compound": free,
    }


def spellings(term: Any) -> str:
    """A term, alone or with its variants, the way a list of key terms is written."""
    if isinstance(term, Mapping):
        return "|".join([term["term"], *term.get("variants", ())])
    return term if isinstance(term, str) else "|".join(term)


def keyterm(case: Case) -> Answer:
    rules = text.profile(rules_of(case, "basic"))
    terms = keyterms.terms_of(tuple(map(spellings, case["input"]["terms"])), rules)
    found, bag = keyterms.TermCounts(), keyterms.TermCounts()
    biased, others = words.ErrorCounts(), words.ErrorCounts()
    for said, got in zip(case["input"]["references"], case["input"]["hypotheses"], strict=True):
        left, right = rules.tokens(said or ""), rules.tokens(got or "")
        pairs = words.align(left, right)
        found += keyterms.term_counts(left, right, pairs, terms)
        bag += keyterms.bag_counts(left, right, terms)
        listed, rest = keyterms.biased_counts(left, right, pairs, terms)
        biased, others = biased + listed, others + rest
    given = {**case["input"], **case["params"]}
    seconds = given.get("audio_s", given.get("audio_hours", 0) * 3600)
    return {
        "occurrences": found.occurrences,
        "tp": found.found,
        "fn": found.missed,
        "fp": found.invented,
        "recall": found.recall,
        "precision": found.precision,
        "f1": found.f1,
        "false_per_hour": share(found.invented, (sum(seconds) if isinstance(seconds, list) else seconds) / 3600),
        "bag_recall": bag.recall,
        "bag_precision": bag.precision,
        "bwer": biased.rate,
        "uwer": others.rate,
        "wer": (biased + others).rate,
        "bwer_words": biased.reference_words,
        "uwer_words": others.reference_words,
    }


def slots(side: Any) -> list[entities.Entity]:
    """Annotated values, or those to be found in a text."""
    if isinstance(side, str):
        return entities.extract(side)
    rows = ((row["type"], row["value"]) if isinstance(row, Mapping) else row for row in side or ())
    return [entities.Entity(kind, str(value)) for kind, value in rows]


def entity(case: Case) -> Answer:
    found = entities.entity_counts(*(slots(case["input"][side]) for side in ("reference", "hypothesis")))
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
    sides = case["input"]["reference"] or "", case["input"]["hypothesis"] or ""
    marks = case["params"].get("marks", formatting.MARKS)
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
    found = formatting.case_counts(case["input"]["reference"] or "", case["input"]["hypothesis"] or "")
    return {
        "matched": found.matched,
        "case_errors": found.errors,
        "case_error_rate": found.error_rate,
        "cap_recall": found.recall,
        "cap_precision": found.precision,
    }


def formatted_wer(case: Case) -> Answer:
    sides = case["input"]["reference"] or "", case["input"]["hypothesis"] or ""
    return {
        "punct_as_tokens": formatting.formatted_counts(*sides).rate,
        "punct_attached": formatting.formatted_counts(*sides, marks_as_tokens=False).rate,
    }


def deletion_bursts(case: Case) -> Answer:
    given, name = {**case["input"], **case["params"]}, rules_of(case)
    pairs = words.align(tokens(given["reference"], name), tokens(given["hypothesis"], name))
    limits = {key: given[key] for key in ("burst_min", "burst_gap") if key in given}
    found = omissions.omissions(pairs, **limits)
    return {
        "deletions": found.deletions,
        "longest": found.longest,
        "bursts": found.bursts,
        "burst_words": found.burst_words,
        "burst_share": found.burst_share,
        "bursts_per_hour": share(found.bursts, given.get("audio_s", 0) / 3600),
        "tail": found.tail,
        "head": found.head,
        "truncated": found.truncated,
    }


def slices(case: Case) -> Answer:
    answer: Answer = {}
    for system, found in case["input"].items():
        rates = {name: intervals.cluster_ratio([errors], [said]).value for name, (errors, said) in found.items()}
        answer |= {f"{system}_{name}": rate for name, rate in rates.items()}
        errors, said = zip(*found.values(), strict=True)
        pooled = intervals.cluster_ratio(errors, said).value
        known = [rate for rate in rates.values() if rate is not None]
        answer[f"{system}_pooled"] = pooled
        answer[f"{system}_slice_macro"] = share(sum(known), len(known))
        answer[f"{system}_worst_slice_gap"] = None if pooled is None else max(known) - pooled
    return answer


ADAPTERS = {
    "wer": wer,
    "wer_corpus": wer_corpus,
    "alignment": alignment,
    "cer": cer,
    "token_error_rate_mixed": token_error_rate_mixed,
    "hallucination": hallucinations,
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
