"""Every rule from criterion to overall answer, by table: what is judged, of whom, and what it is worth."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.checklist.answers import Answer, Checked, Judgement, check
from evalkit.checklist.needs import Acceptance, Needs
from evalkit.errors import SettingsError
from tests import handmade, product
from tests.product import NEEDS, TODAY, checked, figure, material, ready, write_faults


def judgement(checks: Checked, name: str, route: str = "rest") -> Judgement:
    (found,) = [
        one
        for answer in checks.candidate.answers
        for one in answer.judgements
        if (one.criterion, one.route) == (name, route)
    ]
    return found


def answer(checks: Checked, key: str) -> Answer:
    return checks.candidate.answer(key)


@pytest.mark.parametrize(
    ("name", "ends", "verdict", "reason"),
    [
        ("acc.wer.en", (0.05, 0.04, 0.06), "pass", "the whole interval meets the target"),
        ("acc.wer.en", (0.09, 0.05, 0.13), "warn", "point meets target but not proven"),
        ("acc.wer.en", (0.15, 0.12, 0.18), "warn", "between target and limit"),
        ("acc.wer.en", (0.25, 0.15, 0.35), "warn", "looks bad but not proven"),
        ("acc.wer.en", (0.25, 0.22, 0.28), "fail", "the whole interval is beyond the limit"),
        ("run.coverage", (0.95, 0.93, 0.965), "fail", "the whole interval is beyond the limit"),
        ("run.coverage", (0.985, 0.975, 0.99), "warn", "between target and limit"),
        ("fail.hang", (2.0, 0.0, 0.01), "fail", "must be zero and is 2"),
        ("fail.hang", (0.0, 0.0, 0.0), "pass", "none in 500: at most 0.74 %"),
    ],
)
def test_rules_of_one_criterion(
    name: str, ends: tuple[float, float, float], verdict: str, reason: str, tmp_path: Path
) -> None:
    checks = checked(tmp_path, changes={name: ends})
    found = judgement(checks, "acc.wer" if name == "acc.wer.en" else name)
    assert (found.verdict, found.reason) == (verdict, reason)


NEVER_CAME = {"value": None, "ci_hi": None, "status": "undefined", "note": "p95: falls on what never came: 8 of 80"}


@pytest.mark.parametrize(
    ("change", "verdict", "reason", "more"),
    [
        ({"n_clips": 20, "n_units": 400, "n_clusters": 8}, "insufficient", "only 20 of 100 clips", 80),
        ({"n_clips": 200, "n_units": 1000}, "insufficient", "only 1000 of 2000 words", 200),
        ({"n_clusters": 5}, "insufficient", "only 5 of 10 clusters", 500),
        ({"n_clusters": 3, "ci_lo": None, "ci_hi": None}, "insufficient", "no interval: 3 of 5 clusters", None),
        ({"status": "insufficient", "note": "59 % of words"}, "insufficient", "59 % of words", None),
        ({"value": None, "status": "missing_input"}, "not_tested", "no clip shows it (not in the data)", None),
        (NEVER_CAME | {"ci_lo": 0.5}, "fail", "p95: falls on what never came", None),
        (NEVER_CAME | {"ci_lo": 0.15}, "warn", "looks bad but not proven", None),
    ],
)
def test_support(change: Mapping[str, Any], verdict: str, reason: str, more: int | None, tmp_path: Path) -> None:
    rows = [replace(row, **change) if row.metric == "acc.wer.en" else row for row in product.summary()]
    found = judgement(checked(tmp_path, rows=rows), "acc.wer")
    assert found.verdict == verdict
    assert reason in found.reason
    assert more is None or found.more_clips == more


def test_an_early_failure_only_when_it_is_switched_on(tmp_path: Path) -> None:
    rows = [
        replace(row, value=0.5, ci_lo=0.4, ci_hi=0.6, n_clips=60, n_units=1200) if row.metric == "acc.wer.en" else row
        for row in product.summary()
    ]
    assert judgement(checked(tmp_path, rows=rows), "acc.wer").verdict == "insufficient"
    early = replace(NEEDS, criteria={"acc.wer": {"fail_early": True}})
    assert judgement(checked(tmp_path, early, rows=rows), "acc.wer").verdict == "fail"


def test_a_percentile_that_cannot_be_given_says_how_many_more(tmp_path: Path) -> None:
    few = figure(
        "lat.ttfs.p95", None, None, None, route="streaming", n_clips=24, n_units=24, status="insufficient",
        note="p95: not measurable with n = 24; 72 needed",
    )  # fmt: skip
    rows = [few if row.metric == few.metric and row.route == few.route else row for row in product.summary()]
    found = judgement(checked(tmp_path, rows=rows), "latency", "streaming")
    assert (found.verdict, found.more_clips) == ("insufficient", 48)


def test_everything_a_verdict_rests_on_is_told(tmp_path: Path) -> None:
    found = judgement(checked(tmp_path), "acc.wer")
    assert (found.value, found.lo, found.hi, found.n) == (0.05, 0.04, 0.06, 10_000)
    assert (found.clips, found.clusters, found.evidence, found.date) == (500, 40, "live", "2026-11-20")
    assert (found.target, found.limit, found.minimum) == (0.1, 0.2, "100 clips, 2000 words, 10 clusters")
    assert len(found.config) == 12
    assert found.smallest_detectable == pytest.approx(0.01 / 2.0227 * 2.8016, rel=1e-3)
    assert found.command.startswith("evalkit score ")
    assert "evalkit checklist" in found.command
    assert found.more_clips is None
    other = product.manifest()
    other["providers"][product.NAME]["settings"]["rest"] = {"model": "stt-2"}
    changed = replace(material(tmp_path), manifest=other)
    assert judgement(check(changed, TODAY), "acc.wer").config != found.config


def test_what_more_clips_would_prove(tmp_path: Path) -> None:
    found = judgement(checked(tmp_path, changes={"acc.wer.en": (0.08, 0.04, 0.12)}), "acc.wer")
    assert (found.verdict, found.more_clips) == ("warn", 1500)  # half the width takes four times the clips
    assert judgement(checked(tmp_path, changes={"acc.wer.en": (0.15, 0.1, 0.2)}), "acc.wer").more_clips is None


EVIDENCE = [
    ({}, "pass", ""),
    ({"evidence": "recorded"}, "pass", ""),
    ({"created": "2026-10-20"}, "warn", "stale: 36 days old"),
    ({"created": "2026-10-26"}, "pass", ""),
    ({"evidence": "simulated"}, "not_tested", "a server on this machine says nothing about a service"),
    ({"evidence": "simulated", "engine": "moonshine"}, "pass", ""),
]


@pytest.mark.parametrize(("described", "verdict", "reason"), EVIDENCE)
def test_what_a_pass_about_the_provider_is_worth(
    described: Mapping[str, Any], verdict: str, reason: str, tmp_path: Path
) -> None:
    found = judgement(checked(tmp_path, **described), "acc.wer")
    assert found.verdict == verdict
    assert not reason or found.reason == reason


@pytest.mark.parametrize("described", [told for told, _, _ in EVIDENCE])
def test_what_our_own_client_does_counts_wherever_it_was_seen(described: Mapping[str, Any], tmp_path: Path) -> None:
    write_faults(tmp_path)
    for sheet in checked(tmp_path, **described).sheets:
        lines = {(one.criterion, one.route): one.verdict for one in sheet.answer("failures").judgements}
        for name in ("faults.salvage", "faults.seam", "faults.met"):
            assert lines[name, "streaming"] == "pass", name


def test_a_failure_stays_one_however_old_it_is(tmp_path: Path) -> None:
    found = checked(tmp_path, created="2026-01-01", changes={"acc.wer.en": (0.4, 0.35, 0.45)})
    assert judgement(found, "acc.wer").verdict == "fail"


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ("xai,model=stt-2,language=en", "stale: other model over REST: stt-1, not stt-2"),
        ("xai,model=stt-1,language=de", "stale: other language over REST: en, not de"),
        ("xai,model=stt-1,language=en", ""),
        ("local-moonshine", "stale: other provider: xai, not local-moonshine"),
    ],
)
def test_evidence_of_another_setup_is_stale(candidate: str, reason: str, tmp_path: Path) -> None:
    found = judgement(checked(tmp_path, replace(NEEDS, candidate=candidate)), "acc.wer")
    assert (found.verdict, found.reason) == (("warn", reason) if reason else ("pass", found.reason))


def test_a_server_of_yours_is_judged_as_itself_and_as_no_service(tmp_path: Path) -> None:
    told = product.manifest()
    told["providers"][product.NAME]["server"] = "http://127.0.0.1:8000"
    (sheet,) = check(replace(material(tmp_path), manifest=told), TODAY).sheets
    assert sheet.subject == f"{product.NAME} at http://127.0.0.1:8000"
    assert sheet.about.endswith(", judged as that server and as no service.")
    assert sheet.answer("accuracy").verdict == "pass"


def test_old_console_values_are_stale(tmp_path: Path) -> None:
    assert judgement(checked(tmp_path), "console").verdict == "pass"
    later = check(material(tmp_path, created="2027-01-01"), datetime.date(2027, 1, 10))
    assert judgement(later, "console").verdict == "warn"
    assert "stale: 51 days old" in judgement(later, "console").reason
    assert judgement(checked(tmp_path, replace(NEEDS, console={})), "console").verdict == "not_tested"


def test_a_recogniser_is_judged_as_itself_and_never_as_the_service(tmp_path: Path) -> None:
    write_faults(tmp_path)
    checks = checked(tmp_path, evidence="simulated", engine="moonshine")
    service, recogniser = checks.sheets
    assert (service.subject, service.judges) == ("xai", "unheard")
    assert (recogniser.subject, recogniser.judges) == (product.NAME, "recogniser")
    assert checks.candidate is recogniser
    for one in (one for item in service.answers for one in item.judgements if one.about == "provider"):
        assert (one.verdict, one.value, one.evidence, one.config) == ("not_tested", None, "", "")
        assert one.reason == "no answer of xai is recorded: no key (XAI_API_KEY)"
    assert service.answer("accuracy").verdict == "not_tested"
    assert service.overall == "not_ready"
    assert recogniser.answer("accuracy").verdict == "pass"
    assert "not xai" in recogniser.about


def test_nothing_passes_for_lack_of_data(tmp_path: Path) -> None:
    described, rows, figures, paired = handmade.demo()
    made = replace(material(tmp_path, Needs()), manifest=described, scores=rows, summary=figures, differences=paired)
    found = check(made, TODAY)
    assert {one.verdict for one in found.candidate.eight} == {"not_tested", "insufficient"} or {
        one.verdict for one in found.candidate.eight
    } == {"not_tested"}
    empty = check(replace(material(tmp_path, Needs()), summary=[], scores=[]), TODAY)
    assert {one.verdict for one in empty.candidate.eight} == {"not_tested"}
    assert empty.candidate.overall == "not_ready"


def test_items_and_the_whole(tmp_path: Path) -> None:
    checks = checked(tmp_path)
    verdicts = {one.key: one.verdict for one in checks.candidate.eight}
    assert verdicts == {
        "accuracy": "pass",
        "diarization": "not_applicable",
        "timestamps": "not_applicable",
        "streaming": "pass",
        "multichannel": "not_applicable",
        "failures": "insufficient",
        "cost": "insufficient",
        "limits": "insufficient",
    }
    assert checks.candidate.overall == "not_ready"
    assert answer(checks, "diarization").reason == "the product need not know who spoke"
    assert answer(checks, "failures").reason.startswith("Bad input clearly rejected over REST: nobody noted")
    assert answer(checks, "accuracy").reason == ""


def test_an_optional_criterion_turns_pass_into_warn_and_no_more(tmp_path: Path) -> None:
    bad = figure("acc.drop.truncated_clips", 0.5, 0.4, 0.6)
    found = answer(checked(tmp_path, rows=[*product.summary(), bad]), "accuracy")
    assert found.verdict == "warn"
    assert found.reason.startswith("Truncated clips over REST")
    assert found.decisive is not None
    assert not found.decisive.required


@pytest.mark.parametrize(
    ("changes", "overall"),
    [
        ({}, "go"),
        ({"acc.wer.en": (0.15, 0.12, 0.18)}, "go_with_conditions"),
        ({"acc.wer.en": (0.25, 0.22, 0.28)}, "no_go"),
    ],
)
def test_overall(changes: Mapping[str, tuple[float, float, float]], overall: str, tmp_path: Path) -> None:
    found = check(ready(tmp_path, changes=changes), TODAY)
    assert found.candidate.overall == overall, [(one.key, one.verdict, one.reason) for one in found.candidate.answers]


def test_a_part_has_the_criteria_of_its_route(tmp_path: Path) -> None:
    checks = check(ready(tmp_path, changes={"lat.ttfs.p95": (3.0, 2.5, 3.5)}), TODAY)
    cost = answer(checks, "cost")
    assert cost.verdict == "fail"
    assert cost.over(["rest"]).verdict == "pass"
    assert cost.over(["streaming"]).verdict == "fail"
    assert cost.over(["agent"]).verdict == "not_applicable"
    with pytest.raises(SettingsError, match="did you mean 'cost'"):
        checks.candidate.answer("costs")


@pytest.mark.parametrize(
    ("label", "value", "more", "verdict"),
    [
        ("superior", -0.01, {}, "pass"),
        ("non_inferior", 0.0, {}, "pass"),
        ("non_inferior_but_worse", 0.003, {}, "warn"),
        ("inferior", 0.02, {}, "fail"),
        ("worse_inconclusive", 0.004, {}, "warn"),
        ("inconclusive", 0.0, {}, "warn"),
    ],
)
def test_comparison(label: str, value: float, more: Mapping[str, Any], verdict: str, tmp_path: Path) -> None:
    paired = [product.difference(label, value, **more)]
    found = judgement(checked(tmp_path, differences=paired), "switch")
    assert found.verdict == verdict
    assert found.smallest_detectable == 0.004
    assert (found.more_clips == 200) == (verdict == "warn")


def test_answers_of_two_days_are_no_full_comparison(tmp_path: Path) -> None:
    made = material(tmp_path, differences=[product.difference("superior", -0.01)])
    later = replace(made, manifest={**made.manifest, "finished_at": "2026-11-22T00:00:00+00:00"})
    assert judgement(check(later, TODAY), "switch").verdict == "warn"


def test_a_broken_guard_forbids_the_switch(tmp_path: Path) -> None:
    rows = [*product.summary(), figure("run.coverage", 1.0, 1.0, 1.0, provider="old")]
    lost = [
        replace(row, value=0.98) if (row.metric, row.provider) == ("run.coverage", product.NAME) else row
        for row in rows
    ]
    made = material(tmp_path, differences=[product.difference("superior", -0.01)], rows=lost)
    found = judgement(check(replace(made, manifest={**made.manifest, "incumbent": "old"}), TODAY), "switch")
    assert found.verdict == "fail"
    assert "coverage falls" in found.reason


def test_who_accepted_what_is_kept(tmp_path: Path) -> None:
    who = {"accuracy": Acceptance("A. Person", "2026-11-21")}
    assert checked(tmp_path, replace(NEEDS, accepted=who)).accepted == who
