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
    if row["kind"] == "non_inferiority" and margin is not None and row["value"] is not None:
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
    return checklist.judge(wanted, checklist.Finding(row["value"], lo, hi, support, label))


def criterion(case: Case) -> Answer:
    found = {row["id"]: judged(row, case["params"]) for row in case["input"]["criteria"]}
    return {
        "verdicts": {name: found[name].verdict for name in found},
        "reasons": {name: found[name].reason for name in found},
    }


def combine(case: Case) -> Answer:
    items = {
        name: checklist.item(
            given.get("required", ()), given.get("optional", ()), applicable=given.get("applicable", True)
        )
        for name, given in case["input"]["items"].items()
    }
    return {"items": items, "overall": checklist.overall(items.values())}


def evidence(case: Case) -> Answer:
    return {
        "out": [
            checklist.with_evidence(
                row["raw"],
                row["evidence"],
                about=row.get("about", "provider"),
                age_days=row.get("age_days"),
                same_setup=all(row.get(name, True) for name in SAME),
                max_age_days=case["params"].get("max_age_days", checklist.MAX_AGE_DAYS),
            )
            for row in case["input"]["cases"]
        ]
    }


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
SAME = ("same_setup", "same_model", "same_config")
ADAPTERS = {
    "criterion": criterion,
    "combine": combine,
    "evidence": evidence,
    "stages": stages,
    "attainability": attainability,
}
