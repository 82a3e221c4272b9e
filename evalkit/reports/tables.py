"""CSV files of a run: one row per score, one per pooled figure, one per paired difference.

The three files can be opened by any spreadsheet and are read back without loss. None is an empty cell; NaN and infinity
are refused. A file is written whole or not at all.
"""

import csv
import dataclasses
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from evalkit import store
from evalkit.errors import StoreError
from evalkit.types import Difference, Evidence, Kind, Pacing, Route, Score, SummaryRow

SUMMARY_COLUMNS = (
    "provider",
    "route",
    "slice",
    "metric",
    "unit",
    "value",
    "numerator",
    "denominator",
    "ci_lo",
    "ci_hi",
    "n_clips",
    "n_units",
    "status",
    "n_clusters",
    "macro",
    "note",
    "ci_method",
)
LATER = ("ci_method", "p_bh", "ties", "test")
"""Columns that older files do not have; their cells are read as empty."""
DIFFERENCE_COLUMNS = tuple(field.name for field in dataclasses.fields(Difference))
DIFFERENCE_NUMBERS = tuple(field.name for field in dataclasses.fields(Difference) if field.type == float | None)
PACING_COLUMNS = tuple(field.name for field in dataclasses.fields(Pacing))
FIXED_COLUMNS = (
    "clip_id",
    "provider",
    "route",
    "evidence",
    "kind",
    "cluster",
    "language",
    "audio_s",
    "attempts",
    "failure",
)
TEXT_COLUMNS = ("absent", "has_reference", "reference", "hypothesis")

Row = TypeVar("Row", Score, SummaryRow, Difference)

TAG = "tag."
PACING = "pacing."
EACH = "[]"
"""Ends the name of a column that holds one value per word, utterance or request, joined with ``;``."""


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write one row per clip, provider and route.

    Columns: the fixed fields, ``tag.<key>`` per slice, the counts under their own names, ``<metric>[]`` for lists of
    values (a lone ``;`` is an empty list), ``pacing.<field>``, ``absent`` as JSON, and the two texts. ``has_reference``
    tells an unknown reference from one in which nothing is said.

    Raises:
        StoreError: a number is not finite, or the file cannot be written.
    """
    tags = _names(score.slices for score in scores)
    counts = _names(score.counts for score in scores)
    values = _names(score.values for score in scores)
    header = [
        *FIXED_COLUMNS,
        *(TAG + name for name in tags),
        *counts,
        *(name + EACH for name in values),
        *(PACING + name for name in PACING_COLUMNS),
        *TEXT_COLUMNS,
    ]
    write_whole(path, _csv(header, (_cells(score, tags, counts, values) for score in scores)))


def _cells(score: Score, tags: Sequence[str], counts: Sequence[str], values: Sequence[str]) -> list[str]:
    where = f"{score.provider}, {score.route}, clip {score.clip_id!r}"
    row = [_cell(getattr(score, name), where) for name in FIXED_COLUMNS]
    row += [_cell(score.slices.get(name), where) for name in tags]
    row += [_cell(float(score.counts[name]) if name in score.counts else None, where) for name in counts]
    row += [_joined(score.values.get(name), where) for name in values]
    row += [_cell(score.pacing and getattr(score.pacing, name), where) for name in PACING_COLUMNS]
    row.append(json.dumps(dict(score.absent), ensure_ascii=False, sort_keys=True) if score.absent else "")
    row += [_cell(score.reference is not None, where), score.reference or "", score.hypothesis]
    return row


def read_scores(path: Path) -> list[Score]:
    """Read what `write_scores` wrote.

    Raises:
        StoreError: the file is missing, lacks a column, or holds a cell that is not what its column promises.
    """
    return _read(path, (*FIXED_COLUMNS, *TEXT_COLUMNS), _score)


def write_summary(path: Path, rows: Sequence[SummaryRow]) -> None:
    """Write the pooled figures, tidy: one figure per row.

    Raises:
        StoreError: a number is not finite, or the file cannot be written.
    """
    write_whole(path, _csv(SUMMARY_COLUMNS, (_fields(row, SUMMARY_COLUMNS) for row in rows)))


def read_summary(path: Path) -> list[SummaryRow]:
    """Read what `write_summary` wrote.

    Raises:
        StoreError: the file is missing, lacks a column, or holds a cell that is not what its column promises.
    """
    return _read(path, SUMMARY_COLUMNS, _summary_row)


def write_differences(path: Path, rows: Sequence[Difference]) -> None:
    """Write the paired differences, one per row.

    Raises:
        StoreError: a number is not finite, or the file cannot be written.
    """
    write_whole(path, _csv(DIFFERENCE_COLUMNS, (_fields(row, DIFFERENCE_COLUMNS) for row in rows)))


def read_differences(path: Path) -> list[Difference]:
    """Read what `write_differences` wrote.

    Raises:
        StoreError: the file is missing, lacks a column, or holds a cell that is not what its column promises.
    """
    return _read(path, DIFFERENCE_COLUMNS, _difference)


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """Replace a text file in one step, so that a reader sees the old content or the new and nothing between.

    A large text comes in pieces and is never held at once. Half a character (a lone surrogate, which some services
    send) is written as a backslash escape.

    Raises:
        StoreError: the folder is missing or cannot be written.
    """
    pieces = [text] if isinstance(text, str) else text
    store.replace(path, (piece.encode("utf-8", errors="backslashreplace") for piece in pieces))


def _names(columns: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({name for mapping in columns for name in mapping})


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in itertools.chain([header], rows):
        yield ",".join(map(_quoted, row)) + "\n"


def _quoted(cell: str) -> str:
    """A cell as RFC 4180 wants it; csv.writer would leave a lone carriage return bare when lines end in a newline."""
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\r\n') else cell


def _fields(row: SummaryRow | Difference, columns: Sequence[str]) -> list[str]:
    where = f"{row.provider}, {row.route}, {row.metric}"
    return [_cell(getattr(row, name), where) for name in columns]


def _cell(value: object, where: str) -> str:
    """One cell: None is empty, a whole number has no point, any other float keeps every digit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"{where}: {value} cannot be stored; an absent number is None")
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _joined(values: Sequence[float] | None, where: str) -> str:
    if values is None:
        return ""
    return ";".join(_cell(float(value), where) for value in values) or ";"


