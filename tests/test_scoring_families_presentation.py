"""Punctuation and capitals, as rows of scores."""

from tests.conversations import answered, clip, final, word
from tests.scored import CASES, columns, scored


def test_a_formatted_reference_is_scored_as_it_is_read() -> None:
    row = scored(
        clip([word("Well,"), word("Acme"), word("won.")]), answered(), final([word("well"), word("Acme"), word("won.")])
    )
    assert columns(row, "acc.punct") == (1, 0, 1, 0)
    assert columns(row, "acc.fwer") == (3, 1, 1, 0)
    assert (row.counts["acc.case.matched"], row.counts["acc.case.errors"]) == (3, 1)
    assert (row.counts["acc.case.both_capital"], row.counts["acc.case.reference_capitals"]) == (1, 2)


def test_a_plain_reference_says_nothing_about_formatting() -> None:
    for name, reason in {
        "rest": "missing_input",
        "failed stream": "missing_input",
        "Chinese": "not_applicable",
    }.items():
        row = scored(*CASES[name])
        assert {row.absent[key] for key in ("acc.punct.per", "acc.case.error_rate", "acc.fwer")} == {reason}
