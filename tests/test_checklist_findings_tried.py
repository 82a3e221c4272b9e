"""What trials and notes beside a run show."""

from collections.abc import Sequence
from pathlib import Path

from evalkit.checklist import criteria
from evalkit.checklist.findings import Seen, find
from evalkit.reports import faulted
from evalkit.types import Route
from evalkit.verdicts import Verdict
from tests.product import NEEDS, material, verdict


def seen(folder: Path, name: str, route: Route, trials: Sequence[Verdict]) -> Seen:
    faulted.write_verdicts(folder / "faults.csv", trials)
    lines = [line for item in criteria.items(NEEDS) for line in item.lines]
    return find(next(line for line in lines if (line.name, line.route) == (name, route)), material(folder))


def test_cuts(tmp_path: Path) -> None:
    trials = [
        verdict("a", "streaming"),
        verdict("b", "streaming", locked=6, locked_lost=2, seam_lost=1, seam_doubled=2),
    ]
    salvage = seen(tmp_path, "faults.salvage", "streaming", trials)
    assert (salvage.finding.value, salvage.finding.support["n"]) == (0.8, 2)
    seam = seen(tmp_path, "faults.seam", "streaming", trials)
    assert (seam.finding.value, seam.finding.support["n"]) == (1.5, 2)
    assert seam.evidence == "simulated"
    none = seen(tmp_path, "faults.seam", "streaming", [verdict("a", "streaming", reconnects=0)])
    assert none.finding.value is None


def test_faults_of_a_route(tmp_path: Path) -> None:
    trials = [verdict("busy_told", "rest"), verdict("cut", "rest", ok=False), verdict("fair", "rest", ok=False)]
    met = seen(tmp_path, "faults.met", "rest", trials)
    assert (met.finding.value, met.finding.support["n"]) == (1, 2)
    assert met.why == "cut: did not wait as long as it was told to"
    assert seen(tmp_path, "faults.too_many", "rest", trials).finding.value == 1
    assert seen(tmp_path, "faults.met", "streaming", trials).finding.value is None
    assert "evalkit faults --run" in seen(tmp_path, "faults.met", "streaming", trials).todo
    broken = seen(tmp_path, "faults.too_many", "rest", [verdict("busy_told", "rest", ok=False)])
    assert (broken.finding.value, broken.why) == (0, "busy_told: did not wait as long as it was told to")


def test_told_waits(tmp_path: Path) -> None:
    trials = [verdict("busy_told", "rest", waits_told=4, waits_kept=3)]
    found = seen(tmp_path, "faults.retry_after", "rest", trials).finding
    assert (found.value, found.support["n"], found.lo) == (0.75, 4, None)


def test_live_weather_is_live_evidence(tmp_path: Path) -> None:
    live = verdict("network.drop", "rest", evidence="live")
    assert seen(tmp_path, "faults.met", "rest", [live]).evidence == "live"
    both = seen(tmp_path, "faults.met", "rest", [live, verdict("busy_told", "rest")])
    assert both.evidence == "simulated", "a figure is worth what the least of it is"


def test_bad_input(tmp_path: Path) -> None:
    assert seen(tmp_path, "reject.clear", "rest", []).finding.value is None
    head = "kind,route,status,seconds,body,date\n"
    text = head + "a,rest,400,1,no,2026-11-20\nb,,200,1,ok,2026-11-19\nc,streaming,400,1,no,2026-11-01\n"
    (tmp_path / "rejects.csv").write_text(text)
    found = seen(tmp_path, "reject.clear", "rest", [])
    assert (found.finding.value, found.date, found.why) == (0.5, "2026-11-19", "not clear: b")
    assert found.evidence is None
