"""Two sides for a gate, and what can be planted in one of them."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from evalkit.gate import Finding, Outcome, Side
from evalkit.gate.fingerprints import Fingerprint, Key, Models, System
from evalkit.manifest import yardstick
from evalkit.scoring import words
from evalkit.scoring.text import PROFILES
from evalkit.types import Score
from tests import handmade

MODEL = "grok-voice-transcribe-2.0"


def side(rows: Sequence[Score] | None = None, *, recording: str = "first", name: str = "main") -> Side:
    """A side as after scoring; ``recording`` tells recordings apart, ``first/again`` is one played again."""
    scores = handmade.scores() if rows is None else list(rows)
    about = copy.deepcopy(handmade.manifest(scores)) | {"scoring": yardstick(), "terms": [], "sample_rate_hz": 16_000}
    said = recording.partition("/")[0]
    prints: dict[Key, Fingerprint] = {
        (row.clip_id, row.provider, row.route): Fingerprint(f"{recording} {row.clip_id}", f"{said} {row.clip_id}")
        for row in scores
    }
    models: dict[System, Models] = {(row.provider, row.route): Models((MODEL,), (MODEL,)) for row in scores}
    return Side(name, about, scores, prints, models)


def entry(one: Side, provider: str = handmade.CANDIDATE) -> dict[str, Any]:
    """The part of the manifest that tells of a provider."""
    found: dict[str, Any] = one.manifest["providers"][provider]
    return found


def dropping(rows: Iterable[Score], every: int = 5) -> list[Score]:
    """Every fifth hypothesis lacks a word."""
    return [_shorter(row) if number % every == 0 else row for number, row in enumerate(rows)]


def _shorter(row: Score) -> Score:
    heard = row.hypothesis.split()
    hypothesis = " ".join(heard[: len(heard) // 2] + heard[len(heard) // 2 + 1 :])
    found = asdict(words.unit_counts(*(PROFILES["en"].tokens(side) for side in (row.reference or "", hypothesis))))
    bases = ("acc.wer.en", "acc.wer.basic", "acc.wer.en.scored_only", "acc.wer.basic.scored_only")
    counts = {f"{base}.{name}": value for base in bases for name, value in found.items()}
    return replace(row, hypothesis=hypothesis, counts={**row.counts, **counts})


def slower(rows: Iterable[Score], name: str = "lat.word_first", times: float = 2.0) -> list[Score]:
    """Every delay of one kind is so many times as long."""
    return [
        replace(row, values={**row.values, name: tuple(times * value for value in row.values[name])})
        if name in row.values
        else row
        for row in rows
    ]


def without(rows: Iterable[Score], prefix: str, provider: str = "", route: str = "") -> list[Score]:
    """All columns under a prefix are gone, from all systems or from one."""
    return [
        replace(
            row,
            counts={name: value for name, value in row.counts.items() if not name.startswith(prefix)},
            values={name: value for name, value in row.values.items() if not name.startswith(prefix)},
        )
        if provider in ("", row.provider) and route in ("", row.route)
        else row
        for row in rows
    ]


def only(rows: Iterable[Score], *systems: tuple[str, str]) -> list[Score]:
    return [row for row in rows if (row.provider, row.route) in systems]


def found(outcome: Outcome, what: str, *states: str) -> Finding:
    """The first finding about one thing, of these states if any are given."""
    return next(one for one in outcome.findings if one.what == what and (not states or one.state in states))
