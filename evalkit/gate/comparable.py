"""What must be the same before two runs may be compared at all, and what is missing now. Each lack is one sentence."""

from collections.abc import Iterator, Mapping
from typing import Any

from evalkit.gate.findings import Finding, Side, few
from evalkit.gate.fingerprints import System
from evalkit.scoring.catalogue import METRICS
from evalkit.types import Metric, Score

ADDRESSES = ("base_url", "key_env")
"""Settings that say where to send: when every answer is the same, they may differ."""
LOST = 0.1
"""A metric that so large a share of its clips no longer has is not the same figure."""
_BY_CHANCE = ("fail.", "lat.rest_connect", "lat.rest_cold", "lat.setup_cold")
"""Metrics that exist only on clips that something happened to, a failure or a new connection: which, is chance."""


def whole(run: Side, baseline: Side, yardstick: Mapping[str, Any], accept: str) -> Iterator[Finding]:
    """What forbids any comparison: scoring, text profiles, clips, references, corpus.

    Args:
        run: the run.
        baseline: what was accepted.
        yardstick: scoring version and text profiles of this evalkit.
        accept: the command that makes the run the new baseline.
    """
    mine, before = run.manifest["scoring"], baseline.manifest["scoring"]
    if mine != dict(yardstick):
        then, here = _rules(mine, yardstick), _rules(yardstick, mine)
        yield _unlike(
            "scores",
            then,
            here,
            f"{run.name} was scored with other rules than this evalkit has ({then}, here {here}), so its numbers do "
            "not show what this code does",
            f"evalkit score {run.name}",
        )
        return
    if run.unscored:
        told = f"{len(run.unscored)} answers of {run.name} are not scored yet"
        yield _unlike("scores", "", f"{len(run.unscored)} not scored", told, f"evalkit score {run.name}")
        return
    if mine["version"] != before["version"]:
        yield _unlike(
            "scoring version",
            before["version"],
            mine["version"],
            f"the scoring version was {before['version']} and is {mine['version']}: numbers may differ by definition",
            accept,
        )
    for name, profile in before["profiles"].items():
        now = mine["profiles"].get(name)
        if now != profile:
            told = "gone" if now is None else _profile(now)
            yield _unlike(
                f"profile {name}",
                _profile(profile),
                told,
                f"the text profile {name} was {_profile(profile)} and is {told}, so words are counted by other rules",
                accept,
            )
    yield from _clips(run, baseline, accept)
    for name, title in (("sample_rate_hz", "sample rate"), ("terms", "list of terms")):
        old, new = baseline.manifest.get(name), run.manifest.get(name)
        if old != new:
            sentence = f"the {title} was {_told(old)} and is {_told(new)}"
            yield _unlike(title, _told(old), _told(new), sentence, accept)


def _clips(run: Side, baseline: Side, accept: str) -> Iterator[Finding]:
    mine, before = ({row.clip_id: row for row in side.scores} for side in (run, baseline))
    gone = [clip_id for clip_id in before if clip_id not in mine]
    added = [clip_id for clip_id in mine if clip_id not in before]
    if gone:
        yield _unlike(
            "clip set",
            f"{len(before)} clips",
            f"{len(mine)} clips",
            f"{len(gone)} of the {len(before)} clips of the baseline are not in the run ({few(gone)}); a smaller set "
            "can hide what got worse, so if the run was stopped, finish it",
            accept,
        )
    elif added:
        told = f"{len(added)} clips are in the run that the baseline does not have ({few(added)})"
        yield _unlike("clip set", f"{len(before)} clips", f"{len(mine)} clips", told, accept)
    old, new = (str(side.manifest["corpus"]["sha256"])[:12] for side in (baseline, run))
    if old != new and not gone and not added:
        told = f"the corpus was {old} and is {new}: its clips have the same names and are not the same"
        yield _unlike("corpus", old, new, told, accept)
    corrected = [
        clip_id for clip_id, row in before.items() if clip_id in mine and row.reference != _reference(mine, row)
    ]
    if corrected:
        told = f"the references of {len(corrected)} clips are not those of the baseline ({few(corrected)})"
        yield _unlike("references", "as accepted", f"{len(corrected)} differ", told, accept)


def _reference(mine: Mapping[str, Score], row: Score) -> str | None:
    return mine[row.clip_id].reference


def of_system(run: Side, baseline: Side, system: System, accept: str) -> Iterator[Finding]:
    """What forbids the comparison of one provider over one route: clips, settings, evidence, models."""
    rows, before = run.of(system), baseline.of(system)
    name = f"{system[0]} over {system[1]}"
    if not rows:
        yield _unlike("system", "there", "gone", f"{name} is in the baseline and not in the run", accept, system)
        return
    gone = [clip_id for clip_id in before if clip_id not in rows]
    if gone:
        told = f"{len(gone)} of the {len(before)} clips of {name} are gone ({few(gone)}); finish the run, or accept it"
        yield _unlike("clip set", f"{len(before)} clips", f"{len(rows)} clips", told, accept, system)
    yield from asked(run, baseline, system, accept)


