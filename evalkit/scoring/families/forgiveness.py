"""Forgiveness: which of the word errors a reader would not mind."""

from evalkit.scoring.define import columns, error_rate, ratio
from evalkit.scoring.keyterms import terms_of
from evalkit.scoring.leniency import STEPS, content_counts, waterfall
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import primary_language, profile
from evalkit.scoring.words import hit_pairs
from evalkit.types import Metric

_STEP_TITLES = {
    "en": "English text rules",
    "compounds": "split and joined compounds",
    "spelling": "spelling variants",
    "plurals": "plurals and possessives",
    "articles": "articles",
    "openers": "openers such as well and you know",
    "truncation": "a function word at the end",
}

METRICS: tuple[Metric, ...] = (
    ratio(
        "acc.lenient.wer",
        "Lenient WER",
        "Word errors left per reference word once compounds, spelling variants, plurals, possessives, articles, "
        "openers and a last function word are forgiven, but never numbers, negations or listed terms.",
        ["acc.lenient.left"],
        ["acc.lenient.reference_words"],
    ),
    *(
        ratio(
            f"acc.lenient.forgiven.{step}",
            f"Forgiven: {_STEP_TITLES[step]}",
            f"Word errors per reference word that go away with {_STEP_TITLES[step]}, after all steps before.",
            [f"acc.lenient.forgiven_{step}"],
            ["acc.lenient.reference_words"],
            direction="zero",
        )
        for step in ("en", *STEPS)
    ),
    error_rate(
        "acc.content_wer",
        "Content WER",
        "Errors on words that are not function words after the English text rules, per such word of the reference; "
        "negations count as content.",
        "hit alignment (NIST sclite weights)",
    ),
)


def measure(row: Row, case: Case) -> None:
    """English speech with a reference; a failed clip has everything left."""
    families = ("acc.lenient", "acc.content_wer")
    if case.clip.kind == "nonspeech" or primary_language(case.clip.language) != "en":
        row.lack("not_applicable", *families)
        return
    if case.reference is None:
        row.lack("missing_input", *families)
        return
    rules = profile("en")
    expected, got = rules.tokens(case.expected), rules.tokens(case.got)
    strict, en = (
        int(
            sum(row.counts[column] for column in columns(f"acc.wer.{name}", "substitutions", "deletions", "insertions"))
        )
        for name in ("basic", "en")
    )
    listed = {word for term in terms_of(case.terms, rules) for spelling in term for word in spelling}
    found = waterfall(expected, got, strict=strict, en=en, terms=listed)
    row.add("acc.lenient", {"reference_words": found.reference_words, "strict": strict, "left": found.lenient})
    row.add("acc.lenient", {f"forgiven_{step}": errors for step, errors in found.forgiven.items()})
    row.errors("acc.content_wer", content_counts(expected, got, hit_pairs(expected, got)))
