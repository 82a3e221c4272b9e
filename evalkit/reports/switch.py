"""May one switch? The table of decisions on the page, and what forbids a switch whatever it says."""

from collections.abc import Sequence
from typing import Any

from evalkit.reports.cells import cell
from evalkit.reports.decided import LABELS, chance, clips_wanted, evidence, p_adjusted
from evalkit.reports.headline import PRIMARY, Headline, capitalised
from evalkit.reports.units import UNDEFINED, number, shown, span
from evalkit.scoring import catalogue
from evalkit.stats.decisions import ADVICE, broken_guards
from evalkit.types import Difference, Route, SummaryRow

MUST_BE_ZERO = ("str.locked_changed.utterance", "mch.swap")


def decisions(head: Headline, summary: Sequence[SummaryRow]) -> dict[str, Any]:
    """May one switch? One line per comparison and error rate, and the guard rails that are broken."""
    bodies = []
    for metric in dict.fromkeys([head.wer, *(name for name in PRIMARY if name.startswith("acc.wer."))]):
        rows = [
            *((f"{capitalised(route)}: ", head.against_incumbent(route, metric)) for route in head.routes),
            *(("", head.against_rest(provider, metric)) for provider in head.providers),
        ]
        if lines := [_decision(where, row) for where, row in rows if row is not None]:
            bodies.append({"metric": metric, "title": PRIMARY[metric], "rows": lines})
    return {"bodies": bodies, "guards": [text for route in head.routes for text in _guards(head, summary, route)]}


def _decision(where: str, row: Difference) -> dict[str, Any]:
    streaming = row.question == "streaming_vs_rest"
    names = f"{row.provider} streaming against REST" if streaming else f"{row.provider} against {row.against_provider}"
    bootstrap = span(row.bootstrap_lo, row.bootstrap_hi, row.unit, points=True)
    drawn = [f"ties {chance(row.ties, drawn=True)}" if row.ties else "", f"bootstrap {bootstrap}" if bootstrap else ""]
    clips = clips_wanted(row)
    said = [ADVICE[row.label] if row.label else "", row.note if row.ci_lo is not None else ""]
    return {
        "name": where + names,
        "title": evidence(row),
        "cells": [
            cell(shown(row.value, row.unit), f"against {shown(row.against_value, row.unit)}"),
            cell(
                shown(row.difference, row.unit, signed=True, points=True),
                span(row.ci_lo, row.ci_hi, row.unit, points=True, bare=True) or row.note,
            ),
            cell(chance(row.p), f"adjusted {chance(p_adjusted(row))}" if row.p is not None else ""),
            cell(chance(row.poi, drawn=True), "; ".join(filter(None, drawn))),
            cell(shown(row.margin, row.unit, points=True)),
            cell(LABELS.get(row.label or "", UNDEFINED), "; ".join(filter(None, said))),
            cell(row.gate or UNDEFINED),
            cell(shown(row.smallest_detectable, row.unit, points=True)),
            cell(UNDEFINED if clips is None else number(clips), f"{row.n_clips} heard"),
        ],
    }


def _guards(head: Headline, summary: Sequence[SummaryRow], route: Route) -> list[str]:
    """What forbids a switch over one route whatever its label says."""
    row = head.against_incumbent(route, head.wer)
    if row is None or row.margin is None:
        return []
    names = (row.provider, row.against_provider)
    rates = {
        (one.slice, one.provider): one.value
        for one in summary
        if one.metric == head.wer and one.route == route and one.slice != "all" and one.status == "ok"
    }
    lost = [
        value - other
        for (name, provider), value in rates.items()
        if provider == names[0] and value is not None and (other := rates.get((name, names[1]))) is not None
    ]
    answered = [
        found.value
        for name in names
        if (found := head.row(name, route, "run.coverage")) is not None and found.value is not None
    ]
    coverage = answered[0] - answered[1] if len(answered) == len(names) else None
    events = {
        catalogue.describe(metric).title: found.numerator or 0.0
        for metric in MUST_BE_ZERO
        if (found := head.row(names[0], route, metric)) is not None
    }
    worst = max(lost, default=None)
    return [
        f"{capitalised(route)}: {text}."
        for text in broken_guards(row.margin, worst_slice=worst, coverage=coverage, must_be_zero=events)
    ]
