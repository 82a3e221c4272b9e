"""Stages of adoption: which is open, what holds it up, and the cheapest next step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.checklist import adoption
from evalkit.checklist.adoption import Standing
from evalkit.checklist.answers import check
from evalkit.checklist.findings import Material
from evalkit.checklist.needs import Acceptance, Needs
from tests.product import NEEDS, TODAY, difference, figure, material, ready, summary

BETTER = (difference("superior", -0.01),)
STATUS = ("ready", "blocked", "locked")
NO_TIMES = {"not_applicable": {"comparison": "nothing is in production"}}


def stand(made: Material) -> Standing:
    return adoption.stand(check(made, TODAY).candidate, made.needs.accepted)


def statuses(found: Standing) -> list[str]:
    return [step.status for step in found.steps]


@pytest.mark.parametrize(
    ("needs", "changes", "differences", "wanted", "reached", "blocker"),
    [
        ({}, {"acc.wer.en": (0.4, 0.35, 0.45)}, (), "b l l l l", None, "Accuracy on your audio: fail"),
        ({}, {"acc.wer.en": (0.09, 0.05, 0.13)}, (), "b l l l l", None, "Accuracy on your audio: warn"),
        ({"diarization": True}, {}, BETTER, "r b l l l", "rest", "Who spoke: not tested"),
        ({}, {}, (), "r r b l l", "timestamps", "Comparison with the incumbent: not tested"),
        (
            {},
            {},
            (difference("inconclusive", 0.001),),
            "r r b l l",
            "timestamps",
            "Comparison with the incumbent: warn",
        ),
        ({}, {"str.ne": (2.0, 1.5, 2.5)}, BETTER, "r r r b l", "comparison", "Streaming correction: fail"),
        ({}, {}, BETTER, "r r r r r", "agent", ""),
        (NO_TIMES, {}, (), "r r r r r", "agent", ""),
        ({"voice_agent": True}, {}, BETTER, "r r r r b", "streaming", "Voice agent: not tested"),
        ({"streaming": False, "latency_of": "lat.rest_total", "latency_s": 9.0}, {}, BETTER, "r r r r r", "agent", ""),
    ],
)
def test_stages(
    needs: Mapping[str, Any],
    changes: Mapping[str, tuple[float, float, float]],
    differences: Sequence[Any],
    wanted: str,
    reached: str | None,
    blocker: str,
    tmp_path: Path,
) -> None:
    rows = [*summary(changes), figure("lat.rest_total.p95", 2.0, 1.5, 2.5)]
    found = stand(ready(tmp_path, replace(NEEDS, **needs), rows=rows, differences=differences))
    assert [status[0] for status in statuses(found)] == wanted.split()
    assert found.reached == reached
    assert found.blocker.startswith(blocker)
    assert bool(found.actions) == bool(blocker)
    assert (found.open is None) == (not blocker)


def test_a_warning_accepted_by_name_opens_the_stage(tmp_path: Path) -> None:
    doubtful = {"acc.wer.en": (0.09, 0.05, 0.13)}
    (action, *_) = stand(ready(tmp_path, changes=doubtful)).actions
    assert action.does == "person"
    assert "[accepted.accuracy]" in action.text
    assert "more clips" in action.text
    accepted = replace(NEEDS, accepted={"accuracy": Acceptance("A. Person", "2026-11-21")})
    assert statuses(stand(ready(tmp_path, accepted, changes=doubtful)))[0] == "ready"
    failing = {"acc.wer.en": (0.4, 0.35, 0.45)}
    assert statuses(stand(ready(tmp_path, accepted, changes=failing)))[0] == "blocked"


def test_the_cheapest_step_comes_first(tmp_path: Path) -> None:
    found = stand(
        replace(material(tmp_path), needs=replace(NEEDS, not_applicable={"accuracy": "known", "cost": "free"}))
    )
    (failures, *_) = [action for action in found.actions if "429" in action.text or "Bad input" in action.text]
    assert found.blocker.startswith("Failure handling (REST)")
    assert found.actions[0] == failures
    assert failures.does == "person"
    assert [action.does for action in found.actions] == ["person", "faults"]
    assert found.actions[1].command == f"evalkit faults --run {tmp_path.name}"


def test_too_few_data_say_how_many_more(tmp_path: Path) -> None:
    rows = [replace(row, n_clips=20, n_units=400) if row.metric == "acc.wer.en" else row for row in summary()]
    (action, *_) = stand(ready(tmp_path, rows=rows)).actions
    assert "collect about 80 more clips like these" in action.text
    assert action.does == "person"


def test_a_failure_is_a_persons(tmp_path: Path) -> None:
    (action, *_) = stand(ready(tmp_path, changes={"acc.wer.en": (0.4, 0.35, 0.45)})).actions
    assert (action.does, action.command) == ("person", "")
    assert action.text.startswith("decide what to do about Word error rate over REST")


def test_a_route_that_was_not_run_is_run(tmp_path: Path) -> None:
    made = ready(tmp_path, differences=BETTER, routes=("rest",))
    found = stand(made)
    assert statuses(found) == ["ready", "ready", "ready", "blocked", "locked"]
    assert found.actions[0].does == "run"
    assert "--routes streaming" in found.actions[0].command


def test_nothing_recorded() -> None:
    found = adoption.unbegun("xai")
    assert statuses(found) == ["blocked", "locked", "locked", "locked", "locked"]
    assert [action.does for action in found.actions] == ["run"]
    assert found.step("agent").title == "Voice agent"


def test_simulated_answers_open_no_stage(tmp_path: Path) -> None:
    found = stand(ready(tmp_path, differences=BETTER, evidence="simulated"))
    assert statuses(found)[0] == "blocked"
    assert statuses(stand(ready(tmp_path, Needs(), differences=BETTER)))[0] == "blocked"


def test_what_was_accepted_asks_for_nothing_more(tmp_path: Path) -> None:
    doubtful = {"acc.wer.en": (0.09, 0.05, 0.13), "cost.per_audio_hour": (0.9, 0.8, 1.0)}
    accepted = replace(NEEDS, accepted={"accuracy": Acceptance("A. Person", "2026-11-21")})
    found = stand(ready(tmp_path, accepted, changes=doubtful))
    assert found.blocker.startswith("Cost and delay by route (REST): fail")
    assert [action.text.partition(":")[0] for action in found.actions] == [
        "decide what to do about Cost per audio hour over REST"
    ]


def _without(names: Mapping[str, str]) -> list[Any]:
    return [
        replace(row, value=None, ci_lo=None, ci_hi=None, status=names[row.metric]) if row.metric in names else row
        for row in summary()
    ]


def test_clips_to_add_are_an_action_and_never_the_cheapest(tmp_path: Path) -> None:
    rows = _without({"acc.halluc.words_per_min": "not_applicable", "run.coverage": "not_applicable"})
    found = stand(ready(tmp_path, rows=rows))
    (added,) = [one for one in found.actions if "add clips without speech (kind = nonspeech" in one.text]
    assert added.does == "person"
    assert adoption._price(added) == 3
    (unknown,) = [one for one in found.actions if "Coverage" in one.text or "find out why" in one.text]
    assert adoption._price(unknown) == 3


def test_the_same_clips_to_add_are_asked_for_once(tmp_path: Path) -> None:
    names = ("mch.swap", "mch.count", "mch.leak")
    blank = [figure(name, None, None, None, status="not_applicable") for name in names]
    answer = check(ready(tmp_path, replace(NEEDS, channels=2), rows=[*summary(), *blank]), TODAY).candidate.answer(
        "multichannel"
    )
    step = adoption.Step("rest", "REST", "blocked", (("Several channels", answer),))
    texts = [action.text for action in adoption.actions(step, "Several channels", {})]
    assert sum(text.endswith(": add clips with two channels") for text in texts) == 1


def test_what_a_server_here_answered_is_asked_of_the_service_once(tmp_path: Path) -> None:
    found = stand(ready(tmp_path, differences=BETTER, evidence="simulated"))
    texts = [action.text for action in found.actions]
    assert texts.count("run against the service itself: leave out base_url") == 1
    assert not any("evalkit score" in text for text in texts)


def test_a_verdict_is_worded_as_in_the_checklist(tmp_path: Path) -> None:
    rows = [replace(row, n_clips=20, n_units=400) if row.metric == "acc.wer.en" else row for row in summary()]
    assert stand(ready(tmp_path, rows=rows)).blocker.startswith("Accuracy on your audio: too few data. ")
