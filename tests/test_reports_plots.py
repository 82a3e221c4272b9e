from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from evalkit.reports import drawing, plots, worsened
from evalkit.reports.headline import headline
from evalkit.stats import summarise
from evalkit.types import Score
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
DRAWN = {plot.name: plot for plot in plots.plots(HEAD, SCORES, SUMMARY)}


def test_a_full_run_draws_every_figure() -> None:
    assert list(DRAWN) == ["wer", "slices", "latency", "drift", "churn", "frontier", "pacing"]


def test_an_error_rate_names_its_text_rules() -> None:
    for name in ("wer", "slices"):
        assert DRAWN[name].figure.axes[0].get_xlabel() == "word error rate (en text rules), %"
    assert DRAWN["frontier"].figure.axes[0].get_ylabel() == "word error rate (en text rules), %"


def test_a_figure_without_data_is_not_drawn() -> None:
    rest = [score for score in SCORES if score.route == "rest"]
    rows = [row for row in SUMMARY if row.route == "rest" and row.slice == "all"]
    names = [plot.name for plot in plots.plots(headline(MANIFEST, rest, rows, []), rest, rows)]
    assert names == ["wer", "latency", "drift", "frontier"]
    assert plots.plots(headline({}, [], [], []), [], []) == []


def test_long_distributions_stay_small() -> None:
    """A page has room for a figure over twenty thousand words."""
    many = handmade.scores(600)
    head = headline(MANIFEST, many, SUMMARY, DIFFERENCES)
    drift = next(plot for plot in plots.plots(head, many, SUMMARY) if plot.name == "drift")
    assert len(drawing.svg(drift)) < 150_000


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    plots.plots(HEAD, SCORES, SUMMARY)
    assert dict(mpl.rcParams) == before


def drawn(scores: list[Score]) -> dict[str, drawing.Plot]:
    rows = summarise(scores)
    head = headline(handmade.manifest(scores), scores, rows, [])
    return {plot.name: plot for plot in plots.plots(head, scores, rows, worsened.measured(head, scores, {}))}


@pytest.mark.parametrize("length", [40, 90, 200])
def test_long_names_leave_room_for_the_figure(length: int) -> None:
    """A layout that runs out of room is a warning, which is an error here."""
    for scores in (
        [replace(score, provider=score.provider + "x" * length) for score in SCORES[:16]],
        [replace(score, slices={**score.slices, "noise": score.slices["noise"] + "y" * length}) for score in SCORES],
    ):
        for plot in drawn(scores).values():
            drawing.svg(plot)


def test_many_systems_leave_room_for_the_figure() -> None:
    several = [replace(score, provider=f"{score.provider}-{k}") for score in SCORES[:16] for k in range(8)]
    for plot in drawn(several).values():
        drawing.svg(plot)


def test_what_never_came_keeps_a_distribution_below_one() -> None:
    """Every other REST answer fails: the curve ends at a half, and the caption says why."""
    failing = [
        replace(score, values={}, counts={**score.counts, "lat.rest_total.failed": 1}) if place % 8 < 4 else score
        for place, score in enumerate(SCORES)
        if score.route == "rest" or place % 8 >= 4
    ]
    latency = drawn(failing)["latency"]
    axes = latency.figure.axes[-1]
    assert "REST answer" in axes.get_xlabel()
    ends = [np.asarray(line.get_ydata())[-1] for line in axes.lines]
    assert ends == [0.5, 0.5]
    assert "never came" in latency.caption
    lost = [replace(one, values={}, counts={**one.counts, "lat.rest_total.failed": 1}) for one in failing]
    assert "latency" not in drawn([one for one in lost if one.route == "rest"])


def test_noise_has_a_curve_per_system_and_its_clean_rate() -> None:
    noise = drawn(handmade.degraded(8))["noise"].figure
    (axes,) = noise.axes
    drawn_over = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    assert [ratios for ratios in drawn_over if len(ratios) == 3] == [[0, 10, 20]] * 4
    assert len(axes.lines) == 8
    assert axes.xaxis_inverted()
