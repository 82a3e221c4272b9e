"""Worked cases: multichannel."""

from collections.abc import Sequence
from typing import Any

from evalkit.scoring import channels, text, words
from tests.golden.shared import Answer, Case, flat, rules_of, timed, tokens


def padded(case: Case) -> tuple[list[Any], list[Any]]:
    """As many channels on both sides: one that did not come back is empty."""
    said, got = (list(case["input"][side]) for side in ("reference", "hypothesis"))
    size = max(len(said), len(got))
    return said + [None] * (size - len(said)), got + [None] * (size - len(got))


def rates(said: Sequence[Sequence[str]], got: Sequence[Sequence[str]]) -> Answer:
    found = [words.unit_counts(*pair) for pair in zip(said, got, strict=True)]
    pooled = sum(found, words.ErrorCounts())
    return {**flat(pooled), "per_channel_wer": [counts.rate for counts in found], "pooled_wer": pooled.rate}


def channel_swap(case: Case) -> Answer:
    name = rules_of(case)
    said, got = ([tokens(sentence, name) for sentence in side] for side in padded(case))
    found = channels.swap(said, got)
    return {
        **rates(said, got),
        "error_matrix": [list(row) for row in found.errors],
        "identity_errors": found.identity_errors,
        "best_errors": found.best_errors,
        "best_assignment": list(found.best),
        "swapped": found.swapped,
        "count_right": len(case["input"]["reference"]) == len(case["input"]["hypothesis"]),
    }


def crosstalk(case: Case) -> Answer:
    rules = text.profile(rules_of(case))
    said, got = ([timed(rows) for rows in side] for side in padded(case))
    # A word without a time can be placed nowhere.
    before, after = ([channels.timed(channel) for channel in side] for side in (said, got))
    found = channels.leaks(before, after, rules, window_s=case["params"].get("window_s", channels.LEAK_WINDOW_S))
    return {
        "leaked_words": [leak.leaked for leak in found],
        "leak_rate": [leak.rate for leak in found],
        "leak_rate_pooled": sum(found, channels.Leak()).rate,
        **rates(*([words.word_tokens(channel, rules)[0] for channel in side] for side in (said, got))),
    }


ADAPTERS = {"channel_swap": channel_swap, "crosstalk": crosstalk}
