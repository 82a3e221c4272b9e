"""The figures that a run wrote, read from its files and from nothing else."""

import csv
import functools
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalkit.types import Route

Place = Literal["value", "numerator", "scores", "page"]
"""Two columns of summary.csv; the lone value in a column of scores.csv; a cell of report.html."""

_CELL = re.compile(r'<td class="num(?: none"|" title="[^"]*")>(?:<span class="value">)?([^<]*)')
_HEADING = re.compile(r'<th scope="col" class="num">([^<]*)</th>')
_ROUTES = {"rest": "REST", "streaming": "streaming", "agent": "agent"}
_MOST_CHARS = 2**30
"""Of a cell: one holds a value for every word of a clip."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a run wrote, and where it stands."""

    run: str
    provider: str
    route: Route
    metric: str
    slice: str = "all"
    place: Place = "value"


class Written:
    """The files of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def number(self, figure: Figure) -> float | None:
        """The figure, or None when it is not there or empty."""
        if figure.place == "scores":
            return _number(self._lone(figure))
        if figure.place == "page":
            return _percent(self._shown(figure))
        row = self._summary.get((figure.provider, figure.route, figure.slice, figure.metric), {})
        return _number(row.get(figure.place, ""))

    @property
    def late_s(self) -> float:
        """By how much the run's own frames were late at most, or its event loop stood still."""
        names = ("pacing.late_max_s", "pacing.stall_max_s")
        return max((float(row[name]) for row in self._scores for name in names if row.get(name)), default=0.0)

    def _lone(self, figure: Figure) -> str:
        """The cell of the only clip that has one."""
        found = [
            cell
            for row in self._scores
            if (row["provider"], row["route"]) == (figure.provider, figure.route)
            and figure.slice in ("all", f"plant={row.get('tag.plant')}")
            and (cell := row.get(f"{figure.metric}[]"))
        ]
        return found[0] if len(found) == 1 else ""

    def _shown(self, figure: Figure) -> str:
        """What the table of every figure shows under a system."""
        _, _, section = self._page.partition('<section id="everything"')
        systems = [html.unescape(name) for name in _HEADING.findall(section.partition("</thead>")[0])]
        row = section.partition(f'<a href="#def-{figure.metric}">')[2].partition("</tr>")[0]
        cells: dict[str, str] = dict(zip(systems, _CELL.findall(row), strict=False))
        return cells.get(f"{figure.provider} {_ROUTES[figure.route]}", "")

    @functools.cached_property
    def _summary(self) -> Mapping[tuple[str, str, str, str], Mapping[str, str]]:
        rows = _rows(self._folder / "summary.csv")
        return {(row["provider"], row["route"], row["slice"], row["metric"]): row for row in rows}

    @functools.cached_property
    def _scores(self) -> list[dict[str, str]]:
        return _rows(self._folder / "scores.csv")

    @functools.cached_property
    def _page(self) -> str:
        return (self._folder / "report.html").read_text(encoding="utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(_MOST_CHARS)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _percent(text: str) -> float | None:
    return float(text.removesuffix(" %")) / 100 if text.endswith(" %") else None
