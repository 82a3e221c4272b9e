"""Channels, as rows of scores."""

from dataclasses import replace

import pytest

from evalkit.scoring import METRICS
from evalkit.types import Clip, Score, Trace, Word
from tests.conversations import answered, clip, final, heard, spoken, spread, word
from tests.scored import CASES, LOST, columns, scored

CALLER = spread("hello my order number is five", 0.0, channel=0)
SUPPORT = spread("yes sure i can help you", 3.0, channel=1)
CALL = (*CALLER, *SUPPORT)


def called(*said: Word, reference: tuple[Word, ...] | None = CALL, **rest: str) -> Score:
    return scored(clip(reference, 6.0, channels=2, **rest), answered(), final(said))


def on(channel: int, words: tuple[Word, ...], late_s: float = 0.0) -> list[Word]:
    return [
        replace(said, channel=channel, start_s=(said.start_s or 0) + late_s, end_s=(said.end_s or 0) + late_s)
        for said in words
    ]


def test_a_recording_of_one_channel_has_none_of_this() -> None:
    row = scored(*CASES["rest"])
    ids = [metric.id for metric in METRICS if metric.id.startswith("mch.")]
    assert {row.absent[metric_id] for metric_id in ids} == {"not_applicable"}


def test_channels_that_keep_apart() -> None:
    row = called(*CALL)
    assert columns(row, "mch.wer") == (12, 0, 0, 0)
    assert (row.counts["mch.swap.swapped"], row.counts["mch.swap.clips"]) == (0, 1)
    assert (row.counts["mch.leak.leaked"], row.counts["mch.leak.words"]) == (0, 12)
    assert row.counts["mch.count.right"] == 1
    assert row.values["mch.skew"] == (0.0,)
    assert (row.counts["mch.order.wrong"], row.counts["mch.order.pairs"]) == (0, 1)
    assert row.absent["mch.silent_wpm"] == "not_applicable"


def test_swapped_channels_are_told_apart_from_bad_words() -> None:
    row = called(*on(1, CALLER), *on(0, SUPPORT))
    assert row.counts["mch.swap.swapped"] == 1
    assert columns(row, "mch.wer")[0] == 0
    assert row.counts["mch.leak.leaked"] == 12


def test_a_late_channel_is_skewed_and_an_early_one_breaks_the_order() -> None:
    row = called(*CALLER, *on(1, SUPPORT, 0.25))
    assert row.values["mch.skew"] == row.values["mch.skew.absolute"] == pytest.approx([0.25])
    row = called(*on(0, CALLER, 9.0), *SUPPORT)
    assert row.values["mch.skew"] == pytest.approx([-9.0])
    assert row.values["mch.skew.absolute"] == pytest.approx([9.0])
    assert row.counts["mch.order.wrong"] == 1


def test_words_on_a_silent_channel() -> None:
    leaked = on(1, CALLER[:3])
    row = called(*CALLER, *leaked, reference=CALLER)
    assert (row.counts["mch.silent_wpm.words"], row.counts["mch.silent_wpm.audio_s"]) == (3, 6.0)
    assert columns(row, "mch.wer") == (6, 0, 0, 0), "nobody speaks there: it has no error rate"
    assert (row.counts["mch.leak.leaked"], row.counts["mch.leak.words"]) == (3, 9)
    noise = called(*leaked, reference=(), kind="nonspeech")
    assert (noise.counts["mch.silent_wpm.words"], noise.counts["mch.silent_wpm.audio_s"]) == (3, 12.0)
    assert noise.absent["mch.leak"] == "not_applicable"


def test_a_channel_that_did_not_come_back() -> None:
    row = called(*CALLER)
    assert columns(row, "mch.wer") == (6, 0, 6, 0)
    assert row.counts["mch.count.right"] == 0
    assert row.absent["mch.skew.p50"] == "missing_input"
    assert called(*CALL, *on(2, CALLER[:1])).counts["mch.count.right"] == 0


def test_words_without_channel_or_time_say_nothing_of_channels() -> None:
    row = called(*(replace(said, channel=None) for said in CALL))
    assert {row.absent[f"mch.{name}"] for name in ("wer", "swap", "leak", "order", "skew.max")} == {"missing_input"}
    assert row.counts["mch.count.right"] == 0
    row = called(*(word(said.text, channel=said.channel) for said in CALL))
    assert {row.absent[f"mch.{name}"] for name in ("leak", "order", "skew.p50")} == {"missing_input"}
    assert columns(row, "mch.wer") == (12, 0, 0, 0)
    row = called(*CALL, reference=spread("hello there"))
    assert row.absent["mch.wer"] == row.absent["mch.count"] == "missing_input"
    assert called(*CALL, reference=None).absent["mch.wer"] == "missing_input"


def test_one_word_of_many_without_a_time_drops_out() -> None:
    many = (*spread("a b c d e f g h i j " * 12, 0.0, 0.02, channel=0), *SUPPORT)
    said = [*many[:50], replace(many[50], start_s=None), *many[51:]]
    row = called(*said, reference=many)
    assert row.counts["mch.leak.words"] == len(many) - 1
    assert "mch.skew" in row.values
    assert row.absent["mch.wer_merged"] == "missing_input"
    said[51] = replace(said[51], start_s=None)
    assert called(*said, reference=many).absent["mch.leak"] == "missing_input"


def test_channels_merged_by_time() -> None:
    assert columns(called(*CALL), "mch.wer_merged") == (12, 0, 0, 0)
    late = called(*on(0, CALLER, 9.0), *SUPPORT)
    assert columns(late, "mch.wer") == (12, 0, 0, 0), "each channel by itself is right"
    assert columns(late, "mch.wer_merged")[0] < 12, "but reads in the wrong order"
    assert called(*CALL, reference=()).absent["mch.wer_merged"] == "not_applicable"


@pytest.mark.parametrize("reference", [CALL, CALLER, (), None])
@pytest.mark.parametrize("said", [CALL, CALLER, (), tuple(spread("hello"))])
@pytest.mark.parametrize("failed", [False, True])
def test_every_metric_is_measured_or_named_absent(
    reference: tuple[Word, ...] | None, said: tuple[Word, ...], failed: bool
) -> None:
    about: Clip = clip(reference, 6.0, channels=2)
    attempt: Trace = answered()
    row = scored(about, attempt, heard(failure=LOST) if failed else final(said))
    for metric in METRICS:
        if metric.id.startswith("mch."):
            needed = (*metric.numerator, *metric.denominator)
            measured = metric.values in row.values if metric.values else all(name in row.counts for name in needed)
            assert measured != (metric.id in row.absent), metric.id


def test_a_failed_call_is_all_deletions() -> None:
    row = scored(clip(CALL, 6.0, channels=2), answered(), heard(failure=LOST))
    assert columns(row, "mch.wer") == columns(row, "mch.wer_merged") == (0, 0, 12, 0)
    assert row.absent["mch.swap"] == row.absent["mch.count"] == "missing_input"


def test_the_first_channel_is_number_zero() -> None:
    said = (*spoken(("yes", 0.0, 0.4), channel=1), *spoken(("no", 1.0, 1.4), channel=2))
    assert called(*said, reference=said).counts["mch.count.right"] == 0
