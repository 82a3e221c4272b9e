"""What a service said to bad input, as somebody noted it: ``rejects.csv`` beside a run.

No run can hold this: every clip of a corpus is decoded and sent as it should be.
"""

import csv
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import SettingsError
from evalkit.scoring.failures import BadInput, rejections

FILE = "rejects.csv"
_COLUMNS = ("kind", "route", "status", "seconds", "body", "date")


@dataclass(frozen=True, slots=True)
class Reject:
    """One bad input and what came back."""

    kind: str
    """What was wrong with it, e.g. ``empty body``."""
    route: str
    answer: BadInput
    date: str


@dataclass(frozen=True, slots=True)
class Clearness:
    """How clearly bad input was refused."""

    kinds: int
    clear: int
    """Kinds of which every repeat was refused with a message and in time: repeats must agree."""
    inputs: int
    unclear: str
    """The first kind that was not; empty when all were."""


def read(path: Path) -> list[Reject]:
    """The lines of a rejects.csv: kind, route, status (empty: no answer), seconds, body, date.

    Raises:
        SettingsError: it cannot be read, lacks a column, or holds what is no number or day.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if lacking := set(_COLUMNS) - set(rows.fieldnames or ()):
                raise SettingsError(f"{path}: lacks the column {min(lacking)}; it needs {', '.join(_COLUMNS)}")
            return [_reject(row, f"{path}:{number}") for number, row in enumerate(rows, start=2)]
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: not a CSV file in UTF-8 ({error})") from error


def clearness(rejects: Sequence[Reject]) -> Clearness:
    """Judge every kind of bad input by all its repeats."""
    kinds = dict.fromkeys(one.kind for one in rejects)
    unclear = []
    for kind in kinds:
        mine = [one.answer for one in rejects if one.kind == kind]
        if rejections(mine).clear < len(mine):
            unclear.append(kind)
    return Clearness(len(kinds), len(kinds) - len(unclear), len(rejects), next(iter(unclear), ""))


def _reject(row: dict[str, str], where: str) -> Reject:
    try:
        status = int(row["status"]) if (row["status"] or "").strip() else None
        answer = BadInput(status, row["body"] or "", float(row["seconds"]))
        day = datetime.date.fromisoformat(row["date"] or "").isoformat()
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: needs a status, seconds and a day such as 2026-11-20 ({error})") from error
    return Reject((row["kind"] or "").strip(), (row["route"] or "").strip(), answer, day)
