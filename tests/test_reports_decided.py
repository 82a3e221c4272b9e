import dataclasses
from typing import Any

import pytest

from evalkit.reports.decided import LABELS, chance, compared, evidence, p_adjusted
from evalkit.stats.decisions import ADVICE
from tests import handmade

*_, DIFFERENCES = handmade.demo()
WER = next(row for row in DIFFERENCES if row.metric == "acc.wer.en" and row.route == "rest")


def worded(**changes: Any) -> str:
    row = dataclasses.replace(
        WER, value=0.098, against_value=0.312, difference=-0.214, ci_lo=-0.27, ci_hi=-0.158, n_clips=21, n_clusters=9
    )
    return compared(dataclasses.replace(row, **changes), "a", "b")


def test_a_better_candidate_is_said_to_be_better_by_how_much_and_how_surely() -> None:
    assert worded(verdict="better") == (
        "a makes fewer word errors than b: 9.8 % against 31.2 %, a difference of −21.4 points "
        "(95 % interval −27.0 to −15.8 points, 21 clips, 9 clusters)."
    )


def test_a_worse_candidate_is_said_to_be_worse() -> None:
    assert worded(verdict="worse").startswith("a makes more word errors than b")


def test_no_clear_difference_says_what_could_have_been_seen() -> None:
    sentence = worded(verdict="no_clear_difference", smallest_detectable=0.04)
    assert sentence.startswith("No clear difference in word errors between a and b")
    assert sentence.endswith("This run could not have seen less than 4.0 points.")


@pytest.mark.parametrize("changes", [{"verdict": "insufficient"}, {"verdict": "better", "difference": None}])
def test_too_few_data_make_no_claim(changes: dict[str, Any]) -> None:
    sentence = worded(**changes)
    assert sentence.startswith("Too few data to compare")
    assert "fewer" not in sentence


def test_an_open_question_says_how_many_clips_would_settle_it() -> None:
    open_question = {"verdict": "no_clear_difference", "gate": "warn", "margin": 0.005, "clips_needed": 1234}
    assert worded(**open_question).endswith(" To settle a margin of 0.5 points takes about 1,234 clips like these.")
    few = worded(**{**open_question, "verdict": "insufficient"})
    assert few.endswith("takes about 1,234 clips like these.")
    for settled in ({"gate": "pass"}, {"clips_needed": 5}, {"margin": None}, {"clips_needed": None}):
        assert "To settle" not in worded(**{**open_question, **settled})


def test_every_label_has_words_and_advice() -> None:
    assert LABELS.keys() == ADVICE.keys()


def test_probabilities_have_as_many_digits_as_mean_something() -> None:
    assert [chance(p) for p in (None, 0.0, 0.00099, 0.004, 0.5, 1.0)] == [
        "–",
        "< 0.001",
        "< 0.001",
        "0.004",
        "0.5",
        "1",
    ]
    assert chance(1.0, drawn=True) == "> 0.999"


def test_the_small_print_names_tests_and_what_could_be_seen() -> None:
    row = dataclasses.replace(WER, n_clips=21, n_clusters=9, p=0.01, p_holm=0.02, poi=1.0, smallest_detectable=0.013)
    assert evidence(dataclasses.replace(row, note="a note")) == (
        "paired on 21 clips, 9 clusters; cluster t 95 %; smallest detectable difference 1.3 points; "
        "sign-flip permutation p 0.01, adjusted 0.02; probability of improvement > 0.999; a note"
    )
    even = evidence(dataclasses.replace(row, poi=0.25, ties=0.5, p=None, p_holm=None))
    assert even.endswith("probability of improvement 0.25, of a tie 0.5")
    assert "adjusted" not in even


def test_what_was_declared_is_read_with_holm_and_what_was_found_with_benjamini_and_hochberg() -> None:
    row = dataclasses.replace(WER, p=0.01, p_holm=0.02, p_bh=0.3)
    assert p_adjusted(row) == 0.02
    assert p_adjusted(dataclasses.replace(row, margin=None)) == 0.3


def test_an_interval_that_the_p_value_disputes_is_told_with_the_difference() -> None:
    sentence = worded(verdict="better", note="the interval excludes 0 although p is 0.063: the interval counts")
    assert sentence.endswith("clusters). The interval excludes 0 although p is 0.063: the interval counts.")
    assert worded(verdict="better", note="no interval: why", ci_lo=None).endswith("clusters).")