def asked(run: Side, baseline: Side, system: System, accept: str = "") -> Iterator[Finding]:
    """What was asked of a provider over a route, or who answered, that is not the same: settings, evidence, models."""
    name = f"{system[0]} over {system[1]}"
    old, new = (_entry(side, system) for side in (baseline, run))
    same = unchanged_answers(run, baseline, system)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key) and not (same and key in (*ADDRESSES, "evidence")):
            was, now = _told(old.get(key)), _told(new.get(key))
            what = "model sent" if key == "model" else key
            yield _unlike(what, was, now, f"{name}: {what} was {was} and is {now}", accept, system)
    models, then = run.models.get(system), baseline.models.get(system)
    if models is None or then is None:
        return
    if then.sent and models.sent and then.sent != models.sent and old.get("model") == new.get("model"):
        told = f"{name}: the model asked for was {', '.join(then.sent)} and is {', '.join(models.sent)}"
        yield _unlike("model sent", ", ".join(then.sent), ", ".join(models.sent), told, accept, system)
    if then.returned and models.returned and then.returned != models.returned:
        was, now = ", ".join(then.returned), ", ".join(models.returned)
        told = f"{name}: the service said its model was {was} and now says {now}, for the same request"
        yield _unlike("model returned", was, now, told, accept, system)


def unchanged_answers(run: Side, baseline: Side, system: System) -> bool:
    """Whether every answer of a system is word for word the one of the baseline."""
    keys = [(row.clip_id, *system) for row in baseline.of(system).values()]
    sides = [[side.fingerprints.get(key) for key in keys] for side in (run, baseline)]
    return all(mine is not None and old is not None and mine.said == old.said for mine, old in zip(*sides, strict=True))


def prices(run: Side, baseline: Side, system: System, accept: str) -> Iterator[Finding]:
    """Another price forbids the comparison of costs, and of nothing else."""
    old, new = (
        [
            line["usd_per_hour"]
            for line in side.manifest.get("prices", ())
            if (line["provider"], line["route"]) == system
        ]
        for side in (baseline, run)
    )
    if old != new:
        was, now = (f"${prices[0]:g} an hour" if prices else "unknown" for prices in (old, new))
        told = f"{system[0]} over {system[1]}: the list price was {was} and is {now}, so costs do not compare"
        yield _unlike("price", was, now, told, accept, system)


def vanished(rows: Mapping[str, Score], before: Mapping[str, Score], system: System, accept: str) -> Iterator[Finding]:
    """Metrics that the baseline has and the run has not, or on far fewer clips; one finding each."""
    name = f"{system[0]} over {system[1]}"
    for metric in METRICS:
        had = [clip_id for clip_id, row in before.items() if has(metric, row)]
        lost = [clip_id for clip_id in had if clip_id in rows and not has(metric, rows[clip_id])]
        if not lost:
            continue
        reasons = {rows[clip_id].absent.get(metric.id, "") for clip_id in lost}
        if metric.id.startswith(_BY_CHANCE) and reasons == {"not_applicable"}:
            continue
        why = " and ".join(sorted(reason.replace("_", " ") for reason in reasons if reason)) or "no reason given"
        if len(lost) == len(had):
            told = f"{name}: {metric.id} was there on {len(had)} clips and is gone ({why})"
            yield _unlike(metric.id, f"{len(had)} clips", "gone", told, accept, system, check="metrics")
        elif len(lost) > LOST * len(had):
            told = f"{name}: {metric.id} was there on {len(had)} clips and is gone from {len(lost)} of them ({why})"
            left = f"{len(had) - len(lost)} clips"
            yield _unlike(metric.id, f"{len(had)} clips", left, told, accept, system, check="metrics")


def has(metric: Metric, row: Score) -> bool:
    """Whether a score holds what the metric is made from."""
    if metric.values:
        return metric.values in row.values or f"{metric.values}.failed" in row.counts
    return bool(metric.denominator) and all(column in row.counts for column in metric.denominator)


def _entry(side: Side, system: System) -> dict[str, Any]:
    """Everything a system was asked with: its settings, who it is, and what its numbers may be used for."""
    entry = side.manifest["providers"].get(system[0], {})
    about = {name: entry[name] for name in ("provider", "evidence") if name in entry}
    return {**entry.get("settings", {}).get(system[1], {}), **about}


def _unlike(
    what: str,
    before: str,
    now: str,
    sentence: str,
    remedy: str,
    system: System = ("", ""),
    *,
    check: str = "comparable",
) -> Finding:
    return Finding("unjudged", check, what, sentence, *system, before=before, now=now, remedy=remedy)


def _rules(mine: Mapping[str, Any], others: Mapping[str, Any]) -> str:
    """The scoring version of one side, and its text profiles that the other has not."""
    own = [name for name, about in mine["profiles"].items() if others["profiles"].get(name) != about]
    return ", ".join(
        [f"scoring version {mine['version']}", *(f"{name} {_profile(mine['profiles'][name])}" for name in own)]
    )


def _profile(about: Mapping[str, str]) -> str:
    return f"{about['version']} ({about['hash']})"


def _told(value: Any) -> str:
    return "not set" if value is None else "none" if value in ([], "") else str(value)
