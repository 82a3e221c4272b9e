"""What a run, its bill and the account say of cost, delay and limits."""

import re
from dataclasses import replace

from evalkit import invoice
from evalkit.checklist import Finding
from evalkit.checklist.criteria import Line
from evalkit.checklist.findings.figures import of_metric
from evalkit.checklist.findings.material import SAY, Material, Seen, lacking, measured, run_over
from evalkit.errors import SettingsError
from evalkit.limits import Limits
from evalkit.scoring import catalogue
from evalkit.scoring.limits import observed
from evalkit.store import Store
from evalkit.types import Route

INVOICE = "invoice.csv"
# When a limit was read stands behind where.
_DAY = re.compile(r"(?:^|, )(\d{4}-\d\d-\d\d)$")


def bill(_: Line, route: Route, material: Material) -> Seen:
    """How far the estimate was off, by the invoice beside the run."""
    path = material.folder / INVOICE
    todo = f"put the vendor's bill beside the run as {path}, with the columns provider, usd and route"
    if not path.is_file():
        return lacking("no invoice to hold the estimate against", todo)
    try:
        lines = invoice.read(path)
    except SettingsError as error:
        return lacking(str(error), todo)
    bill = [line for line in lines if line.provider == material.candidate and line.route in ("", route)]
    errors = [one.error for one in invoice.reconcile(material.scores, bill) if one.error is not None]
    if not errors:
        return lacking(f"the invoice has no line for {material.candidate} over {route}, or no price is known", todo)
    # A bill is the service's own word, whatever was asked.
    return replace(measured(Finding(max(errors)), material, len(material.mine(route))), todo=todo)


def latency(line: Line, route: Route, material: Material) -> Seen:
    """The delay that the needs name, at their percentile."""
    metric = material.needs.latency_metric
    if not metric or line.criterion.target is None:
        return lacking("the needs name no delay (latency_of and latency_s)", SAY)
    catalogue.describe(metric)
    return replace(of_metric(line, metric, route, material), todo="")


def console(_: Line, route: Route, material: Material) -> Seen:
    """Whether somebody has read the account's console, and when."""
    told = material.needs.console.get(route, {})
    planned = material.manifest.get("limits", {}).get(material.candidate, {}).get(route, {})
    if not told and planned.get("source") == "your console":
        told = planned
    if not told:
        todo = f"read the account's console and write it into needs.toml under [console.{route}]"
        return lacking("nobody has read the account's console", todo)
    return Seen(Finding(1.0), date=str(told["date"]))


def _known(route: Route, material: Material) -> Limits:
    planned = material.manifest.get("limits", {}).get(material.candidate, {}).get(route, {})
    return Limits(**planned).said_otherwise(material.needs.console.get(route, {}))


def allowed(_: Line, route: Route, material: Material) -> Seen:
    """How many times the need what is known of the limits allows; the tightest of them."""
    load, known = material.needs.load, _known(route, material)
    if load is None:
        return lacking("the needs name no load (starts_per_s and session_s)", SAY)
    concurrent = load.starts_per_s * load.session_s
    ratios = {
        name: most / need
        for name, most, need in (
            ("requests_per_s", known.requests_per_s, load.starts_per_s),
            ("requests_per_min", known.requests_per_min, 60 * load.starts_per_s),
            ("sessions", known.sessions, concurrent if route != "rest" else 0.0),
        )
        if most is not None and need
    }
    if not ratios:
        return lacking("no limit of this route is known", f"write [console.{route}] into needs.toml")
    tightest = min(ratios, key=ratios.__getitem__)
    origin = known.origin(tightest)
    day = _DAY.search(origin)
    return Seen(Finding(ratios[tightest]), date=day[1] if day else "", why=_DAY.sub("", origin))


def seen_to_work(_: Line, route: Route, material: Material) -> Seen:
    """How many times the need the run has seen to work: a lower bound."""
    load = material.needs.load
    if load is None:
        return lacking("the needs name no load (starts_per_s and session_s)", SAY)
    seen = observed(Store(material.folder).traces()).get((material.candidate, route))
    if seen is None:
        return lacking(f"{material.candidate} was not asked over {route}", run_over(route))
    ratios = [seen.requests.peak / (60 * load.starts_per_s)]
    if route != "rest":
        ratios.append(seen.sustained / (load.starts_per_s * load.session_s))
    return measured(Finding(min(ratios)), material)
