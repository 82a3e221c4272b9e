"""Figures are read from the files of a run."""

from pathlib import Path

import pytest

from evalkit import runs
from evalkit.selftest.written import Figure, Written
from tests import handmade


@pytest.fixture
def written(tmp_path: Path) -> Written:
    (tmp_path / "summary.csv").write_text(
        "provider,route,slice,metric,value,numerator\n"
        "ours,rest,all,acc.wer.en,0.25,1\n"
        "ours,rest,plant=a,acc.wer.en,0.5,\n"
        "ours,rest,all,lat.rest_total.p50,,\n"
    )
    (tmp_path / "scores.csv").write_text(
        "provider,route,tag.plant,ts.slope[],pacing.late_max_s,pacing.stall_max_s\n"
        "ours,rest,a,0.06,,\n"
        "ours,rest,b,0.07,0.002,\n"
        "ours,streaming,a,,0.001,0.004\n"
        "theirs,rest,a,0.08,,\n"
    )
    return Written(tmp_path)


def figure(metric: str, **changes: object) -> Figure:
    return Figure(**{"run": "r", "provider": "ours", "route": "rest", "metric": metric, **changes})  # type: ignore[arg-type]


def test_values_and_numerators_of_the_summary(written: Written) -> None:
    assert written.number(figure("acc.wer.en")) == 0.25
    assert written.number(figure("acc.wer.en", slice="plant=a")) == 0.5
    assert written.number(figure("acc.wer.en", place="numerator")) == 1.0
    assert written.number(figure("acc.wer.en", slice="plant=a", place="numerator")) is None
    assert written.number(figure("lat.rest_total.p50")) is None
    assert written.number(figure("acc.wer.en", provider="nobody")) is None


def test_the_value_of_a_lone_clip(written: Written) -> None:
    assert written.number(figure("ts.slope", place="scores", slice="plant=a")) == 0.06
    assert written.number(figure("ts.slope", place="scores", provider="theirs")) == 0.08
    assert written.number(figure("ts.slope", place="scores")) is None, "two clips have one"
    assert written.number(figure("ts.jitter", place="scores")) is None


def test_the_worst_of_our_own_lateness(written: Written) -> None:
    assert written.late_s == 0.004


def test_a_cell_of_the_report(tmp_path: Path) -> None:
    results = runs.load(handmade.write_run(tmp_path / "run"))
    runs.report(results)
    row = next(row for row in results.summary if (row.metric, row.slice, row.route) == ("acc.wer.en", "all", "rest"))
    assert row.value is not None
    read = Written(tmp_path / "run")
    shown = figure("acc.wer.en", provider=row.provider, place="page")
    assert read.number(shown) == pytest.approx(row.value, abs=0.0005)
    assert read.number(figure("acc.wer.en", provider="nobody", place="page")) is None
    assert read.number(figure("no.such.metric", provider=row.provider, place="page")) is None
