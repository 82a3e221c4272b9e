"""Vocabulary: listed terms, and values such as amounts and dates."""

from evalkit.scoring.define import columns, error_rate, ratio
from evalkit.scoring.entities import entity_counts, extract, number_tokens
from evalkit.scoring.keyterms import biased_counts, term_counts, terms_of
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import primary_language
from evalkit.scoring.words import hit_pairs
from evalkit.types import Metric

_LE = "Le et al. 2021, hit alignment"
_MAKHOUL = "Makhoul et al. 1999"
_SLOTS = columns("acc.entity.slots", "hits", "substitutions", "deletions")

METRICS: tuple[Metric, ...] = (
    ratio(
        "acc.keyterm.recall",
        "Key terms found",
        "Listed terms of the reference that the hypothesis has in the same place, per listed term of the reference.",
        ["acc.keyterm.found"],
        columns("acc.keyterm", "found", "missed"),
        direction="higher",
    ),
    ratio(
        "acc.keyterm.precision",
        "Key terms right",
        "Listed terms of the hypothesis that answer one in the reference, per listed term of the hypothesis.",
        ["acc.keyterm.found"],
        columns("acc.keyterm", "found", "invented"),
        direction="higher",
    ),
    ratio(
        "acc.keyterm.f1",
        "Key terms F1",
        "Harmonic mean of the recall and the precision of listed terms.",
        columns("acc.keyterm", "found", "found"),
        columns("acc.keyterm", "found", "found", "missed", "invented"),
        direction="higher",
    ),
    ratio(
        "acc.keyterm.false_per_min",
        "Key terms invented per minute",
        "Listed terms of the hypothesis that answer none in the reference, per minute of audio.",
        ["acc.keyterm.invented"],
        ["acc.keyterm.audio_s"],
        unit="per_min",
        scale=60.0,
    ),
    error_rate(
        "acc.keyterm.bwer",
        "B-WER",
        "Errors on listed single words, inserted ones included, per listed word of the reference.",
        _LE,
    ),
    error_rate("acc.keyterm.uwer", "U-WER", "Errors on all other words per other word of the reference.", _LE),
    ratio(
        "acc.entity.ser",
        "Slot error rate",
        "Amounts, numbers, dates, times, telephone numbers, identifiers, percentages and addresses that are wrong, "
        "lost or invented by value, per value of the reference.",
        columns("acc.entity.slots", "substitutions", "deletions", "insertions"),
        _SLOTS,
        source=_MAKHOUL,
    ),
    ratio(
        "acc.entity.recall",
        "Values right",
        "Values of the reference (amounts, dates, numbers and the like) that are exactly right.",
        ["acc.entity.slots.hits"],
        _SLOTS,
        direction="higher",
    ),
    ratio(
        "acc.entity.precision",
        "Values right, of those given",
        "Values of the hypothesis (amounts, dates, numbers and the like) that are exactly right.",
        ["acc.entity.slots.hits"],
        columns("acc.entity.slots", "hits", "substitutions", "insertions"),
        direction="higher",
    ),
    ratio(
        "acc.entity.digit_error_rate",
        "Digit error rate",
        "Wrong, lost and invented digits per reference digit of telephone numbers, identifiers and whole numbers.",
        columns("acc.entity.digits", "substitutions", "deletions", "insertions"),
        columns("acc.entity.digits", "hits", "substitutions", "deletions"),
    ),
    ratio(
        "acc.entity.number_share",
        "Share of number tokens",
        "Reference tokens that hold a digit after the English text rules, per reference token: how much hangs on the "
        "way numbers are written.",
        ["acc.entity.number_tokens"],
        ["acc.entity.tokens"],
        bounded=True,
    ),
)


def measure(row: Row, case: Case) -> None:
    """Terms of the run, and values of English."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "acc.keyterm", "acc.entity")
        return
    if case.reference is None:
        row.lack("missing_input", "acc.keyterm", "acc.entity")
        return
    _terms(row, case)
    _values(row, case)


def _terms(row: Row, case: Case) -> None:
    terms = terms_of(case.terms, case.profile)
    if not terms:
        row.lack("missing_input", "acc.keyterm")
        return
    expected, got = case.profile.tokens(case.expected), case.profile.tokens(case.got)
    pairs = hit_pairs(expected, got)
    found = term_counts(expected, got, pairs, terms)
    row.add(
        "acc.keyterm",
        {
            "found": found.found,
            "missed": found.missed,
            "invented": found.invented,
            "audio_s": case.clip.duration_s,
        },
    )
    biased, others = biased_counts(expected, got, pairs, terms)
    row.errors("acc.keyterm.bwer", biased)
    row.errors("acc.keyterm.uwer", others)


def _values(row: Row, case: Case) -> None:
    if primary_language(case.clip.language) != "en":
        row.lack("not_applicable", "acc.entity")
        return
    found = entity_counts(extract(case.expected), extract(case.got))
    tokens = case.profile.tokens(case.expected)
    row.errors("acc.entity.slots", found.slots)
    row.errors("acc.entity.digits", found.digits)
    row.add("acc.entity", {"number_tokens": number_tokens(tokens), "tokens": len(tokens)})
