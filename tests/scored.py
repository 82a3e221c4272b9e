"""One clip scored in a line: what the tests of scoring share."""

from collections.abc import Sequence
from typing import Any

from evalkit.errors import ParseError, Unavailable
from evalkit.scoring import Price, score
from evalkit.types import Clip, Hypothesis, Score, Trace, Turn
from tests.conversations import answered, clip, final, heard, spread, streamed, trace, update, word

PRICE = Price("p", "rest", "audio", 0.10, "a price list", "2026-11-20")
REFERENCE = spread("the quick brown fox jumps", 0.5)
LOST = Unavailable("the socket closed before done")
DIALOGUE = (*spread("good morning", 0.0, speaker="A"), *spread("hello there", 1.0, speaker="B"))


def scored(about: Clip, found: Trace | Sequence[Trace], said: Hypothesis, **rest: Any) -> Score:
    attempts = [found] if isinstance(found, Trace) else found
    return score(about, attempts, said, **{"price": None, "evidence": "simulated", **rest})


def live(*texts: tuple[float, str], last: str = "The quick brown fox jumps.") -> Hypothesis:
    """Interims as given, then the final text with times at 3.2 s."""
    interims = [update(t_s, text) for t_s, text in texts]
    return heard(*interims, update(3.2, spread(last, 0.52), "utterance_final"))


def columns(row: Score, base: str) -> tuple[float, ...]:
    return tuple(row.counts[f"{base}.{name}"] for name in ("hits", "substitutions", "deletions", "insertions"))


CASES = {
    "rest": (clip(REFERENCE), answered(), final(REFERENCE)),
    "stream": (clip(REFERENCE), streamed([(3.6, "done")]), live((1.5, "the quick"), (2.0, "the quack"))),
    "stream without interims": (clip(REFERENCE), streamed([(3.6, "done")]), live()),
    "stream badly paced": (clip(REFERENCE), streamed([(3.6, "done")], late_s=0.2), live((1.5, "the quick"))),
    "failed stream": (clip(REFERENCE), streamed(), heard(update(1.5, "the quick"), failure=LOST)),
    "failed request": (clip(REFERENCE), trace([], route="rest"), heard(failure=LOST)),
    "never connected": (clip(REFERENCE), trace([]), heard(failure=LOST)),
    "unreadable": (clip(REFERENCE), answered(), heard(failure=ParseError("what is this"))),
    "unreadable stream": (clip(REFERENCE), streamed(), heard(failure=ParseError("what is this"))),
    "nonspeech": (clip((), kind="nonspeech"), answered(), final([word("thanks")])),
    "nonspeech stream": (clip((), kind="nonspeech"), streamed([(3.6, "done")]), heard()),
    "failed nonspeech": (clip((), kind="nonspeech"), trace([], route="rest"), heard(failure=LOST)),
    "empty reference": (clip(()), answered(), final([word("hello")])),
    "no reference": (clip(None), streamed([(3.6, "done")]), live((1.5, "the quick"))),
    "speakers only": (clip(None, turns=(Turn("A", 0.0, 3.0),)), answered(), final(spread("a b", speaker="0"))),
    "text only": (clip([word("hello")]), answered(), final([word("hello")])),
    "Russian": (clip(spread("\u0434\u0430"), language="ru"), answered(), final(spread("\u0434\u0430"))),
    "Chinese": (clip(spread("\u4eca\u5929"), language="zh"), answered(), final(spread("\u4eca\u5929"))),
    "silent": (clip(REFERENCE), streamed([(3.6, "done")]), heard()),
}
