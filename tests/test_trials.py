"""Trials against the embedded server, with the client as it is and with clients broken on purpose."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evalkit import harness, providers, stages, trials
from evalkit.errors import BudgetExceeded, Refused, StoreError, Unavailable
from evalkit.providers import xai
from evalkit.reports import faulted
from evalkit.scoring import stitching
from evalkit.stages import Stage
from evalkit.store import Store
from evalkit.trials import Results
from evalkit.types import Audio, Route
from evalkit.verdicts import Verdict
from evalkit.wire import Wire
from tests.patience import TRIES

KINDS = ("closed", "bad_request", "close_1012", "half_json", "network.drop", "network.stall")


def tried(folder: Path, *kinds: str, routes: tuple[Route, ...] = ("streaming",), **changes: Any) -> Results:
    stage = stages.embedded(folder, routes=routes, kinds=kinds)
    return asyncio.run(trials.run(dataclasses.replace(stage, **changes), folder))


def only(results: Results) -> Verdict:
    (verdict,) = results.verdicts
    return verdict


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return tried(tmp_path_factory.mktemp("faults"), *KINDS, routes=("rest", "streaming"))


def test_a_correct_client_meets_every_fault(results: Results) -> None:
    assert results.ok
    assert {(one.route, one.fault) for one in results.verdicts} == {
        ("rest", "closed"), ("rest", "bad_request"), ("rest", "half_json"), ("rest", "network.drop"),
        ("rest", "network.stall"), ("streaming", "closed"), ("streaming", "bad_request"), ("streaming", "close_1012"),
        ("streaming", "network.drop"), ("streaming", "network.stall"),
    }  # fmt: skip
    assert {one.evidence for one in results.verdicts} == {"simulated"}


def test_a_cut_stream_keeps_its_words_and_its_seam_is_counted(results: Results) -> None:
    for cut in (one for one in results.verdicts if one.route == "streaming" and one.reconnects):
        assert (cut.seam_lost, cut.seam_doubled, cut.errors) == (0, 0, 0)
        assert 0 < cut.locked < cut.words
        assert cut.locked_lost == 0
        assert (cut.salvage_locked or 0) <= (cut.salvage_spoken or 0)
        assert cut.recover_s is not None
        assert cut.recover_s > 1, "the rest of the clip"
    assert {one.fault for one in results.verdicts if one.reconnects} == {"close_1012", "network.drop"}


def test_the_metrics_of_failing_are_those_of_the_trials(results: Results) -> None:
    figures = {(row.metric, row.route): row for row in results.summary}
    streamed = [one for one in results.verdicts if one.route == "streaming"]
    amplification = figures["fail.amplification", "streaming"]
    assert (amplification.numerator, amplification.denominator) == (sum(one.attempts for one in streamed), 5)
    assert figures["fail.eventual", "streaming"].value == 4 / 5
    assert figures["fail.wrong_retry", "rest"].value == 0
    assert figures["fail.seam.lost", "streaming"].denominator == 2


def test_what_is_recorded_is_not_tried_again_and_judged_alike(results: Results, monkeypatch: Any) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(harness, "run", never)
    stage = stages.embedded(results.folder, routes=("rest", "streaming"), kinds=KINDS)
    again = asyncio.run(trials.run(stage, results.folder))
    assert again.held == 0
    assert again.verdicts == results.verdicts == faulted.read_verdicts(results.folder / "faults.csv")
    assert again.summary == results.summary


def test_a_trial_that_was_killed_is_held_from_its_beginning(tmp_path: Path) -> None:
    first = tried(tmp_path, "bad_request", "not_found")
    place = tmp_path / "trials" / "streaming.bad_request"
    (place / "trial.json").unlink()
    again = tried(tmp_path, "bad_request", "not_found")
    assert again.held == 1
    assert [(one.found, one.attempts, one.ok) for one in again.verdicts] == [
        (one.found, one.attempts, one.ok) for one in first.verdicts
    ]
    assert len((place / "traces.jsonl").read_text().splitlines()) == 1


def test_other_trials_need_another_folder(tmp_path: Path) -> None:
    tried(tmp_path, "bad_request")
    with pytest.raises(StoreError, match="another seed"):
        asyncio.run(trials.run(stages.embedded(tmp_path, seed=1, kinds=["bad_request"]), tmp_path))
    fresh = stages.embedded(tmp_path, seed=1, kinds=["bad_request"], routes=["streaming"])
    assert asyncio.run(trials.run(fresh, tmp_path, fresh=True)).held == 1
    assert len(list(tmp_path.glob("trials.*/streaming.bad_request"))) == 1


def test_the_same_seed_gives_the_same_table_but_for_times(tmp_path: Path, results: Results) -> None:
    kinds = ("close_1012", "network.drop", "bad_request")

    def timeless(found: Results) -> dict[str, Verdict]:
        mine = [one for one in found.verdicts if one.route == "streaming" and one.fault in kinds]
        return {one.fault: dataclasses.replace(one, seconds=0.0, recover_s=None) for one in mine}

    tables = [timeless(results)]
    for number in range(TRIES):  # where a stream is cut moves when a busy machine holds it up
        tables.append(timeless(tried(tmp_path / str(number), *kinds)))
        if tables[-1] == tables[-2]:
            break
    assert tables[-1] == tables[-2]
    assert len(tables[-1]) == len(kinds)


def answers_read(monkeypatch: pytest.MonkeyPatch, read: Callable[[Mapping[str, Any]], None]) -> None:
    monkeypatch.setattr(xai, "raise_for_answer", lambda answer, _: read(answer))


def test_a_client_that_never_retries_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(answer: Mapping[str, Any]) -> None:
        if answer["status"] >= 400:
            raise Refused("no", status=answer["status"])

    answers_read(monkeypatch, read)
    verdict = only(tried(tmp_path, "closed", routes=("rest",)))
    assert not verdict.ok
    assert verdict.sentence == "read as refused, not as unavailable, answer"


def test_a_client_that_gives_up_early_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = harness.run

    async def impatient(plan: Any, *arguments: Any, **options: Any) -> None:
        await once(dataclasses.replace(plan, attempts=1), *arguments, **options)

    monkeypatch.setattr(harness, "run", impatient)
    assert (
        only(tried(tmp_path, "closed", routes=("rest",))).sentence == "given up after 1 attempt, though 3 are allowed"
    )


def test_a_client_that_retries_a_400_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(answer: Mapping[str, Any]) -> None:
        if answer["status"] >= 400:
            raise Unavailable("again", status=answer["status"])

    answers_read(monkeypatch, read)
    results = tried(tmp_path, "bad_request", routes=("rest",))
    verdict = only(results)
    assert (verdict.attempts, verdict.wrong_retries, verdict.ok) == (3, 2, False)
    assert verdict.sentence.startswith("tried again twice what no retry can change")
    assert not results.ok


def test_a_client_that_does_not_wait_as_told_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness._Session, "_backoff_s", lambda *_: 0.0)
    assert only(tried(tmp_path, "closed_told", routes=("rest",))).sentence == "did not wait as long as it was told to"


def test_a_client_that_loses_locked_words_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stitching, "_kept", lambda *_: ())
    verdict = only(tried(tmp_path, "close_1012"))
    assert verdict.locked_lost > 0
    assert verdict.sentence.startswith("lost what had been locked (amber")


def test_a_client_that_says_a_word_twice_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stitching, "_middle_s", lambda _: None)
    verdict = only(tried(tmp_path, "close_1012"))
    assert not verdict.ok
    assert "words of the transcript are wrong" in verdict.sentence


def test_a_client_that_goes_on_with_a_refused_key_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(answer: Mapping[str, Any]) -> None:
        if answer["status"] >= 400:
            raise Refused("no", status=answer["status"])

    answers_read(monkeypatch, read)
    assert "the run went on" in only(tried(tmp_path, "unauthorised", routes=("rest",))).sentence


def test_a_client_that_hangs_is_ended_and_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(xai.Xai, "transcribe", hang)
    verdict = only(tried(tmp_path, "closed", bound_s=0.5, routes=("rest",)))
    assert (verdict.ended, verdict.ok) == (False, False)
    assert "did not end by itself" in verdict.sentence


def test_a_client_that_breaks_is_a_finding_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Any, __: Audio, wire: Wire) -> None:
        raise KeyError("channel_index")

    monkeypatch.setattr(xai.Xai, "transcribe", broken)
    assert (
        only(tried(tmp_path, "closed", routes=("rest",))).sentence
        == "the client itself broke (KeyError: 'channel_index')"
    )


def test_one_budget_holds_for_all_trials(tmp_path: Path) -> None:
    stage = stages.embedded(tmp_path, kinds=["closed", "busy"], routes=["rest"])
    spent = Store(tmp_path / "trials" / "rest.busy")
    spent.folder.mkdir(parents=True)
    spent.spend(Decimal("0.5"), clip_id="x")
    seen: list[float | None] = []

    async def refuse(plan: Any, *_: Any, **__: Any) -> None:
        seen.append(plan.budget_usd)
        raise BudgetExceeded("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "run", refuse)
        priced = dataclasses.replace(stage, plan=dataclasses.replace(stage.plan, budget_usd=0.75), width=1)
        with pytest.raises(BudgetExceeded, match=r"budget of \$0.75 \(\$0.5000 spent\)"):
            asyncio.run(trials.run(priced, tmp_path))
    assert seen[0] in (0.75, 0.25), "its own trial's money, counted by its own store, or what the other has left"
    assert not (tmp_path / "faults.csv").exists()


def test_the_provider_under_trial_is_the_shipped_one() -> None:
    stage: Stage = stages.embedded(Path("unused"), kinds=["busy"])
    assert type(stage.plan.candidate.on("rest")) is providers.find("xai")
