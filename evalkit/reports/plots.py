"""Matplotlib figures of a run. A provider keeps its colour and a route its marker and line in every figure.

Figures are made without pyplot, so nothing global is touched and nothing needs closing. Marker and line style repeat
what colour says.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evalkit.reports.drawing import COLOURS, FAINT, PAPER, STYLE, Plot
from evalkit.reports.headline import Headline, System, telling_slices
from evalkit.reports.lines import COST
from evalkit.stats.conditions import ConditionLoss, Robustness
from evalkit.types import Pacing, Score, SummaryRow

MARKERS: Mapping[str, str] = {"rest": "o", "streaming": "s", "agent": "^"}
LINES: Mapping[str, Any] = {"rest": "-", "streaming": "--", "agent": ":"}
WIDTH_IN = 7.2
"""Every figure has this width, so that their text has one size on the page."""
LEGEND_COLUMNS = 2
LONGEST = 40
"""Characters of a name in a figure."""


@dataclass(frozen=True, slots=True)
class _Data:
    head: Headline
    scores: Sequence[Score]
    summary: Sequence[SummaryRow]
    worse: Sequence[Robustness]

    def colour(self, provider: str) -> str:
        return COLOURS[self.head.providers.index(provider) % len(COLOURS)]

    def values(self, system: System, metric: str) -> list[float]:
        """Every value of a distribution metric of one system, sorted; infinite for what never came."""
        own = [score for score in self.scores if (score.provider, score.route) == (system.provider, system.route)]
        came = sorted(value for score in own for value in score.values.get(metric, ()))
        return came + [math.inf] * int(sum(score.counts.get(f"{metric}.failed", 0) for score in own))


def plots(
    head: Headline, scores: Sequence[Score], summary: Sequence[SummaryRow], worse: Sequence[Robustness] = ()
) -> list[Plot]:
    """The figures whose data exist, in the order of the page.

    Args:
        head: of the run.
        scores: one row per clip, provider and route.
        summary: pooled figures.
        worse: what degraded clips cost (``worsened.measured``).
    """
    data = _Data(head, scores, summary, worse)
    found = []
    for name, (title, caption, draw) in _DRAWN.items():
        with mpl.rc_context(STYLE):
            figure = draw(data)
        if figure is not None:
            found.append(Plot(name, title, caption, figure))
    return found


def _wer(data: _Data) -> Figure | None:
    rows = [(system, row) for system in data.head.systems if (row := _figure(data, system, data.head.wer)) is not None]
    return _dots(data, rows, _rate_label(data), 100.0) if rows else None


def _churn(data: _Data) -> Figure | None:
    rows = [
        (system, row)
        for system in data.head.systems
        if (row := _figure(data, system, "str.rewrites_per_min")) is not None
    ]
    return _dots(data, rows, "words visibly changed per minute of audio", 1.0) if rows else None


def _slices(data: _Data) -> Figure | None:
    rows = [row for row in data.summary if row.metric == data.head.wer and row.slice != "all" and row.value is not None]
    names = telling_slices(rows, apart=data.head.degraded > 0)
    if not names:
        return None
    clips = {row.slice: row.n_clips for row in rows}
    figure, axes = _axes(0.4 * len(names) + 1.0, named=len(data.head.systems))
    systems = data.head.systems
    for place, system in enumerate(systems):
        shift = (place - (len(systems) - 1) / 2) * min(0.2, 0.72 / len(systems))
        own = [
            row for row in rows if row.slice in names and (row.provider, row.route) == (system.provider, system.route)
        ]
        axes.plot(
            [100 * (row.value or 0.0) for row in own],
            [names.index(row.slice) + shift for row in own],
            linestyle="none",
            **_mark(data, system),
        )
    axes.set_yticks(range(len(names)), [f"{_short(name.replace('=', ': '))} ({clips[name]})" for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    _scale(axes, _rate_label(data))
    _legend(figure, data, systems)
    return figure


def _ratios(one: Robustness) -> list[tuple[float, ConditionLoss]]:
    found = [(loss.snr_db, loss) for loss in one.conditions if loss.snr_db is not None and loss.rate is not None]
    return sorted(found, key=lambda point: point[0])


def _noise(data: _Data) -> Figure | None:
    """A curve per system over the ratios of its noise conditions, and its clean rate as a dotted line."""
    swept = {
        system: points
        for one in data.worse
        for system in data.head.systems
        if (system.provider, system.route) == (one.provider, one.route)
        if len(points := _ratios(one)) > 1
    }
    if not swept:
        return None
    figure, axes = _axes(2.5, named=len(swept))
    for system, points in swept.items():
        ratios, losses = zip(*points, strict=True)
        mark = _mark(data, system)
        axes.plot(ratios, [100 * (loss.rate or 0.0) for loss in losses], linestyle=LINES[system.route], **mark)
        clean = losses[-1].clean_rate
        if clean is not None:
            axes.axhline(100 * clean, color=data.colour(system.provider), linewidth=1, linestyle=":")
    axes.set_ylim(bottom=0)
    axes.set_xticks(sorted({ratio for points in swept.values() for ratio, _ in points}))
    axes.invert_xaxis()
    axes.set_xlabel("signal-to-noise ratio, dB (more noise to the right)")
    axes.set_ylabel(_rate_label(data))
    axes.grid(axis="both")
    _legend(figure, data, list(swept))
    return figure


def _latency(data: _Data) -> Figure | None:
    panels = [
        ("lat.word_first", "a word appears after it was spoken, ms"),
        ("lat.ttfs", "final text after speech ends, ms"),
        ("lat.rest_total", "REST answer after the request began, ms"),
    ]
    return _ecdfs(data, panels)


def _drift(data: _Data) -> Figure | None:
    return _ecdfs(data, [("ts.offset.start", "word start minus reference, ms (late is positive)")], signed=True)


def _pacing(data: _Data) -> Figure | None:
    late: dict[System, list[float]] = {}
    for system in data.head.systems:
        own = [
            score.pacing.late_max_s * 1000
            for score in data.scores
            if score.pacing and (score.provider, score.route) == (system.provider, system.route)
        ]
        if own:
            late[system] = sorted(own)
    if not late:
        return None
    figure, axes = _axes(2.4, named=len(late))
    for system, values in late.items():
        axes.plot(
            *_steps(values), drawstyle="steps-post", color=data.colour(system.provider), linestyle=LINES[system.route]
        )
    if max(values[-1] for values in late.values()) > 0.3 * Pacing.MAX_LATE_S * 1000:
        axes.axvline(Pacing.MAX_LATE_S * 1000, color=FAINT, linewidth=1, linestyle=":")
    axes.set_xlim(left=0)
    _share(axes, "latest frame of a clip, ms after its deadline", "clips")
    _legend(figure, data, list(late), lines=True)
    return figure


def _frontier(data: _Data) -> Figure | None:
    points = [
        (system, cost.value, wer.value)
        for system in data.head.systems
        if (cost := _figure(data, system, COST)) is not None
        and cost.value is not None
        and (wer := _figure(data, system, data.head.wer)) is not None
        and wer.value is not None
    ]
    if not points:
        return None
    figure, axes = _axes(2.8, named=len(points))
    for system, dollars, rate in points:
        axes.plot([dollars], [100 * rate], linestyle="none", **_mark(data, system))
    axes.set_xlim(0, max(0.01, *(dollars for _, dollars, _ in points)) * 1.15)
    axes.set_ylim(0, max(1.0, *(100 * rate for *_, rate in points)) * 1.2)
    axes.set_xlabel("price, dollars per hour of audio")
    axes.set_ylabel(_rate_label(data))
    axes.grid(axis="both")
    _legend(figure, data, [system for system, *_ in points])
    return figure


def _dots(data: _Data, rows: Sequence[tuple[System, SummaryRow]], label: str, scale: float) -> Figure:
    """A point with its interval per system, and the number written beside it."""
    figure, axes = _axes(0.36 * len(rows) + 0.6)
    for place, (system, row) in enumerate(rows):
        value, style = (row.value or 0.0) * scale, _mark(data, system)
        if row.ci_lo is not None and row.ci_hi is not None:
            ends = [row.ci_lo * scale, row.ci_hi * scale]
            axes.plot(
                ends, [place, place], color=data.colour(system.provider), linewidth=2, linestyle=LINES[system.route]
            )
        axes.plot([value], [place], linestyle="none", **style)
        axes.annotate(f"{value:.1f}", (value, place), (0, 7), textcoords="offset points", ha="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [_short(system.name) for system, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.7)
    _scale(axes, label)
    return figure


def _ecdfs(data: _Data, panels: Sequence[tuple[str, str]], *, signed: bool = False) -> Figure | None:
    """One cumulative distribution per panel and system, in milliseconds."""
    filled = [
        (metric, label)
        for metric, label in panels
        if any(map(math.isfinite, (value for system in data.head.systems for value in data.values(system, metric))))
    ]
    if not filled:
        return None
    height_in = 0.3 + 2.0 * len(filled) + _legend_in(len(data.head.systems))
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    shown = []
    for axes, (metric, label) in zip(figure.subplots(len(filled), squeeze=False)[:, 0], filled, strict=True):
        ends = []
        for system in data.head.systems:
            values = [1000 * value for value in data.values(system, metric)]
            came = [value for value in values if math.isfinite(value)]
            if came:
                ends += [came[round(share * (len(came) - 1))] for share in (0.05, 0.95)]
                colour, line = data.colour(system.provider), LINES[system.route]
                axes.plot(*_steps(values), drawstyle="steps-post", color=colour, linestyle=line)
                shown.append(system)
        widest = 1.4 * max(map(abs, ends)) or 1.0  # the last few percent would squeeze the rest
        axes.set_xlim(-widest if signed else 1.4 * min(0.0, *ends), widest)
        if signed:
            axes.axvline(0, color=FAINT, linewidth=1)
        _share(axes, label, "")
    _legend(figure, data, [system for system in data.head.systems if system in shown], lines=True)
    return figure


def _axes(height_in: float, *, named: int = 0) -> tuple[Figure, Axes]:
    """A figure of one part, with room for a legend of so many names."""
    figure = Figure(figsize=(WIDTH_IN, height_in + _legend_in(named)), layout="constrained")
    return figure, figure.subplots()


def _legend_in(named: int) -> float:
    """The height of a legend; without it a layout that has no room left would be given up."""
    return 0.2 * math.ceil(named / LEGEND_COLUMNS)


def _short(name: str) -> str:
    """A name that leaves room for what it names: the middle of a long one is left out."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}…{name[-16:]}"


