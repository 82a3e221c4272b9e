"""Channels: what each channel of a recording says, and whether they keep apart."""

from collections.abc import Sequence
from dataclasses import replace

from evalkit.scoring import channels
from evalkit.scoring.channels import Channel
from evalkit.scoring.define import error_rate, ratio, spread
from evalkit.scoring.row import Case, Row, text_of
from evalkit.scoring.words import ErrorCounts, unit_counts
from evalkit.types import Metric, Word

METRICS: tuple[Metric, ...] = (
    error_rate(
        "mch.wer",
        "WER per channel, pooled",
        "Word errors per reference word, each channel against its own reference; channels in which nobody speaks are "
        "left out, and one that was not returned is all deletions.",
    ),
    error_rate(
        "mch.wer_merged",
        "WER, channels merged",
        "Word errors per reference word after the words of all channels were merged by start on both sides: what a "
        "reader of one transcript gets.",
    ),
    ratio(
        "mch.swap",
        "Channels swapped",
        "Share of clips in which giving the channels to each other saves at least half of the word errors and at "
        "least ten.",
        ["mch.swap.swapped"],
        ["mch.swap.clips"],
        bounded=True,
    ),
    ratio(
        "mch.leak",
        "Words of another channel",
        "Words that were inserted or substituted where another channel's reference has them (within 0.5 s), per word "
        "of the hypothesis.",
        ["mch.leak.leaked"],
        ["mch.leak.words"],
        bounded=True,
    ),
    ratio(
        "mch.silent_wpm",
        "Words on silent channels",
        "Words per minute on channels in which nobody speaks.",
        ["mch.silent_wpm.words"],
        ["mch.silent_wpm.audio_s"],
        unit="per_min",
        scale=60.0,
    ),
    ratio(
        "mch.count",
        "Channels right",
        "Share of clips in which every channel with speech came back and no other.",
        ["mch.count.right"],
        ["mch.count.clips"],
        direction="higher",
    ),
    replace(
        spread(
            "mch.skew.p50",
            "Skew between channels, median",
            "Median start drift of a channel minus that of the first channel, median over channels; positive is later.",
            "mch.skew",
            "p50",
        ),
        direction="zero",
    ),
    spread(
        "mch.skew.max",
        "Skew between channels, worst",
        "The largest absolute difference of a channel's median start drift from that of the first channel.",
        "mch.skew.absolute",
        "max",
    ),
    ratio(
        "mch.order",
        "Turns in the wrong order",
        "Share of neighbouring turns of different channels whose matched words start in the wrong order after merging "
        "by time.",
        ["mch.order.wrong"],
        ["mch.order.pairs"],
        bounded=True,
    ),
)


_MAX_UNTIMED = 0.01
"""Words without times drop out; where they are more, nothing is said about times."""
_COMPARED = ("mch.swap", "mch.leak", "mch.skew", "mch.order")


def measure(row: Row, case: Case) -> None:
    """Each channel against its own reference, and against the others."""
    number = case.clip.channels
    if number < 2:
        row.lack("not_applicable", "mch")
        return
    reference = () if case.clip.kind == "nonspeech" else case.reference
    if reference is None or any(word.channel is None for word in reference):
        row.lack("missing_input", "mch")
        return
    said, got = (channels.by_channel(words, number) for words in (reference, case.words))
    unlabelled = any(word.channel is None for word in case.words)
    _silent(row, case, said, got, usable=not (case.failed or unlabelled))
    if not reference:
        row.lack("not_applicable", "mch.wer", "mch.wer_merged", "mch.count", *_COMPARED)
        return
    _merged(row, case, reference)
    if unlabelled:
        row.lack("missing_input", "mch.wer")
    else:
        row.errors("mch.wer", _errors(case, said, got))
    if case.failed:
        row.lack("missing_input", "mch.count")
    else:
        speaking = {word.channel for word in reference}
        returned = {word.channel for word in case.words}
        row.add("mch.count", {"clips": 1, "right": speaking <= returned <= set(range(number))})
    if case.failed or unlabelled:
        row.lack("missing_input", *_COMPARED)
    else:
        _compare(row, case, said, got)


def _silent(row: Row, case: Case, said: Sequence[Channel], got: Sequence[Channel], *, usable: bool) -> None:
    silent = [index for index, words in enumerate(said) if not words]
    if not silent:
        row.lack("not_applicable", "mch.silent_wpm")
    elif not usable:
        row.lack("missing_input", "mch.silent_wpm")
    else:
        words = sum(len(case.profile.tokens(text_of(got[index]))) for index in silent)
        row.add("mch.silent_wpm", {"words": words, "audio_s": case.clip.duration_s * len(silent)})


def _merged(row: Row, case: Case, reference: Sequence[Word]) -> None:
    if any(word.start_s is None for side in (reference, case.words) for word in side):
        row.lack("missing_input", "mch.wer_merged")
    else:
        # Both sides of a case are merged already.
        sides = (case.profile.tokens(text) for text in (case.expected, case.got))
        row.errors("mch.wer_merged", unit_counts(*sides))


def _errors(case: Case, said: Sequence[Channel], got: Sequence[Channel]) -> ErrorCounts:
    tokens = case.profile.tokens
    pairs = [pair for pair in zip(said, got, strict=True) if pair[0]]
    return sum((unit_counts(tokens(text_of(mine)), tokens(text_of(theirs))) for mine, theirs in pairs), ErrorCounts())


def _compare(row: Row, case: Case, said: Sequence[Channel], got: Sequence[Channel]) -> None:
    sides = ([case.profile.tokens(text_of(words)) for words in side] for side in (said, got))
    row.add("mch.swap", {"clips": 1, "swapped": channels.swap(*sides).swapped})
    if max(map(channels.untimed_share, (said, got))) > _MAX_UNTIMED:
        row.lack("missing_input", "mch.leak", "mch.skew", "mch.order")
        return
    said, got = ([channels.timed(words) for words in side] for side in (said, got))
    leak = sum(channels.leaks(said, got, case.profile), channels.Leak())
    row.add("mch.leak", {"leaked": leak.leaked, "words": leak.words})
    order = channels.turn_order(said, got, case.profile)
    row.add("mch.order", {"wrong": order.wrong, "pairs": order.pairs})
    skews = [skew for skew in channels.skews_s(said, got, case.profile) if skew is not None]
    if skews:
        row.values["mch.skew"] = tuple(skews)
        row.values["mch.skew.absolute"] = tuple(map(abs, skews))
    else:
        row.lack("missing_input", "mch.skew")
