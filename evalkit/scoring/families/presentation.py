"""Presentation: punctuation, capitals, and errors as a reader sees them."""

from evalkit.scoring.define import columns, error_rate, ratio
from evalkit.scoring.formatting import case_counts, formatted_counts, is_formatted, punctuation_counts
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import is_spaced
from evalkit.types import Metric

METRICS: tuple[Metric, ...] = (
    ratio(
        "acc.punct.per",
        "Punctuation error rate",
        "Wrong, lost and invented full stops, commas, question and exclamation marks per mark of either side, once "
        "words and marks are aligned together; clips with a formatted reference.",
        columns("acc.punct", "substitutions", "deletions", "insertions"),
        columns("acc.punct", "hits", "substitutions", "deletions", "insertions"),
        source="Meister et al. 2023, without case and with numbers as one word",
    ),
    ratio(
        "acc.case.error_rate",
        "Case error rate",
        "Words that are right but for their casing, per word that is right without it; clips with a "
        "formatted reference.",
        ["acc.case.errors"],
        ["acc.case.matched"],
        bounded=True,
    ),
    ratio(
        "acc.case.capital_recall",
        "Capitals kept",
        "Right words that begin with a capital, per such word of the reference.",
        ["acc.case.both_capital"],
        ["acc.case.reference_capitals"],
        direction="higher",
    ),
    ratio(
        "acc.case.capital_precision",
        "Capitals right",
        "Right words that begin with a capital on both sides, per such word of the hypothesis.",
        ["acc.case.both_capital"],
        ["acc.case.hypothesis_capitals"],
        direction="higher",
    ),
    error_rate(
        "acc.fwer",
        "Formatted WER",
        "Word errors per reference token with case and punctuation kept and every mark a token of its own; clips with "
        "a formatted reference.",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Only against references that were written to be read."""
    families = ("acc.punct", "acc.case", "acc.fwer")
    if case.clip.kind == "nonspeech" or not is_spaced(case.clip.language):
        row.lack("not_applicable", *families)
        return
    if case.reference is None or case.failed or not is_formatted(case.expected):
        row.lack("missing_input", *families)
        return
    row.errors("acc.punct", punctuation_counts(case.expected, case.got))
    row.errors("acc.fwer", formatted_counts(case.expected, case.got))
    found = case_counts(case.expected, case.got)
    row.add(
        "acc.case",
        {
            "matched": found.matched,
            "errors": found.errors,
            "both_capital": found.both_capital,
            "reference_capitals": found.reference_capitals,
            "hypothesis_capitals": found.hypothesis_capitals,
        },
    )
