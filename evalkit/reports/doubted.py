"""Doubtful references as a table for a person to fill in, and what came of it: scores on both kinds of references."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from evalkit.comparison.corrections import NOTHING, Corrected, Correction, Effect, fits, overlapping
from evalkit.comparison.doubts import Doubt
from evalkit.errors import StoreError
from evalkit.reports import tables
from evalkit.reports.decided import LABELS
from evalkit.reports.headline import PRIMARY, ROUTE_WORDS, capitalised
from evalkit.reports.units import UNDEFINED, listed, shown
from evalkit.store import replace as write_whole
from evalkit.types import Clip, Difference, SummaryRow

FILE = "doubts.csv"
COLUMNS = (
    "clip_id", "path", "start_s", "end_s", "before", "reference", "said", "after", "corrected", "said_by",
    "reference_by", "providers", "confidence", "from_word", "to_word", "sha256",
)  # fmt: skip
NEEDED = ("clip_id", "reference", "corrected", "said_by", "from_word", "to_word", "sha256")
KEPT = "corrected.json"
SUMMARY = "summary.corrected.csv"
DIFFERENCES = "comparison.corrected.csv"


def write_doubts(path: Path, found: Sequence[Doubt]) -> None:
    """Write the doubts as CSV with an empty column ``corrected``.

    Raises:
        StoreError: the file cannot be written.
    """
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    lines.writerows(map(record, found))
    tables.write_whole(path, text.getvalue())


def record(doubt: Doubt) -> dict[str, Any]:
    """A doubt as a row."""
    row = {name: getattr(doubt, name, "") for name in COLUMNS}
    row |= {name: "; ".join(row[name]) for name in ("said_by", "reference_by")}
    return row | {name: _brief(row[name]) for name in ("start_s", "end_s", "confidence")}


def _brief(value: Any) -> float | None:
    return None if value is None else round(float(value), 3)


def read_filled(path: Path, clips: Mapping[str, Clip], *, by: str, at: str) -> list[Correction]:
    """The rows somebody filled in: words in ``corrected``, or a lone ``-`` where nothing was said.

    Args:
        path: what ``write_doubts`` wrote, filled in.
        clips: with the references that are corrected.
        by: who filled it in.
        at: when, UTC.

    Raises:
        StoreError: the file cannot be read, lacks a column, or a row does not fit its reference.
    """
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
            raise StoreError(f"{path}: lacks the column {missing[0]!r}; fill in what `evalkit doubts` wrote, as CSV")
        filled = [(rows.line_num, row) for row in rows if _answer(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error
    made = [(line, _correction(row, f"{path}:{line}", by, at)) for line, row in filled]
    for line, one in made:
        if one.clip_id not in clips:
            raise StoreError(f"{path}:{line}: the run has no clip {one.clip_id!r}")
        if not fits(one, clips[one.clip_id]):
            raise StoreError(
                f"{path}:{line}: the reference of {one.clip_id!r} does not say {one.reference!r} there; "
                "make the list again with `evalkit doubts`"
            )
    if clashes := overlapping(one for _, one in made if one.changes):
        first, second = clashes[0]
        raise StoreError(
            f"{path}: {first.reference!r} and {second.reference!r} of {first.clip_id!r} are the same words; fill in one"
        )
    return [one for _, one in made]


def _answer(row: Mapping[str, str | None]) -> str:
    return " ".join((row["corrected"] or "").split())


def _correction(row: Mapping[str, str | None], where: str, by: str, at: str) -> Correction:
    said = _answer(row)
    texts = {name: row[name] or "" for name in ("clip_id", "sha256", "reference", "said_by")}
    try:
        span = int(row["from_word"] or ""), int(row["to_word"] or "")
    except ValueError as error:
        raise StoreError(f"{where}: from_word and to_word are whole numbers; leave them as they were") from error
    if min(span) < 0:
        raise StoreError(f"{where}: from_word and to_word are places in the reference; leave them as they were")
    return Correction(
        **texts, from_word=span[0], to_word=span[1], corrected="" if said == NOTHING else said, by=by, at=at
    )


def write(folder: Path, found: Corrected | None) -> None:
    """Keep the figures on corrected references beside the others of a run; without corrections there are none.

    Raises:
        StoreError: a file cannot be written.
    """
    if found is None:
        for name in (KEPT, SUMMARY, DIFFERENCES):
            (folder / name).unlink(missing_ok=True)
        return
    tables.write_summary(folder / SUMMARY, found.summary)
    tables.write_differences(folder / DIFFERENCES, found.differences)
    about = {
        "applied": [dataclasses.asdict(one) for one in found.applied],
        "stale": [dataclasses.asdict(one) for one in found.stale],
        "confirmed": found.confirmed,
        "effects": [dataclasses.asdict(one) for one in found.effects],
    }
    write_whole(folder / KEPT, json.dumps(about, indent=1, ensure_ascii=False).encode() + b"\n")


def read(folder: Path) -> Corrected | None:
    """What ``write`` kept, or None.

    Raises:
        StoreError: a file is damaged.
    """
    path = folder / KEPT
    if not path.is_file():
        return None
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return Corrected(
            tuple(Correction(**one) for one in about["applied"]),
            tuple(Correction(**one) for one in about["stale"]),
            about["confirmed"],
            tuple(Effect(**one) for one in about["effects"]),
            tuple(tables.read_summary(folder / SUMMARY)),
            tuple(tables.read_differences(folder / DIFFERENCES)),
        )
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error!r}); make it again with `evalkit score`") from error


def sentences(found: Corrected, summary: Iterable[SummaryRow], differences: Iterable[Difference]) -> list[str]:
    """How many references were corrected, both figures of every system, and whom the corrections favour.

    Args:
        found: of the corrected references.
        summary: on the originals.
        differences: on the originals.
    """
    who = listed(sorted({one.by for one in found.applied})) or UNDEFINED
    told = [
        f"References corrected by {who}: {found.clips}, in {len(found.applied)} places; looked at and found right: "
        f"{found.confirmed} places. Originals are kept; every other figure is on the originals."
    ]
    for metric, title in PRIMARY.items():
        before, after = (_rates(rows, metric) for rows in (summary, found.summary))
        parts = [f"{name} {before[name]} and {after[name]}" for name in before if name in after]
        if parts:
            told.append(f"{title} on the original and on the corrected references: {'; '.join(parts)}.")
    told += _decisions(found, differences)
    if found.applied:
        parts = [
            f"{one.provider} {_route(one.route)} {one.fewer} ({one.alone} from {one.provider} alone)"
            for one in found.effects
        ]
        told.append(f"Corrections that take errors away: {'; '.join(parts)}.")
    if found.lopsided:
        told.append(
            f"Most corrections help {found.lopsided} alone: a reference corrected because one system said so favours "
            "it. Check by ear, and look as hard at what the others said."
        )
    if found.stale:
        told.append(f"Left out, for they no longer fit their references: {len(found.stale)} corrections.")
    return told


def _rates(rows: Iterable[SummaryRow], metric: str) -> dict[str, str]:
    return {
        f"{row.provider} {_route(row.route)}": shown(row.value, row.unit)
        for row in rows
        if row.metric == metric and row.slice == "all" and row.value is not None
    }


def _decisions(found: Corrected, differences: Iterable[Difference]) -> list[str]:
    """What the leading rate says of candidate and incumbent on both kinds of references."""
    sides = [
        {
            row.route: row
            for row in rows
            if row.question == "candidate_vs_incumbent" and row.metric == next(iter(PRIMARY)) and row.label
        }
        for rows in (differences, found.differences)
    ]
    return [
        f"{capitalised(route)}, {row.provider} against {row.against_provider}: {LABELS[row.label or '']} on the "
        f"originals, {LABELS[sides[1][route].label or '']} on the corrected references."
        for route, row in sides[0].items()
        if route in sides[1]
    ]


def _route(route: str) -> str:
    return {str(name): words for name, words in ROUTE_WORDS.items()}.get(route, route)


_SECTION = """<section id="corrected" aria-labelledby="corrected-h">
<h2 id="corrected-h">Corrected references</h2>
<ul class="sentences">{% for sentence in sentences %}<li>{{ sentence }}</li>
{% endfor %}</ul>
</section>"""


def section(found: Corrected | None, summary: Iterable[SummaryRow], differences: Iterable[Difference]) -> str:
    """The same as a section of the report; HTML, all escaped; empty without corrections."""
    if found is None:
        return ""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_SECTION)
    return template.render(sentences=sentences(found, list(summary), list(differences)))
