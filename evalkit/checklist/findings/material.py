"""What a checklist reads of a run, and how what was found out about a criterion is told."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from evalkit.checklist import Finding
from evalkit.checklist.needs import Needs
from evalkit.reports import faulted
from evalkit.reports.headline import Headline, headline
from evalkit.types import Difference, Evidence, Route, Score, SummaryRow
from evalkit.verdicts import Verdict

FAULTS = "faults.csv"
SAY = "say so in needs.toml"
ADD = "add clips"
"""What would bring a figure begins so when the corpus cannot show it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out about a criterion."""

    finding: Finding
    clips: int = 0
    clusters: int = 0
    evidence: Evidence | None = None
    """None: said by a person or a document, not measured."""
    date: str = ""
    why: str = ""
    """Why there is no figure, or what must be known about it."""
    few: str = ""
    """Why what was measured is too little for a verdict, whatever the minimum says."""
    todo: str = ""
    """The command, or the deed, that would bring the figure."""
    capped: bool = False
    """Whether something forbids more than a warning."""
    barred: bool = False
    """Whether something forbids it whatever the figure says."""
    more: int | None = None
    """Further clips needed, where that is known already."""
    margin: float | None = None
    """Of a comparison: how much worse is still as good, fixed before the run."""
    detectable: float | None = None
    """The smallest difference it could have shown, where that is known already."""


@dataclass(frozen=True)
class Material:
    """Everything a checklist reads of a run."""

    folder: Path
    manifest: Mapping[str, Any]
    scores: Sequence[Score]
    summary: Sequence[SummaryRow]
    differences: Sequence[Difference]
    needs: Needs

    @cached_property
    def head(self) -> Headline:
        return headline(self.manifest, self.scores, self.summary, self.differences)

    @cached_property
    def candidate(self) -> str:
        return str(self.manifest["candidate"])

    @cached_property
    def entry(self) -> Mapping[str, Any]:
        """The candidate's part of the manifest."""
        found: Mapping[str, Any] = self.manifest["providers"][self.candidate]
        return found

    @cached_property
    def evidence(self) -> Evidence:
        found: Evidence = self.entry["evidence"]
        return found

    @cached_property
    def date(self) -> str:
        """The day the first answer was recorded; what a replay tells is as old as its recording."""
        days = str(self.entry.get("replay", {}).get("recorded_at") or "")[:10], str(self.manifest["created_at"])[:10]
        return min(filter(None, days))

    @cached_property
    def trials(self) -> list[Verdict]:
        """The trials of faults beside the run; none when none were held.

        Raises:
            StoreError: faults.csv is no such table.
        """
        path = self.folder / FAULTS
        return faulted.read_verdicts(path) if path.is_file() else []

    @cached_property
    def trials_date(self) -> str:
        stamp = (self.folder / FAULTS).stat().st_mtime
        return datetime.datetime.fromtimestamp(stamp, datetime.UTC).date().isoformat()

    def config(self, route: Route | None) -> str:
        """Twelve hexadecimal digits of everything that was sent and of the yardstick; other digits, other figures."""
        settings = self.entry["settings"]
        told = {
            "provider": self.entry.get("provider", self.candidate),
            "settings": settings if route is None else settings.get(route, {}),
            "sample_rate_hz": self.manifest.get("sample_rate_hz"),
            "scoring": self.manifest.get("scoring"),
            "evalkit": self.manifest.get("evalkit"),
        }
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def mine(self, route: Route) -> list[Score]:
        """The candidate's scores over a route."""
        return [score for score in self.scores if (score.provider, score.route) == (self.candidate, route)]

    def row(self, route: Route, metric: str) -> SummaryRow | None:
        return self.head.row(self.candidate, route, metric)


def measured(found: Finding, material: Material, clips: int = 0, clusters: int = 0) -> Seen:
    """What was measured in the run itself."""
    return Seen(found, clips, clusters, material.evidence, material.date)


def lacking(why: str, todo: str) -> Seen:
    """Nothing: why, and what would bring it."""
    return Seen(Finding(None), why=why, todo=todo)


def run_over(route: Route) -> str:
    """The command that would bring what is missing of a route."""
    return f"evalkit run --routes {route}"


def faults(material: Material) -> str:
    """The command that tries what can go wrong."""
    return f"evalkit faults --run {material.folder.name}"
