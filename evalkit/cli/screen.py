"""Where the verbs of the command line write, and how amounts and times look there."""

from collections.abc import Iterator
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import render
from rich.table import Table

from evalkit.limits import Limits

RESULTS = Path("results")
out = Console()
errors = Console(stderr=True)


def folder(run: Path) -> Path:
    """A run named plainly is one under results/."""
    return run if run.is_dir() or len(run.parts) > 1 else RESULTS / run


GAP = 2
LEAST_WRAPPED = 24
"""Characters below which the last column is not worth wrapping."""


class Listing:
    """Columns of which only the last may wrap; where they do not fit side by side, each cell has a line of its own."""

    def __init__(self, headings: tuple[str, ...]) -> None:
        self._headings = headings
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row of cells in rich's markup."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        # rich would cut what has no room, and half a figure is a wrong one.
        yield self._side_by_side() if self._narrowest() <= options.max_width else self._stacked()

    def _narrowest(self) -> int:
        """Characters that the columns need side by side."""
        columns = zip(self._headings, *self._rows, strict=True)
        whole = [max(cell_len(line) for cell in column for line in str(render(cell)).split("\n")) for column in columns]
        return sum(whole[:-1]) + GAP * len(whole) + min(whole[-1], LEAST_WRAPPED)

    def _side_by_side(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        for place, heading in enumerate(self._headings, start=1):
            table.add_column(heading, no_wrap=place < len(self._headings), overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        return table

    def _stacked(self) -> Table:
        table = Table.grid(padding=(0, GAP, 0, 0))
        table.add_column(style="dim", overflow="fold")
        table.add_column(overflow="fold")
        for row in self._rows:
            for heading, cell in zip(self._headings, row, strict=True):
                if cell:
                    table.add_row(heading, cell)
            table.add_row("", "")
        return table


def table(*headings: str) -> Listing:
    """A table of these columns."""
    return Listing(headings)


def usd(amount: float | None) -> str:
    """Dollars, to a hundredth of a cent below one."""
    if not amount:
        return "unknown" if amount is None else "$0"
    return f"${amount:.4f}" if amount < 1 else f"${amount:,.2f}"


def span(seconds: float) -> str:
    """A length of time in its natural unit."""
    return (
        f"{seconds / 3600:.1f} h"
        if seconds >= 5400
        else f"{seconds / 60:.1f} min"
        if seconds >= 90
        else f"{seconds:.0f} s"
    )


def allowance(known: Limits) -> str:
    """What a service allows, with where and when that was read."""
    words = {
        "requests_per_s": "starts a second",
        "requests_per_min": "a minute",
        "sessions": "sessions at once",
        "upload_mb": "MB a file",
    }
    return "; ".join(
        f"{', '.join(f'{value:g} {words[name]}' for name, value in values.items())} ({origin})"
        for origin, values in known.told.items()
    )
