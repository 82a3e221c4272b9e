"""What a run shows of each criterion: a figure, its support, and where it comes from; or why there is none."""

from collections.abc import Callable, Mapping

from evalkit.checklist.criteria import Line
from evalkit.checklist.findings import account, figures, tried
from evalkit.checklist.findings.material import Material as Material
from evalkit.checklist.findings.material import Seen as Seen
from evalkit.types import Route

_SPECIAL: Mapping[str, Callable[[Line, Route, Material], Seen]] = {
    "languages": figures.languages,
    "slice.worst": figures.worst_slice,
    "ts.within_1s": figures.within_1s,
    "measured": figures.measured_route,
    "switch": figures.switch,
    "faults.met": tried.met,
    "faults.salvage": tried.salvage,
    "faults.seam": tried.seam,
    "faults.retry_after": tried.retry_after,
    "faults.too_many": tried.too_many,
    "reject.clear": tried.reject,
    "invoice": account.bill,
    "latency": account.latency,
    "console": account.console,
    "allowed": account.allowed,
    "observed": account.seen_to_work,
}


def find(line: Line, material: Material) -> Seen:
    """What the run shows of one criterion.

    Raises:
        StoreError: a file beside the run cannot be read.
        SettingsError: what somebody noted beside the run cannot be understood.
    """
    route: Route = line.route or "rest"
    if line.name in _SPECIAL:
        return _SPECIAL[line.name](line, route, material)
    metric = material.head.wer if line.metric == "acc.wer" else line.metric
    return figures.of_metric(line, metric, route, material)
