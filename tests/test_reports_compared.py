import csv
import io
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from rich.console import Console

from evalkit.comparison import Comparison, Source, compare
from evalkit.reports import compared
from tests import handmade
from tests.handmade import CANDIDATE, INCUMBENT


@cache
def demo() -> Comparison:
    rows = [
        replace(row, hypothesis=row.hypothesis + " <b>bold") if row.provider == INCUMBENT else row
        for row in handmade.scores(120)
    ]
    return compare(Source("demo", handmade.manifest(rows), rows, {}), need_s=1.0)


def printed(found: Comparison) -> str:
    text = io.StringIO()
    compared.show(Console(file=text, width=100), found)
    return text.getvalue()


def test_the_console_answers_what_is_better_where_and_whether_it_pays() -> None:
    text = printed(demo())
    flat = " ".join(text.split())
    assert f"{CANDIDATE} makes fewer word errors than {INCUMBENT} over REST and streaming" in flat
    assert "Simulated evidence" in flat
    assert "superior" in flat
    assert "slices tested, p adjusted (Holm)" in flat
    assert f"{CANDIDATE} gains most: clip-" in flat
    assert f"Is streaming of {CANDIDATE} worth its price here?" in flat
    assert "rewrites a minute" in flat
    assert "An hour of audio costs 10.0 cents more (not comparable)" in flat
    assert "clearly dominated by" in flat
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    compared.write_page(tmp_path / "compare.html", demo())
    page = (tmp_path / "compare.html").read_text()
    assert "<b>bold" not in page
    assert "bold" in page
    assert "Smallest detectable" in page
    assert f"Where {CANDIDATE} gains most" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page), "nothing is asked of the network"
    assert compared.section(demo()) in page


def test_every_difference_is_in_the_table(tmp_path: Path) -> None:
    compared.write_rows(tmp_path / "compare.csv", demo())
    rows = list(csv.DictReader((tmp_path / "compare.csv").read_text().splitlines()))
    assert tuple(rows[0]) == compared.COLUMNS
    assert len(rows) == len(demo().rows)
    assert {row["slice"] for row in rows} > {"all", "noise=clean"}
    assert not {"nan", "None", "inf"} & {cell for row in rows for cell in row.values()}


def test_a_difference_that_decides_nothing_has_no_verdict() -> None:
    barred = replace(demo(), differences=tuple(replace(one, barred="other machines") for one in demo().differences))
    assert {record["verdict"] for record in compared.records(replace(barred, slices=()))} == {"not_comparable"}
    assert "not comparable" in printed(barred)


def test_without_an_incumbent_there_is_still_a_page(tmp_path: Path) -> None:
    rows = [row for row in handmade.scores() if row.provider == CANDIDATE]
    about = {**handmade.manifest(rows), "incumbent": None}
    about["providers"] = {CANDIDATE: about["providers"][CANDIDATE]}
    found = compare(Source("demo", about, rows, {}))
    assert "name a second run" in printed(found)
    compared.write_page(tmp_path / "compare.html", found)
    assert "By kind of audio" not in (tmp_path / "compare.html").read_text()
