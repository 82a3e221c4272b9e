"""Lost speech, as rows of scores."""

from tests.conversations import answered, clip, final, spread
from tests.scored import CASES, scored

SAID = spread("alpha bravo charlie delta echo foxtrot golf hotel india juliet")


def test_a_lost_end_is_a_burst_and_a_truncation() -> None:
    row = scored(clip(SAID), answered(), final(SAID[:4]))
    base = "acc.drop."
    counts = {name.removeprefix(base): value for name, value in row.counts.items() if name.startswith(base)}
    assert counts == {
        "clips": 1, "audio_s": 3.0, "reference_words": 10, "bursts": 1, "burst_words": 6, "head_words": 0,
        "tail_words": 6, "truncated": 1,
    }  # fmt: skip
    assert row.values["acc.drop.longest_of_clip"] == (6.0,)


def test_failed_and_silent_clips_say_nothing_about_bursts() -> None:
    assert scored(*CASES["failed stream"]).absent["acc.drop.tail"] == "missing_input"
    assert scored(*CASES["nonspeech"]).absent["acc.drop.tail"] == "not_applicable"
    assert scored(*CASES["empty reference"]).absent["acc.drop.tail"] == "not_applicable"
    assert scored(*CASES["silent"]).counts["acc.drop.truncated"] == 1
