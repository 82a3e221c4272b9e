"""Accuracy: word and character errors."""

import functools
import itertools
import operator

from evalkit.scoring.compounds import compound_errors
from evalkit.scoring.define import LEVENSHTEIN, columns, error_rate, ratio, sentence
from evalkit.scoring.row import Case, Row, text_of
from evalkit.scoring.text import has_marks, is_spaced, primary_language, profile
from evalkit.scoring.words import ErrorCounts, character_counts, unit_counts
from evalkit.types import Metric

_MORRIS = "Morris, Maier & Green 2004; alignment by jiwer"


def _word_error(profile: str, rules: str) -> list[Metric]:
    base, label = f"acc.wer.{profile}", f"WER ({profile})"
    words = columns(base, "hits", "substitutions", "deletions")
    what = f"substituted, deleted and inserted words per reference word after {rules}"
    return [
        error_rate(base, label, f"{sentence(what)}, pooled over clips; a failed clip counts as all its words deleted."),
        error_rate(
            f"{base}.scored_only",
            f"{label}, answered clips",
            f"{sentence(what)}, over the clips that were answered.",
        ),
        error_rate(
            f"{base}.speech_only",
            f"{label}, clips with words",
            f"{sentence(what)}, without the words invented on clips whose reference is empty.",
        ),
        *(
            ratio(
                f"{base}.{short}_rate",
                f"{sentence(kind)} ({profile})",
                f"{sentence(kind)} per reference word after {rules}.",
                columns(base, kind),
                words,
                source=LEVENSHTEIN,
            )
            for short, kind in (("sub", "substitutions"), ("del", "deletions"), ("ins", "insertions"))
        ),
        ratio(
            f"{base}.macro",
            f"{label}, mean of clips",
            f"{sentence(what)}, as the unweighted mean over clips that have words.",
            columns(base, "clip_rates"),
            columns(base, "clips_with_rate"),
            source=LEVENSHTEIN,
        ),
        Metric(
            f"{base}.median",
            f"{label}, median clip",
            "rate",
            "lower",
            f"{sentence(what)}, of the median clip by nearest rank.",
            LEVENSHTEIN,
            values=f"{base}.clip",
            statistic="p50",
        ),
        ratio(
            f"{base}.perfect",
            f"Perfect clips ({profile})",
            f"Share of clips with a reference and no word error after {rules}.",
            columns(base, "perfect_clips"),
            columns(base, "clips"),
            direction="higher",
        ),
        ratio(
            f"{base}.sentence_error",
            f"Sentence error rate ({profile})",
            f"Share of clips with a reference and at least one word error after {rules}.",
            columns(base, "imperfect_clips"),
            columns(base, "clips"),
            bounded=True,
        ),
        ratio(
            f"acc.mer.{profile}",
            f"MER ({profile})",
            f"Match error rate: errors per position of the unit-cost alignment after {rules}; another alignment of "
            "the same cost can give another figure.",
            columns(base, "substitutions", "deletions", "insertions"),
            columns(base, "hits", "substitutions", "deletions", "insertions"),
            source=_MORRIS,
        ),
        *(
            ratio(
                f"acc.{short}.{profile}",
                f"{short.upper()} ({profile})",
                f"Word information {kind}, {formula}, by the unit-cost alignment after {rules}, as the mean over clips "
                "that have words.",
                columns(base, f"{short}_sum"),
                columns(base, "clips_with_rate"),
                source=_MORRIS,
                direction="higher" if short == "wip" else "lower",
                bounded=True,
            )
            for short, kind, formula in (
                ("wip", "preserved", "hits per reference word times hits per hypothesis word"),
                ("wil", "lost", "1 minus the information preserved"),
            )
        ),
    ]


