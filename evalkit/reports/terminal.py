"""The headline of a run on a console: what the page says, at 80 columns and without colour."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalkit.reports.cells import VERDICTS
from evalkit.reports.headline import Headline, capitalised, headline
from evalkit.reports.method import kept_out
from evalkit.reports.units import fine, shown, span, status
from evalkit.types import Difference, Route, Score, SummaryRow

WORDS = {**VERDICTS, "no_clear_difference": "not clear"}
STYLES = {"better": "green", "worse": "red"}


def show(
    console: Console,
    *,
    manifest: Mapping[str, Any],
    scores: Sequence[Score],
    summary: Sequence[SummaryRow],
    differences: Sequence[Difference],
) -> None:
    """Print the headline: the verdict, its sentences, one table per route, and how punctual our own frames were."""
    head = headline(manifest, scores, summary, differences)
    console.print()
    console.print(Text(head.lede, style="bold"))
    if head.caveat:
        console.print()
        console.print(Text(head.caveat, style="yellow"))
    console.print()
    sentences = Table.grid(padding=(0, 1))
    for sentence in head.sentences:
        sentences.add_row("-", Text(sentence))
    console.print(sentences)
    for route in head.routes:
        console.print()
        console.print(_table(head, route), width=console.width - 2)  # rich counts the box's edges too late
    for own in head.punctuality:
        console.print(
            Text(
                f"Our own frames, {own.provider}: {own.frames} sent, late by {fine(own.late_p50_s)} in the median, "
                f"{fine(own.late_p99_s)} at the 99th percentile of the worst clip, {fine(own.end_drift_s)} at the end; "
                f"kept out of the delays: {kept_out(own, most=5)}.",
                style="dim",
            )
        )
    console.print()


def _table(head: Headline, route: Route) -> Table:
    systems = [system.provider for system in head.systems if system.route == route]
    difference = partial(head.against_incumbent, route) if head.incumbent else None
    table = Table(title=capitalised(route), title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False)
    table.add_column("", min_width=12)
    for provider in systems:
        table.add_column(provider, justify="right", overflow="fold", min_width=min(len(provider), 20))
    if difference:
        table.add_column("difference", justify="right", min_width=14)
    for line in head.lines:
        rows = [head.row(provider, route, line.metric) for provider in systems]
        if line.brief and any(row is not None and row.value is not None for row in rows):
            cells = [_figure(row) for row in rows]
            table.add_row(line.label, *cells, *([_gap(head, difference(line.metric))] if difference else []))
    table.add_row("Clips answered", *[_answered(head, provider, route) for provider in systems])
    return table


def _figure(row: SummaryRow | None) -> Text:
    if row is None or row.value is None:
        return Text(shown(None, ""))
    small = span(row.ci_lo, row.ci_hi, row.unit, bare=True) or status(row)
    return Text("\n").join([Text(shown(row.value, row.unit)), *([Text(small, style="dim")] if small else [])])


def _gap(head: Headline, row: Difference | None) -> Text:
    if row is None or row.difference is None:
        return Text(shown(None, ""))
    points = row.unit == "rate"
    interval = span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True)
    lines = [
        Text(shown(row.difference, row.unit, signed=True, points=points)),
        *([Text(interval, style="dim")] if interval else []),
        Text("not comparable", style="dim")
        if head.bar(row)
        else Text(WORDS[row.verdict], style=STYLES.get(row.verdict, "dim")),
    ]
    return Text("\n").join(lines)


def _answered(head: Headline, provider: str, route: Route) -> str:
    system = next(own for own in head.systems if (own.provider, own.route) == (provider, route))
    return f"{system.answered} of {system.clips}"
