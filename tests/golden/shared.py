"""What the adapters share: a case, an answer, and small translations."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.providers.xai import Xai
from evalkit.scoring import text, words
from evalkit.stats import intervals
from evalkit.types import Event, Hypothesis, State, Turn, Word

Case = Mapping[str, Any]
Answer = dict[str, Any]
STATES: dict[str, State] = {"interim": "interim", "segment_final": "chunk_final", "utterance_final": "utterance_final"}
FLAGS = {"interim": (False, False), "segment_final": (True, False), "utterance_final": (True, True)}
TYPES = {"ready": "transcript.created", "done": "transcript.done", "error": "error"}


def asked(case: Case, pattern: str) -> list[re.Match[str]]:
    """The names of answers a case asks for that have a number in them, such as ``p97`` or ``ceil_7s``."""
    return [found for name in dict.fromkeys(_names(case["expected"])) if (found := re.fullmatch(pattern, name))]


def _names(answers: Mapping[str, Any]) -> Iterator[str]:
    for name, answer in answers.items():
        yield name
        if isinstance(answer, Mapping):
            yield from _names(answer)


def rules_of(case: Case, default: str = "none") -> str:
    """The text profile a case asks for."""
    params = case["params"]
    return str(next((params[key] for key in ("normalizer", "normaliser", "profile") if params.get(key)), default))


def tokens(sentence: str | None, name: str = "none") -> tuple[str, ...]:
    """The tokens of a text; a clip without an answer has none."""
    return text.profile(name).tokens(sentence or "")


def several(value: Any) -> list[Any]:
    """A list of values, or one value by itself."""
    return list(value) if isinstance(value, list | tuple) else [value]


def share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def flat(found: words.ErrorCounts) -> Answer:
    return {
        "H": found.hits, "S": found.substitutions, "D": found.deletions, "I": found.insertions,
        "N": found.reference_words, "errors": found.errors, "perfect": found.perfect, "wer": found.rate,
        "mer": found.match_error_rate, "wip": found.information_preserved, "wil": found.information_lost,
    }  # fmt: skip


def turns(rows: Sequence[Sequence[Any]]) -> list[Turn]:
    return [Turn(str(name), start, end) for start, end, name in rows]


def timed(rows: Iterable[Sequence[Any] | Mapping[str, Any]] | None) -> list[Word]:
    """Words as rows (text, start, end, speaker, channel), the last two or more of which may be left out."""
    return [_word(row) for row in rows or ()]


def _word(row: Sequence[Any] | Mapping[str, Any]) -> Word:
    if isinstance(row, Mapping):
        said, *rest = (row.get(key) for key in ("text", "start", "end", "speaker", "channel"))
    else:
        said, *rest = row
    start_s, end_s, speaker, channel = [*rest, None, None, None, None][:4]
    return Word(str(said), start_s, end_s, None if speaker is None else str(speaker), channel)


def parsed(messages: Sequence[Mapping[str, Any]], times_s: Sequence[float] = (), *, closed: bool = True) -> Hypothesis:
    """What our reading of recorded messages says; a neutral event becomes the message that means it.

    A conversation that breaks off ends with an empty ``done``, so that what was locked by then is the transcript;
    not ``closed``, only what was shown up to its last message counts.
    """
    made = [_message(message) for message in messages]
    channels = 1 + max((int(message.get("channel_index") or 0) for message in made), default=0)
    events = [Event(0.0, 0.0, "open", {"url": f"ws://127.0.0.1/v1/stt?channels={channels}"})]
    stamps = times_s or [float(number) for number in range(1, len(made) + 1)]
    events += [
        Event(t_s, 0.0, "received", json.dumps(message)) for t_s, message in zip(stamps, made, strict=True) if message
    ]
    last_s = events[-1].t_s
    done = {int(message.get("channel_index") or 0) for message in made if message.get("type") == TYPES["done"]}
    for channel in sorted(set(range(channels)) - done):
        message = {"type": TYPES["done"], "text": "", "channel_index": channel}
        events.append(Event(events[-1].t_s + 1.0, 0.0, "received", json.dumps(message)))
    heard = Hypothesis.of(Xai(route="streaming").parse(events))
    return heard if closed else Hypothesis(tuple(update for update in heard.updates if update.t_s <= last_s))


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    if "kind" not in message:
        return dict(message)
    rest = {key: value for key, value in message.items() if key not in ("kind", "channel")}
    if message.get("channel") is not None:
        rest["channel_index"] = message["channel"]
    if message["kind"] in FLAGS:
        final, closing = FLAGS[message["kind"]]
        return {"type": "transcript.partial", "is_final": final, "speech_final": closing, **rest}
    return {"type": TYPES[message["kind"]], **rest} if message["kind"] in TYPES else {}


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def level_of(case: Case) -> float:
    """The confidence a case asks for."""
    params = {**case["input"], **case["params"]}
    if params.get("alpha"):
        return 1 - float(params["alpha"])
    return float(next((params[key] for key in ("level", "confidence") if params.get(key)), 0.95))


def interval(found: intervals.Estimate, level: float = 0.95) -> Answer:
    limits = None if found.lo is None else [found.lo, found.hi]
    return {"se": found.se, f"ci{100 * level:g}": limits}
