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


def test_columns_are_called_by_the_systems_and_never_old_and_new(tmp_path: Path) -> None:
    compared.write_page(tmp_path / "compare.html", demo())
    page = (tmp_path / "compare.html").read_text()
    heads = re.findall(r"<thead>(.*?)</thead>", page)
    assert heads
    for head in heads:
        columns = re.findall(r"<th[^>]*>(.*?)</th>", head)[1:3]
        assert columns in ([CANDIDATE, INCUMBENT], ["streaming", "REST"])
    assert f'<th scope="col" class="num">{CANDIDATE}</th><th scope="col" class="num">{INCUMBENT}</th>' in heads[-1]
    text = printed(demo())
    assert not re.search(r"^ +(new|old)\b", text, flags=re.MULTILINE)
    for record in compared.records(demo()):
        if record["question"] == "candidate_vs_incumbent":
            assert (record["provider"], record["against_provider"]) == (CANDIDATE, INCUMBENT)


def test_two_runs_head_their_columns_with_the_runs_everywhere(tmp_path: Path) -> None:
    rows = handmade.scores()
    found = compare(Source("results/monday", handmade.manifest(rows), rows, {}),
                    Source("results/friday", handmade.manifest(rows), rows, {}))  # fmt: skip
    named = (f"{CANDIDATE} (monday)", f"{CANDIDATE} (friday)")
    compared.write_page(tmp_path / "compare.html", found)
    heads = "".join(f'<th scope="col" class="num">{name}</th>' for name in named)
    assert heads in (tmp_path / "compare.html").read_text()
    own = [record for record in compared.records(found) if record["question"] == "candidate_vs_incumbent"]
    assert {(record["provider"], record["against_provider"]) for record in own} == {named}
    wide = io.StringIO()
    compared.show(Console(file=wide, width=240), found)
    assert re.search(rf"^ +{re.escape(named[0])} +{re.escape(named[1])} +difference", wide.getvalue(), re.MULTILINE)


def test_a_difference_of_list_prices_is_shown_without_words_of_chance() -> None:
    (one,) = [one for one in demo().of("cost.per_audio_hour") if one.row.route == "rest"]
    line = compared._line(one, "Cost")
    assert (one.verdict, line["said"], line["p"], line["mark"], line["interval"]) == ("exact", "exact", "–", "", "")


def test_a_disputed_difference_says_which_side_counts() -> None:
    (first, *rest) = demo().differences
    note = "the interval excludes 0 although p is 0.062: the interval counts"
    found = replace(demo(), differences=(replace(first, row=replace(first.row, metric="acc.wer.en", note=note)), *rest))
    assert "the interval counts" in " ".join(printed(found).split())
    assert note in compared.section(found)
    assert "gives the answer" in " ".join(printed(found).split())


def test_the_page_says_how_each_interval_was_made() -> None:
    page = compared.section(demo())
    for name in {one.row.ci_method for one in demo().rows} - {""}:
        assert f"<li>{name}: " in page
