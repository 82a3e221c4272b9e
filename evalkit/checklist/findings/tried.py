"""What the trials beside a run show of our own client, and what somebody noted of a service's answers to bad input."""

from collections.abc import Sequence
from dataclasses import replace

from evalkit.checklist import Finding, rejects
from evalkit.checklist.criteria import Line
from evalkit.checklist.findings.figures import bounded
from evalkit.checklist.findings.material import Material, Seen, faults, lacking
from evalkit.stats.intervals import cluster_ratio
from evalkit.types import Evidence, Route
from evalkit.verdicts import FAIR, Verdict


def _trials(route: Route, material: Material) -> list[Verdict]:
    return [one for one in material.trials if one.route == route and one.fault != FAIR]


def _held(found: Finding, material: Material, held: Sequence[Verdict]) -> Seen:
    evidence: Evidence = "live" if all(one.evidence == "live" for one in held) else "simulated"
    return Seen(found, len(held), len(held), evidence, material.trials_date, todo=faults(material))


def met(_: Line, route: Route, material: Material) -> Seen:
    """Faults that were met otherwise than a correct client meets them."""
    if not (held := _trials(route, material)):
        return lacking("no faults were tried", faults(material))
    wrong = [one for one in held if not one.ok]
    seen = _held(Finding(len(wrong), support={"n": len(held), "clips": len(held)}), material, held)
    return replace(seen, why=f"{wrong[0].fault}: {wrong[0].sentence}") if wrong else seen


def salvage(_: Line, route: Route, material: Material) -> Seen:
    """Of the words locked when a stream was cut, the share that is still there."""
    cut = [one for one in _trials(route, material) if one.locked]
    if not cut:
        return lacking("no stream was cut with words already locked", faults(material))
    kept = [one.locked - one.locked_lost for one in cut]
    found = bounded(cluster_ratio(kept, [one.locked for one in cut]), len(cut))
    support = {"n": float(len(cut)), "clips": len(cut), "clusters": len(cut)}
    return _held(Finding(found.value, found.lo, found.hi, support), material, cut)


def seam(_: Line, route: Route, material: Material) -> Seen:
    """Words lost and doubled where streams were taken up again, per reconnect."""
    cut = [one for one in _trials(route, material) if one.reconnects and one.seam_lost is not None]
    if not cut:
        return lacking("no stream was cut and taken up again", faults(material))
    wrong = [(one.seam_lost or 0) + (one.seam_doubled or 0) for one in cut]
    found = cluster_ratio(wrong, [one.reconnects for one in cut])
    support = {"n": sum(one.reconnects for one in cut), "clips": len(cut), "clusters": len(cut)}
    lo = None if found.lo is None else max(found.lo, 0.0)
    return _held(Finding(found.value, lo, found.hi, support), material, cut)


def retry_after(_: Line, route: Route, material: Material) -> Seen:
    """Of the waits the client was told, the share that it kept."""
    told = [one for one in _trials(route, material) if one.waits_told]
    if not told:
        return lacking("nobody told the client to wait", faults(material))
    asked, kept = sum(one.waits_told for one in told), sum(one.waits_kept for one in told)
    return _held(Finding(kept / asked, support={"n": asked, "clips": len(told)}), material, told)


def too_many(_: Line, route: Route, material: Material) -> Seen:
    """Whether 429 is met as a correct client meets it."""
    held = [one for one in _trials(route, material) if "429" in one.what]
    if not held:
        return lacking("429 was not tried", faults(material))
    wrong = [one for one in held if not one.ok]
    seen = _held(Finding(float(not wrong), support={"n": len(held)}), material, held)
    return replace(seen, why=f"{wrong[0].fault}: {wrong[0].sentence}") if wrong else seen


def reject(_: Line, route: Route, material: Material) -> Seen:
    """Kinds of bad input of which every repeat was clearly refused."""
    path = material.folder / rejects.FILE
    todo = f"send ten kinds of bad input three times each, and note what comes back in {path}"
    noted = [one for one in rejects.read(path) if one.route in ("", route)] if path.is_file() else []
    if not noted:
        return lacking("nobody noted what the service says to bad input", todo)
    found = rejects.clearness(noted)
    support = {"n": float(found.inputs), "kinds": float(found.kinds)}
    seen = Seen(Finding(found.clear / found.kinds, support=support), date=min(one.date for one in noted), todo=todo)
    return replace(seen, why=f"not clear: {found.unclear}") if found.unclear else seen
