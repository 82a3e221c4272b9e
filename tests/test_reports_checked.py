"""The checklist on a console, on the page and in files."""

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from evalkit.checklist import adoption
from evalkit.checklist.answers import Judgement, check
from evalkit.checklist.needs import Needs
from evalkit.reports import checked, html
from evalkit.reports.notebook import Run
from tests import handmade, product
from tests.product import NEEDS, TODAY, ready

EVIL = "<script>alert(1)</script>"


def printed(show: object, *arguments: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show(console, *arguments)  # type: ignore[operator]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_console_shows_eight_answers_a_system(tmp_path: Path) -> None:
    text = printed(checked.show, product.checked(tmp_path, Needs(), evidence="simulated", engine="moonshine"))
    for number in range(1, 9):
        assert f"{number} " in text
    assert text.count("not tested") >= 8
    assert "no answer of xai is recorded" in text.casefold()
    assert "not xai" in " ".join(text.split())
    assert max(map(len, printed(checked.show, product.checked(tmp_path), width=80).splitlines())) <= 80


def test_nothing_said_is_told(tmp_path: Path) -> None:
    assert "evalkit init" in checked.asked(product.checked(tmp_path, Needs()))
    assert "begun from the profile call-center" in checked.asked(
        product.checked(tmp_path, replace(NEEDS, profile="call-center"))
    )


def test_a_sentence_per_system(tmp_path: Path) -> None:
    checks = product.checked(tmp_path)
    assert checked.tally(checks.candidate) == "2 pass, 3 not applicable, 3 too few data"
    assert f"{product.NAME}: not ready (2 pass" in printed(checked.show, checks)


def test_cells(tmp_path: Path) -> None:
    checks = check(ready(tmp_path, changes={"acc.wer.en": (0.09, 0.05, 0.13)}), TODAY)
    found = {one.criterion: one for one in checked.judgements(checks)}
    assert checked.figure(found["acc.wer"]) == "9.0 % (5.0 to 13.0 %)"
    assert checked.thresholds(found["acc.wer"]) == "at most 10.0 % / 20.0 %"
    assert checked.thresholds(found["fail.eventual"]) == "at least 99.0 % / 97.0 %"
    assert checked.thresholds(found["cost.per_audio_hour"]) == "at most $0.300 /h"
    assert checked.thresholds(found["fail.hang"]) == "none"
    assert checked.figure(found["fail.hang"]) == "0"
    assert checked.figure(found["console"]) == "–"
    assert "500 clips, 40 clusters, smallest detectable" in checked.support(found["acc.wer"])
    assert "more clips, live, 2026-11-20" in checked.support(found["acc.wer"])
    assert checked.reason(checks.candidate.answer("accuracy")).startswith("Word error rate over REST 9.0 %")


def test_files_hold_everything(tmp_path: Path) -> None:
    checks = check(ready(tmp_path), TODAY)
    checked.write(tmp_path, checks)
    rows = list(csv.DictReader((tmp_path / "checklist.csv").read_text(encoding="utf-8").splitlines()))
    assert set(rows[0]) == {field.name for field in fields(Judgement)}
    assert len(rows) == len(checked.judgements(checks))
    (wer,) = [row for row in rows if row["criterion"] == "acc.wer"]
    assert (wer["verdict"], wer["value"], wer["target"], wer["clips"]) == ("pass", "0.05", "0.1", "500")
    told = json.loads((tmp_path / "checklist.json").read_text())
    assert told["sheets"][-1]["overall"] == "go"
    assert [one["key"] for one in told["sheets"][-1]["answers"]][:2] == ["accuracy", "diarization"]


def test_the_section_of_the_page(tmp_path: Path) -> None:
    described, rows, figures, paired = handmade.demo()
    checks = product.checked(tmp_path, replace(NEEDS, not_applicable={"limits": EVIL}))
    page = html.page(manifest=described, scores=rows, summary=figures, differences=paired, checks=checks)
    assert '<section id="checklist"' in page
    assert '<a href="#checklist">' in page
    assert EVIL not in page
    assert "8 Account limits" in page
    plain = html.page(manifest=described, scores=rows, summary=figures, differences=paired)
    assert 'id="checklist"' not in plain
    assert "#checklist" not in plain


def test_stages_on_a_console(tmp_path: Path) -> None:
    checks = check(ready(tmp_path), TODAY)
    text = printed(checked.show_standing, adoption.stand(checks.candidate, {}))
    assert "3 Comparison" in text
    assert "Held up: Comparison with the incumbent: not tested" in " ".join(text.split())
    assert "Next: " in text
    everything = check(ready(tmp_path, differences=[product.difference("superior", -0.01)]), TODAY)
    assert "Held up" not in printed(checked.show_standing, adoption.stand(everything.candidate, {}))


def test_what_was_never_begun_is_told_in_grammar() -> None:
    assert "Held up: nothing was recorded yet" in printed(checked.show_standing, adoption.unbegun("xai"))


def test_rows_of_a_data_frame(tmp_path: Path) -> None:
    rows = checked.table(product.checked(tmp_path, evidence="simulated", engine="moonshine"))
    assert len(rows) == 16
    assert {row["subject"] for row in rows} == {"xai", product.NAME}
    assert rows[0]["verdict"] == "not_tested"


def test_a_notebook_has_the_same(tmp_path: Path) -> None:
    run = Run.load(handmade.write_run(tmp_path / "demo"))
    plain = run.checklist()
    assert list(plain["item"])[:2] == ["accuracy", "diarization"]
    assert "pass" not in set(plain["verdict"])
    (tmp_path / "needs.toml").write_text("diarization = false\n")
    found = run.checklist(tmp_path / "needs.toml").set_index("item")
    assert found.loc["diarization", "verdict"] == "not_applicable"
    pd.testing.assert_frame_equal(run.checklist(Needs(diarization=False)).set_index("item"), found)
