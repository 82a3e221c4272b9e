"""What the tables of the page say: plain dictionaries for its template."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from evalkit.reports.cells import cell, figure, gap, of_line
from evalkit.reports.headline import ROUTE_WORDS, Headline, System, capitalised, telling_slices
from evalkit.reports.lines import COST, Line
from evalkit.reports.units import DIRECTION_WORDS, UNDEFINED, UNIT_WORDS, duration, shown, span, status, told
from evalkit.scoring import catalogue, sliced
from evalkit.stats import slices as cuts
from evalkit.types import Difference, Route, Score, SummaryRow

START_ERROR = "ts.offset.start.mae"
FAMILIES = {
    "acc": "Words",
    "dia": "Speakers",
    "ts": "Timestamps",
    "mch": "Channels",
    "str": "Captions",
    "lat": "Delay",
    "cost": "Cost",
    "run": "Failures",
    "fail": "Failures",
    "pace": "Our own frames",
    "agt": "Voice agent",
}
"""What the first part of a metric's id stands for."""


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
        rows.append({"route": capitalised(route), "cells": [*cells, cell(price)]})
    columns = [candidate or ""]
    columns += [incumbent, "Difference", "How sure"] if incumbent else []
    return {"columns": [*columns, "Price per audio hour"], "rows": rows}


def _brief(row: SummaryRow | None) -> dict[str, str]:
    if row is None:
        return cell(UNDEFINED)
    return cell(shown(row.value, row.unit), span(row.ci_lo, row.ci_hi, row.unit, bare=True) or status(row))


def _certainty(row: Difference | None) -> list[dict[str, str]]:
    """The difference and how firmly it stands."""
    if row is None:
        return [cell(UNDEFINED), cell(UNDEFINED)]
    apart = shown(row.difference, row.unit, signed=True, points=True)
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
        cell(apart, interval or "no interval", row.verdict),
        cell(sure, small, row.verdict),
    ]


def _price(head: Headline, provider: str, route: Route) -> str:
    row = head.row(provider, route, COST)
    return UNDEFINED if row is None else shown(row.value, row.unit).removesuffix(" /h")


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
    found: list[tuple[Line, dict[str, Any]]] = []
    for line in head.lines:
        rows = [head.row(provider, route, line.metric) for provider, route in systems]
        figures = [of_line(head, line, provider, route) for provider, route in systems]
        if not (all(map(told, rows)) if every else any(map(told, rows)) or any(map(_bounded, figures))):
            continue
        apart = gap(head, difference(line.metric)) if difference else None
        found.append((line, {**_named(line), "figures": figures, "gap": apart}))
    first, more = (_grouped([pair for pair in found if pair[0].more == later]) for later in (False, True))
    return {"title": title, "columns": columns, "paired": difference is not None, "bodies": first, "more": more}


def topic(head: Headline, lines: Sequence[Line], systems: Sequence[System] | None = None) -> dict[str, Any]:
    """A table of its own: a column per system (default: all), and those of the lines that any of them has."""
    chosen = head.systems if systems is None else systems
    found = [
        (line, {**_named(line), "figures": [of_line(head, line, own.provider, own.route) for own in chosen]})
        for line in lines
        if any(told(head.row(own.provider, own.route, line.metric)) for own in chosen)
    ]
    return {"columns": [own.name for own in chosen], "bodies": _grouped(found), "paired": False}


def _named(line: Line) -> dict[str, Any]:
    return {"metric": line.metric, "label": line.label, "definition": catalogue.describe(line.metric).definition}


def _bounded(figure: dict[str, str] | None) -> bool:
    return figure is not None and bool(figure["bounds"])


