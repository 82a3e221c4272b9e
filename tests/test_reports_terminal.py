import dataclasses
import io
import re
from typing import Any

import pytest
from rich.console import Console

from evalkit.reports import terminal
from evalkit.reports.headline import headline
from evalkit.reports.units import shown
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()


def printed(manifest: dict[str, Any], scores: Any, summary: Any, differences: Any, *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, no_color=True, force_terminal=False)
    terminal.show(console, manifest=manifest, scores=scores, summary=summary, differences=differences)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def joined(text: str) -> str:
    return " ".join(text.split())


def test_the_terminal_says_what_the_headline_says() -> None:
    text = joined(printed(*handmade.demo()))
    head = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
    for sentence in (head.lede, head.caveat, *head.sentences):
        assert joined(sentence) in text


def test_every_brief_figure_is_in_its_table_at_80_columns() -> None:
    text = printed(*handmade.demo())
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for name in ("REST", "Streaming", "local-moonshine", "local-pocketsphinx", "difference"):
        assert name in text
    head = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
    words = joined(re.sub(r"\s[^A-Za-z]*\d\S*|[×–]", " ", text))
    for line in head.lines:
        assert line.label.split()[0] in words or not line.brief
    assert "Deleted words" not in text


def test_no_colour_means_no_escape_codes() -> None:
    assert "\x1b" not in printed(*handmade.demo())


def test_a_candidate_alone_has_no_difference_column() -> None:
    own = [score for score in SCORES if score.provider == handmade.CANDIDATE]
    rows = [row for row in SUMMARY if row.provider == handmade.CANDIDATE]
    text = printed({**MANIFEST, "incumbent": None}, own, rows, [])
    assert "difference" not in text
    assert "24 of 24" in text


def test_nothing_scored_is_one_sentence() -> None:
    assert joined(printed({}, [], [], [])) == "Nothing was scored."


def test_markup_in_a_name_is_printed_and_not_obeyed() -> None:
    manifest = {**MANIFEST, "candidate": "[bold]x[/bold]", "incumbent": None}
    assert "[bold]x[/bold]" in printed(manifest, [], [], [])


def test_wide_numbers_stay_whole_at_80_columns() -> None:
    """Long intervals fold; nothing is cut off at the edge."""
    rows = [
        dataclasses.replace(row, value=0.0046, ci_lo=0.00321, ci_hi=0.0101)
        if row.metric == "cost.per_audio_hour"
        else row
        for row in SUMMARY
    ]
    gaps = [
        dataclasses.replace(row, difference=-1.559, ci_lo=-5.38234, ci_hi=6.39749, verdict="no_clear_difference")
        if row.unit == "s"
        else row
        for row in DIFFERENCES
    ]
    text = printed(MANIFEST, SCORES, rows, gaps)
    assert max(map(len, text.splitlines())) <= 80
    words = joined(text)
    assert words.count("−5,382 to 6,397") == words.count("−1,559 ms")
    assert words.count("not clear") >= words.count("−1,559 ms") > 0
    assert "$0.0101" in words


@pytest.mark.parametrize("width", [60, 200])
def test_other_widths_do_not_break(width: int) -> None:
    row = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES).row(handmade.CANDIDATE, "rest", "acc.wer.en")
    assert row is not None
    assert shown(row.value, row.unit) in printed(*handmade.demo(), width=width)
