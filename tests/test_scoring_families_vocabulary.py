"""Terms and values, as rows of scores."""

from tests.conversations import answered, clip, final, word
from tests.scored import CASES, columns, scored


def test_terms_are_an_input() -> None:
    said, got = (
        [word(text) for text in ("deploy", "grok", "now")],
        [word(text) for text in ("grok", "the", "rock", "now")],
    )
    assert scored(clip(said), answered(), final(got)).absent["acc.keyterm.recall"] == "missing_input"
    row = scored(clip(said), answered(), final(got), terms=("Grok", "kubernetes|k8s"))
    assert [row.counts[f"acc.keyterm.{name}"] for name in ("found", "missed", "invented")] == [1, 0, 0]
    assert columns(row, "acc.keyterm.bwer") == (1, 0, 0, 0)
    assert sum(columns(row, "acc.keyterm.uwer")[1:]) == 3


def test_a_failed_clip_misses_its_terms() -> None:
    row = scored(*CASES["failed stream"], terms=("fox",))
    assert (row.counts["acc.keyterm.found"], row.counts["acc.keyterm.missed"]) == (0, 1)


def test_values_are_compared_as_values() -> None:
    row = scored(
        clip([word("pay twelve hundred and fifty dollars to room 12")]),
        answered(),
        final([word("Pay $1,250 to room 13.")]),
    )
    assert columns(row, "acc.entity.slots") == (1, 1, 0, 0)
    assert columns(row, "acc.entity.digits") == (1, 1, 0, 0)
    assert (row.counts["acc.entity.number_tokens"], row.counts["acc.entity.tokens"]) == (2, 5)
    assert scored(*CASES["Russian"]).absent["acc.entity.ser"] == "not_applicable"