def _read(path: Path, columns: Sequence[str], parse: Callable[[Mapping[str, str]], Row]) -> list[Row]:
    csv.field_size_limit(sys.maxsize)  # the values of an hour of speech pass the default limit
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            missing = [name for name in columns if name not in (reader.fieldnames or ()) and name not in LATER]
            if missing:
                raise StoreError(f"{path}: column {missing[0]!r} is missing; make the file again with `evalkit score`")
            rows = []
            for row in reader:
                try:
                    rows.append(parse(row))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise StoreError(
                        f"{path}:{reader.line_num}: {error}; make the file again with `evalkit score`"
                    ) from error
            return rows
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; `evalkit run` or `evalkit score` makes it") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path}: cannot be read ({error}); make it again with `evalkit score`") from error


def _score(row: Mapping[str, str]) -> Score:
    plain = {
        name: cell
        for name, cell in row.items()
        if cell and name not in FIXED_COLUMNS + TEXT_COLUMNS and not name.startswith((TAG, PACING))
    }
    return Score(
        clip_id=row["clip_id"],
        provider=row["provider"],
        route=_one_of(row["route"], Route),
        evidence=_one_of(row["evidence"], Evidence),
        kind=_one_of(row["kind"], Kind),
        cluster=row["cluster"],
        language=row["language"] or None,
        slices={name.removeprefix(TAG): cell for name, cell in row.items() if cell and name.startswith(TAG)},
        audio_s=float(row["audio_s"]),
        attempts=int(row["attempts"]),
        failure=row["failure"] or None,
        counts={name: float(cell) for name, cell in plain.items() if not name.endswith(EACH)},
        values={
            name.removesuffix(EACH): tuple(float(value) for value in cell.split(";") if value)
            for name, cell in plain.items()
            if name.endswith(EACH)
        },
        absent=json.loads(row["absent"] or "{}"),
        pacing=_pacing(row),
        reference=row["reference"] if row["has_reference"] == "true" else None,
        hypothesis=row["hypothesis"],
    )


def _pacing(row: Mapping[str, str]) -> Pacing | None:
    cells = {name: row.get(PACING + name, "") for name in PACING_COLUMNS}
    if not cells["frames"]:
        return None
    return Pacing(int(cells.pop("frames")), **{name: float(cell) for name, cell in cells.items() if cell})


def _summary_row(row: Mapping[str, str]) -> SummaryRow:
    return SummaryRow(
        provider=row["provider"],
        route=_one_of(row["route"], Route),
        slice=row["slice"],
        metric=row["metric"],
        unit=row["unit"],
        value=_number(row["value"]),
        numerator=_number(row["numerator"]),
        denominator=_number(row["denominator"]),
        ci_lo=_number(row["ci_lo"]),
        ci_hi=_number(row["ci_hi"]),
        n_clips=int(row["n_clips"]),
        n_units=int(row["n_units"]),
        n_clusters=int(row["n_clusters"]),
        status=row["status"],
        macro=_number(row["macro"]),
        note=row["note"],
        ci_method=row.get("ci_method", ""),
    )


def _difference(row: Mapping[str, str]) -> Difference:
    read: dict[str, Any] = {name: row.get(name, "") if name in LATER else row[name] for name in DIFFERENCE_COLUMNS}
    for name in ("question", "route", "against_route", "verdict"):
        read[name] = _one_of(row[name], Difference.__annotations__[name])
    for name in ("label", "gate"):
        read[name] = _one_of(row[name], get_args(Difference.__annotations__[name])[0]) if row[name] else None
    for name in ("n_clips", "n_clusters"):
        read[name] = int(row[name])
    read["clips_needed"] = int(row["clips_needed"]) if row["clips_needed"] else None
    for name in DIFFERENCE_NUMBERS:
        read[name] = _number(read[name])
    return Difference(**read)


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _one_of(cell: str, choices: Any) -> Any:
    """The cell itself when the ``Literal`` type ``choices`` allows it."""
    if cell not in get_args(choices):
        raise ValueError(f"{cell!r} is none of {', '.join(get_args(choices))}")
    return cell
