"""Worked cases: verdicts."""

from collections.abc import Mapping
from typing import Any

from evalkit import checklist
from evalkit.stats import decisions
from tests.golden.shared import Answer, Case


def judged(row: Mapping[str, Any], params: Mapping[str, Any]) -> checklist.Judged:
    lo, hi = row.get("ci") or (None, None)
    margin = row.get("margin", params.get("margin", row.get("target")))
    label = None
    value = row.get("value")
    if row["kind"] == "non_inferiority" and margin is not None and value is not None:
        label = decisions.non_inferiority(lo, hi, margin)
    wanted = checklist.Criterion(
        row["id"],
        row["kind"],
        margin if row["kind"] == "non_inferiority" else row.get("target"),
        row.get("limit"),
        {name: row[f"min_{name}"] for name in SUPPORT if row.get(f"min_{name}") is not None},
        fail_early=bool(row.get("fail_early", params.get("fail_early", False))),
    )
    support = {name: row.get(name, row.get(f"n_{name}")) or 0 for name in SUPPORT}
    return checklist.judge(wanted, checklist.Finding(value, lo, hi, support, label))


def criterion(case: Case) -> Answer:
    found = {row["id"]: judged(row, case["params"]) for row in case["input"]["criteria"]}
    return {
        "verdicts": {name: found[name].verdict for name in found},
        "reasons": {name: found[name].reason for name in found},
    }


def combine(case: Case) -> Answer:
    """What does not apply takes no part; an item the product does not need holds nothing up by what it lacks."""
    items, counted = {}, []
    for name, given in case["input"]["items"].items():
        required, optional = (
            [verdict for verdict in given.get(part) or () if verdict != "not_applicable"]
            for part in ("required", "optional")
        )
        items[name] = checklist.item(required, optional, applicable=given.get("applicable", True))
        if given.get("needed", True) or items[name] not in ("not_tested", "insufficient"):
            counted.append(items[name])
    return {"items": items, "overall": checklist.overall(counted)}


def evidence(case: Case) -> Answer:
    return {
        "out": [
            checklist.with_evidence(
                row["raw"],
                row["evidence"],
                about=row.get("about", "provider"),
                age_days=row.get("age_days"),
                same_setup=same_setup(row),
                max_age_days=case["params"].get("max_age_days", checklist.MAX_AGE_DAYS),
            )
            for row in case["input"]["cases"]
        ]
    }


def same_setup(row: Mapping[str, Any]) -> bool:
    """Whether nothing says that the model or the configuration is another one."""
    same = all(row[name] for name in row if name.startswith("same_"))
    return same and not any(row[name] for name in row if name.startswith("other_") or name.endswith("_changed"))


def stages(case: Case) -> Answer:
    given = case["input"]
    found = checklist.stages(given["stage_items"], given["results"], given.get("accepted_warnings") or ())
    return {"stage_status": dict(found.status), "reached": found.reached, "next_action": found.next_action}


def attainability(case: Case) -> Answer:
    criteria = {
        row["id"]: checklist.Criterion(
            row["id"],
            "upper" if "max_failure_rate" in row else "lower",
            row.get("max_failure_rate", row.get("min_rate")),
            minimum={"n": row.get("min_n", 0)},
            share=True,
        )
        for row in case["input"]["criteria"]
    }
    return {"attainable": {name: checklist.attainable(wanted) for name, wanted in criteria.items()}}


SUPPORT = ("n", "words", "clusters", "minutes")
ADAPTERS = {
    "criterion": criterion,
    "combine": combine,
    "evidence": evidence,
    "stages": stages,
    "attainability": attainability,
}
