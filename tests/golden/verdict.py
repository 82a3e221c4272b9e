"""Worked cases: verdicts."""

from collections.abc import Mapping
from typing import Any

from evalkit import checklist
from tests.golden.shared import Answer, Case


def judged(row: Mapping[str, Any]) -> checklist.Verdict:
    lo, hi = row.get("ci") or (None, None)
    wanted = checklist.Criterion(row["id"], row["kind"], row.get("target"), row.get("limit"), {"n": row["min_n"]})
    return checklist.judge(wanted, checklist.Finding(row["value"], lo, hi, {"n": row["n"]})).verdict


def criterion(case: Case) -> Answer:
    return {"verdicts": {row["id"]: judged(row) for row in case["input"]["criteria"]}}


def combine(case: Case) -> Answer:
    items = {
        name: checklist.item(given["required"], given["optional"], applicable=given.get("applicable", True))
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
                max_age_days=case["params"]["max_age_days"],
            )
            for row in case["input"]["cases"]
        ]
    }


def stages(case: Case) -> Answer:
    given = case["input"]
    found = checklist.stages(given["stage_items"], given["results"], given["accepted_warnings"])
    return {"stage_status": dict(found.status), "reached": found.reached, "next_action": found.next_action}


def attainability(case: Case) -> Answer:
    criteria = {
        row["id"]: checklist.Criterion(
            row["id"],
            "upper" if "max_failure_rate" in row else "lower",
            row.get("max_failure_rate", row.get("min_rate")),
            minimum={"n": row["min_n"]},
            share=True,
        )
        for row in case["input"]["criteria"]
    }
    return {"attainable": {name: checklist.attainable(wanted) for name, wanted in criteria.items()}}


ADAPTERS = {
    "criterion": criterion,
    "combine": combine,
    "evidence": evidence,
    "stages": stages,
    "attainability": attainability,
}
