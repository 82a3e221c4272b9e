"""What the tables of the page say: plain dictionaries for its template."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from evalkit.reports.headline import COST, ROUTE_WORDS, Headline, capitalised, telling_slices
from evalkit.reports.units import UNDEFINED, duration, number, shown, span, status
from evalkit.scoring import catalogue
from evalkit.types import Difference, Route, SummaryRow

VERDICTS = {
    "better": "better",
    "worse": "worse",
    "no_clear_difference": "no clear difference",
    "insufficient": "too few data",
}
DIRECTIONS = {"lower": "Lower is better.", "higher": "Higher is better.", "zero": "Nearer to zero is better."}
UNITS = {
    "rate": "percent",
    "s": "milliseconds",
    "per_min": "per minute of audio",
    "x": "times real time",
    "usd_per_h": "US dollars per hour of audio",
    "count": "count",
}


def what(manifest: Mapping[str, Any]) -> str:
    """What was run, in one line."""
    corpus = manifest.get("corpus", {})
    parts = [f"Corpus {corpus.get('name', '')}: {corpus.get('clips', 0)} clips, {duration(corpus.get('audio_s'))}"]
    routes = [ROUTE_WORDS.get(route, route) for route in manifest.get("routes", ())]
    parts.append(f"each sent over {' and '.join(routes)} to {' and '.join(manifest.get('providers', {}))}")
    if manifest.get("created_at"):
        parts.append(_day(manifest["created_at"]))
    return ", ".join(parts) + "."


def _day(moment: str) -> str:
    when = datetime.fromisoformat(moment)
    return f"{when.day} {when:%B %Y}"


def answer(head: Headline) -> dict[str, Any]:
    """The ten-second table: one row per route."""
    candidate, incumbent = head.candidate, head.incumbent
    rows = []
    for route in head.routes:
        own = head.row(candidate or "", route, head.wer)
        if own is None:
            continue
        cells = [_brief(own)]
        price = _price(head, candidate or "", route)
        if incumbent:
            difference = head.against_incumbent(route, head.wer)
            cells += [_brief(head.row(incumbent, route, head.wer)), *_certainty(difference)]
            price = f"{price} against {_price(head, incumbent, route)}"
        rows.append({"route": capitalised(route), "cells": [*cells, _cell(price)]})
    columns = [candidate or ""]
    columns += [incumbent, "Difference", "How sure"] if incumbent else []
    return {"columns": [*columns, "Price per audio hour"], "rows": rows}


def _brief(row: SummaryRow | None) -> dict[str, str]:
    if row is None:
        return _cell(UNDEFINED)
    return _cell(shown(row.value, row.unit), span(row.ci_lo, row.ci_hi, row.unit, bare=True) or status(row))


def _certainty(row: Difference | None) -> list[dict[str, str]]:
    """The difference and how firmly it stands."""
    if row is None:
        return [_cell(UNDEFINED), _cell(UNDEFINED)]
    gap = shown(row.difference, row.unit, signed=True, points=True)
    interval = span(row.ci_lo, row.ci_hi, row.unit, points=True, bare=True)
    support = f"{row.n_clips} clips, {row.n_clusters} clusters"
    least = shown(row.smallest_detectable, row.unit, points=True)
    sure = {
        "better": "fewer errors, clearly",
        "worse": "more errors, clearly",
        "no_clear_difference": "no clear difference",
        "insufficient": "too few data",
    }[row.verdict]
    small = support if row.verdict in ("better", "worse") or least == UNDEFINED else f"{support}, blind below {least}"
    return [
        _cell(gap, interval or "no interval", row.verdict),
        _cell(sure, small, row.verdict),
    ]


def _price(head: Headline, provider: str, route: Route) -> str:
    row = head.row(provider, route, COST)
    return UNDEFINED if row is None else shown(row.value, row.unit).removesuffix(" /h")


def _cell(text: str, small: str = "", mark: str = "") -> dict[str, str]:
    return {"text": text, "small": small, "mark": mark}


def comparison(head: Headline) -> dict[str, Any]:
    """One table per route: candidate, incumbent and whoever else, and how far the candidate is from the incumbent."""
    tables = []
    for route in head.routes:
        systems = [(system.provider, route) for system in head.systems if system.route == route]
        tables.append(
            _table(
                head,
                capitalised(route),
                [provider for provider, _ in systems],
                systems,
                partial(head.against_incumbent, route) if head.incumbent else None,
            )
        )
    title = f"{head.candidate} against {head.incumbent}" if head.incumbent else head.candidate or "Nobody"
    return {"title": title, "tables": tables}


def routes(head: Headline) -> list[dict[str, Any]]:
    """One table per provider that was asked over both routes, with the figures that both have."""
    tables = []
    for provider in head.providers:
        systems: list[tuple[str, Route]] = [(provider, "rest"), (provider, "streaming")]
        if all(any((own.provider, own.route) == system for own in head.systems) for system in systems):
            tables.append(
                _table(
                    head,
                    provider,
                    ["REST", "streaming"],
                    systems,
                    partial(head.against_rest, provider),
                    every=True,
                )
            )
    return [table for table in tables if table["bodies"]]


def _table(
    head: Headline,
    title: str,
    columns: Sequence[str],
    systems: Sequence[tuple[str, Route]],
    difference: Callable[[str], Difference | None] | None,
    *,
    every: bool = False,
) -> dict[str, Any]:
    """A column per system and one for the difference; a line stands when any system (``every``: each) has a value."""
    bodies: dict[str, list[dict[str, Any]]] = {}
    for line in head.lines:
        rows = [head.row(provider, route, line.metric) for provider, route in systems]
        values = [row is not None and row.value is not None for row in rows]
        if not (all(values) if every else any(values)):
            continue
        metric = catalogue.describe(line.metric)
        bodies.setdefault(line.group, []).append(
            {
                "metric": line.metric,
                "label": line.label,
                "definition": metric.definition,
                "figures": [_figure(row) for row in rows],
                "gap": _gap(difference(line.metric)) if difference else None,
            }
        )
    return {"title": title, "columns": columns, "paired": difference is not None, "bodies": list(bodies.values())}


def _figure(row: SummaryRow | None) -> dict[str, str] | None:
    if row is None or row.status == "not_applicable" or (row.value is None and row.status == "missing_input"):
        return None
    parts = [f"{row.n_clips} clips", f"{row.n_clusters} clusters"]
    if row.numerator is not None and row.denominator is not None:
        parts.insert(0, f"{row.numerator:,.6g} of {row.denominator:,.6g}")
    return {
        "text": shown(row.value, row.unit),
        "interval": span(row.ci_lo, row.ci_hi, row.unit, bare=True),
        "support": f"n = {number(row.n_units)}" if row.n_units else "",
        "status": "" if row.value is None else status(row),
        "title": ", ".join(parts),
    }


def _gap(row: Difference | None) -> dict[str, str] | None:
    if row is None or row.difference is None:
        return None
    points = row.unit == "rate"
    least = shown(row.smallest_detectable, row.unit, points=points)
    blind = "" if least == UNDEFINED else f"; smallest detectable difference {least}"
    return {
        "text": shown(row.difference, row.unit, signed=True, points=points),
        "interval": span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True),
        "verdict": row.verdict,
        "words": VERDICTS[row.verdict],
        "title": f"paired on {row.n_clips} clips, {row.n_clusters} clusters{blind}",
    }


def slices(head: Headline, summary: Sequence[SummaryRow]) -> dict[str, Any]:
    """Word error rates per slice, a column per system."""
    rows = [row for row in summary if row.metric == head.wer and row.slice != "all"]
    found = {(row.slice, row.provider, row.route): row for row in rows}
    table = [
        {
            "name": name.replace("=", ": "),
            "clips": max(row.n_clips for row in rows if row.slice == name),
            "cells": [_figure(found.get((name, system.provider, system.route))) for system in head.systems],
        }
        for name in telling_slices(rows)
    ]
    return {"columns": [system.name for system in head.systems], "rows": table}


def everything(head: Headline) -> dict[str, Any]:
    """Every figure there is over all clips, a column per system; each leads to its definition."""
    table = []
    for metric in catalogue.METRICS:
        rows = [head.row(system.provider, system.route, metric.id) for system in head.systems]
        if any(row is not None and row.value is not None for row in rows):
            table.append({"id": metric.id, "title": metric.title, "cells": [_figure(row) for row in rows]})
    return {"columns": [system.name for system in head.systems], "rows": table}


def definitions(summary: Sequence[SummaryRow]) -> list[dict[str, str]]:
    """The catalogue's lines for every metric of this run."""
    used = {row.metric for row in summary}
    return [
        {
            "id": metric.id,
            "title": metric.title,
            "definition": metric.definition,
            "unit": UNITS.get(metric.unit, metric.unit),
            "direction": DIRECTIONS[metric.direction],
            "source": "" if metric.source == "evalkit" else metric.source,
        }
        for metric in catalogue.METRICS
        if metric.id in used
    ]


