"""What a selftest found, in few lines by group, and whole as a file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.selftest.plants import ROUNDING, Finding, shown
from evalkit.types import Route

COLUMNS = ("state", "group", "route", "what", "where", "unit", "planted", "measured", "tolerance", "note")


@dataclass(frozen=True, slots=True)
class Tally:
    """The plants of one group."""

    group: str
    findings: tuple[Finding, ...]

    def recovered(self, route: Route) -> str:
        """How many of them came back over a route; a dash when nothing was planted there."""
        states = [finding.state for finding in self.findings if finding.plant.route == route]
        return f"{states.count('ok')} of {len(states)}" if states else "–"

    @property
    def furthest(self) -> str:
        """By how much the one was off that used most of its tolerance, and what it was."""
        known = [finding for finding in self.findings if finding.measured is not None]
        if not known:
            return "no figure"
        worst = max(known, key=lambda finding: finding.off / finding.plant.tolerance)
        if worst.off <= ROUNDING:
            return "exact"
        plant = worst.plant
        return f"{shown(worst.off, plant.unit)} off, tolerance {plant.leeway}: {plant.where}"


def tallies(found: Sequence[Finding]) -> list[Tally]:
    """The groups, in the order of their first plant."""
    groups = dict.fromkeys(finding.plant.group for finding in found)
    return [Tally(group, tuple(finding for finding in found if finding.plant.group == group)) for group in groups]


def write(path: Path, found: Sequence[Finding]) -> None:
    """Write every plant as a line of a CSV file, with the numbers as they are.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for finding in found:
            plant = finding.plant
            numbers = (plant.planted, finding.measured, plant.tolerance)
            lines.writerow(
                [finding.state, plant.group, plant.route, plant.what, plant.where, plant.unit, *numbers, finding.note]
            )
