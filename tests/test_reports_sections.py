import dataclasses

from evalkit.reports import sections
from evalkit.reports.headline import Headline, headline
from evalkit.reports.lines import AGENT, RELIABILITY
from evalkit.reports.units import shown, told
from evalkit.stats import summarise
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)


def labels(table: dict[str, object]) -> list[str]:
    return [line["metric"] for body in table["bodies"] for line in body["lines"]]  # type: ignore[attr-defined]


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
    line = sections.comparison(HEAD)["tables"][0]["bodies"][0]["lines"][0]
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
    rows = [dataclasses.replace(row, value=None, status="undefined", note="") for row in SUMMARY]
    empty: Headline = headline(MANIFEST, SCORES, rows, [])
    assert sections.comparison(empty)["tables"][0]["bodies"] == []


def test_every_figure_that_exists_is_listed_once_and_leads_to_its_definition() -> None:
    found = sections.everything(HEAD)
    defined = {item["id"] for item in sections.definitions(SUMMARY)}
    rows = [row for body in found["bodies"] for row in body["rows"]]
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) > 20
    assert set(ids) <= defined
    assert set(ids) == {row.metric for row in SUMMARY if row.slice == "all" and told(row)}
    assert all(len(row["cells"]) == len(HEAD.systems) for row in rows)
    assert found["count"] == len(rows)
    assert [body["title"] for body in found["bodies"]][:2] == ["Words", "Speakers"]


def cells(metric: str, **changes: object) -> dict[str, dict[str, str]]:
    """Lines of the first table by metric, with every row of one metric changed."""
    rows = [dataclasses.replace(row, **changes) if row.metric == metric else row for row in SUMMARY]  # type: ignore[arg-type]
    table = sections.comparison(headline(MANIFEST, SCORES, rows, DIFFERENCES))["tables"][0]
    return {line["metric"]: line["figures"][0] for body in table["bodies"] for line in body["lines"]}


def test_a_percentile_that_cannot_be_measured_says_what_it_needs() -> None:
    found = cells("lat.rest_total.p95")["lat.rest_total.p95"]
    assert (found["text"], found["status"]) == ("–", "n = 24; 72 needed")


def test_a_figure_that_must_not_be_leaned_on_says_why_beside_it() -> None:
    found = cells("ts.offset.start.mae", status="insufficient", note="60 % of timed words matched; 70 % needed")
    assert found["ts.offset.start.mae"]["status"] == "60 % matched; 70 % needed"
    assert "60 % of timed words matched" in found["ts.offset.start.mae"]["title"]
    assert found["ts.offset.start.mae"]["text"].endswith(" ms")


def test_macro_stands_beside_pooled_where_every_figure_is_listed() -> None:
    found = {row["id"]: row["cells"][0] for body in sections.everything(HEAD)["bodies"] for row in body["rows"]}
    assert found["acc.wer.en"]["macro"].startswith("mean of clips ")
    assert found["lat.rest_total.p50"]["macro"] == ""


def test_prices_that_must_not_be_compared_have_no_verdict() -> None:
    def verdict(head: Headline) -> str:
        table = sections.routes(head)[0]
        return next(
            f"{line['gap']['words']}{line['gap']['verdict']}"
            for body in table["bodies"]
            for line in body["lines"]
            if "cost" in line["metric"]
        )

    own = MANIFEST["providers"][handmade.CANDIDATE]
    asked = {"rest": {"diarize": True}, "streaming": {"diarize": False}}
    providers = {**MANIFEST["providers"], handmade.CANDIDATE: {**own, "settings": asked}}
    assert verdict(HEAD) == "exactexact"
    assert verdict(headline({**MANIFEST, "providers": providers}, SCORES, SUMMARY, DIFFERENCES)) == "not comparable"


def test_the_worst_slice_of_each_tag_stands_under_the_slices() -> None:
    assert sections.slices(HEAD, SUMMARY)["gaps"] == []
    rows = [
        dataclasses.replace(row, value=0.05, ci_lo=0.01, ci_hi=0.09, note="noise=clean; p = 0.02")
        if row.metric == "acc.slice.en.worst_gap" and row.slice == "noise" and row.route == "rest"
        else row
        for row in SUMMARY
    ]
    (line,) = sections.slices(HEAD, rows)["gaps"]
    assert line["label"] == "Worst slice, by noise"
    assert line["cells"][0] == {"text": "+5.0 points", "small": "1.0 to 9.0; noise=clean; p = 0.02", "mark": ""}
    assert line["cells"][1]["text"] == "–"
    assert line["metric"] in {item["id"] for item in sections.definitions(SUMMARY)}


def test_word_starts_are_told_by_where_the_reference_times_come_from() -> None:
    assert sections.times(HEAD, SCORES, SUMMARY) == []
    one = [dataclasses.replace(score, slices={**score.slices, "times_source": "by hand"}) for score in SCORES]
    (line,) = sections.times(HEAD, one, SUMMARY)
    row = HEAD.row(handmade.CANDIDATE, "rest", "ts.offset.start.mae")
    assert row is not None
    assert (line["source"], line["cells"][0]["text"]) == ("by hand", shown(row.value, "s"))
    half = one[: len(one) // 2] + SCORES[len(one) // 2 :]
    rows = summarise(half)
    (line,) = sections.times(headline(MANIFEST, half, rows, []), half, rows)
    assert line["source"] == "by hand"
    assert not any("times_source" in row["name"] for row in sections.slices(HEAD, rows)["rows"])


def test_what_few_ask_for_stands_apart_and_a_topic_has_a_table_of_its_own() -> None:
    counts = {"fail.requests": 2, "fail.first_try": 1, "cost.clips": 1}
    rows = summarise([dataclasses.replace(score, counts={**score.counts, **counts}) for score in SCORES])
    head = headline(MANIFEST, SCORES, rows, [])
    table = sections.comparison(head)["tables"][0]
    later = [line["metric"] for body in table["more"] for line in body["lines"]]
    assert later == [metric for metric in later if metric not in labels(table)]
    assert "cost.per_1000_clips" in later
    failing = sections.topic(head, RELIABILITY)
    assert labels(failing)[0] == "fail.first_try"
    assert set(labels(failing)) < {line.metric for line in RELIABILITY}, "nothing was cut, so nothing was saved"
    assert failing["columns"] == [system.name for system in head.systems]
    assert sections.topic(HEAD, AGENT)["bodies"] == []


def test_degraded_copies_are_no_slice_of_their_own() -> None:
    scores = handmade.degraded(8)
    rows = summarise(scores)
    named = [row["name"] for row in sections.slices(headline(MANIFEST, scores, rows, []), rows)["rows"]]
    assert "noise: clean" in named
    assert not any(name.startswith("condition") for name in named)
