"""Candidate against incumbent on a console, as a page or a section of one, and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalkit.comparison import ClipGap, Compared, Comparison
from evalkit.comparison.worth import Standing, Worth
from evalkit.reports import aligned, method
from evalkit.reports.cells import VERDICTS
from evalkit.reports.decided import LABELS, chance, clips_wanted, evidence, p_adjusted
from evalkit.reports.headline import PRIMARY, ROUTE_WORDS, capitalised
from evalkit.reports.tables import DIFFERENCE_COLUMNS, write_whole
from evalkit.reports.units import MINUS, UNDEFINED, number, shown, span
from evalkit.scoring import catalogue
from evalkit.stats.decisions import ADVICE
from evalkit.types import Difference

COLUMNS = ("slice", *DIFFERENCE_COLUMNS, "not_comparable")
PAGE = files("evalkit.reports") / "page"
MOST_SHOWN = 3
"""Clips in either direction on a console."""
WIDE = 100
"""From so many columns on names are not broken."""

BASIS = (
    "The interval, 95 % and two-sided, gives the answer; p is adjusted for the comparisons made: by Holm where a "
    "margin was fixed beforehand, else by Benjamini and Hochberg over all metrics. An exact difference is arithmetic."
)
"""What a reader of the tables must know."""

_ANSWERS = {
    "rest_is_enough": "REST already meets the need of {need}: here streaming is a cost and not a feature.",
    "streaming_only": "Only streaming meets the need of {need}.",
    "neither": "Neither route meets the need of {need}.",
    "open": "Not settled for a need of {need}: {why}.",
    "no_need": "Nobody has said how long the product may wait (--need SECONDS at the 95th percentile).",
    "not_comparable": "No answer: {why}.",
    "unknown": "No answer: {why}.",
}
_STYLES = {"better": "green", "worse": "red"}


def write_rows(path: Path, found: Comparison) -> None:
    """Write every difference over all clips and per slice as CSV; one that decides nothing has no verdict.

    Raises:
        StoreError: the file cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for record in records(found):
        lines.writerow(["" if record[name] is None else record[name] for name in COLUMNS])
    write_whole(path, text.getvalue())


def records(found: Comparison) -> list[dict[str, Any]]:
    """The same rows as dictionaries, for a data frame."""
    return [
        {"slice": one.slice, **asdict(one.row), "verdict": one.verdict, "not_comparable": one.barred}
        for one in found.rows
    ]


def write_page(path: Path, found: Comparison) -> None:
    """Write the comparison as one file that asks the network for nothing.

    Raises:
        StoreError: the file cannot be written.
    """
    write_whole(path, _rendered("{% from 'compared.html.j2' import page %}{{ page(of) }}", found))


def section(found: Comparison) -> str:
    """The comparison as sections of another page; HTML, all escaped."""
    return _rendered("{% from 'compared.html.j2' import sections %}{{ sections(of) }}", found)


def show(console: Console, found: Comparison) -> None:
    """Print who is better by how much and how sure that is, on what kinds of audio and clips, and whether it pays."""
    console.print(Text(found.head.lede, style="bold"))
    for told in filter(None, (found.head.caveat, *found.notes)):
        console.print(Text(told, style="yellow"))
    for title, rows in _groups(found):
        console.print(_table(title, rows, wide=console.width >= WIDE), width=console.width - 2)
    if slices := _leading(found):
        tested = [one for one in slices if one.row.p is not None]
        if tested:
            table = _table("By kind of audio", tested, sliced=True, wide=console.width >= WIDE)
            console.print(table, width=console.width - 2)
        told = f"By kind of audio: {len(tested)} slices tested, p adjusted ({_adjustment(slices)}) for all of them"
        console.print(Text(f"{told}; {len(slices) - len(tested)} are too small to test.", style="dim"))
    for title, gaps in ((f"{found.candidate} loses most", found.lost), (f"{found.candidate} gains most", found.won)):
        for gap in gaps[:MOST_SHOWN]:
            console.print(Text(f"{title}: {about(gap)}"))
            for name, score in ((found.candidate, gap.new), (found.incumbent, gap.old)):
                console.print(Text.assemble(f"    {name}: ", _words(aligned.steps(score))))
    console.print(Text(BASIS, style="dim"))
    for sentence in [*map(stands, found.standings), *(line for one in found.worth for line in pays(one))]:
        console.print(Text(sentence))


def about(gap: ClipGap) -> str:
    """A clip and its errors on both sides."""
    failed = [f"{score.provider} did not answer" for score in (gap.new, gap.old) if score.failure is not None]
    told = f"{gap.new.clip_id} over {ROUTE_WORDS[gap.new.route]}, {gap.errors} errors against {gap.against_errors}"
    return "; ".join([f"{told} in {gap.words} words", *failed])


