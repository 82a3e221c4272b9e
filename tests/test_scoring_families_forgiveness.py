"""The waterfall of forgiven errors, as rows of scores."""

from tests.conversations import answered, clip, final, word
from tests.scored import CASES, columns, scored


def test_strict_errors_are_what_is_left_and_what_is_forgiven() -> None:
    row = scored(
        clip([word("I won't open the boxes on week nights")]),
        answered(),
        final([word("I will not open box on weeknights now")]),
    )
    base = "acc.lenient."
    counts = {name.removeprefix(base): value for name, value in row.counts.items() if base in name}
    forgiven = {name: value for name, value in counts.items() if name.startswith("forgiven_") and value}
    assert forgiven == {"forgiven_en": 2, "forgiven_compounds": 1, "forgiven_plurals": 1, "forgiven_articles": 1}
    assert counts["strict"] == sum(forgiven.values()) + counts["left"]
    assert (counts["left"], counts["reference_words"]) == (1, 9)
    assert sum(columns(row, "acc.content_wer")[1:]) == 3


def test_terms_of_the_run_are_not_forgiven() -> None:
    case = clip([word("ask alexas")]), answered(), final([word("ask alexa")])
    assert scored(*case).counts["acc.lenient.left"] == 0
    assert scored(*case, terms=("alexas",)).counts["acc.lenient.left"] == 1


def test_only_english_speech() -> None:
    assert scored(*CASES["Russian"]).absent["acc.lenient.wer"] == "not_applicable"
    assert scored(*CASES["nonspeech"]).absent["acc.content_wer"] == "not_applicable"
    assert scored(*CASES["no reference"]).absent["acc.lenient.wer"] == "missing_input"
    assert scored(*CASES["failed stream"]).counts["acc.lenient.left"] == 5
