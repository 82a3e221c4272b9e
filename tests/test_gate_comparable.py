"""What does not compare is never a pass: each lack is one sentence with what, before, now and the command."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalkit import gate
from evalkit.gate import CANNOT_JUDGE, Finding, Side, comparable
from evalkit.gate.fingerprints import Models
from evalkit.manifest import yardstick
from evalkit.scoring.catalogue import METRICS
from tests import handmade, planted
from tests.planted import side

ACCEPT = "evalkit baseline accept results/now main --reason '...'"
REST = (handmade.CANDIDATE, "rest")


def lacks(run: Side, baseline: Side | None = None, rules: dict[str, Any] | None = None) -> list[Finding]:
    held = gate.check(replace(run, name="results/now"), baseline or side(), rules or yardstick())
    found = held.having("unjudged")
    assert not found or held.status == CANNOT_JUDGE
    return found


def changed(change: Callable[[dict[str, Any]], None]) -> Side:
    run = side(recording="second")
    change(run.manifest)  # type: ignore[arg-type]
    return run


def test_nothing_is_lacking_between_equals() -> None:
    assert not lacks(side(recording="second"))


def test_ten_clips_removed() -> None:
    rows = [row for row in handmade.scores() if int(row.clip_id[-2:]) >= 10]
    (found,) = lacks(side(rows))
    assert found.sentence == (
        "10 of the 24 clips of the baseline are not in the run (clip-00, clip-01, clip-02 and 7 more); "
        "a smaller set can hide what got worse, so if the run was stopped, finish it"
    )
    assert (found.what, found.before, found.now, found.remedy) == ("clip set", "24 clips", "14 clips", ACCEPT)


def test_answers_that_were_recorded_after_scoring() -> None:
    run = side()
    (found,) = lacks(replace(run, scores=run.scores[1:]))
    assert found.sentence == "1 answers of results/now are not scored yet"
    assert found.remedy == "evalkit score results/now"


def test_the_command_keeps_what_the_baseline_keeps() -> None:
    rows = [row for row in handmade.scores() if int(row.clip_id[-2:]) >= 10]
    (found,) = lacks(side(rows), replace(side(), recorded=True))
    assert found.remedy == f"{ACCEPT} --traces"


def test_ten_clips_removed_from_one_system() -> None:
    rows = [row for row in handmade.scores() if (row.provider, row.route) != REST or int(row.clip_id[-2:]) >= 10]
    (found,) = lacks(side(rows))
    assert found.sentence.startswith("10 of the 24 clips of local-moonshine over rest are gone (clip-00, ")


def test_clips_added() -> None:
    (found,) = lacks(side(handmade.scores(26)))
    assert found.sentence == "2 clips are in the run that the baseline does not have (clip-24, clip-25)"


@pytest.mark.parametrize("who", ["run", "evalkit"])
def test_another_profile_version(who: str) -> None:
    rules = copy.deepcopy(yardstick())
    rules["profiles"]["en"] = {"version": "9", "hash": "abc"}
    run = changed(lambda about: about.update(scoring=rules))
    before = yardstick()["profiles"]["en"]
    if who == "run":
        (found,) = lacks(run, rules=rules)
        assert found.sentence == (
            f"the text profile en was {before['version']} ({before['hash']}) and is 9 (abc), "
            "so words are counted by other rules"
        )
        assert found.remedy == ACCEPT
    else:
        (found,) = lacks(side(), rules=rules)
        assert found.remedy == "evalkit score results/now"


def test_another_scoring_version() -> None:
    rules = yardstick() | {"version": "99"}
    (found,) = lacks(changed(lambda about: about.update(scoring=rules)), rules=rules)
    assert "the scoring version was" in found.sentence
    assert found.now == "99"


def test_a_profile_that_is_gone() -> None:
    rules = copy.deepcopy(yardstick())
    del rules["profiles"]["mixed"]
    (found,) = lacks(changed(lambda about: about.update(scoring=rules)), rules=rules)
    assert "is gone" in found.sentence


def test_another_corpus_under_the_same_names() -> None:
    (found,) = lacks(changed(lambda about: about["corpus"].update(sha256="00" * 32)))
    assert found.sentence.startswith("the corpus was 4f4f4f4f4f4f and is 000000000000")


def test_corrected_references() -> None:
    rows = [replace(row, reference="other") if row.clip_id == "clip-03" else row for row in handmade.scores()]
    (found,) = lacks(side(rows))
    assert found.sentence == "the references of 1 clips are not those of the baseline (clip-03)"


def test_other_terms_and_another_sample_rate() -> None:
    what = [found.what for found in lacks(changed(lambda about: about.update(terms=["Grok"], sample_rate_hz=8000)))]
    assert what == ["sample rate", "list of terms"]


def test_other_settings_and_another_model_as_sent() -> None:
    def change(about: dict[str, Any]) -> None:
        about["providers"][handmade.CANDIDATE]["settings"]["rest"] |= {"diarize": False, "model": "grok-3"}

    first, second = lacks(changed(change))
    assert first.sentence == "local-moonshine over rest: diarize was True and is False"
    assert second.sentence == "local-moonshine over rest: model sent was not set and is grok-3"


def test_another_evidence() -> None:
    found = lacks(changed(lambda about: about["providers"][handmade.CANDIDATE].update(evidence="live")))
    assert {one.what for one in found} == {"evidence"}


def test_another_model_as_returned() -> None:
    run = side(recording="second")
    models = dict(run.models) | {REST: Models((planted.MODEL,), ("grok-voice-transcribe-2.1",))}
    (found,) = lacks(replace(run, models=models))
    assert found.sentence == (
        "local-moonshine over rest: the service said its model was grok-voice-transcribe-2.0 and now says "
        "grok-voice-transcribe-2.1, for the same request"
    )


def test_another_model_as_sent_in_the_messages_alone() -> None:
    run = side(recording="second")
    (found,) = lacks(replace(run, models=dict(run.models) | {REST: Models(("other",))}))
    assert found.what == "model sent"


def test_a_service_that_begins_to_name_its_model_has_not_changed_it() -> None:
    base = side()
    silent = replace(base, models={system: Models((planted.MODEL,)) for system in base.models})
    assert not lacks(side(recording="second"), silent)
    assert not lacks(replace(side(recording="second"), models={}), base)


def test_a_system_that_is_gone() -> None:
    rows = [row for row in handmade.scores() if (row.provider, row.route) != REST]
    (found,) = lacks(side(rows))
    assert found.sentence == "local-moonshine over rest is in the baseline and not in the run"


def test_where_a_recording_was_played_again_may_differ() -> None:
    run = side(recording="first/again")
    for route in ("rest", "streaming"):
        planted.entry(run)["settings"][route]["base_url"] = "http://127.0.0.1:1"
    planted.entry(run)["evidence"] = "recorded"
    assert not lacks(run)
    assert lacks(replace(run, fingerprints=side(recording="second").fingerprints))


@pytest.mark.parametrize("recording", ["first", "second"])
def test_a_metric_that_vanished_everywhere(recording: str) -> None:
    found = lacks(side(planted.without(handmade.scores(), "lat.word_first"), recording=recording))
    assert {one.what for one in found} == {f"lat.word_first.{name}" for name in ("p50", "p95", "p99")}
    assert found[0].sentence.endswith("lat.word_first.p50 was there on 24 clips and is gone (no reason given)")
    assert {one.provider for one in found} == {handmade.CANDIDATE, handmade.INCUMBENT}


def test_a_metric_gone_from_many_clips_and_from_few() -> None:
    def run(last: int) -> Side:
        rows = handmade.scores()
        gone = planted.without(rows, "lat.word_first", *(handmade.CANDIDATE, "streaming"))
        mixed = [cut if int(row.clip_id[-2:]) < last else row for cut, row in zip(gone, rows, strict=True)]
        return side(mixed, recording="second")

    assert "gone from 5 of them" in lacks(run(5))[0].sentence
    assert not lacks(run(2))


def test_what_exists_only_when_something_fails_may_be_gone() -> None:
    before = [replace(row, values={**row.values, "fail.recover_s": (1.0,)}) for row in handmade.scores()]
    now = [replace(row, absent={**row.absent, "fail.recover_s.p50": "not_applicable"}) for row in handmade.scores()]
    found = lacks(side(now, recording="second"), side(before))
    assert {one.what for one in found} == {"fail.recover_s.p95"}


def test_has_knows_every_metric_it_is_asked_for() -> None:
    row = handmade.scores(1)[0]
    having = {metric.id for metric in METRICS if comparable.has(metric, row)}
    assert {"acc.wer.en", "run.coverage", "lat.rest_total.p50"} <= having
    assert "lat.word_first.p50" not in having
