import dataclasses
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from evalkit import runs, stats
from evalkit.errors import SettingsError, StoreError
from evalkit.reports import aligned, frames
from evalkit.reports.notebook import Run
from tests import handmade

RECORDED = Path(__file__).parent / "traces" / "demo"


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
        ({"accent": "welsh"}, "unknown tag 'accent'; known: domain"),
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


def test_a_run_is_one_line_in_a_list(run: Run) -> None:
    assert len(repr(run)) < 250
    assert "24 clips, 96 scores" in repr(run)
    assert "simulated evidence" in repr(run)


def test_a_figure_of_the_headline_tells_its_number(run: Run) -> None:
    assert all(", n = " in str(cell) for cell in run.headline().loc["Word error rate"])


def test_a_part_of_a_run_is_a_run_of_its_own(run: Run) -> None:
    clean = run.only(run.scores[run.scores["tag.noise"] == "clean"])
    assert {row.slices["noise"] for row in clean.rows} == {"clean"}
    assert list(clean.summary_rows) == stats.summarise(clean.rows, seed=run.manifest["seed"])
    assert clean.summary["n_clips"].max() == len(clean.clips) < 24
    assert f"{len(clean.clips)} of 24 clips" in repr(clean)
    page = clean._repr_html_()
    assert "A part of the run" in page
    assert "Incomplete" not in page
    assert "A part of the run" not in run._repr_html_()
    again = clean.only(clean.scores.head(4))
    assert "1 of 24 clips" in repr(again)


@pytest.mark.parametrize("places", [[], ["read"], [96]])
def test_a_part_must_be_rows_of_the_scores(run: Run, places: list[object]) -> None:
    with pytest.raises(SettingsError, match=r"rows of run\.scores"):
        run.only(pd.DataFrame(index=places))


def test_slices_lead_with_the_error_rate(run: Run) -> None:
    assert set(run.slices("domain")["metric"]) == {"acc.wer.en"}
    assert set(run.slices("domain", "acc.wer.basic")["metric"]) == {"acc.wer.basic"}


def test_the_stages_of_adoption_are_a_table(run: Run) -> None:
    found = run.adoption()
    assert found["stage"][0] == "REST"
    assert (found["status"] == "blocked").sum() == 1
    assert found.loc[found["status"] == "blocked", "next"].item()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("results") / "recorded"
    shutil.copytree(RECORDED, folder)
    return Run.load(runs.score(folder).folder)


def test_the_words_of_a_run_are_those_that_were_scored(recorded: Run) -> None:
    """The alignment with the most matches has at least the errors that were counted, and all the words."""
    words = recorded.words(provider="local-moonshine", route="streaming")
    rows = frames.chosen(recorded.rows, {"provider": "local-moonshine", "route": "streaming"})
    counted = [aligned.errors(row) for row in rows]
    assert (words["op"] != "insertion").sum() == sum(one.reference_words for one in counted)
    assert (words["op"] != "hit").sum() >= sum(one.errors for one in counted)
    assert words["drift_s"].notna().any()
    assert set(recorded.words("read-lv-0880")["provider"]) == {"local-moonshine", "local-pocketsphinx"}


def test_captions_of_a_stream_end_with_what_was_scored(recorded: Run) -> None:
    score = next(row for row in recorded.rows if row.route == "streaming" and row.hypothesis)
    found = recorded.captions(score.clip_id, score.provider, "streaming")
    assert found["caption"].iloc[-1] == score.hypothesis
    assert found["t_s"].is_monotonic_increasing
    assert len(found) == len(recorded.hypotheses[score.clip_id, score.provider, "streaming"].updates)
    assert recorded.traces(score.clip_id, score.provider, "streaming")[0].events


def test_words_of_nobody_name_the_near_miss(recorded: Run) -> None:
    clip_id = next(iter(recorded.clips))
    for asked in (recorded.words, recorded.captions, recorded.traces):
        with pytest.raises(SettingsError, match=f"did you mean '{clip_id}'"):
            asked(clip_id[:-1])


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
