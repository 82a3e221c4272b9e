"""The checklist on a console, on the page, and as files: checklist.csv and checklist.json."""

import csv
import dataclasses
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalkit.checklist.adoption import Standing
from evalkit.checklist.answers import Answer, Checked, Judgement, Sheet
from evalkit.reports.tables import write_whole
from evalkit.reports.units import UNDEFINED, shown, span

COLUMNS = tuple(field.name for field in dataclasses.fields(Judgement))
WORDS = {
    "pass": "pass",
    "warn": "warn",
    "fail": "FAIL",
    "insufficient": "too few data",
    "not_tested": "not tested",
    "not_applicable": "not applicable",
    "go": "go",
    "go_with_conditions": "go, with conditions",
    "not_ready": "not ready",
    "no_go": "no go",
    "ready": "ready",
    "blocked": "blocked",
    "locked": "locked",
}
STYLES = {
    "pass": "green", "ready": "green", "go": "green", "warn": "yellow", "go_with_conditions": "yellow", "fail": "red",
    "no_go": "red", "blocked": "yellow",
}  # fmt: skip
MARKS = {"pass": "better", "fail": "worse"}
"""Class of a verdict on the page."""

PAGE = files("evalkit.reports") / "page"


def tally(sheet: Sheet) -> str:
    """How many of the eight have which verdict, e.g. ``2 pass, 6 not tested``."""
    found = [answer.verdict for answer in sheet.eight]
    return ", ".join(f"{found.count(name)} {WORDS[name]}" for name in dict.fromkeys(found))


def asked(checks: Checked) -> str:
    """By what it was judged."""
    if not checks.declared:
        return "Nobody has said what the product needs, so everything is asked: evalkit init writes it down."
    begun = f", begun from the profile {checks.profile}" if checks.profile else ""
    return f"Judged by the needs kept with the run{begun}."


def figure(one: Judgement) -> str:
    """Value, interval and support of a criterion in words."""
    if one.kind == "presence" or one.value is None:
        return UNDEFINED
    unit = "count" if one.kind == "must_be_zero" else one.unit
    points = one.kind == "non_inferiority"
    interval = span(one.lo, one.hi, unit, points=points)
    parts = [shown(one.value, unit, points=points, signed=points), *([f"({interval})"] if interval else [])]
    return " ".join(parts)


def thresholds(one: Judgement) -> str:
    """Target and limit in words."""
    if one.kind == "must_be_zero":
        return "none"
    if one.target is None or one.kind not in ("upper", "lower"):
        return UNDEFINED
    way = "at most" if one.kind == "upper" else "at least"
    ends = dict.fromkeys(shown(end, one.unit) for end in (one.target, one.limit) if end is not None)
    return f"{way} {' / '.join(ends)}"


def support(one: Judgement) -> str:
    """What it rests on, in words."""
    least = (
        "" if one.smallest_detectable is None else shown(one.smallest_detectable, one.unit, points=one.unit == "rate")
    )
    parts = (
        f"{one.clips} clips" if one.clips else "",
        f"{one.clusters} clusters" if one.clusters else "",
        f"smallest detectable {least}" if least else "",
        f"about {one.more_clips:,} more clips" if one.more_clips else "",
        one.evidence,
        one.date,
    )
    return ", ".join(filter(None, parts))


def show(console: Console, checks: Checked) -> None:
    """Print the eight questions with their verdicts, one column per system, and the first reason."""
    table = Table(title="Checklist", title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False)
    table.add_column("")
    for sheet in checks.sheets:
        table.add_column(sheet.subject, no_wrap=True)
    table.add_column("first reason")
    rows = zip(*(sheet.eight for sheet in checks.sheets), strict=True)
    for number, answers in enumerate(rows, start=1):
        cells = [Text(WORDS[one.verdict], style=STYLES.get(one.verdict, "dim")) for one in answers]
        table.add_row(f"{number} {answers[-1].title}", *cells, Text(reason(answers[-1])))
    console.print(table, width=console.width - 2)
    for sheet in checks.sheets:
        line = Text.assemble(
            f"{sheet.subject}: ", (WORDS[sheet.overall], STYLES.get(sheet.overall, "bold")), f" ({tally(sheet)}). "
        )
        console.print(line.append(sheet.about, style="dim"))
    console.print(Text(asked(checks), style="dim"))


