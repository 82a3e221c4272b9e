"""What the adapters share: a case, an answer, and small translations."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit import intervals
from evalkit.scoring import text, words
from evalkit.types import State, Turn, Word

Case = Mapping[str, Any]
Answer = dict[str, Any]
STATES: dict[str, State] = {"interim": "interim", "segment_final": "chunk_final", "utterance_final": "utterance_final"}


def tokens(sentence: str, name: str = "none") -> tuple[str, ...]:
    return text.profile(name).tokens(sentence)


def flat(found: words.ErrorCounts) -> Answer:
    return {
        "H": found.hits, "S": found.substitutions, "D": found.deletions, "I": found.insertions,
        "N": found.reference_words, "errors": found.errors, "perfect": found.perfect, "wer": found.rate,
        "mer": found.match_error_rate, "wip": found.information_preserved, "wil": found.information_lost,
    }  # fmt: skip


def turns(rows: Sequence[Sequence[Any]]) -> list[Turn]:
    return [Turn(str(name), start, end) for start, end, name in rows]


def timed(rows: Sequence[Sequence[Any]]) -> list[Word]:
    return [Word(token, start, end) for token, start, end in rows]


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def interval(found: intervals.Estimate) -> Answer:
    return {"se": found.se, "ci95": [found.lo, found.hi]}