def stands(one: Standing) -> str:
    """Price, errors and delay of a system, and whether another beats it on all of them."""
    parts = [
        f"{shown(one.wer.value, one.wer.unit)} errors" if one.wer is not None else "",
        "no known price" if one.usd_per_h is None else shown(one.usd_per_h, "usd_per_h"),
        f"final text after {shown(one.delay.value, 's')} ({_percent(one.percentile)})"
        if one.delay is not None and one.delay.value is not None
        else "no known delay",
    ]
    told = "on the frontier of those it compares with" if one.left_out else "on the frontier"
    if one.clearly:
        told = f"clearly dominated by {one.clearly}"
    elif one.dominated_by:
        told = f"dominated by {one.dominated_by}, but not clearly: intervals overlap"
    left = f" (not held against {one.left_out})" if one.left_out else ""
    return f"{one.provider} {ROUTE_WORDS[one.route]}: {', '.join(filter(None, parts))}; {told}{left}."


def pays(one: Worth) -> list[str]:
    """Is streaming worth its price here? What it costs in words, churn and money, what it saves, and the answer."""
    found = [f"Is streaming of {one.provider} worth its price here?"]
    doubtful = " (not comparable)" if one.answer == "not_comparable" else ""
    for row in one.errors:
        interval = span(row.ci_lo, row.ci_hi, row.unit, points=True)
        gap = shown(row.difference, row.unit, signed=True, points=True)
        name = PRIMARY.get(row.metric, row.metric)
        found.append(
            f"{name}: {gap} against REST"
            + (f" (95 % interval {interval})" if interval else "")
            + f", {LABELS.get(row.label or '', 'open')}."
        )
    if one.saved_s is not None and one.rest is not None and one.streaming is not None:
        word = "saves" if one.saved_s > 0 else "costs"
        found.append(
            f"Time to final text, {_percent(one.percentile)}: {shown(one.streaming.value, 's')} against "
            f"{shown(one.rest.value, 's')}, it {word} {shown(abs(one.saved_s), 's')}{doubtful}."
        )
    if one.rewrites_per_min is not None and one.rewrites_per_min.value is not None:
        found.append(f"Readers see {one.rewrites_per_min.value:.1f} rewrites a minute.")
    if one.extra_usd_per_h is not None:
        each = one.choice.usd_per_h_per_s if one.choice is not None else None
        tail = "" if each is None else f", {100 * each:.1f} for each second saved"
        cents = f"{abs(100 * one.extra_usd_per_h):.1f} cents {'more' if one.extra_usd_per_h >= 0 else 'less'}"
        found.append(f"An hour of audio costs {cents}{tail}{doubtful}.")
    need = "" if one.need_s is None else f"{one.need_s:g} s at the 95th percentile"
    found.append(_ANSWERS[one.answer].format(need=need, why=one.why))
    return found


def planned(row: Difference) -> str:
    """What could have been seen, and how many clips would settle it."""
    points = row.unit == "rate"
    parts = [
        f"{row.n_clips} clips",
        f"could see {shown(row.smallest_detectable, row.unit, points=points)}" if row.smallest_detectable else "",
        f"needs {number(clips)}" if (clips := clips_wanted(row)) else "",
    ]
    return ", ".join(filter(None, parts))


def _groups(found: Comparison) -> list[tuple[str, list[Compared]]]:
    """What a console shows, by question and route: the metrics of the headline that both sides have."""
    brief = {line.metric for line in found.head.lines if line.brief} | set(PRIMARY)
    chosen = [one for one in found.differences if one.row.metric in brief]
    if not chosen:
        chosen = list(found.differences)
    groups: dict[str, list[Compared]] = {}
    for one in chosen:
        groups.setdefault(_title(one.row), []).append(one)
    return list(groups.items())


def _title(row: Difference) -> str:
    if row.question == "streaming_vs_rest":
        return f"{row.provider}: streaming minus REST"
    return f"{capitalised(row.route)}: {row.provider} minus {row.against_provider}"


def _leading(found: Comparison) -> list[Compared]:
    """The slices by the leading error rate, or by whatever was asked for."""
    led = [one for one in found.slices if one.row.metric == found.head.wer]
    return led or list(found.slices)


def _adjustment(rows: Sequence[Compared]) -> str:
    """How the p-values that ``p_adjusted`` reads were adjusted."""
    kinds = {"Benjamini-Hochberg" if one.row.margin is None else "Holm" for one in rows}
    return " or ".join(sorted(kinds, reverse=True))


def _heads(row: Difference) -> tuple[str, str]:
    """What the columns of both sides are called: the providers, or the routes of one."""
    if row.question == "streaming_vs_rest":
        return ROUTE_WORDS[row.route], ROUTE_WORDS[row.against_route]
    return row.provider, row.against_provider


