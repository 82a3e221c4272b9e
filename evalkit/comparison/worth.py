"""What a system costs and what it buys: who is dominated in price, errors and delay, and whether streaming pays.

Delays are those of final text once everything has been said: over REST from the request to the answer, over a stream
from the end of speech. Prices and delays are set against each other only where both belong to the same service.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.reports.caveats import asked_differently
from evalkit.reports.headline import ROUTE_WORDS
from evalkit.scoring.frontier import Interval, RouteChoice, dominated, price_of_latency
from evalkit.types import Difference, Route, SummaryRow

COST = "cost.per_audio_hour"
FINAL: Mapping[Route, str] = {"rest": "lat.rest_total", "streaming": "lat.ttfs"}
"""Time to final text, by route; the id without its percentile."""
CHURN = "str.rewrites_per_min"
ERRORS = ("acc.wer.en", "acc.wer.basic", "acc.cer")
AXES = ("price", "errors", "delay")

Percentile = Literal["p95", "p50"]
Met = Literal["yes", "no", "open", "unknown"]
Answer = Literal["rest_is_enough", "streaming_only", "neither", "open", "no_need", "not_comparable", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a system stands among the others; lower is better on every axis."""

    provider: str
    route: Route
    wer: SummaryRow | None
    usd_per_h: float | None
    delay: SummaryRow | None
    percentile: Percentile
    dominated_by: str
    """Name of the first that is no worse on any axis and better on one; empty on the frontier."""
    clearly: str
    """The same where no interval of the axes on which it is better overlaps."""
    left_out: str
    """Against how many it was not held, on which axis they do not compare, and why; empty when against all."""


