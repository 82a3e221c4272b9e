"""Stability, as rows of scores."""

from tests.scored import CASES, scored


def test_captions_of_a_stream() -> None:
    row = scored(*CASES["stream"])
    assert row.counts["str.erased"] == 2
    assert row.counts["str.display_erased"] == 3
    assert row.counts["str.changed"] == 3
    assert row.counts["str.final_words"] == 5
    assert row.counts["str.audio_s"] == 3.0


def test_no_interims_is_not_zero_churn() -> None:
    assert scored(*CASES["stream without interims"]).absent["str.ne"] == "not_applicable"
    assert scored(*CASES["rest"]).absent["str.rewrites_per_min"] == "not_applicable"
