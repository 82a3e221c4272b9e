import re

import pytest

from evalkit.errors import SettingsError
from evalkit.scoring.catalogue import EVERY, METRICS, beginning, describe

FOLDED = {
    "acc.wer.en", "acc.wer.en.scored_only", "acc.wer.en.sub_rate", "acc.wer.en.del_rate", "acc.wer.en.ins_rate",
    "acc.wer.basic", "acc.wer.basic.scored_only", "acc.halluc.clip_rate", "acc.halluc.words_per_min", "dia.der",
    "dia.der.collar250", "dia.cpwer", "ts.offset.start.mean", "ts.offset.start.mae", "ts.offset.start.p95",
    "ts.offset.start.within_100ms", "ts.offset.end.mean", "ts.offset.end.mae", "ts.offset.end.p95",
    "ts.offset.end.within_100ms", "ts.coverage", "str.ne", "str.ne.display", "str.rewrites_per_min", "lat.setup.p50",
    "lat.ttfp_audio.p50", "lat.ttfp_speech.p50", "lat.ttfp_speech.p95", "lat.word_first.p50", "lat.word_first.p95",
    "lat.ttfs.p50", "lat.ttfs.p95", "lat.finalize.p50", "lat.finalize.p95", "lat.rest_total.p50", "lat.rest_total.p95",
    "lat.rtfx", "cost.per_audio_hour", "run.coverage", "fail.rate", "pace.late_p99", "pace.late_max", "pace.end_drift",
    "pace.invalid_clips",
}  # fmt: skip


def test_the_promised_metrics_are_there() -> None:
    assert {metric.id for metric in METRICS} >= FOLDED


def test_ids_are_unique_and_every_metric_is_explained_in_one_sentence() -> None:
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.title
        assert metric.source
        assert re.fullmatch(r"[A-Z0-9][^\n]*\.", metric.definition), metric.id
        assert ". " not in metric.definition.removesuffix("."), metric.id


def test_every_metric_is_a_ratio_or_a_distribution() -> None:
    for metric in METRICS:
        assert bool(metric.numerator and metric.denominator) != bool(metric.values and metric.statistic), metric.id


def test_an_unknown_metric_names_the_near_miss() -> None:
    assert describe("dia.der").id == "dia.der"
    with pytest.raises(SettingsError, match=r"did you mean 'acc\.wer\.en'"):
        describe("acc.wer.eng")


def test_metrics_are_found_by_how_their_id_begins() -> None:
    assert {metric.id.partition(".")[0] for metric in beginning("lat.")} == {"lat"}
    assert beginning("") == EVERY
    assert beginning("acc.slice.en.macro") == (describe("acc.slice.en.macro"),)


@pytest.mark.parametrize(("wrong", "hint"), [("lta.", "did you mean lat"), ("acc.wre", "acc.wer"), ("zz", "acc, dia")])
def test_a_beginning_that_nothing_has_suggests_what_comes_near(wrong: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=hint):
        beginning(wrong)