def made(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Versions, machine, corpus, seed: what another person needs to get the same numbers."""
    corpus, machine, scoring = (manifest.get(name) or {} for name in ("corpus", "machine", "scoring"))
    libraries = ", ".join(f"{name} {version}" for name, version in manifest.get("libraries", {}).items())
    profiles = ", ".join(
        f"{name} {profile.get('version', '')} ({profile.get('hash', '')})"
        for name, profile in scoring.get("profiles", {}).items()
    )
    began, ended = manifest.get("created_at"), manifest.get("finished_at")
    facts = [
        ("Began", began or UNDEFINED),
        ("Finished", f"{ended}, after {duration(manifest.get('wall_s'))}" if ended else "not finished"),
        ("evalkit", f"{manifest.get('evalkit', '')} on Python {manifest.get('python', '')}"),
        ("Libraries", libraries),
        (
            "Machine",
            f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores, {machine.get('memory_gib', '')} GiB, "
            f"{machine.get('os', '')}",
        ),
        (
            "Corpus",
            f"{corpus.get('name', '')}, {corpus.get('clips', '')} clips, {duration(corpus.get('audio_s'))}, "
            f"sha256 {corpus.get('sha256', '')}",
        ),
        ("Scoring", f"version {scoring.get('version', '')}, text profiles {profiles}"),
        ("At once", plain(manifest.get("concurrency", {}))),
        ("Seed", str(manifest.get("seed", ""))),
    ]
    return [(name, value) for name, value in facts if value]


def plain(settings: Mapping[str, Any]) -> str:
    """Settings as ``name = value``, with commas."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items())
