"""What a gate looks at and what it says: two sides, and one finding for every thing it held against the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.gate.fingerprints import Fingerprint, Key, Models, System
from evalkit.reports import units
from evalkit.types import Metric, Score

State = Literal["passed", "improved", "warned", "skipped", "regressed", "unjudged"]

PASS, REGRESSION, CANNOT_JUDGE = 0, 1, 2
STATUS_WORDS = {PASS: "pass", REGRESSION: "regression", CANNOT_JUDGE: "cannot judge"}


@dataclass(frozen=True)
class Side:
    """A run, or a baseline, as a gate needs it."""

    name: str
    """What a command calls it."""
    manifest: Mapping[str, Any]
    scores: Sequence[Score]
    fingerprints: Mapping[Key, Fingerprint] = field(default_factory=dict)
    """Empty when its traces are not there."""
    models: Mapping[System, Models] = field(default_factory=dict)
    disagreement: Mapping[System, float] = field(default_factory=dict)
    """How far two answers of a system to the same audio differ, where that is known."""
    recorded: bool = False
    """Whether a baseline keeps the recording too, to be scored on every push."""

    def of(self, system: System) -> dict[str, Score]:
        """The scores of one system by clip."""
        return {row.clip_id: row for row in self.scores if (row.provider, row.route) == system}

    @property
    def unscored(self) -> list[Key]:
        """Answers that were recorded after it was scored."""
        return sorted(self.fingerprints.keys() - {(row.clip_id, row.provider, row.route) for row in self.scores})

    @property
    def systems(self) -> list[System]:
        return list(dict.fromkeys((row.provider, row.route) for row in self.scores))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was held against the baseline, and what came of it."""

    state: State
    check: str
    """Of what kind: ``comparable``, ``metrics``, ``equality``, ``margin``, ``factor`` or ``guard``."""
    what: str
    """A metric id, or the name of what must be the same."""
    sentence: str
    """All a reviewer needs to know."""
    provider: str = ""
    route: str = ""
    before: str = ""
    now: str = ""
    remedy: str = ""
    """The command that accepts or mends it."""

    @property
    def system(self) -> str:
        """``provider over route``; empty for what concerns the whole run."""
        return f"{self.provider} over {self.route}" if self.provider else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gate says of a run."""

    run: str
    baseline: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> int:
        """The exit status: a regression that was found stays one, whatever else could not be judged."""
        if self.having("regressed"):
            return REGRESSION
        return CANNOT_JUDGE if self.having("unjudged") or not self.having("passed", "improved") else PASS

    @property
    def word(self) -> str:
        return STATUS_WORDS[self.status]

    def having(self, *states: State) -> list[Finding]:
        """The findings in one of these states, in order."""
        return [found for found in self.findings if found.state in states]

    @property
    def lede(self) -> str:
        """The outcome in one sentence."""
        names = {
            "regressed": "worse",
            "unjudged": "not to be judged",
            "warned": "to look at",
            "improved": "better",
            "passed": "as good",
            "skipped": "with too few data before and now",
        }
        counted = [f"{len(found)} {name}" for state, name in names.items() if (found := self.having(state))]  # type: ignore[arg-type]
        return f"{self.word}: {self.run} against baseline {self.baseline}: {', '.join(counted) or 'nothing to compare'}"


def shown(metric: Metric, value: float | None) -> str:
    """A figure as a sentence tells it: rates finer than in a table, for what differs may be small."""
    if value is not None and metric.unit == "rate":
        return f"{100 * value:.2f} %".replace("-", units.MINUS)
    return units.shown(value, metric.unit)


def few(names: Sequence[str], most: int = 3) -> str:
    """The first of many names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def points(rate: float) -> str:
    """A difference of rates in percentage points."""
    return f"{100 * rate:.2f}".replace("-", units.MINUS)
