"""Worked cases: multichannel."""

from evalkit.scoring import channels, text, words
from tests.golden.shared import Answer, Case, timed, tokens


def channel_swap(case: Case) -> Answer:
    said, got = ([tokens(sentence) for sentence in case["input"][side]] for side in ("reference", "hypothesis"))
    found = channels.swap(said, got)
    return {
        "error_matrix": [list(row) for row in found.errors],
        "identity_errors": found.identity_errors,
        "best_errors": found.best_errors,
        "best_assignment": list(found.best),
        "swapped": found.swapped,
        "per_channel_wer": [words.unit_counts(*pair).rate for pair in zip(said, got, strict=True)],
    }


def crosstalk(case: Case) -> Answer:
    said, got = ([timed(rows) for rows in case["input"][side]] for side in ("reference", "hypothesis"))
    found = channels.leaks(said, got, text.profile("none"), window_s=case["params"]["window_s"])
    errors = [
        words.unit_counts([word.text for word in mine], [word.text for word in theirs])
        for mine, theirs in zip(said, got, strict=True)
    ]
    return {
        "leaked_words": [leak.leaked for leak in found],
        "leak_rate": [leak.rate for leak in found],
        "leak_rate_pooled": sum(found, channels.Leak()).rate,
        "per_channel_wer": [counts.rate for counts in errors],
        "pooled_wer": sum(errors, words.ErrorCounts()).rate,
    }


ADAPTERS = {"channel_swap": channel_swap, "crosstalk": crosstalk}
