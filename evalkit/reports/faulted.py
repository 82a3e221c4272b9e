"""What a client made of faults: faults.csv, and the section and the page that are made from it."""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

import jinja2

from evalkit.errors import StoreError
from evalkit.reports.headline import ROUTE_WORDS, capitalised
from evalkit.reports.tables import write_whole
from evalkit.reports.units import UNDEFINED, shown, span, status
from evalkit.scoring import catalogue
from evalkit.types import SummaryRow
from evalkit.verdicts import FAIR, Verdict

COLUMNS = tuple(field.name for field in dataclasses.fields(Verdict))
PAGE = files("evalkit.reports") / "page"
_KINDS = get_type_hints(Verdict)
_FLAGS = {"true": True, "false": False}


def write_verdicts(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write faults.csv: one row per trial.

    Raises:
        StoreError: the file cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows([_cell(getattr(verdict, name)) for name in COLUMNS] for verdict in verdicts)
    write_whole(path, text.getvalue())


def read_verdicts(path: Path) -> list[Verdict]:
    """Read what ``write_verdicts`` wrote.

    Raises:
        StoreError: the file is missing, or is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            if lacking := set(COLUMNS) - set(lines.fieldnames or ()):
                raise KeyError(min(lacking))
            return [_verdict(row) for row in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise StoreError(f"{path}: cannot be read ({error!r}); make it again with `evalkit faults`") from error


def section(path: Path) -> str:
    """The table of faults.csv as a section of a page with the style of the report; HTML, all escaped.

    Raises:
        StoreError: the file is missing, or is no such table.
    """
    return _template(
        "{% from 'faults_section.html.j2' import section %}{{ section(lede, groups) }}", read_verdicts(path), ()
    )


def write(path: Path, *, name: str, verdicts: Sequence[Verdict], summary: Sequence[SummaryRow]) -> None:
    """Write the page on the faults of a run as one file.

    Args:
        path: of the page.
        name: of the run.
        verdicts: one per trial.
        summary: the metrics of failing over the trials.

    Raises:
        StoreError: the file cannot be written.
    """
    write_whole(path, _template("{% include 'faults.html.j2' %}", verdicts, summary, name=name))


def lede(verdicts: Sequence[Verdict]) -> str:
    """The answer in a sentence."""
    struck = [verdict for verdict in verdicts if verdict.fault != FAIR]
    wrong = sum(not verdict.ok for verdict in struck)
    fair = "" if all(one.ok for one in verdicts if one.fault == FAIR) else " In fair weather something went wrong too."
    if not wrong:
        return f"All {len(struck)} faults were met as a correct client meets them.{fair}"
    return f"{wrong} of {len(struck)} faults were not met as a correct client meets them.{fair}"


def about(verdicts: Sequence[Verdict]) -> str:
    """What the verdicts may be used for."""
    if any(verdict.evidence == "live" for verdict in verdicts):
        return (
            "Bad weather on the way to the live service: the lines say something about the client and about the "
            "service. What a recogniser hears otherwise after a cut is its own affair and no fault of the client."
        )
    return (
        "Faults planted on this machine: the lines say something about the client only, nothing about any service. "
        "Shares are those over the planned faults, not how often a service fails."
    )


def kept(verdict: Verdict) -> str:
    """How many locked words are still there, e.g. ``4 of 4``; a dash when none was at stake."""
    return f"{verdict.locked - verdict.locked_lost} of {verdict.locked}" if verdict.locked else UNDEFINED


def seam(verdict: Verdict) -> str:
    """Words lost and doubled where a stream was taken up again."""
    if not verdict.reconnects or verdict.seam_lost is None or verdict.seam_doubled is None:
        return UNDEFINED
    return f"{verdict.seam_lost} lost, {verdict.seam_doubled} doubled"


def salvage(verdict: Verdict) -> str:
    """Of the words spoken before a cut: right in locked text, and in the caption of a stream that failed for good."""
    parts = []
    if verdict.salvage_spoken is not None:
        parts.append(f"{verdict.salvage_locked} of {verdict.salvage_spoken}")
    if verdict.caption_spoken is not None:
        parts.append(f"caption {verdict.caption_kept} of {verdict.caption_spoken}")
    return ", ".join(parts) or UNDEFINED


def figures(summary: Sequence[SummaryRow]) -> dict[str, Any]:
    """The metrics of failing, a column per system; metrics that no system has are left out."""
    systems = list(dict.fromkeys((row.provider, row.route) for row in summary))
    found = {(row.metric, row.provider, row.route): row for row in summary}
    rows = []
    for metric in dict.fromkeys(row.metric for row in summary):
        cells = [_figure(found.get((metric, *system))) for system in systems]
        if any(cell["text"] != UNDEFINED for cell in cells):
            about = catalogue.describe(metric)
            rows.append({"id": metric, "title": about.title, "definition": about.definition, "cells": cells})
    return {"columns": [f"{provider} {ROUTE_WORDS[route]}" for provider, route in systems], "rows": rows}


def _figure(row: SummaryRow | None) -> Mapping[str, str]:
    if row is None or row.value is None:
        return {"text": UNDEFINED, "small": "" if row is None else row.note or status(row)}
    parts = [f"n = {row.n_units}", span(row.ci_lo, row.ci_hi, row.unit, bare=True)]
    return {"text": shown(row.value, row.unit), "small": ", ".join(filter(None, parts))}


def _template(text: str, verdicts: Sequence[Verdict], summary: Sequence[SummaryRow], *, name: str = "") -> str:
    groups = [
        {"title": capitalised(route), "rows": [_line(one) for one in verdicts if one.route == route]}
        for route in dict.fromkeys(verdict.route for verdict in verdicts)
    ]
    parts = ("faults.html.j2", "faults_section.html.j2")
    source = jinja2.DictLoader({file: PAGE.joinpath(file).read_text(encoding="utf-8") for file in parts})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=source)
    return environment.from_string(text).render(
        name=name,
        lede=lede(verdicts),
        about=about(verdicts),
        groups=groups,
        figures=figures(summary),
        style=PAGE.joinpath("style.css").read_text(encoding="utf-8"),
    )


def _line(one: Verdict) -> dict[str, Any]:
    return {
        "fault": one.fault,
        "what": one.what,
        "expected": one.expected,
        "found": one.found,
        "attempts": one.attempts,
        "kept": kept(one),
        "salvage": salvage(one),
        "seam": seam(one),
        "errors": f"{one.errors} of {one.words}",
        "recover": shown(one.recover_s, "s"),
        "ok": one.ok,
        "sentence": one.sentence,
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _verdict(row: Mapping[str, str]) -> Verdict:
    values: dict[str, Any] = {}
    for name in COLUMNS:
        cell, kind = row[name], _KINDS[name]
        if kind is bool:
            values[name] = _FLAGS[cell]
        elif kind is int or kind == int | None:
            values[name] = int(cell) if cell or kind is int else None
        elif kind is float or kind == float | None:
            values[name] = float(cell) if cell or kind is float else None
        else:
            values[name] = cell
    return Verdict(**values)
