"""Locked text, as rows of scores."""

from tests.conversations import clip, heard, streamed, update
from tests.scored import CASES, REFERENCE, scored


def test_each_lock_has_its_own_words() -> None:
    said = heard(
        update(1.5, "i owe fifteen", "chunk_final", (0, 0, 0)),
        update(2.0, "I owe fifty.", "utterance_final", (0, 0)),
    )
    row = scored(clip(REFERENCE), streamed([(3.6, "done")]), said)
    chunk, utterance = "str.locked_changed.chunk", "str.locked_changed.utterance"
    assert [row.counts[f"{chunk}.{name}"] for name in ("words", "changed", "reformatted")] == [3, 1, 1]
    assert [row.counts[f"{utterance}.{name}"] for name in ("words", "changed", "reformatted")] == [3, 0, 0]


def test_a_lock_that_was_never_used_is_not_a_lock_that_held() -> None:
    row = scored(*CASES["stream without interims"])
    assert row.absent["str.locked_changed.chunk"] == "not_applicable"
    assert row.counts["str.locked_changed.utterance.words"] == 5
    assert scored(*CASES["rest"]).absent["str.locked_changed.utterance"] == "not_applicable"
    assert scored(*CASES["failed stream"]).absent["str.locked_reformatted.chunk"] == "missing_input"
