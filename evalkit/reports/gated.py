"""What a gate found, for whoever reviews a change: a job summary, annotations, JSON, and lines for a terminal."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from evalkit.gate import Finding, Outcome

MARKS = {
    "regressed": "❌",
    "unjudged": "❔",
    "warned": "⚠️",
    "improved": "✅",
    "passed": "✅",
    "skipped": "➖",
}
TITLES = {
    "regressed": "Worse than the baseline",
    "unjudged": "Cannot be judged",
    "warned": "To look at",
    "improved": "Better than the baseline",
}
MOST_ROWS = 50
MOST_ANNOTATIONS = 10
"""GitHub shows no more of one kind for a step."""
_COMMANDS = {"regressed": "error", "unjudged": "error", "warned": "warning", "improved": "notice"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#])")


def markdown(outcome: Outcome) -> str:
    """A job summary: the outcome, then what is worse, not to be judged, to look at and better, with commands."""
    mark = {0: "✅", 1: "❌", 2: "❔"}[outcome.status]
    lines = [f"## {mark} evalkit gate: {outcome.word}", "", _escaped(outcome.lede), ""]
    for state, title in TITLES.items():
        found = outcome.having(state)  # type: ignore[arg-type]
        if not found:
            continue
        lines += [f"### {title}", "", "| | system | what | before | now |", "| --- | --- | --- | --- | --- |"]
        for one in found[:MOST_ROWS]:
            cells = (one.system or "the run", one.what, one.before, one.now)
            lines.append(f"| {MARKS[state]} | {' | '.join(map(_escaped, cells))} |")
        if len(found) > MOST_ROWS:
            lines += ["", f"and {len(found) - MOST_ROWS} more; the JUnit file has them all"]
        lines += ["", *(f"* {_escaped(one.sentence)}" for one in found[:MOST_ROWS]), ""]
        for remedy in dict.fromkeys(one.remedy for one in found if one.remedy):
            lines += [f"{_advice(remedy)}:", "", "```sh", remedy, "```", ""]
    passed = len(outcome.having("passed"))
    skipped = len(outcome.having("skipped"))
    lines.append(f"{passed} figures are as good as before; {skipped} had too few data before and now.")
    if outcome.status:
        lines += ["", "`evalkit metrics ID` says what a figure means."]
    return "\n".join(lines) + "\n"


def _advice(remedy: str) -> str:
    return "If that is meant" if " accept " in remedy else "What to do"


def annotations(outcome: Outcome) -> Iterator[str]:
    """Workflow commands (``::error title=...::...``), the worst first, no more of a kind than are shown."""
    for state, command in _COMMANDS.items():
        for one in outcome.having(state)[:MOST_ANNOTATIONS]:  # type: ignore[arg-type]
            title = _property(f"evalkit gate: {one.what}")
            yield f"::{command} title={title}::{_message(told(one))}"


def told(one: Finding) -> str:
    """A finding in one sentence, with its command."""
    return f"{one.sentence}; {_advice(one.remedy).lower()}: {one.remedy}" if one.remedy else one.sentence


def record(outcome: Outcome) -> dict[str, Any]:
    """All of it as JSON."""
    return {
        "format": 1,
        "run": outcome.run,
        "baseline": outcome.baseline,
        "status": outcome.status,
        "outcome": outcome.word,
        "findings": [asdict(one) for one in outcome.findings],
    }


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
