"""The criteria as data: what the needs leave of them, what may be changed, and what no sample could show."""

import pytest

from evalkit.checklist import attainable, criteria, trials_needed
from evalkit.checklist.criteria import Line, within
from evalkit.checklist.needs import Acceptance, Needs
from evalkit.errors import SettingsError
from evalkit.scoring import catalogue

DEFAULT = criteria.items(Needs())
EIGHT = ["accuracy", "diarization", "timestamps", "streaming", "multichannel", "failures", "cost", "limits"]
SHARES = [line for item in DEFAULT for line in item.lines if line.criterion.share]


def names(needs: Needs, key: str) -> set[str]:
    (item,) = [item for item in criteria.items(needs) if item.key == key]
    return {line.name for line in item.lines}


def line(name: str, needs: Needs | None = None) -> Line:
    return next(line for item in criteria.items(needs or Needs()) for line in item.lines if line.name == name)


def test_there_are_eight_questions_and_nothing_said_leaves_all_of_them() -> None:
    assert [item.key for item in DEFAULT if not item.extra] == EIGHT
    assert not [item.key for item in DEFAULT if not item.extra and item.why_not]
    assert all(any(line.criterion.required for line in item.lines) for item in DEFAULT)


@pytest.mark.parametrize("one", SHARES, ids=lambda one: one.name)
def test_a_flawless_result_of_the_minimum_can_pass(one: Line) -> None:
    needed = trials_needed(one.criterion)
    assert needed is not None
    assert 0 < needed <= one.criterion.minimum["n"]
    assert not one.larger or attainable(within(one, one.larger["n"]))


def test_large_samples_are_held_to_more() -> None:
    coverage = line("run.coverage")
    assert (within(coverage, 399).target, within(coverage, 399).limit) == (0.96, 0.90)
    assert (within(coverage, 400).target, within(coverage, 400).limit) == (0.99, 0.97)
    changed = line("run.coverage", Needs(criteria={"run.coverage": {"target": 0.95, "n": 100}}))
    assert within(changed, 1000).target == 0.95


def test_the_table_of_defaults() -> None:
    told = {
        "acc.wer": (0.10, 0.20, {"clips": 100, "words": 2000, "clusters": 10}),
        "acc.halluc.words_per_min": (1, 5, {"clips": 30, "minutes": 10}),
        "dia.confusion_cost": (0.03, 0.08, {"clips": 40, "minutes": 60}),
        "ts.offset.start.p95": (0.2, 0.4, {"n": 500}),
        "str.locked_changed.utterance": (None, None, {"n": 300}),
        "mch.leak": (0.01, 0.05, {"clips": 20}),
        "fail.eventual": (0.99, 0.97, {"n": 500}),
        "faults.seam": (1, 5, {"n": 30}),
        "invoice": (0.02, 0.05, {}),
        "allowed": (1.5, 1.5, {}),
    }
    for name, (target, limit, minimum) in told.items():
        one = line(name).criterion
        assert (one.target, one.limit, dict(one.minimum)) == (target, limit, minimum), name


def test_every_metric_is_one_of_the_catalogue_or_told_by_something_else() -> None:
    from evalkit.checklist.findings import _SPECIAL

    known = {metric.id for metric in catalogue.METRICS} | {"acc.wer"}
    every = [line for item in criteria.items(Needs(voice_agent=True, languages=("en",))) for line in item.lines]
    every += [line(name, Needs(timestamps="audit")) for name in ("ts.within_1s", "ts.valid.zero")]
    for one in every:
        assert one.metric in known or one.name in _SPECIAL, one.name
        assert one.title != one.name


@pytest.mark.parametrize(
    ("needs", "key"),
    [
        (Needs(diarization=False), "diarization"),
        (Needs(timestamps="none"), "timestamps"),
        (Needs(streaming=False), "streaming"),
        (Needs(channels=1), "multichannel"),
        (Needs(not_applicable={"limits": "our own server"}), "limits"),
    ],
)
def test_only_a_plain_no_or_a_reason_takes_an_item_off(needs: Needs, key: str) -> None:
    assert [item.key for item in criteria.items(needs) if item.why_not and not item.extra] == [key]


