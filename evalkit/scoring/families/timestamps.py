"""Timestamps: how far the times of matched words are off."""

from evalkit.scoring import timing
from evalkit.scoring.define import columns, ratio, sentence, spread
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric


def _offset(edge: str) -> list[Metric]:
    base = f"ts.offset.{edge}"
    words = columns(base, "words")
    of_words = f"of word {edge}s, hypothesis minus reference, over matched words that are not numbers"
    source = "Shi et al. 2023 (AAS)"
    return [
        ratio(
            f"{base}.mean",
            f"Mean {edge} drift",
            f"Mean signed error {of_words}; positive is late.",
            columns(base, "sum_s"),
            words,
            unit="s",
            direction="zero",
            source=source,
        ),
        ratio(
            f"{base}.mae",
            f"Mean absolute {edge} error",
            f"Mean absolute error {of_words}.",
            columns(base, "absolute_s"),
            words,
            unit="s",
            source=source,
        ),
        spread(
            f"{base}.p95",
            f"{sentence(edge)} error p95",
            f"95th percentile of the absolute error {of_words}.",
            f"{base}.absolute",
            "p95",
            source=source,
        ),
        ratio(
            f"{base}.within_100ms",
            f"{sentence(edge)}s within 100 ms",
            f"Share of matched words whose {edge} is at most 100 ms off.",
            columns(base, "within_100ms"),
            words,
            direction="higher",
            source=source,
        ),
    ]


METRICS: tuple[Metric, ...] = (
    *_offset("start"),
    *_offset("end"),
    ratio(
        "ts.coverage",
        "Timed words matched",
        "Reference words matched by a hypothesis word with times, per reference word that has times and is no number.",
        ["ts.matched_words"],
        ["ts.reference_words"],
        direction="higher",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Signed drift of the words both sides agree on."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "ts")
        return
    comparable = timing.comparable_words(case.reference or (), case.profile)
    if case.failed or not comparable or all(word.start_s is None for word in case.words):
        row.lack("missing_input", "ts")
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
            row.lack("missing_input", base)
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
