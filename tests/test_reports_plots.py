import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from evalkit.reports import plots
from evalkit.reports.headline import headline
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
DRAWN = {plot.name: plot for plot in plots.plots(HEAD, SCORES, SUMMARY)}


def test_a_full_run_draws_every_figure() -> None:
    assert list(DRAWN) == ["wer", "slices", "latency", "drift", "churn", "frontier", "pacing"]


def test_a_figure_without_data_is_not_drawn() -> None:
    rest = [score for score in SCORES if score.route == "rest"]
    rows = [row for row in SUMMARY if row.route == "rest" and row.slice == "all"]
    names = [plot.name for plot in plots.plots(headline(MANIFEST, rest, rows, []), rest, rows)]
    assert names == ["wer", "latency", "drift", "frontier"]
    assert plots.plots(headline({}, [], [], []), [], []) == []


def test_the_svg_is_the_same_every_time_and_carries_no_date() -> None:
    again = {plot.name: plot for plot in plots.plots(HEAD, SCORES, SUMMARY)}
    for name, plot in DRAWN.items():
        assert plots.svg(plot) == plots.svg(again[name])
        assert "<metadata" not in plots.svg(plot)
        assert not re.search(r"\b20\d\d-\d\d-\d\d", plots.svg(plot))


@pytest.mark.parametrize("name", list(DRAWN))
def test_the_svg_is_well_formed_and_its_ids_are_its_own(name: str) -> None:
    """Several figures share one page: no id may be used twice, and every reference must lead somewhere."""
    text = plots.svg(DRAWN[name])
    ElementTree.fromstring(text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(own.startswith(f"{name}-") for own in ids)
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)) <= {
        pair for own in ids for pair in ((own, ""), ("", own))
    }


def test_colours_follow_the_page_and_the_provider() -> None:
    for name in ("wer", "latency", "frontier"):
        text = plots.svg(DRAWN[name])
        assert "var(--series-0," in text
        assert "var(--series-1," in text
        assert "var(--ink," in text
    rest = "local-pocketsphinx"
    only = [score for score in SCORES if score.provider == rest]
    assert headline(MANIFEST, only, [], []).providers == (rest,)


def test_numbers_are_text_that_can_be_selected_and_read_aloud() -> None:
    assert "<text" in plots.svg(DRAWN["wer"])
    assert 'role="img" aria-label="Word error rate"' in plots.svg(DRAWN["wer"])


def test_long_distributions_stay_small() -> None:
    """A page has room for a figure over twenty thousand words."""
    many = handmade.scores(600)
    head = headline(MANIFEST, many, SUMMARY, DIFFERENCES)
    drift = next(plot for plot in plots.plots(head, many, SUMMARY) if plot.name == "drift")
    assert len(plots.svg(drift)) < 150_000


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    plots.plots(HEAD, SCORES, SUMMARY)
    assert dict(mpl.rcParams) == before
