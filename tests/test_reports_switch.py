import dataclasses

from evalkit.reports import switch
from evalkit.reports.headline import headline
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)


def test_each_comparison_has_its_decision_under_both_text_rules() -> None:
    found = switch.decisions(HEAD, SUMMARY)
    assert [body["metric"] for body in found["bodies"]] == ["acc.wer.en", "acc.wer.basic"]
    rows = found["bodies"][0]["rows"]
    assert [row["name"] for row in rows] == [
        "REST: local-moonshine against local-pocketsphinx",
        "Streaming: local-moonshine against local-pocketsphinx",
        "local-moonshine streaming against REST",
        "local-pocketsphinx streaming against REST",
    ]
    texts = [cell["text"] for cell in rows[0]["cells"]]
    assert "superior" in texts
    assert "pass" in texts
    assert rows[2]["cells"][-1]["text"].replace(",", "").isdigit()
    assert rows[0]["cells"][-1]["text"] == "–", "what is settled needs no more clips"
    assert switch.decisions(headline({}, [], [], []), [])["bodies"] == []


def test_guard_rails_forbid_a_switch_whatever_the_label() -> None:
    assert switch.decisions(HEAD, SUMMARY)["guards"] == []
    lost, zero = ("run.coverage", {"value": 0.9}), ("str.locked_changed.utterance", {"value": 0.1, "numerator": 3.0})
    changed = [
        dataclasses.replace(row, **values)  # type: ignore[arg-type]
        if row.provider == handmade.CANDIDATE and row.metric == metric and row.route == "streaming"
        else row
        for metric, values in [lost]
        for row in SUMMARY
    ]
    changed = [
        dataclasses.replace(row, **zero[1])  # type: ignore[arg-type]
        if (row.provider, row.metric, row.route) == (handmade.CANDIDATE, zero[0], "streaming")
        else row
        for row in changed
    ]
    guards = switch.decisions(headline(MANIFEST, SCORES, changed, DIFFERENCES), changed)["guards"]
    assert len(guards) == 2
    assert guards[0].startswith("Streaming: ")
    assert guards[0].endswith("must be zero and is 3.")
    assert guards[1] == "Streaming: coverage falls by 10.00 points, more than 0.50."


def test_the_worst_slice_must_not_lose_more_than_twice_the_margin() -> None:
    rates = {handmade.CANDIDATE: 0.9, handmade.INCUMBENT: 0.1}
    rows = [
        dataclasses.replace(row, status="ok", value=rates[row.provider])
        if row.metric == "acc.wer.en" and row.slice == "noise=clean" and row.route == "rest"
        else row
        for row in SUMMARY
    ]
    (guard,) = switch.decisions(HEAD, rows)["guards"]
    assert guard.startswith("REST: the worst slice loses 80.00 points")


def test_ties_stand_beside_the_probability_and_disputes_beside_the_answer() -> None:
    note = "the interval excludes 0 although p is 0.062: the interval counts"
    rows = [dataclasses.replace(row, ties=0.25, note=note) for row in DIFFERENCES]
    cells = switch.decisions(headline(MANIFEST, SCORES, SUMMARY, rows), SUMMARY)["bodies"][0]["rows"][0]["cells"]
    assert cells[3]["small"].startswith("ties 0.25")
    assert cells[5]["small"] == f"yes; {note}"