def _table(title: str, rows: Sequence[Compared], *, wide: bool, sliced: bool = False) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False)
    table.add_column("")
    for heading in (*_heads(rows[0].row), "difference"):
        longest = max(map(len, heading.split()))
        table.add_column(Text(heading), justify="right", min_width=min(longest, 18) if wide else 10, overflow="fold")
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("")
    for one in rows:
        row = one.row
        points = row.unit == "rate"
        name = f"{one.slice}, {ROUTE_WORDS[row.route]}" if sliced else catalogue.describe(row.metric).title
        gap = Text(shown(row.difference, row.unit, signed=True, points=points))
        if interval := span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True):
            gap.append(f"\n{interval}", style="dim")
        said = Text(_said(one), style=_STYLES.get(one.verdict, "dim"))
        said.append(f"\n{one.barred or row.note or planned(row)}", style="dim")
        sides = (shown(row.value, row.unit), shown(row.against_value, row.unit))
        table.add_row(name, *sides, gap, chance(p_adjusted(row)), said)
    return table


def _said(one: Compared) -> str:
    if one.barred:
        return "not comparable"
    return LABELS[one.row.label] if one.row.label else VERDICTS[one.row.verdict]


def _words(steps: Sequence[aligned.Step]) -> Text:
    """Aligned words on a console; signs tell them apart where there are no colours."""
    found = Text()
    for place, step in enumerate(steps):
        found.append(" " if place else "")
        if step.kind == "hit":
            found.append(step.reference, style="dim")
        elif step.kind == "substitution":
            found.append(f"[{step.reference} → {step.hypothesis}]", style="red")
        else:
            sign = f"{MINUS}{step.reference}" if step.kind == "deletion" else f"+{step.hypothesis}"
            found.append(f"[{sign}]", style="red")
    return found


def _percent(percentile: str) -> str:
    return "95th percentile" if percentile == "p95" else "median"


def _rendered(text: str, found: Comparison) -> str:
    source = jinja2.DictLoader({"compared.html.j2": PAGE.joinpath("compared.html.j2").read_text(encoding="utf-8")})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=source)
    groups: dict[str, list[dict[str, Any]]] = {}
    heads: dict[str, tuple[str, str]] = {}
    for one in found.differences:
        groups.setdefault(_title(one.row), []).append(_line(one, catalogue.describe(one.row.metric).title))
        heads.setdefault(_title(one.row), _heads(one.row))
    slices = [
        _line(one, f"{one.slice.replace('=', ': ')}, {ROUTE_WORDS[one.row.route]}", by=one.row.metric)
        for one in found.slices
    ]
    of = {
        "lede": found.head.lede,
        "told": [text for text in (found.head.caveat, *found.notes) if text],
        "groups": [{"title": title, "rows": rows, "heads": heads[title]} for title, rows in groups.items()],
        "slices": slices,
        "sides": (found.candidate, found.incumbent),
        "basis": BASIS,
        "adjustment": _adjustment(found.slices),
        "methods": method.intervals(one.row for one in found.rows),
        "clips": [
            {"title": f"Where {found.candidate} {word} most", "rows": [_clip(gap) for gap in gaps]}
            for word, gaps in (("loses", found.lost), ("gains", found.won))
            if gaps
        ],
        "stands": [stands(one) for one in found.standings],
        "worth": [pays(one) for one in found.worth],
        "style": PAGE.joinpath("style.css").read_text(encoding="utf-8"),
    }
    return environment.from_string(text).render(of=of)


def _line(one: Compared, title: str, *, by: str = "") -> dict[str, Any]:
    row = one.row
    points = row.unit == "rate"
    return {
        "title": title,
        "id": by or row.metric,
        "evidence": evidence(row),
        "new": shown(row.value, row.unit),
        "old": shown(row.against_value, row.unit),
        "difference": shown(row.difference, row.unit, signed=True, points=points),
        "interval": span(row.ci_lo, row.ci_hi, row.unit, points=points, bare=True),
        "p": chance(p_adjusted(row)),
        "said": _said(one),
        "why": one.barred or "; ".join(filter(None, [ADVICE[row.label] if row.label else "", row.note])),
        "mark": one.verdict if one.verdict in _STYLES else "",
        "detectable": shown(row.smallest_detectable, row.unit, points=points),
        "needed": UNDEFINED if (clips := clips_wanted(row)) is None else number(clips),
    }


def _clip(gap: ClipGap) -> dict[str, Any]:
    sides = [{"name": score.provider, "words": aligned.html(aligned.steps(score))} for score in (gap.new, gap.old)]
    return {"about": about(gap), "sides": sides}
