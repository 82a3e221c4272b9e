"""What a run was thought to cost, held against what the vendor's invoice says."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from evalkit.errors import SettingsError
from evalkit.scoring import cost
from evalkit.types import Score

# A comma parts thousands and nothing else: "0,52" may be 52 cents, and is nobody's 52 dollars.
_AMOUNT = re.compile(
    r"(-?\$?|\$-)((?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
)
MOST_USD = Decimal("1e12")
_UNNAMED = "cells without a heading"


@dataclass(frozen=True, slots=True)
class Line:
    """What was billed for a provider, over one route or (``route`` empty) over all."""

    provider: str
    route: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """An invoice line beside the sum of what its clips were reckoned at; or what a run paid and no line names."""

    provider: str
    route: str
    clips: int
    estimate_usd: float | None
    """None when no price is known for some of the clips."""
    invoice_usd: float | None
    """None when no line of the invoice is about it."""
    reserved_usd: float | None = None
    """What all attempts could cost at most, the ones cut short by a crash included; None when nothing was reserved."""

    @property
    def error(self) -> float | None:
        """How far the estimate was off, as a share of the invoice."""
        if self.estimate_usd is None or self.invoice_usd is None:
            return None
        return cost.estimate_error(self.estimate_usd, self.invoice_usd)


def read(path: Path) -> list[Line]:
    """The lines of an invoice: a CSV file with the columns ``provider``, ``usd`` and, where they differ, ``route``.

    Lines of one provider and route add up.

    Raises:
        SettingsError: the file cannot be read, lacks a column, holds no line, an amount that is no number or more than
            anybody pays, or credits that are more than was billed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows: csv.DictReader[str] = csv.DictReader(file, restkey=_UNNAMED)
            if lacking := {"provider", "usd"} - set(rows.fieldnames or ()):
                raise SettingsError(
                    f"{path}: lacks the column {min(lacking)}; it needs provider, usd and perhaps route"
                )
            sums: dict[tuple[str, str], Decimal] = {}
            for number, row in enumerate(rows, start=2):
                key = ((row["provider"] or "").strip(), (row.get("route") or "").strip())
                if any(row.pop(_UNNAMED, None) or ()):
                    raise SettingsError(
                        f"{path}:{number}: more cells than headings; put an amount with a comma into quotes"
                    )
                sums[key] = sums.get(key, Decimal(0)) + _amount(row["usd"], f"{path}:{number}")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not sums:
        raise SettingsError(f"{path}: holds no line; write what was billed, one line for each provider and route")
    for (provider, route), usd in sums.items():
        if usd < 0:
            raise SettingsError(
                f"{path}: {f'{provider} {route}'.strip()} comes to ${usd:,.2f}; leave out credits that were not "
                "earned by this run"
            )
    return [Line(provider, route, usd) for (provider, route), usd in sums.items()]


def reconcile(
    scores: Iterable[Score], invoice: Sequence[Line], reserved: Mapping[tuple[str, str], Decimal] | None = None
) -> list[Reconciliation]:
    """Each line of an invoice beside what the run reckoned for the same provider and route.

    Args:
        scores: of the run.
        invoice: as ``read`` gives it.
        reserved: (provider, route) -> what its attempts cost at most, as ``Store.reserved`` tells it.

    Raises:
        SettingsError: the invoice names what the run did not ask.
    """
    scored, kept = list(scores), reserved or {}
    there = _systems(scored, kept)
    for line in invoice:
        if not any(_covers(line, system) for system in there):
            name = f"{line.provider} {line.route}".strip()
            raise SettingsError.unknown("line of the invoice:", name, map(" ".join, there))
    return [_reckoned(line.provider, line.route, scored, kept, float(line.usd)) for line in invoice]


def unbilled(
    scores: Iterable[Score], invoice: Sequence[Line], reserved: Mapping[tuple[str, str], Decimal] | None = None
) -> list[Reconciliation]:
    """What a run paid, be the price known or not, and no line of an invoice names; arguments as of ``reconcile``."""
    scored, kept = list(scores), reserved or {}
    missing = [system for system in _systems(scored, kept) if not any(_covers(line, system) for line in invoice)]
    found = [_reckoned(*system, scored, kept, None) for system in missing]
    return [one for one in found if one.estimate_usd != 0 or one.reserved_usd]


def _systems(scores: Sequence[Score], reserved: Mapping[tuple[str, str], Decimal]) -> list[tuple[str, str]]:
    """(provider, route) of all that was asked; a crash can leave one of which only the reservation is known."""
    return sorted({(score.provider, str(score.route)) for score in scores} | set(reserved))


def _covers(line: Line, system: tuple[str, str]) -> bool:
    return line.provider == system[0] and line.route in ("", system[1])


def _reckoned(
    provider: str,
    route: str,
    scores: Sequence[Score],
    reserved: Mapping[tuple[str, str], Decimal],
    invoice_usd: float | None,
) -> Reconciliation:
    of = Line(provider, route, Decimal(0))
    known = [score.counts.get("cost.usd") for score in scores if _covers(of, (score.provider, score.route))]
    priced = [usd for usd in known if usd is not None]
    kept = [usd for system, usd in reserved.items() if _covers(of, system)]
    return Reconciliation(
        provider,
        route,
        clips=len(known),
        estimate_usd=sum(priced) if len(priced) == len(known) else None,
        invoice_usd=invoice_usd,
        reserved_usd=float(sum(kept)) if kept else None,
    )


def _amount(text: str | None, where: str) -> Decimal:
    told = _AMOUNT.fullmatch((text or "").strip())
    if told is None:
        hint = "; write cents after a point" if "," in (text or "") else ""
        raise SettingsError(f"{where}: usd must be a number of dollars, not {text!r}{hint}")
    sign, digits, exponent = told.groups("")
    amount = Decimal(sign.replace("$", "") + digits.replace(",", "") + exponent)
    if not -MOST_USD < amount < MOST_USD:
        raise SettingsError(f"{where}: {text!r} is more dollars than anybody pays; correct the line")
    return amount
