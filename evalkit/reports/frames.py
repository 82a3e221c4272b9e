"""Data frames of a run for a notebook: made from scores, figures and answers, nothing is computed twice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from evalkit.checklist.adoption import Standing
from evalkit.errors import SettingsError
from evalkit.reports import aligned, checked, tables
from evalkit.reports.headline import Headline
from evalkit.reports.units import number, shown, span, status, told
from evalkit.stats.slices import UNKNOWN
from evalkit.types import Score, SummaryRow

_SLICE_COLUMNS = (
    "slice", "provider", "route", "metric", "value", "unit", "ci_lo", "ci_hi", "n_clips", "n_units", "n_clusters",
    "status", "note",
)  # fmt: skip


def scores(rows: Sequence[Score]) -> pd.DataFrame:
    """One row per score; a tag that a clip does not have is ``unknown``, or pandas would drop it from groups."""
    frame = pd.DataFrame([_flat(score) for score in rows])
    tags = [name for name in frame.columns if name.startswith(tables.TAG)]
    return frame.fillna(dict.fromkeys(tags, UNKNOWN))


def headline(head: Headline) -> pd.DataFrame:
    """A line per metric and a column per system, each figure with its interval and number, as it is printed."""
    table = {
        system.name: [_text(head.row(system.provider, system.route, line.metric)) for line in head.lines]
        for system in head.systems
    }
    frame = pd.DataFrame(table, index=[line.label for line in head.lines])
    frame.loc["Clips answered"] = [f"{system.answered} of {system.clips}" for system in head.systems]
    return frame


def chosen(rows: Sequence[Score], wanted: Mapping[str, str | None]) -> list[Score]:
    """Scores by clip, provider, route and tags; a name that no score has is an error, not an empty answer.

    Raises:
        SettingsError: there is no such tag or value; the near miss is suggested.
    """
    left = list(rows)
    tags = {tag for score in rows for tag in score.slices}
    for field, value in wanted.items():
        if value is None:
            continue
        fixed = field in ("clip_id", "provider", "route")
        if not fixed and field not in tags:
            raise SettingsError.unknown("tag", field, tags)
        has = {id(score): getattr(score, field) if fixed else score.slices.get(field, UNKNOWN) for score in rows}
        if value not in has.values():
            raise SettingsError.unknown(field, value, set(has.values()))
        left = [score for score in left if has[id(score)] == value]
    return left


def worst(rows: Sequence[Score], n: int) -> pd.DataFrame:
    """The ``n`` scores with the most word errors, worst first."""
    counted = [(score, aligned.errors(score)) for score in rows if score.reference is not None]
    counted.sort(key=lambda pair: (-pair[1].errors, pair[0].clip_id, pair[0].provider, pair[0].route))
    return pd.DataFrame(
        [
            {
                "clip_id": score.clip_id,
                "provider": score.provider,
                "route": score.route,
                "errors": wrong.errors,
                "words": wrong.reference_words,
                "rate": wrong.rate,
                "profile": aligned.profile(score),
                **score.slices,
                "reference": score.reference,
                "hypothesis": score.hypothesis,
                "failure": score.failure,
            }
            for score, wrong in counted[:n]
        ]
    )


def slices(summary: pd.DataFrame, key: str, metric: str) -> pd.DataFrame:
    """The figures of one metric over the values of one tag.

    Args:
        summary: a row per pooled figure.
        key: the tag.
        metric: its id.

    Raises:
        SettingsError: there is no such tag, or no figure of that metric for any of its values.
    """
    parts = summary["slice"].str.partition("=")
    tags = {tag for tag, equals in zip(parts[0], parts[1], strict=True) if equals}
    if key not in tags:
        raise SettingsError.unknown("tag", key, tags)
    cut = summary.assign(slice=parts[2])[parts[0] == key]
    if metric not in set(cut["metric"]):
        raise SettingsError.unknown("metric", metric, set(cut["metric"]))
    return cut[cut["metric"] == metric][list(_SLICE_COLUMNS)].rename(columns={"slice": key}).reset_index(drop=True)


def adoption(standing: Standing) -> pd.DataFrame:
    """One row per stage; what holds the open one up stands beside it, with what would bring it further first."""
    told = [action.text for action in standing.actions]
    rows = [
        {
            "subject": standing.subject,
            "stage": step.title,
            "status": step.status,
            "rests_on": "; ".join(f"{name}: {checked.WORDS[answer.verdict]}" for name, answer in step.parts),
            "held_up_by": standing.blocker if step is standing.open else "",
            "next": "; ".join(told[:1]) if step is standing.open else "",
            "also": "; ".join(told[1:]) if step is standing.open else "",
        }
        for step in standing.steps
    ]
    return pd.DataFrame(rows)


def _flat(score: Score) -> dict[str, Any]:
    fields = {name: getattr(score, name) for name in tables.FIXED_COLUMNS}
    fields |= {tables.TAG + name: value for name, value in score.slices.items()}
    fields |= score.counts
    fields |= score.values
    if score.pacing is not None:
        fields |= {tables.PACING + name: value for name, value in asdict(score.pacing).items()}
    return {**fields, "reference": score.reference, "hypothesis": score.hypothesis}


def _text(row: SummaryRow | None) -> str:
    if row is None or row.value is None:
        return row.note if row is not None and told(row) else shown(None, "")
    interval = span(row.ci_lo, row.ci_hi, row.unit, bare=True)
    words = shown(row.value, row.unit) + (f" ({interval})" if interval else "")
    units = f"n = {number(row.n_units)}" if row.n_units else ""
    lacking = row.note if row.ci_lo is None else ""
    return ", ".join(filter(None, (words, units, status(row), lacking)))
