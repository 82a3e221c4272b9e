"""Where the verbs of the command line write, and how amounts and times look there."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from evalkit.limits import Limits

RESULTS = Path("results")
out = Console()
errors = Console(stderr=True)


def folder(run: Path) -> Path:
    """A run named plainly is one under results/."""
    return run if run.is_dir() or len(run.parts) > 1 else RESULTS / run


def table(*headings: str) -> Table:
    """Columns of which only the last may wrap."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1])
    return table


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
    parts = (
        (known.requests_per_s, "starts a second"),
        (known.requests_per_min, "a minute"),
        (known.sessions, "sessions at once"),
        (known.upload_mb, "MB a file"),
    )
    told = ", ".join(f"{value:g} {what}" for value, what in parts if value is not None)
    return f"{told} ({known.source}, {known.date})"
