import dataclasses

from evalkit.reports import sections
from evalkit.reports.headline import Headline, headline
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)


def labels(table: dict[str, object]) -> list[str]:
    return [line["metric"] for body in table["bodies"] for line in body]  # type: ignore[attr-defined]


def test_the_answer_has_a_row_per_route_with_verdict_and_price() -> None:
    answer = sections.answer(HEAD)
    assert [row["route"] for row in answer["rows"]] == ["REST", "Streaming"]
    assert answer["columns"] == [
        handmade.CANDIDATE, handmade.INCUMBENT, "Difference", "How sure", "Price per audio hour",
    ]  # fmt: skip
    for row in answer["rows"]:
        assert [cell["text"] for cell in row["cells"]][-2:] == [
            "fewer errors, clearly",
            "$0.100 against $0.100" if row["route"] == "REST" else "$0.200 against $0.200",
        ]


def test_the_answer_without_an_incumbent_compares_nothing() -> None:
    alone = headline({**MANIFEST, "incumbent": None}, SCORES[:2], SUMMARY, [])
    assert sections.answer(alone)["columns"] == [handmade.CANDIDATE, "Price per audio hour"]


def test_an_answer_without_word_errors_is_empty() -> None:
    rows = [row for row in SUMMARY if not row.metric.startswith("acc.")]
    assert sections.answer(headline(MANIFEST, SCORES, rows, []))["rows"] == []


def test_each_route_shows_only_the_figures_it_has() -> None:
    rest, streaming = sections.comparison(HEAD)["tables"]
    assert "lat.rest_total.p50" in labels(rest)
    assert "lat.word_first.p50" not in labels(rest)
    assert "lat.word_first.p50" in labels(streaming)
    assert "lat.rest_total.p50" not in labels(streaming)


def test_a_figure_carries_interval_support_and_its_counts() -> None:
    line = sections.comparison(HEAD)["tables"][0]["bodies"][0][0]
    row = HEAD.row(handmade.CANDIDATE, "rest", "acc.wer.en")
    assert row is not None
    assert row.numerator is not None
    assert line["figures"][0]["support"] == f"n = {row.n_units}"
    assert line["figures"][0]["interval"].count(" to ") == 1
    assert line["figures"][0]["title"].startswith(f"{row.numerator:g} of {row.denominator:g}, 24 clips, ")
    assert line["gap"]["words"] == "better"
    assert line["definition"]


def test_routes_are_set_side_by_side_only_where_both_were_run() -> None:
    assert [table["title"] for table in sections.routes(HEAD)] == [handmade.CANDIDATE, handmade.INCUMBENT]
    one_route = [score for score in SCORES if score.route == "rest"]
    rows = [row for row in SUMMARY if row.route == "rest"]
    assert sections.routes(headline(MANIFEST, one_route, rows, [])) == []


def test_slices_have_a_cell_per_system_even_where_one_has_none() -> None:
    rows = [row for row in SUMMARY if not (row.slice == "noise=clean" and row.provider == handmade.INCUMBENT)]
    table = sections.slices(HEAD, rows)
    clean = next(row for row in table["rows"] if row["name"] == "noise: clean")
    assert [cell is None for cell in clean["cells"]] == [False, False, True, True]


def test_definitions_cover_every_metric_of_the_headline() -> None:
    known = {item["id"] for item in sections.definitions(SUMMARY)}
    assert {line.metric for line in HEAD.lines} <= known
    assert all(item["definition"] and item["unit"] for item in sections.definitions(SUMMARY))


def test_how_it_was_made_names_what_another_person_needs() -> None:
    facts = dict(sections.made(MANIFEST))
    assert "jiwer 4.0.0" in facts["Libraries"]
    assert MANIFEST["corpus"]["sha256"] in facts["Corpus"]
    assert facts["Seed"] == "0"
    assert "after 5 min 10 s" in facts["Finished"]


def test_a_manifest_with_holes_still_makes_a_page() -> None:
    assert dict(sections.made({}))["Finished"] == "not finished"
    assert sections.what({})


def test_a_figure_without_a_value_is_a_dash() -> None:
    rows = [dataclasses.replace(row, value=None, status="undefined") for row in SUMMARY]
    empty: Headline = headline(MANIFEST, SCORES, rows, [])
    assert sections.comparison(empty)["tables"][0]["bodies"] == []


def test_every_figure_that_exists_is_listed_once_and_leads_to_its_definition() -> None:
    found = sections.everything(HEAD)
    defined = {item["id"] for item in sections.definitions(SUMMARY)}
    ids = [row["id"] for row in found["rows"]]
    assert len(ids) == len(set(ids)) > 20
    assert set(ids) <= defined
    assert set(ids) == {row.metric for row in SUMMARY if row.slice == "all" and row.value is not None}
    assert all(len(row["cells"]) == len(HEAD.systems) for row in found["rows"])
