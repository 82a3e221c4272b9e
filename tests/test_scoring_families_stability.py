"""Stability, as rows of scores."""

from tests.conversations import clip, heard, streamed, update
from tests.scored import CASES, REFERENCE, scored


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


def test_every_reading_of_what_captions_take_back() -> None:
    """the quick / the quack / The quick brown fox jumps."""
    row = scored(*CASES["stream"])
    columns = ("updates", "revisions", "display_revisions", "lexical_changed", "formatting_changed", "extend_ok_erased")
    assert [row.counts[f"str.{name}"] for name in columns] == [2, 2, 2, 2, 1, 2]
    assert row.values["str.depth"] == (1.0, 1.0)
    assert (row.counts["str.utterances"], row.counts["str.phantom_utterances"]) == (1, 0)


def test_text_withdrawn_altogether_stays_in_the_numerator() -> None:
    said = heard(update(1.5, "thank you"), update(2.0, "", "utterance_final"))
    row = scored(clip(REFERENCE), streamed([(3.6, "done")]), said)
    assert (row.counts["str.erased"], row.counts["str.final_words"], row.counts["str.phantom_utterances"]) == (2, 0, 1)


def test_short_and_long_utterances_weigh_the_same_in_the_mean_over_utterances() -> None:
    """One word of one is taken back, none of four; an utterance without partials has no such rate."""
    said = heard(
        update(1.0, "yes", segment=(0, 0, 0)),
        update(1.2, "no", "utterance_final", (0, 0)),
        update(1.5, "the quick brown", segment=(0, 1, 0)),
        update(2.0, "the quick brown fox", "utterance_final", (0, 1)),
        update(2.5, "indeed", "utterance_final", (0, 2)),
    )
    row = scored(clip(REFERENCE), streamed([(3.6, "done")]), said)
    assert (row.counts["str.erased"], row.counts["str.final_words"]) == (1, 6)
    assert (row.counts["str.utterance_ne"], row.counts["str.updated_utterances"]) == (1.0, 2)