def test_conditions() -> None:
    assert "acc.keyterm.recall" not in names(Needs(), "accuracy")
    assert "acc.keyterm.recall" in names(Needs(key_terms=("Grok",)), "accuracy")
    assert "languages" in names(Needs(languages=("en",)), "accuracy")
    assert "str.locked_changed.chunk" in names(Needs(), "streaming")
    assert "str.locked_changed.chunk" not in names(Needs(acts_on_chunks=False), "streaming")
    times = {use: names(Needs(timestamps=use), "timestamps") for use in ("captions", "clipping", "audit")}
    assert "ts.offset.start.within_100ms" in times["captions"]
    assert "ts.offset.start.within_50ms" in times["clipping"]
    assert {"ts.within_1s", "ts.valid.zero"} <= times["audit"]
    assert "ts.valid" not in times["audit"]
    assert names(Needs(), "timestamps") == times["captions"]


def test_routes() -> None:
    (cost,) = [item for item in criteria.items(Needs(streaming=False)) if item.key == "cost"]
    assert {one.route for one in cost.lines} == {"rest"}
    assert line("latency").route == "streaming"
    assert line("latency", Needs(latency_of="lat.rest_total")).route == "rest"
    assert line("acc.wer", Needs(criteria={"acc.wer": {"over": "streaming"}})).route == "streaming"


def test_thresholds_of_the_needs() -> None:
    assert line("cost.per_audio_hour", Needs(usd_per_audio_hour=0.3)).criterion.target == 0.3
    assert line("latency", Needs(latency_s=0.8)).criterion.limit == 0.8
    changed = line("acc.wer", Needs(criteria={"acc.wer": {"limit": 0.3, "words": 500, "required": False}})).criterion
    assert (changed.target, changed.limit, changed.required) == (0.10, 0.3, False)
    assert dict(changed.minimum) == {"clips": 100, "words": 500, "clusters": 10}


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        (Needs(criteria={"acc.werr": {}}), "did you mean 'acc.wer'"),
        (Needs(criteria={"acc.wer": {"targt": 1}}), "did you mean 'target'"),
        (Needs(criteria={"acc.wer": {"target": "low"}}), "target must be a number"),
        (Needs(criteria={"acc.wer": {"required": 1}}), "true or false"),
        (Needs(criteria={"acc.wer": {"over": "soap"}}), "unknown route"),
        (Needs(criteria={"acc.wer": {"target": 0.3}}), "limit 0.2 is stricter than the target 0.3"),
        (Needs(criteria={"fail.eventual": {"target": 0.9}}), "limit 0.97 is stricter"),
        (Needs(criteria={"mch.swap": {"target": 0.1}}), "has no target"),
        (Needs(criteria={"run.coverage": {"target": 0.99, "n": 100}}), "ask for 368"),
        (Needs(criteria={"run.coverage": {"target": 1.0}}), "no sample can"),
        (Needs(not_applicable={"acuracy": "no"}), "did you mean 'accuracy'"),
        (Needs(accepted={"cots": Acceptance("me", "2026-11-20")}), "did you mean 'cost'"),
    ],
)
def test_impossible_needs_are_refused_when_they_are_loaded(needs: Needs, sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        criteria.items(needs)
    assert sentence in str(error.value)


def test_stages_name_items_that_exist() -> None:
    keys = {item.key for item in DEFAULT}
    stages = criteria.stages()
    assert [stage.key for stage in stages] == ["rest", "timestamps", "comparison", "streaming", "agent"]
    assert {item for stage in stages for item, _ in stage.parts} == keys
    assert criteria.written_on() == "2026-11-20"
    assert line("faults.seam").evidence_needed == "any"
    assert line("acc.wer").evidence_needed == "live"
