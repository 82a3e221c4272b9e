"""Many plants in few lines, and whole in a file."""

import csv
from pathlib import Path

from evalkit.selftest.plants import EXACT, Finding, Plant, State, plants
from evalkit.selftest.tallied import COLUMNS, tallies, write
from evalkit.selftest.written import Figure
from evalkit.types import Route


def finding(
    group: str, route: Route, measured: float | None, state: State = "ok", tolerance: float = 0.015, unit: str = "ms"
) -> Finding:
    figure = Figure("r", "ours", route, f"lat.{group}")
    return Finding(Plant("late", 0.2, ((1, figure),), unit, tolerance, group=group), measured, state)


FOUND = [
    finding("a", "rest", 0.201),
    finding("b", "streaming", 0.2 + 1e-12, tolerance=EXACT),
    finding("a", "streaming", 0.205),
    finding("a", "streaming", 0.3, "FAIL", tolerance=0.5),
    finding("c", "rest", None, "not measurable"),
    finding("d", "rest", 0.3, "FAIL", tolerance=EXACT, unit="%"),
    finding("d", "rest", 0.2, tolerance=EXACT, unit="%"),
]


def test_each_group_says_how_many_came_back_and_which_was_furthest_off() -> None:
    assert [
        (tally.group, tally.recovered("rest"), tally.recovered("streaming"), tally.furthest) for tally in tallies(FOUND)
    ] == [
        ("a", "1 of 1", "1 of 2", "5.0 ms off, tolerance 15.0 ms: ours, streaming: lat.a"),
        ("b", "–", "1 of 1", "exact"),
        ("c", "0 of 1", "–", "no figure"),
        ("d", "1 of 2", "–", "10.00 % off, tolerance exact: ours, rest: lat.d"),
    ]


def test_every_plant_is_in_a_group_and_a_short_table_is_short() -> None:
    found = [Finding(plant, plant.planted, "ok") for plant in plants()]
    groups = [tally.group for tally in tallies(found)]
    assert {"words", "speakers", "channels", "captions", "cost", "faults"} <= set(groups)
    assert "" not in groups
    assert len(groups) <= 12
    assert sum(len(tally.findings) for tally in tallies(found)) == len(found)


def test_the_file_holds_every_plant_with_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "new" / "selftest.csv"
    write(path, FOUND)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["state"], row["group"]) for row in rows] == [(one.state, one.plant.group) for one in FOUND]
    assert (float(rows[1]["measured"]), rows[4]["measured"]) == (0.2 + 1e-12, "")
