import dataclasses
import sys
from pathlib import Path

import pytest

from evalkit.errors import SettingsError, StoreError
from evalkit.reports.notebook import Run
from tests import handmade


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return handmade.write_run(tmp_path_factory.mktemp("results") / "demo")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run.load(folder)


def test_tables_become_data_frames(run: Run) -> None:
    assert len(run.scores) == 96
    assert run.scores["acc.wer.en.hits"].dtype.kind == "f"
    assert {"tag.noise", "pacing.late_p99_s", "lat.word_first"} <= set(run.scores.columns)
    assert set(run.summary["provider"]) == {handmade.CANDIDATE, handmade.INCUMBENT}
    assert "acc.wer.en" in set(run.differences["metric"])
    assert run.manifest["run"] == "demo"


def test_the_headline_has_a_column_per_system_and_the_words_of_the_report(run: Run) -> None:
    frame = run.headline()
    assert list(frame.columns) == [system.name for system in run.head.systems]
    assert all("%" in str(cell) for cell in frame.loc["Word error rate"])
    assert list(frame.loc["Clips answered"]) == ["24 of 24"] * 4
    page = run._repr_html_()
    assert run.head.lede in page
    assert "say nothing about xAI" in page


def test_the_worst_clips_come_first_and_can_be_filtered(run: Run) -> None:
    worst = run.worst(5, provider=handmade.INCUMBENT, route="rest", noise="clean")
    assert len(worst) == 5
    assert list(worst["errors"]) == sorted(worst["errors"], reverse=True)
    assert set(worst["provider"]) == {handmade.INCUMBENT}
    assert set(worst["noise"]) == {"clean"}
    everything = run.worst(1000)
    assert len(everything) == 96
    kinds = [f"acc.wer.en.{kind}" for kind in ("substitutions", "deletions", "insertions")]
    assert everything["errors"].sum() == run.scores[kinds].to_numpy(float).sum()


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ({"provider": "local-moonshin"}, "did you mean 'local-moonshine'"),
        ({"noise": "clear"}, "did you mean 'clean'"),
        ({"accent": "welsh"}, "unknown accent 'welsh'"),
        ({"route": "agent"}, "unknown route"),
    ],
)
def test_a_filter_nothing_has_is_an_error_with_the_near_miss(run: Run, wanted: dict[str, str], hint: str) -> None:
    with pytest.raises(SettingsError, match=hint):
        run.worst(5, **wanted)  # type: ignore[arg-type]


def test_a_diff_shows_every_system_asked_for(run: Run) -> None:
    assert run.diff("clip-01").data.count("<p ") == 4
    assert run.diff("clip-01", handmade.INCUMBENT, "rest").data.count("<p ") == 1
    with pytest.raises(SettingsError, match="unknown clip_id"):
        run.diff("clip-99")


def test_a_clip_can_be_listened_to(run: Run) -> None:
    assert "<audio" in run.listen("clip-01")._repr_html_()  # type: ignore[no-untyped-call]
    with pytest.raises(SettingsError, match="unknown clip"):
        run.listen("nobody")


def test_plots_are_drawn_by_name(run: Run) -> None:
    assert "<svg" in run.plot("wer")._repr_html_()
    assert "pacing" in run.plots()
    with pytest.raises(SettingsError, match="did you mean 'wer'"):
        run.plot("wr")


def test_without_ipython_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(SettingsError, match=r"stt-evalkit\[notebook\]"):
        run.diff("clip-01")


def test_a_missing_folder_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere: no such run folder; `evalkit run`"):
        Run.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["run.json", "scores.csv", "summary.csv", "comparison.csv", "clips.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = handmade.write_run(tmp_path / "demo", count=2)
    (folder / name).unlink()
    with pytest.raises(StoreError, match=name.replace(".", r"\.")):
        Run.load(folder)


def test_decisions_are_the_comparisons_that_have_a_margin(run: Run) -> None:
    frame = run.decisions
    assert len(frame) == run.differences["margin"].notna().sum() > 0
    assert {"p_holm", "poi", "label", "clips_needed", "smallest_detectable"} <= set(frame.columns)
    assert frame["label"].notna().all()


def test_the_catalogue_is_a_table(run: Run) -> None:
    assert list(run.metrics.columns) == ["title", "unit", "direction", "definition", "source"]
    assert set(run.summary["metric"]) <= set(run.metrics.index)
    assert run.metrics.index.is_unique
    assert run.metrics.loc["acc.wer.en", "direction"] == "lower"


def test_a_clip_without_a_tag_is_unknown_in_groups_and_filters(run: Run) -> None:
    bare = [dataclasses.replace(run.rows[0], slices={}), *run.rows[1:]]
    found = dataclasses.replace(run, rows=bare)
    assert found.scores["tag.noise"].notna().all()
    assert (found.scores["tag.noise"] == "unknown").sum() == 1
    assert len(found.worst(5, noise="unknown")) == 1
    with pytest.raises(SettingsError):
        found.worst(5, accent="unknown")


def test_conditions_are_a_table_pair_by_pair(run: Run) -> None:
    assert run.conditions.empty
    assert "condition" in run.conditions.columns
    worse = dataclasses.replace(run, rows=handmade.degraded(8))
    found = worse.conditions
    assert list(found["condition"].unique()) == ["noise-20dB", "noise-10dB", "noise-0dB"]
    assert len(found) == 12
    assert not found["supported"].any(), "eight pairs support no claim"
    assert "noise" in worse.plots()
