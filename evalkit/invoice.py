"""What a run was thought to cost, held against what the vendor's invoice says."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from evalkit.errors import SettingsError
from evalkit.scoring import cost
from evalkit.types import Score


@dataclass(frozen=True, slots=True)
class Line:
    """What was billed for a provider, over one route or (``route`` empty) over all."""

    provider: str
    route: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """An invoice line beside the sum of what its clips were reckoned at."""

    provider: str
    route: str
    clips: int
    estimate_usd: float | None
    """None when no price is known for some of the clips."""
    invoice_usd: float

    @property
    def error(self) -> float | None:
        """How far the estimate was off, as a share of the invoice."""
        return None if self.estimate_usd is None else cost.estimate_error(self.estimate_usd, self.invoice_usd)


def read(path: Path) -> list[Line]:
    """The lines of an invoice: a CSV file with the columns ``provider``, ``usd`` and, where they differ, ``route``.

    Lines of one provider and route add up.

    Raises:
        SettingsError: the file cannot be read, lacks a column, or holds an amount that is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if lacking := {"provider", "usd"} - set(rows.fieldnames or ()):
                raise SettingsError(
                    f"{path}: lacks the column {min(lacking)}; it needs provider, usd and perhaps route"
                )
            sums: dict[tuple[str, str], Decimal] = {}
            for number, row in enumerate(rows, start=2):
                key = ((row["provider"] or "").strip(), (row.get("route") or "").strip())
                sums[key] = sums.get(key, Decimal(0)) + _amount(row["usd"], f"{path}:{number}")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    return [Line(provider, route, usd) for (provider, route), usd in sums.items()]


def reconcile(scores: Iterable[Score], invoice: Sequence[Line]) -> list[Reconciliation]:
    """Each line of an invoice beside what the run reckoned for the same provider and route.

    Raises:
        SettingsError: the invoice names what the run did not ask.
    """
    scored = list(scores)
    return [_beside(line, scored) for line in invoice]


def _beside(line: Line, scores: Sequence[Score]) -> Reconciliation:
    mine = [score for score in scores if score.provider == line.provider and line.route in ("", score.route)]
    if not mine:
        there = sorted({f"{score.provider} {score.route}" for score in scores})
        raise SettingsError.unknown("line of the invoice:", f"{line.provider} {line.route}".strip(), there)
    known = [score.counts.get("cost.usd") for score in mine]
    priced = [usd for usd in known if usd is not None]
    estimate = sum(priced) if len(priced) == len(known) else None
    return Reconciliation(line.provider, line.route, len(mine), estimate, float(line.usd))


def _amount(text: str | None, where: str) -> Decimal:
    try:
        amount = Decimal((text or "").strip().removeprefix("$").replace(",", ""))
    except InvalidOperation as error:
        raise SettingsError(f"{where}: usd must be a number of dollars, not {text!r}") from error
    if not amount.is_finite():
        raise SettingsError(f"{where}: usd must be a number of dollars, not {text!r}")
    return amount
