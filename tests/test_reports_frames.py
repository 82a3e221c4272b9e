from dataclasses import asdict, replace

import pandas as pd
import pytest

from evalkit import stats
from evalkit.checklist import adoption as plan
from evalkit.errors import SettingsError
from evalkit.reports import frames, tables
from evalkit.reports.headline import headline
from tests import handmade

ROWS = handmade.scores(24)
SUMMARY = pd.DataFrame(map(asdict, stats.summarise(ROWS)), columns=list(tables.SUMMARY_COLUMNS))


def test_a_slice_is_told_with_its_interval_and_numbers() -> None:
    found = frames.slices(SUMMARY, "noise", "acc.wer.en")
    assert list(found.columns)[:3] == ["noise", "provider", "route"]
    assert {"ci_lo", "ci_hi", "n_clips", "n_units", "status"} <= set(found.columns)
    assert set(found["noise"]) == {"clean", "pink noise", "telephone, G.711 mu-law"}
    assert len(found) == 3 * 4
    clips = found[(found["provider"] == handmade.CANDIDATE) & (found["route"] == "rest")]["n_clips"]
    assert clips.sum() == 24


@pytest.mark.parametrize(
    ("key", "metric", "hint"),
    [
        ("noize", "acc.wer.en", "unknown tag 'noize'; did you mean 'noise'"),
        ("accent", "acc.wer.en", "unknown tag 'accent'; known: domain"),
        ("all", "acc.wer.en", "unknown tag 'all'"),
        ("noise", "acc.wr.en", "unknown metric 'acc.wr.en'; did you mean 'acc.wer.en'"),
    ],
)
def test_a_slice_that_is_not_there_names_the_near_miss(key: str, metric: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=hint):
        frames.slices(SUMMARY, key, metric)


def test_scores_are_chosen_by_name_and_tag() -> None:
    assert {row.route for row in frames.chosen(ROWS, {"route": "rest", "provider": None})} == {"rest"}
    with pytest.raises(SettingsError, match=r"unknown tag 'accent'; known: domain, .*noise"):
        frames.chosen(ROWS, {"accent": "welsh"})
    with pytest.raises(SettingsError, match="unknown tag 'noize'; did you mean 'noise'"):
        frames.chosen(ROWS, {"noize": "clean"})


def test_the_worst_say_by_which_text_rules_they_were_counted() -> None:
    found = frames.worst(ROWS, 3)
    assert set(found["profile"]) == {"en"}
    assert list(found["errors"]) == sorted(found["errors"], reverse=True)


def test_a_figure_without_an_interval_says_why() -> None:
    """Of few speakers there is no interval, and of nothing no number."""
    few = handmade.scores(3)
    summary = stats.summarise(few)
    table = frames.headline(headline(handmade.demo()[0], few, summary, []))
    found = [row for row in summary if row.metric == "acc.wer.en" and row.slice == "all" and row.ci_lo is None]
    (row, *_) = found
    cells = " | ".join(map(str, table.loc["Word error rate"]))
    assert f" %, n = {row.n_units}, no interval: 3 of 5 clusters" in cells
    blank = replace(row, n_units=0, note="", status="ok")
    head = replace(headline(handmade.demo()[0], few, [blank], []), rows={(row.provider, row.route, row.metric): blank})
    assert "n = " not in frames.headline(head).loc["Word error rate"].iloc[0]


def test_an_adoption_has_a_row_per_stage_and_tells_what_holds_it_up() -> None:
    found = frames.adoption(plan.unbegun("xai"))
    assert list(found["status"]) == ["blocked", "locked", "locked", "locked", "locked"]
    assert found["held_up_by"][0] == "nothing was recorded yet"
    assert found["next"][0] == "run it over REST"
    assert set(found["next"][1:]) == set(found["also"]) == {""}
    first = replace(plan.unbegun("xai"), actions=(plan.Action("run", "send it"), plan.Action("person", "read it")))
    assert tuple(frames.adoption(first).loc[0, ["next", "also"]]) == ("send it", "read it")
