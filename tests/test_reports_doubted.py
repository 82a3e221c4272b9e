import csv
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.comparison.corrections import Corrected, Correction, Effect
from evalkit.comparison.doubts import Doubt
from evalkit.errors import StoreError
from evalkit.reports import doubted
from evalkit.types import Clip, Word
from tests import product

DOUBT = Doubt(
    clip_id="a", path="a.wav", sha256="5a", from_word=3, to_word=4, start_s=1.23456, end_s=None,
    before="please enter your", reference="account", said='pass, "word"', after="now", said_by=("new rest", "old rest"),
    providers=2, reference_by=(), words=2, confidence=0.98765,
)  # fmt: skip
CLIPS = {
    "a": Clip(
        "a", "a.wav", "5a", 9.0, 16_000, 1, reference=tuple(map(Word, ("please", "enter", "your", "account", "now")))
    )
}
MADE = Correction("a", "5a", 3, 4, "account", "password", "new rest", "ann", "2026-11-20T08:00:00+00:00")
EFFECTS = (Effect("new", "rest", 1, 0, 1, 1), Effect("old", "rest", 0, 1, 0, -1))


def filled(path: Path, *answers: str, **changes: str) -> Path:
    """The table of one doubt per answer, filled in as a spreadsheet would."""
    doubted.write_doubts(path, [DOUBT] * len(answers))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        lines = csv.DictWriter(file, doubted.COLUMNS)
        lines.writeheader()
        lines.writerows({**row, "corrected": said, **changes} for row, said in zip(rows, answers, strict=True))
    return path


def read(path: Path) -> list[Correction]:
    return doubted.read_filled(path, CLIPS, by="ann", at="now")


def test_the_table_has_an_empty_column_for_what_is_right(tmp_path: Path) -> None:
    doubted.write_doubts(tmp_path / "doubts.csv", [DOUBT])
    (row,) = csv.DictReader((tmp_path / "doubts.csv").read_text().splitlines())
    assert row["corrected"] == ""
    assert (row["start_s"], row["end_s"], row["confidence"]) == ("1.235", "", "0.988")
    assert (row["said"], row["said_by"]) == ('pass, "word"', "new rest; old rest")


@pytest.mark.parametrize(("said", "corrected"), [("  pass  word ", "pass word"), ("-", ""), ("account", "account")])
def test_what_was_filled_in_is_read(tmp_path: Path, said: str, corrected: str) -> None:
    (one,) = read(filled(tmp_path / "doubts.csv", said))
    assert (one.corrected, one.reference, one.by, one.at) == (corrected, "account", "ann", "now")
    assert one.changes == (said != "account")


def test_an_empty_cell_is_no_answer(tmp_path: Path) -> None:
    assert read(filled(tmp_path / "doubts.csv", "", "  ")) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clip_id": "b"}, "2: the run has no clip 'b'"),
        ({"reference": "bank"}, "2: the reference of 'a' does not say 'bank' there"),
        ({"from_word": "three"}, "2: from_word and to_word are whole numbers"),
        ({"from_word": "-2"}, "2: from_word and to_word are places in the reference"),
        ({"sha256": "6b"}, "2: the reference of 'a' does not say"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_its_line(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    with pytest.raises(StoreError, match=f"doubts.csv:{reason}"):
        read(filled(tmp_path / "doubts.csv", "x", **changes))


def test_two_answers_to_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="are the same words; fill in one"):
        read(filled(tmp_path / "doubts.csv", "x", "y"))


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("clip_id;reference\na;b\n")
    with pytest.raises(StoreError, match="lacks the column 'clip_id'"):
        read(tmp_path / "x.csv")
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "none.csv")


def corrected(**changes: object) -> Corrected:
    new = (replace(product.figure("acc.wer.en", 0.04, 0.03, 0.05), provider="new"),)
    found = Corrected((MADE,), (), 2, EFFECTS, new, (product.difference("non_inferior", provider="new"),))
    return replace(found, **changes)  # type: ignore[arg-type]


def test_both_scores_are_told_and_whom_the_corrections_help() -> None:
    before = [replace(product.figure("acc.wer.en", 0.06, 0.05, 0.07), provider="new")]
    told = " ".join(doubted.sentences(corrected(), before, [product.difference("inconclusive", provider="new")]))
    assert "References corrected by ann: 1, in 1 places; looked at and found right: 2 places" in told
    assert "new REST 6.0 % and 4.0 %" in told
    assert "open on the originals, not worse on the corrected references" in told
    assert "new REST 1 (1 from new alone); old REST 0 (0 from old alone)" in told
    assert "Most corrections help new alone" in told
    fair = corrected(effects=tuple(replace(one, alone=0) for one in EFFECTS), stale=(MADE,))
    told = " ".join(doubted.sentences(fair, before, []))
    assert "alone:" not in told
    assert "no longer fit their references: 1 corrections" in told


def test_figures_on_corrected_references_read_back_as_written(tmp_path: Path) -> None:
    assert doubted.read(tmp_path) is None
    doubted.write(tmp_path, corrected())
    assert doubted.read(tmp_path) == corrected()
    (tmp_path / doubted.KEPT).write_text("{}")
    with pytest.raises(StoreError, match="evalkit score"):
        doubted.read(tmp_path)
    doubted.write(tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_the_section_escapes_and_is_empty_without_corrections() -> None:
    section = doubted.section(corrected(applied=(replace(MADE, by="<b>ann"),)), [], [])
    assert "&lt;b&gt;ann" in section
    assert doubted.section(None, [], []) == ""