def reason(answer: Answer) -> str:
    """The first reason of an answer, with what is known in numbers; what every criterion met needs none."""
    one = answer.decisive
    return answer.reason if one is None or one.value is None else f"{one.where} {figure(one)}: {one.reason}"


def show_standing(console: Console, standing: Standing) -> None:
    """Print the stages of adoption, what holds the open one up, and what to do next."""
    table = Table(title=f"Adoption of {standing.subject}", title_justify="left", title_style="bold", box=box.SIMPLE)
    for heading in ("", "", "what it rests on"):
        table.add_column(heading)
    for number, step in enumerate(standing.steps, start=1):
        parts = "; ".join(f"{name}: {WORDS[answer.verdict]}" for name, answer in step.parts)
        table.add_row(f"{number} {step.title}", Text(WORDS[step.status], style=STYLES.get(step.status, "dim")), parts)
    console.print(table, width=console.width - 2)
    if standing.blocker:
        console.print(Text(f"Held up: {standing.blocker}"))
    for place, action in enumerate(standing.actions):
        console.print(Text(f"{'Next:' if not place else 'Also:'} {action.text}"))
        if action.command:
            console.print(Text(f"    {action.command}", style="bold"), soft_wrap=True)


def write(folder: Path, checks: Checked) -> None:
    """Write checklist.csv, a row per criterion, and checklist.json, with the answers as well.

    Raises:
        StoreError: a file cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows([_cell(getattr(one, name)) for name in COLUMNS] for one in judgements(checks))
    write_whole(folder / "checklist.csv", text.getvalue())
    write_whole(folder / "checklist.json", json.dumps(record(checks), indent=1, allow_nan=False) + "\n")


def judgements(checks: Checked) -> list[Judgement]:
    """Every criterion of every system."""
    return [one for sheet in checks.sheets for answer in sheet.answers for one in answer.judgements]


def record(checks: Checked) -> dict[str, Any]:
    """The checklist as a JSON object."""
    found: dict[str, Any] = {name: getattr(checks, name) for name in ("run", "profile", "declared", "thresholds")}
    return {**found, "accepted": {item: dataclasses.asdict(who) for item, who in checks.accepted.items()}} | {
        "sheets": [
            {
                "subject": sheet.subject,
                "judges": sheet.judges,
                "about": sheet.about,
                "overall": sheet.overall,
                "answers": [dataclasses.asdict(answer) for answer in sheet.answers],
            }
            for sheet in checks.sheets
        ]
    }


def section(checks: Checked | None) -> str:
    """The checklist as a section of the report; HTML, all escaped; empty without one."""
    if checks is None:
        return ""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(PAGE.joinpath("checklist.html.j2").read_text(encoding="utf-8"))
    rows = [
        {
            "number": number,
            "title": answers[-1].title,
            "cells": [_answer(one) for one in answers],
            "reason": reason(answers[-1]) or "every criterion met",
            "lines": [_line(one) for one in answers[-1].judgements],
            "why_not": answers[-1].why_not,
        }
        for number, answers in enumerate(zip(*(sheet.eight for sheet in checks.sheets), strict=True), start=1)
    ]
    return template.render(
        sheets=[
            {"subject": sheet.subject, "about": sheet.about, "overall": WORDS[sheet.overall]} for sheet in checks.sheets
        ],
        asked=asked(checks),
        thresholds=checks.thresholds,
        rows=rows,
    )


def table(checks: Checked) -> list[dict[str, Any]]:
    """One row per system and question, for a data frame."""
    return [
        {
            "subject": sheet.subject,
            "item": answer.key,
            "title": answer.title,
            "verdict": answer.verdict,
            "reason": reason(answer),
            "evidence": answer.evidence,
            "overall": sheet.overall,
        }
        for sheet in checks.sheets
        for answer in sheet.eight
    ]


def _answer(one: Answer) -> dict[str, str]:
    return {"text": WORDS[one.verdict], "mark": MARKS.get(one.verdict, ""), "small": one.evidence}


def _line(one: Judgement) -> dict[str, str]:
    return {
        "title": one.where + ("" if one.required else ", optional"),
        "figure": figure(one),
        "thresholds": thresholds(one),
        "support": support(one),
        "verdict": WORDS[one.verdict],
        "mark": MARKS.get(one.verdict, ""),
        "reason": one.reason,
        "command": one.command,
        "config": one.config,
        "minimum": one.minimum,
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
