"""Accuracy: word and character errors, and text where nobody speaks."""

from evalkit.scoring.define import LEVENSHTEIN, columns, error_rate, ratio, sentence
from evalkit.scoring.row import Case, Row, error_columns, text_of
from evalkit.scoring.text import is_spaced, primary_language, profile
from evalkit.scoring.words import character_counts, unit_counts
from evalkit.types import Metric


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
    ]


METRICS: tuple[Metric, ...] = (
    *_word_error("en", "the English text rules (numbers, contractions, spelling, fillers)"),
    *_word_error("basic", "the basic text rules (case, punctuation)"),
    error_rate(
        "acc.cer",
        "CER",
        "Character errors per reference character after the basic text rules, without spaces where words are not "
        "separated by them; a failed clip counts as all its characters deleted.",
    ),
    ratio(
        "acc.halluc.clip_rate",
        "Hallucination, clips",
        "Share of clips without speech for which any word was returned.",
        ["acc.halluc.clips_with_words"],
        ["acc.halluc.clips"],
        source="Koenecke et al. 2024",
    ),
    ratio(
        "acc.halluc.words_per_min",
        "Hallucination, words per minute",
        "Words returned per minute of audio without speech.",
        ["acc.halluc.words"],
        ["acc.halluc.audio_s"],
        unit="per_min",
        scale=60.0,
        source="Koenecke et al. 2024",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Word errors of speech, invented words of everything else."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "acc.wer", "acc.cer")
        _hallucinations(row, case)
    else:
        row.lack("not_applicable", "acc.halluc")
        _word_errors_of(row, case)


def _word_errors_of(row: Row, case: Case) -> None:
    families = ("acc.wer.en", "acc.wer.basic", "acc.cer")
    if case.reference is None:
        row.lack("missing_input", *families)
        return
    expected, got = text_of(case.reference), text_of(case.words)
    spaced = is_spaced(case.clip.language)
    applies = {"en": primary_language(case.clip.language) == "en", "basic": spaced}
    for name, applicable in applies.items():
        base = f"acc.wer.{name}"
        if not applicable:
            row.lack("not_applicable", base)
            continue
        found = error_columns(unit_counts(profile(name).tokens(expected), profile(name).tokens(got)))
        row.add(base, found)
        if case.failed:
            row.lack("missing_input", f"{base}.scored_only")
        else:
            row.add(f"{base}.scored_only", found)
    basic = profile("basic")
    with_spaces = spaced and primary_language(case.clip.language) != "ko"
    row.add("acc.cer", error_columns(character_counts(basic.tokens(expected), basic.tokens(got), spaces=with_spaces)))


def _hallucinations(row: Row, case: Case) -> None:
    if case.failed:
        row.lack("missing_input", "acc.halluc")
        return
    words = len(profile("basic").tokens(text_of(case.words)))
    row.add(
        "acc.halluc",
        {"clips": 1, "clips_with_words": words > 0, "words": words, "audio_s": case.clip.duration_s},
    )
