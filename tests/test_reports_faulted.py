import dataclasses
import re
from pathlib import Path

import pytest

from evalkit import stats
from evalkit.errors import StoreError
from evalkit.reports import faulted
from evalkit.verdicts import FAIR, Verdict
from tests.rows import row

GOOD = Verdict(
    fault="reset", what="the connection is reset", route="streaming", clip="a", evidence="simulated",
    expected="unavailable, answer", found="unavailable, answer", attempts=2, wrong_retries=0, waits_told=0,
    waits_kept=0, ended=True, run_stopped=False, locked=4, locked_lost=0, salvage_spoken=6, salvage_locked=4,
    caption_spoken=None, caption_kept=None, reconnects=1, seam_lost=0, seam_doubled=1, words=10, errors=0,
    recover_s=1.25, seconds=4.5, ok=True, sentence="answered by attempt 2",
)  # fmt: skip
BAD = dataclasses.replace(
    GOOD, fault="bad_request", route="rest", ok=False, expected="refused", found="unavailable, refused", locked=0,
    reconnects=0, seam_lost=None, seam_doubled=None, salvage_spoken=None, salvage_locked=None, caption_spoken=5,
    caption_kept=2, recover_s=None, sentence='tried again, "twice", <b>\nwhat no retry can change',
)  # fmt: skip
COUNTS = {"fail.requests": 2, "fail.attempts": 4}


def test_the_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    faulted.write_verdicts(tmp_path / "faults.csv", [GOOD, BAD])
    assert faulted.read_verdicts(tmp_path / "faults.csv") == [GOOD, BAD]


def test_a_table_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    faulted.write_verdicts(tmp_path / "faults.csv", [GOOD])
    whole = (tmp_path / "faults.csv").read_text()
    for content in ("", "fault,ok\nbusy,maybe\n", whole.replace("true", "perhaps")):
        (tmp_path / "faults.csv").write_text(content)
        with pytest.raises(StoreError, match="evalkit faults"):
            faulted.read_verdicts(tmp_path / "faults.csv")
    with pytest.raises(StoreError, match="No such file"):
        faulted.read_verdicts(tmp_path / "none.csv")


def test_the_page_stands_alone_escapes_and_names_what_is_wrong(tmp_path: Path) -> None:
    summary = [one for one in stats.summarise([row("a", counts=COUNTS)], slices=False) if "fail." in one.metric]
    faulted.write(tmp_path / "faults.html", name="mine", verdicts=[GOOD, BAD], summary=summary)
    page = (tmp_path / "faults.html").read_text()
    assert "1 of 2 faults were not met as a correct client meets them." in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "right: refused" in page
    assert "Attempts per request" in page
    assert "2.0 ×" in page
    assert "about the client only" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page), "nothing is asked of the network"


def test_the_section_can_stand_in_another_page(tmp_path: Path) -> None:
    faulted.write_verdicts(tmp_path / "faults.csv", [GOOD])
    section = faulted.section(tmp_path / "faults.csv")
    assert section.strip().startswith('<section id="faults"')
    assert section.strip().endswith("</section>")
    assert "All 1 faults were met" in section
    assert "0 lost, 1 doubled" in section
    assert "<html" not in section


def test_the_answer_counts_faults_and_not_fair_weather() -> None:
    fair = dataclasses.replace(GOOD, fault=FAIR)
    assert faulted.lede([fair, GOOD]).startswith("All 1 faults")
    assert "In fair weather" in faulted.lede([dataclasses.replace(fair, ok=False), GOOD])


def test_cells_say_a_dash_where_nothing_was_at_stake() -> None:
    assert (faulted.kept(GOOD), faulted.seam(GOOD), faulted.salvage(GOOD)) == ("4 of 4", "0 lost, 1 doubled", "4 of 6")
    assert (faulted.kept(BAD), faulted.seam(BAD), faulted.salvage(BAD)) == ("–", "–", "caption 2 of 5")


def test_live_trials_say_something_about_the_service_too() -> None:
    assert "and about the service" in faulted.about([dataclasses.replace(GOOD, evidence="live")])
