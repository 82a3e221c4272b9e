import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import pytest

from evalkit.reports import drawing, plots
from evalkit.reports.headline import headline
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
DRAWN = {plot.name: plot for plot in plots.plots(HEAD, SCORES, SUMMARY)}


def test_the_svg_is_the_same_every_time_and_carries_no_date() -> None:
    again = {plot.name: plot for plot in plots.plots(HEAD, SCORES, SUMMARY)}
    for name, plot in DRAWN.items():
        assert drawing.svg(plot) == drawing.svg(again[name])
        assert "<metadata" not in drawing.svg(plot)
        assert not re.search(r"\b20\d\d-\d\d-\d\d", drawing.svg(plot))


@pytest.mark.parametrize("name", list(DRAWN))
def test_the_svg_is_well_formed_and_its_ids_are_its_own(name: str) -> None:
    """Several figures share one page: no id may be used twice, and every reference must lead somewhere."""
    text = drawing.svg(DRAWN[name])
    ElementTree.fromstring(text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(own.startswith(f"{name}-") for own in ids)
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)) <= {
        pair for own in ids for pair in ((own, ""), ("", own))
    }


def test_a_figure_in_a_notebook_says_what_it_shows() -> None:
    page = DRAWN["wer"]._repr_html_()
    assert DRAWN["wer"].title in page
    assert DRAWN["wer"].caption in page


def test_a_saved_figure_stands_on_white(tmp_path: Path) -> None:
    DRAWN["wer"].save(tmp_path / "wer.png")
    corner = matplotlib.image.imread(tmp_path / "wer.png")[0, 0]
    assert corner.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_colours_follow_the_page_and_the_provider() -> None:
    for name in ("wer", "latency", "frontier"):
        text = drawing.svg(DRAWN[name])
        assert "var(--series-0," in text
        assert "var(--series-1," in text
        assert "var(--ink," in text
    rest = "local-pocketsphinx"
    only = [score for score in SCORES if score.provider == rest]
    assert headline(MANIFEST, only, [], []).providers == (rest,)


def test_numbers_are_text_that_can_be_selected_and_read_aloud() -> None:
    assert "<text" in drawing.svg(DRAWN["wer"])
    assert 'role="img" aria-label="Word error rate"' in drawing.svg(DRAWN["wer"])