METRICS: tuple[Metric, ...] = (
    *_word_error("en", "the English text rules (numbers, contractions, spelling, fillers)"),
    *_word_error("basic", "the basic text rules (case, punctuation)"),
    ratio(
        "acc.wer_compound",
        "WER, compounds free",
        "Word errors per reference word under the headline profile of the language when two or three neighbours that "
        "spell one word of the other side are no error.",
        ["acc.wer_compound.errors"],
        ["acc.wer_compound.reference_words"],
        source="kaldialign merge_compounds",
    ),
    error_rate(
        "acc.cer",
        "CER",
        "Character errors per reference character after the basic text rules, without spaces where words are not "
        "separated by them, over graphemes in Indic scripts; a failed clip counts as all its characters deleted.",
    ),
    error_rate(
        "acc.ter_mixed",
        "Mixed error rate",
        "Token errors where each Han, Kana or Thai character and each Latin word or number is one token, for languages "
        "without spaces; called MER in the code-switching literature.",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Word and character errors of clips in which somebody speaks."""
    families = ("acc.wer", "acc.mer", "acc.wip", "acc.wil", "acc.wer_compound", "acc.cer", "acc.ter_mixed")
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", *families)
    elif case.reference is None:
        row.lack("missing_input", *families)
    else:
        _words(row, case)
        _characters(row, case)


def _words(row: Row, case: Case) -> None:
    spaced = is_spaced(case.clip.language)
    applies = {"en": primary_language(case.clip.language) == "en", "basic": spaced}
    for name, applicable in applies.items():
        base = f"acc.wer.{name}"
        if not applicable:
            row.lack("not_applicable", base, f"acc.mer.{name}", f"acc.wip.{name}", f"acc.wil.{name}")
            continue
        expected, got = profile(name).tokens(case.expected), profile(name).tokens(case.got)
        sides = [tuple(map(profile(name).tokens, side)) for side in _sides(case)]
        found = functools.reduce(operator.add, itertools.starmap(unit_counts, sides))
        row.errors(base, found)
        row.add(base, {"clips": 1, "perfect_clips": found.perfect, "imperfect_clips": not found.perfect})
        _of_clip(row, base, name, found)
        if case.failed:
            row.lack("missing_input", f"{base}.scored_only")
        else:
            row.errors(f"{base}.scored_only", found)
        if name == case.profile.name:
            row.add("acc.wer_compound", {"errors": compound_errors(expected, got), "reference_words": len(expected)})
    if not spaced:
        row.lack("not_applicable", "acc.wer_compound")


def _sides(case: Case) -> list[tuple[str, str]]:
    """What is compared: each channel with its own reference when both sides name channels, else the whole texts.

    People on two channels talk at once; merged by time, a start that is 100 ms off would count as wrong words.
    """
    reference = case.reference or ()
    channels = {word.channel for word in (*reference, *case.words)}
    if len({word.channel for word in reference}) < 2 or None in channels:
        return [(case.expected, case.got)]
    return [
        (text_of(w for w in reference if w.channel == channel), text_of(w for w in case.words if w.channel == channel))
        for channel in sorted(channel for channel in channels if channel is not None)
    ]


def _of_clip(row: Row, base: str, name: str, found: ErrorCounts) -> None:
    """What needs a rate of its own for each clip."""
    rate, preserved = found.rate, found.information_preserved
    if rate is None or preserved is None:
        row.lack("not_applicable", f"{base}.macro", f"{base}.median", f"{base}.speech_only")
        row.lack("not_applicable", f"acc.wip.{name}", f"acc.wil.{name}")
        return
    row.errors(f"{base}.speech_only", found)
    row.add(base, {"clip_rates": rate, "clips_with_rate": 1, "wip_sum": preserved, "wil_sum": 1 - preserved})
    row.values[f"{base}.clip"] = (rate,)


def _characters(row: Row, case: Case) -> None:
    language = case.clip.language
    spaced = is_spaced(language)
    basic = profile("basic")
    found = character_counts(
        basic.tokens(case.expected),
        basic.tokens(case.got),
        spaces=spaced and primary_language(language) != "ko",
        clusters=has_marks(language),
    )
    row.errors("acc.cer", found)
    if spaced:
        row.lack("not_applicable", "acc.ter_mixed")
    else:
        mixed = profile("mixed")
        row.errors("acc.ter_mixed", unit_counts(mixed.tokens(case.expected), mixed.tokens(case.got)))