def _steps(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative distribution of sorted values; it ends below 1 by the share that never came."""
    ranked = np.asarray([value for value in values if math.isfinite(value)])
    share = np.arange(1, len(ranked) + 1) / len(values)
    return np.concatenate([ranked[:1], ranked]), np.concatenate([[0.0], share])


def _mark(data: _Data, system: System) -> dict[str, Any]:
    """REST is a filled mark, every other route a hollow one."""
    colour = data.colour(system.provider)
    filled = system.route == "rest"
    return {
        "marker": MARKERS[system.route],
        "color": colour,
        "markerfacecolor": colour if filled else PAPER,
        "markeredgewidth": 1.6,
        "markersize": 6.5,
        "clip_on": False,
    }


def _scale(axes: Axes, label: str) -> None:
    axes.set_xlim(left=0)
    axes.set_xlabel(label)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0, pad=9)  # a mark at 0 must not touch its name
    axes.spines["left"].set_visible(False)


def _share(axes: Axes, label: str, unit: str) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel(f"share of {unit}" if unit else "share")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.5, 0.95, 1], ["0", "50 %", "95 %", ""])
    axes.grid(axis="both")


def _legend(figure: Figure, data: _Data, systems: Sequence[System], *, lines: bool = False) -> None:
    handles = [
        Line2D([], [], color=data.colour(system.provider), linestyle=LINES[system.route], label=_short(system.name))
        if lines
        else Line2D([], [], linestyle="none", label=_short(system.name), **_mark(data, system))
        for system in systems
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=min(LEGEND_COLUMNS, len(handles)), handlelength=2.4)


def _rate_label(data: _Data) -> str:
    """The error rate that leads, and the text rules it is counted under."""
    if data.head.wer == "acc.cer":
        return "character error rate, %"
    return f"word error rate ({data.head.wer.rpartition('.')[2]} text rules), %"


def _figure(data: _Data, system: System, metric: str) -> SummaryRow | None:
    row = data.head.row(system.provider, system.route, metric)
    return row if row is not None and row.value is not None else None


_DRAWN: Mapping[str, tuple[str, str, Callable[[_Data], Figure | None]]] = {
    "wer": (
        "Word error rate",
        "All clips pooled; the bar is the 95 % interval over clusters of clips. Left is better.",
        _wer,
    ),
    "slices": (
        "Word error rate by kind of audio",
        "Pooled within each slice, number of clips in brackets. Left is better.",
        _slices,
    ),
    "latency": (
        "Delays",
        "How large a share of words, utterances or requests was no later than this; the slowest few percent lie "
        "beyond the edge, and a curve stays below 100 % by the share that never came because its clip failed. Left is "
        "better.",
        _latency,
    ),
    "drift": (
        "Word start times against the reference",
        "How large a share of matched words starts no later than this. A steep step at zero is best.",
        _drift,
    ),
    "noise": (
        "Word errors as noise rises",
        "Pooled over the pairs of each ratio; the dotted line is the clean rate of the same clips. Flat is best.",
        _noise,
    ),
    "churn": ("Caption rewrites", "Words a reader saw and then saw change. Left is better.", _churn),
    "frontier": ("Price and word errors", "Lower left is better.", _frontier),
    "pacing": (
        "Punctuality of our own frames",
        f"Clips beyond {Pacing.MAX_LATE_S * 1000:.0f} ms are not used for delays. Left is better.",
        _pacing,
    ),
}
