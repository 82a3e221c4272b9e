"""A plant is recovered, lost, or beyond what this machine can measure just now."""

from pathlib import Path

import pytest

from evalkit.scoring.catalogue import describe
from evalkit.selftest.plants import EXACT, ROUNDING, Plant, judged, plants, shown
from evalkit.selftest.written import Figure, Written

FIGURE = Figure("r", "ours", "streaming", "lat.ttfs.p50")


def written(folder: Path, value: str, *, late: str = "0.001") -> dict[str, Written]:
    (folder / "summary.csv").write_text(
        f"provider,route,slice,metric,value\nours,streaming,all,lat.ttfs.p50,{value}\nours,rest,all,x,0.05\n"
    )
    (folder / "scores.csv").write_text(
        f"provider,route,pacing.late_max_s,pacing.stall_max_s\nours,streaming,{late},\nours,rest,,\n"
    )
    return {"r": Written(folder)}


@pytest.mark.parametrize(
    ("value", "late", "state"),
    [
        ("0.21", "0.001", "ok"),
        ("0.19", "0.001", "ok"),
        ("0.217", "0.001", "FAIL"),
        ("0.217", "0.030", "not measurable"),
        ("0.183", "0.030", "not measurable"),
        ("0.300", "0.030", "FAIL"),
        ("", "0.060", "not measurable"),
        ("", "0.001", "FAIL"),
    ],
)
def test_a_time_is_excused_only_by_lateness_that_the_run_wrote_down(
    tmp_path: Path, value: str, late: str, state: str
) -> None:
    plant = Plant("late", 0.2, ((1, FIGURE),), "ms", 0.015, timed=True)
    found = judged(plant, written(tmp_path, value, late=late))
    assert found.state == state
    assert ("paced badly" in found.note) == (state == "not measurable")


def test_a_count_is_never_excused(tmp_path: Path) -> None:
    plant = Plant("count", 0.2, ((1, FIGURE),))
    assert judged(plant, written(tmp_path, "0.21", late="9")).state == "FAIL"
    assert judged(plant, written(tmp_path, "", late="9")).state == "FAIL"
    assert judged(plant, written(tmp_path, "0.2000000000001")).state == "ok"


def test_figures_are_added_with_their_signs(tmp_path: Path) -> None:
    plant = Plant("gap", 0.15, ((1, FIGURE), (-1, Figure("r", "ours", "rest", "x"))), "ms", ROUNDING)
    found = judged(plant, written(tmp_path, "0.2"))
    assert found.measured == pytest.approx(0.15)
    assert found.state == "ok"
    assert plant.where == "ours, streaming: lat.ttfs.p50 - x"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.25, "%", "25.00 %"),
        (0.2, "ms", "200.0 ms"),
        (-0.0, "ms", "0.0 ms"),
        (0.1, "$ an hour", "0.1 $ an hour"),
        (None, "%", "–"),
    ],
)
def test_values_as_the_table_has_them(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_every_plant_stands_in_the_catalogue_and_none_twice() -> None:
    found = plants()
    assert len({plant.sum for plant in found}) == len(found)
    for plant in found:
        for _, figure in plant.sum:
            if figure.place != "scores":
                assert describe(figure.metric).id == figure.metric
        assert plant.timed == (plant.tolerance > 0.001)
    assert Plant("", 0.0, ((1, FIGURE),), tolerance=EXACT).leeway == "exact"
    assert Plant("", 0.0, ((1, FIGURE),), "ms", 0.015).leeway == "15.0 ms"


def test_every_family_of_plants_that_a_selftest_owes_is_there() -> None:
    planted = {figure.metric for plant in plants() for _, figure in plant.sum}
    owed = {
        *("acc.wer.en", "dia.der", "dia.cpwer", "ts.offset.start.mean", "ts.offset.start.within_100ms", "ts.slope"),
        *("str.ne", "str.rewrites_per_min", "str.wrong_text", "lat.finalize.p50", "lat.ttfs.p50", "lat.ready.p50"),
        *("lat.word_first.p50", "lat.rest_total.p50", "lat.rest_server.p50", "lat.rtt.p50", "lat.service.ttfs.p50"),
        *("cost.per_audio_hour", "fail.first_try", "fail.eventual", "fail.seam.lost", "fail.seam.duplicated"),
        *("mch.swap", "acc.halluc.clip_rate", "acc.halluc.words_per_min", "acc.drop.truncated_clips"),
        *("acc.keyterm.recall", "acc.conf.ece", "acc.conf.auc"),
    }
    assert owed <= planted
