"""Failing: retries, timeouts, refusals of too many requests, dropped sockets, and what is left of a cut stream.

A request is a clip with all its attempts; nonspeech clips are requests like any other. What an attempt met is read from
the neutral events of its record. Not measured here: the rejection of bad input (``failures.rejections``), because a
corpus holds none.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from evalkit.errors import ParseError
from evalkit.scoring import stitching
from evalkit.scoring.attempts import Course, Ending, courses
from evalkit.scoring.define import columns, latency, ratio
from evalkit.scoring.failures import Salvage, retries, salvage, seam
from evalkit.scoring.row import Case, Row
from evalkit.scoring.words import word_tokens
from evalkit.types import CaptionState, Hypothesis, Metric, Trace, Word

_REQUESTS = ("fail.first_try", "fail.eventual", "fail.retry_success", "fail.amplification", "fail.wrong_retry")
_LIMITED = 429
_RETRYABLE = "408, 425, 429, 5xx or no answer"

METRICS: tuple[Metric, ...] = (
    ratio(
        "fail.first_try",
        "Answered at once",
        "Share of requests answered at the first attempt.",
        ["fail.first_try"],
        ["fail.requests"],
        direction="higher",
    ),
    ratio(
        "fail.eventual",
        "Answered in the end",
        "Share of requests answered within the retries of the policy, attempts broken off by this client left out.",
        ["fail.eventual"],
        ["fail.requests"],
        direction="higher",
    ),
    ratio(
        "fail.retry_success",
        "Retries that helped",
        f"Share of the requests that met a failure worth a retry ({_RETRYABLE}) and were answered after all.",
        ["fail.recovered"],
        ["fail.retryable"],
        direction="higher",
    ),
    ratio(
        "fail.amplification",
        "Attempts per request",
        "Attempts made per request, the first one included.",
        ["fail.attempts"],
        ["fail.requests"],
        unit="x",
    ),
    ratio(
        "fail.retry_after",
        "Waits kept",
        "Share of the waits asked for by a Retry-After header that were kept, by the wall clock.",
        columns("fail.retry_after", "honoured"),
        columns("fail.retry_after", "told"),
        direction="higher",
        source="RFC 9110, 10.2.3",
    ),
    ratio(
        "fail.wrong_retry",
        "Pointless retries",
        "Retries, per request, of an answer that no retry can change (4xx other than 408, 425 and 429).",
        ["fail.wrong_retries"],
        ["fail.requests"],
    ),
    *latency(
        "fail.recover_s",
        "Time to recover",
        "First failure worth a retry until the end of the attempt that succeeded, by the wall clock",
        "p50",
        "p95",
    ),
    ratio(
        "fail.rate_limited",
        "Requests held back",
        "Share of requests of which an attempt was answered with HTTP 429, too many requests.",
        columns("fail.rate_limited", "requests"),
        ["fail.requests"],
        source="RFC 6585, 4",
    ),
    ratio(
        "fail.rate_limited.told",
        "Held back with a wait told",
        "Share of the HTTP 429 answers that came with a Retry-After header.",
        columns("fail.rate_limited", "told"),
        columns("fail.rate_limited", "answers"),
        direction="higher",
        source="RFC 6585, 4",
    ),
    ratio(
        "fail.hang",
        "Hung attempts",
        "Share of attempts that brought neither an answer nor an error within our timeout.",
        ["fail.hangs"],
        ["fail.attempts"],
    ),
    ratio(
        "fail.dropped",
        "Dropped sockets",
        "Share of opened sockets that closed before the conversation was over.",
        columns("fail.dropped", "sockets"),
        columns("fail.dropped", "opened"),
    ),
    *(
        ratio(
            f"fail.salvage.{held}",
            f"Salvaged {held} text",
            "Share of the reference words spoken to their end before a stream was cut that are right in the "
            f"{what} the client still holds; over {which}.",
            columns(f"fail.salvage.{held}", "kept"),
            columns(f"fail.salvage.{held}", "spoken"),
            direction="higher",
        )
        for held, what, which in (
            ("locked", "locked text", "streams that failed or were taken up again"),
            ("caption", "caption, locked or not,", "failed streams"),
        )
    ),
    ratio(
        "fail.seam.duplicated",
        "Words doubled at a seam",
        "Words said on both sides of a seam, per reconnect: the longest end of the first part that begins the second.",
        columns("fail.seam", "duplicated"),
        columns("fail.seam", "reconnects"),
        unit="count",
    ),
    ratio(
        "fail.seam.lost",
        "Words lost at a seam",
        "Reference words missing within 5 s of a seam once doubled words are taken out, per reconnect.",
        columns("fail.seam", "lost"),
        columns("fail.seam", "reconnects"),
        unit="count",
    ),
)


def measure(row: Row, case: Case) -> None:
    """What every attempt met, and what is left of a stream that was cut."""
    found = courses(case.endings, case.hypothesis.failure)
    if not found:
        # Every attempt was broken off by this client.
        row.lack("missing_input", *_REQUESTS, "fail.retry_after", "fail.recover_s")
        row.lack("missing_input", "fail.rate_limited", "fail.hang", "fail.dropped", "fail.salvage", "fail.seam")
        return
    _requests(row, found)
    _evidence(row, case, found)
    _salvage(row, case)


def _requests(row: Row, found: Sequence[Course]) -> None:
    counted = retries([course.request for course in found])
    row.add(
        "fail",
        {
            "requests": counted.requests,
            "attempts": counted.attempts,
            "first_try": counted.first_try,
            "eventual": counted.eventual,
            "retryable": counted.retryable,
            "recovered": counted.recovered,
            "wrong_retries": counted.wrong_retries,
        },
    )
    if all(course.waits_known for course in found):
        row.add("fail.retry_after", {"told": counted.waits_told, "honoured": counted.waits_honoured})
    else:
        row.lack("missing_input", "fail.retry_after")
    if not counted.retryable:
        row.lack("not_applicable", "fail.recover_s")
        return
    recovered = tuple(course.recovery_s for course in found if course.recovery_s is not None)
    never = counted.retryable - counted.recovered
    if recovered:
        row.values["fail.recover_s"] = recovered
    if never:
        row.add("fail.recover_s", {"failed": never})
    if not recovered and not never:
        row.lack("missing_input", "fail.recover_s")


def _evidence(row: Row, case: Case, found: Sequence[Course]) -> None:
    endings: list[Ending] = [end for course in found for end in course.endings]
    held_back = sum(any(end.status == _LIMITED for end in course.endings) for course in found)
    limited = [end for end in endings if end.status == _LIMITED]
    row.add("fail", {"hangs": sum(end.timed_out for end in endings)})
    row.add(
        "fail.rate_limited",
        {
            "requests": held_back,
            "answers": len(limited),
            "told": sum(end.told_s is not None for end in limited),
        },
    )
    if case.trace.route == "rest":
        row.lack("not_applicable", "fail.dropped")
        return
    opened = [end for end in endings if end.opened]
    row.add("fail.dropped", {"opened": len(opened), "sockets": sum(end.dropped for end in opened)})
    codes = Counter(f"{end.close_code}" for end in opened if end.dropped and end.close_code is not None)
    row.add("fail.close_code", codes)


def _salvage(row: Row, case: Case) -> None:
    unreadable, ours = isinstance(case.hypothesis.failure, ParseError), case.endings[-1].ours
    cut = case.streamed and case.failed and not unreadable and not ours
    pieces = stitching.chain(case.attempts) if case.streamed else ()
    if len(pieces) < 2:
        row.lack("not_applicable", "fail.seam")
    if not cut and len(pieces) < 2:
        row.lack("not_applicable", "fail.salvage")
        return
    # A word without an end cannot be said to have been spoken before the cut.
    timed = [word for word in case.reference or () if word.end_s is not None]
    if not timed:
        row.lack("missing_input", "fail.salvage", "fail.seam")
        return
    locked = Salvage(0, 0, 0)
    if cut:
        cut_s = _cut_audio_s(case.trace)
        locked = _kept(timed, locked_words(case.hypothesis), cut_s, case)
        shown = _kept(timed, caption_words(case.hypothesis), cut_s, case)
        row.add("fail.salvage.caption", {"spoken": shown.spoken, "kept": shown.kept})
    else:
        row.lack("not_applicable", "fail.salvage.caption")
    for before, after in pairwise(pieces):
        held = [word for word in case.hypothesis.words if (word.end_s or 0.0) <= after.from_s + stitching.REPLAYED_S]
        locked += _kept(timed, held, _cut_audio_s(before), case)
    row.add("fail.salvage.locked", {"spoken": locked.spoken, "kept": locked.kept})
    if len(pieces) > 1:
        _seams(row, case, timed, pieces[1:])


def _seams(row: Row, case: Case, timed: Sequence[Word], resumed: Sequence[Trace]) -> None:
    """What taking a stream up again cost in words: some may be doubled, some lost."""
    tokens, owners = word_tokens(timed, case.profile)
    starts_s = [timed[owner].start_s or 0.0 for owner in owners]
    found = []
    for trace in resumed:
        began_s = (trace.started_at - case.trace.started_at).total_seconds()
        if not any(update.t_s > began_s and update.words for update in case.hypothesis.updates):
            continue  # cut off again before it said a word: the next one makes the seam
        before = case.hypothesis.words_at(began_s)
        earlier = Counter(before)
        after = [word for word in case.hypothesis.words if not _taken(earlier, word)]
        sides = [word_tokens(side, case.profile)[0] for side in (before, after)]
        edge_s = trace.from_s + stitching.REPLAYED_S
        found.append(seam(tokens, *sides, starts_s=starts_s, seam_audio_s=edge_s))
    if not found:
        row.lack("not_applicable", "fail.seam")
        return
    row.add(
        "fail.seam",
        {
            "reconnects": len(found),
            "duplicated": sum(each.duplicated for each in found),
            "lost": sum(each.lost for each in found),
        },
    )


def _taken(left: Counter[Word], word: Word) -> bool:
    """Whether the word was among those left, of which it is one less now."""
    left[word] -= 1
    return left[word] >= 0


def locked_words(hypothesis: Hypothesis) -> list[Word]:
    """What was promised to stay when the stream ended."""
    last = _last_caption(hypothesis)
    return [word for word, state in zip(last.words, last.states, strict=True) if state != "interim"] if last else []


def caption_words(hypothesis: Hypothesis) -> list[Word]:
    """What a reader saw when the stream ended.

    A parser that reads of the end may lock what it holds and let go of the rest; the reader had still seen that.
    """
    found: CaptionState | None = None
    last = _last_caption(hypothesis)
    for shown in reversed(list(hypothesis.captions())):
        if found is not None and last is not None and (found.t_s < last.t_s or not _within(found, shown)):
            break
        found = shown
    return list(found.words) if found else []


def _last_caption(hypothesis: Hypothesis) -> CaptionState | None:
    last = None
    for shown in hypothesis.captions():
        last = shown
    return last


def _within(later: CaptionState, earlier: CaptionState) -> bool:
    """Whether nothing came in: the words of one are those of the other with some taken out."""
    remaining = iter(earlier.words)
    return all(any(word.text == seen.text for seen in remaining) for word in later.words)


def _cut_audio_s(trace: Trace) -> float:
    """How much audio had been released when the stream ended."""
    return max((event.audio_s for event in trace.events if event.kind == "audio"), default=0.0)


def _kept(reference: Sequence[Word], held: Sequence[Word], cut_s: float, case: Case) -> Salvage:
    """Channel by channel where both sides name channels, for people on two channels talk at once."""
    channels = {word.channel for word in (*reference, *held)}
    apart = len({word.channel for word in reference}) > 1 and None not in channels
    found = Salvage(0, 0, 0)
    for channel in channels if apart else {None}:
        mine, theirs = ([word for word in words if not apart or word.channel == channel] for words in (reference, held))
        tokens, owners = word_tokens(mine, case.profile)
        ends_s = [mine[owner].end_s or 0.0 for owner in owners]
        found += salvage(tokens, ends_s, word_tokens(theirs, case.profile)[0], cut_s)
    return found