def standings(
    manifest: Mapping[str, Any], summary: Sequence[SummaryRow], wer: str, apart: str = ""
) -> tuple[Standing, ...]:
    """Every system against every other on price, word errors and delay.

    Args:
        manifest: of the run; settings, prices and evidence are used.
        summary: pooled figures over all clips.
        wer: the error rate that leads.
        apart: why delays of two providers do not compare; empty when they do.
    """
    rows = _table(summary)
    names = [pair for pair in dict.fromkeys((row.provider, row.route) for row in summary) if pair[1] in FINAL]
    percentile = _percentile([(rows, *name) for name in names])
    axes = {name: _axes(rows, name, wer, percentile) for name in names}
    found = []
    for name in names:
        plain = clearly = ""
        left: dict[str, None] = {}
        unheld = 0
        for other in names:
            if other == name:
                continue
            barred = _barred(manifest, name, other, apart)
            barred |= {axis: "unknown" for axis in AXES if axis not in axes[name] or axis not in axes[other]}
            if barred:  # no worse on the axes that are left may still be worse on the others
                left |= dict.fromkeys(f"{axis} {reason}" for axis, reason in barred.items())
                unheld += 1
                continue
            points = {pair: {axis: row.value or 0.0 for axis, row in axes[pair].items()} for pair in (name, other)}
            named = {" ".join(pair): point for pair, point in points.items()}
            ends = {" ".join(pair): _ends(axes[pair]) for pair in (name, other)}
            rival = f"{other[0]} {ROUTE_WORDS[other[1]]}"
            if not plain and dominated(named).get(" ".join(name)):
                plain = rival
            if not clearly and dominated(named, intervals=ends).get(" ".join(name)):
                clearly = rival
        cost = rows.get((*name, COST))
        found.append(
            Standing(
                *name,
                wer=rows.get((*name, wer)),
                usd_per_h=None if cost is None else cost.value,
                delay=rows.get((*name, f"{FINAL[name[1]]}.{percentile}")),
                percentile=percentile,
                dominated_by=plain,
                clearly=clearly,
                left_out=f"{unheld} of {len(names) - 1} others: {', '.join(left)}" if unheld else "",
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Worth:
    """What streaming of one provider costs beyond its REST route, and what it buys."""

    provider: str
    errors: tuple[Difference, ...]
    """Streaming minus REST on the same clips, under every text profile that was measured."""
    rest: SummaryRow | None
    streaming: SummaryRow | None
    """Time to final text."""
    percentile: Percentile
    saved_s: float | None
    rewrites_per_min: SummaryRow | None
    extra_usd_per_h: float | None
    choice: RouteChoice | None
    """Price against delay; None where the two must not be set against each other, or one of them is unknown."""
    need_s: float | None
    answer: Answer
    why: str
    """Why there is no answer; empty when there is one."""


def streaming(
    manifest: Mapping[str, Any],
    summary: Sequence[SummaryRow],
    differences: Iterable[Difference],
    need_s: float | None = None,
) -> tuple[Worth, ...]:
    """Is streaming worth its price here? One answer for every provider that has both routes.

    Args:
        manifest: of the run; settings and evidence are used.
        summary: pooled figures over all clips.
        differences: paired, of ``streaming_vs_rest``.
        need_s: how long the product may wait for final text at the 95th percentile; None when nobody has said so.
    """
    rows, paired = _table(summary), list(differences)
    found = []
    for provider in dict.fromkeys(row.provider for row in summary):
        if {"rest", "streaming"} <= {route for name, route, _ in rows if name == provider}:
            errors = tuple(
                row
                for row in paired
                if row.question == "streaming_vs_rest" and row.provider == provider and row.metric in ERRORS
            )
            found.append(_worth(manifest, rows, provider, errors, need_s))
    return tuple(found)


_Rows = Mapping[tuple[str, Route, str], SummaryRow]


def _worth(
    manifest: Mapping[str, Any], rows: _Rows, provider: str, errors: tuple[Difference, ...], need_s: float | None
) -> Worth:
    percentile = _percentile([(rows, provider, "rest"), (rows, provider, "streaming")])
    rest, stream = (rows.get((provider, route, f"{name}.{percentile}")) for route, name in FINAL.items())
    prices = [_value(rows.get((provider, route, COST))) for route in ("rest", "streaming")]
    delays = _value(rest), _value(stream)
    extra = None if None in prices else (prices[1] or 0.0) - (prices[0] or 0.0)
    saved = None if None in delays else (delays[0] or 0.0) - (delays[1] or 0.0)
    why = _unfair(manifest, provider)
    choice = None
    if not why and extra is not None and saved is not None:
        need = -1.0 if need_s is None else need_s
        choice = price_of_latency(prices[0] or 0.0, prices[1] or 0.0, delays[0] or 0.0, delays[1] or 0.0, need_s=need)
    answer: Answer = "not_comparable" if why else "no_need"
    if not why and need_s is not None:
        answer, why = _answer(rest, stream, percentile, need_s)
    return Worth(
        provider,
        errors,
        rest,
        stream,
        percentile,
        saved,
        rows.get((provider, "streaming", CHURN)),
        extra,
        choice,
        need_s,
        answer,
        why,
    )


def _answer(
    rest: SummaryRow | None, stream: SummaryRow | None, percentile: Percentile, need_s: float
) -> tuple[Answer, str]:
    """If REST is fast enough, streaming is a cost and not a feature."""
    if percentile != "p95":
        return "unknown", "too few answers to know the 95th percentile of both routes"
    slow, fast = _meets(rest, need_s), _meets(stream, need_s)
    if slow == "yes":
        return "rest_is_enough", ""
    if "unknown" in (slow, fast):
        return "unknown", "the delay of a route is not known"
    if slow == "no" and fast == "yes":
        return "streaming_only", ""
    if slow == "no" and fast == "no":
        return "neither", ""
    return "open", "the interval of a delay holds the need: more clips would tell"


def _meets(row: SummaryRow | None, need_s: float) -> Met:
    if row is None or row.value is None:
        return "unknown"
    lo = row.value if row.ci_lo is None else row.ci_lo
    hi = row.value if row.ci_hi is None else row.ci_hi
    return "yes" if hi <= need_s else "no" if lo > need_s else "open"


def _unfair(manifest: Mapping[str, Any], provider: str) -> str:
    """Why price and delay of a provider's routes must not be set against each other; empty when they may."""
    if options := asked_differently(manifest).get(provider):
        return f"the routes were asked for different things: {', '.join(options)}"
    if manifest["providers"].get(provider, {}).get("evidence") == "simulated":
        return "the delays are loopback on this machine and the prices those of a service: together they say nothing"
    return ""


def _barred(
    manifest: Mapping[str, Any], mine: tuple[str, Route], theirs: tuple[str, Route], apart: str
) -> dict[str, str]:
    """Axis -> why two systems must not be held against each other on it."""
    found = {}
    asked = asked_differently(manifest)
    if mine[1] != theirs[1] and (options := asked.get(mine[0]) or asked.get(theirs[0])):
        found = dict.fromkeys(("delay", "price"), f"asked for different things ({', '.join(options)})")
    if mine[0] != theirs[0] and apart:
        found["delay"] = apart
    bases = {(line["provider"], line["route"]): line["basis"] for line in manifest.get("prices", ())}
    if mine in bases and theirs in bases and bases[mine] != bases[theirs]:
        found["price"] = f"priced by different things ({bases[mine]}, {bases[theirs]})"
    return found


def _axes(rows: _Rows, name: tuple[str, Route], wer: str, percentile: Percentile) -> dict[str, SummaryRow]:
    ids = {"price": COST, "errors": wer, "delay": f"{FINAL[name[1]]}.{percentile}"}
    return {axis: row for axis, metric in ids.items() if (row := rows.get((*name, metric))) and row.value is not None}


def _ends(axes: Mapping[str, SummaryRow]) -> dict[str, Interval]:
    return {
        axis: (row.ci_lo, row.ci_hi) for axis, row in axes.items() if row.ci_lo is not None and row.ci_hi is not None
    }


def _percentile(systems: Iterable[tuple[_Rows, str, Route]]) -> Percentile:
    """The 95th where every system that has a median has it too; else medians, which fewer answers can tell."""
    for rows, provider, route in systems:
        delays = [_value(rows.get((provider, route, f"{FINAL[route]}.{name}"))) for name in ("p50", "p95")]
        if delays[0] is not None and delays[1] is None:
            return "p50"
    return "p95"


def _table(summary: Iterable[SummaryRow]) -> _Rows:
    return {(row.provider, row.route, row.metric): row for row in summary if row.slice == "all"}


def _value(row: SummaryRow | None) -> float | None:
    return None if row is None else row.value