def _grouped(found: Sequence[tuple[Line, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One body per group, in order of first appearance."""
    bodies: dict[str, list[dict[str, Any]]] = {}
    for line, row in found:
        bodies.setdefault(line.group, []).append(row)
    return [{"title": title, "lines": rows} for title, rows in bodies.items()]


def slices(head: Headline, summary: Sequence[SummaryRow]) -> dict[str, Any]:
    """Word error rates per slice, a column per system, and how far the worst slice lies from all clips."""
    rows = [row for row in summary if row.metric == head.wer and row.slice != "all"]
    found = {(row.slice, row.provider, row.route): row for row in rows}
    table = [
        {
            "name": name.replace("=", ": "),
            "clips": max(row.n_clips for row in rows if row.slice == name),
            "cells": [figure(found.get((name, system.provider, system.route)), brief=True) for system in head.systems],
        }
        for name in telling_slices(rows, apart=head.degraded > 0)
    ]
    gaps = _slice_gaps(head, summary) if table else []
    return {"columns": [system.name for system in head.systems], "rows": table, "gaps": gaps, "least": sliced.LEAST}


def times(head: Headline, scores: Sequence[Score], summary: Sequence[SummaryRow]) -> list[dict[str, Any]]:
    """Word start errors by where the reference times come from: no error is smaller than that of its reference."""
    sources = sorted({score.slices[cuts.TIMES] for score in scores if cuts.TIMES in score.slices})
    found = {(row.slice, row.provider, row.route): row for row in summary if row.metric == START_ERROR}
    lines = []
    for source in sources:
        name = f"{cuts.TIMES}={source}" if len(cuts.values(scores, cuts.TIMES)) > 1 else "all"
        rows = [found.get((name, system.provider, system.route)) for system in head.systems]
        if any(map(told, rows)):
            lines.append({"source": source, "cells": [figure(row, brief=True) for row in rows]})
    return lines


def _slice_gaps(head: Headline, summary: Sequence[SummaryRow]) -> list[dict[str, Any]]:
    """Two lines per tag with a supported slice: the worst of them against all clips, and their mean."""
    profile = head.wer.rpartition(".")[2]
    found = {
        (row.metric, row.slice, row.provider, row.route): row
        for row in summary
        if row.metric.startswith(f"acc.slice.{profile}.")
    }
    lines = []
    for metric in sliced.METRICS:
        for key in dict.fromkeys(name for found_metric, name, *_ in found if found_metric == metric.id):
            rows = [found.get((metric.id, key, system.provider, system.route)) for system in head.systems]
            if all(row is None or row.value is None for row in rows):
                continue
            lines.append(
                {
                    "metric": metric.id,
                    "label": f"{metric.title.partition(' (')[0]}, by {key}",
                    "definition": metric.definition,
                    "cells": [_slice_gap(row, points=metric.id.endswith("worst_gap")) for row in rows],
                }
            )
    return lines


def _slice_gap(row: SummaryRow | None, *, points: bool) -> dict[str, str]:
    if row is None:
        return cell(UNDEFINED)
    interval = span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True)
    text = shown(row.value, row.unit, signed=points, points=points)
    return cell(text, "; ".join(filter(None, [interval, row.note])))


def everything(head: Headline) -> dict[str, Any]:
    """Every figure there is over all clips, a column per system and a body per family; each leads to its definition."""
    bodies: dict[str, list[dict[str, Any]]] = {}
    for metric in catalogue.METRICS:
        rows = [head.row(system.provider, system.route, metric.id) for system in head.systems]
        if any(map(told, rows)):
            cells = [figure(row, macro=metric.id.rpartition(".")[2] != "macro") for row in rows]
            family = FAMILIES.get(metric.id.partition(".")[0], "Other")
            bodies.setdefault(family, []).append({"id": metric.id, "title": metric.title, "cells": cells})
    return {
        "columns": [system.name for system in head.systems],
        "bodies": [{"title": title, "rows": rows} for title, rows in bodies.items()],
        "count": sum(map(len, bodies.values())),
    }


def definitions(summary: Sequence[SummaryRow]) -> list[dict[str, str]]:
    """The catalogue's lines for every metric of this run."""
    used = {row.metric for row in summary}
    return [
        {
            "id": metric.id,
            "title": metric.title,
            "definition": metric.definition,
            "unit": UNIT_WORDS.get(metric.unit, metric.unit),
            "direction": f"{DIRECTION_WORDS[metric.direction].capitalize()}.",
            "source": "" if metric.source == "evalkit" else metric.source,
        }
        for metric in catalogue.EVERY
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
