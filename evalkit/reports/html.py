"""One self-contained HTML file that answers first and explains below.

The file asks the network for nothing, and its content security policy forbids it to. Everything that came from a
service or a user is escaped: by the template, or as JSON that the page's script only ever puts into text nodes.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from evalkit.checklist.answers import Checked
from evalkit.reports import aligned, checked, drawing, method, plots, sections, switch, worsened
from evalkit.reports.headline import ROUTE_WORDS, Headline, headline
from evalkit.reports.lines import AGENT, RELIABILITY
from evalkit.reports.tables import write_whole
from evalkit.reports.units import fine, number, shown
from evalkit.stats.slices import TIMES, UNKNOWN
from evalkit.types import Difference, Pacing, Score, SummaryRow

PAGE = files("evalkit.reports") / "page"


def write(
    path: Path,
    *,
    manifest: Mapping[str, Any],
    scores: Sequence[Score],
    summary: Sequence[SummaryRow],
    differences: Sequence[Difference],
    checks: Checked | None = None,
    corrected: str = "",
    faults: str = "",
) -> None:
    """Write the report of a run as one file.

    Raises:
        StoreError: the file cannot be written.
    """
    text = page(
        manifest=manifest,
        scores=scores,
        summary=summary,
        differences=differences,
        checks=checks,
        corrected=corrected,
        faults=faults,
    )
    write_whole(path, text)


def page(
    *,
    manifest: Mapping[str, Any],
    scores: Sequence[Score],
    summary: Sequence[SummaryRow],
    differences: Sequence[Difference],
    checks: Checked | None = None,
    corrected: str = "",
    faults: str = "",
) -> str:
    """The report as a string; ``corrected`` and ``faults`` are sections of it, ready made."""
    head = headline(manifest, scores, summary, differences)
    script = PAGE.joinpath("script.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    worse = worsened.measured(head, scores, manifest)
    drawn = plots.plots(head, scores, summary, worse)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False)
    environment.filters |= {"nowrap": _nowrap, "plain": sections.plain}
    template = environment.from_string(PAGE.joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        manifest={"providers": {}, "prices": [], "run": "", "evalkit": "", "command": "", **manifest},
        head=head,
        what=sections.what(manifest),
        answer=sections.answer(head),
        comparison=sections.comparison(head),
        routes=sections.routes(head),
        plots=[{"name": p.name, "title": p.title, "caption": p.caption, "svg": drawing.svg(p)} for p in drawn],
        checklist=checked.section(checks),
        corrected=corrected,
        faults=faults,
        decisions=switch.decisions(head, summary),
        slices=sections.slices(head, summary),
        worsened=worsened.table(head, worse),
        reliability=sections.topic(head, RELIABILITY),
        agent=sections.topic(head, AGENT, [system for system in head.systems if system.route == "agent"]),
        settings=method.settings(manifest),
        spoilt=method.spoilt(head),
        intervals=method.intervals([*summary, *differences]),
        stalls=any(own.stall_max_s is not None or own.blocked_s is not None for own in head.punctuality),
        times=sections.times(head, scores, summary),
        everything=sections.everything(head),
        definitions=sections.definitions(summary),
        made=sections.made(manifest),
        data=_json(_rows(head, scores)),
        style=PAGE.joinpath("style.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=f"sha256-{digest}",
        route_words=ROUTE_WORDS,
        max_late_s=Pacing.MAX_LATE_S,
        max_drift_s=Pacing.MAX_DRIFT_S,
        shown=shown,
        number=number,
        fine=fine,
    )


def _rows(head: Headline, scores: Sequence[Score]) -> dict[str, Any]:
    """The clips as the page's script wants them, worst first."""
    places = {(system.provider, system.route): place for place, system in enumerate(head.systems)}
    pairs = {pair for score in scores for pair in score.slices.items()}
    keys = {key for key, number in Counter(key for key, _ in pairs).items() if number > 1 and key != TIMES}
    rows = [_row(score, places[score.provider, score.route], keys) for score in scores]
    slices = sorted({name for row in rows for name in row["slices"]})
    return {
        "systems": [system.name for system in head.systems],
        "slices": slices,
        "rows": sorted(rows, key=lambda row: -row["errors"]),
    }


def _row(score: Score, system: int, keys: Set[str]) -> dict[str, Any]:
    """One clip of one system, with its values of the slices in ``keys``."""
    errors = aligned.errors(score)
    return {
        "clip": score.clip_id,
        "system": system,
        "errors": errors.errors,
        "words": errors.reference_words,
        "kinds": [errors.substitutions, errors.deletions, errors.insertions],
        "audio_s": round(score.audio_s, 2),
        "failure": score.failure,
        "slices": [f"{key}={score.slices.get(key, UNKNOWN)}" for key in sorted(keys)],
        "steps": _compact(aligned.steps(score)),
        "reference": score.reference,
        "hypothesis": score.hypothesis,
    }


def _compact(steps: Iterable[aligned.Step]) -> list[Any]:
    """Runs of hits as one string, every error as a short list."""
    found: list[Any] = []
    for step in steps:
        if step.kind != "hit":
            found.append([step.kind[0], step.reference, step.hypothesis])
        elif found and isinstance(found[-1], str):
            found[-1] += " " + step.reference
        else:
            found.append(step.reference)
    return found


def _json(value: Any) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _nowrap(sentence: str) -> str:
    """A sentence, escaped, whose numbers keep to their units and whose hyphenated names stay in one line."""
    text = re.sub(r"(\d) (%|ms|s|points|clips|clusters|min|/min)(?!\w)", "\\1\u00a0\\2", escape(sentence))
    return re.sub(r"\w+(?:-\w+)+", r'<span class="nb">\g<0></span>', text)
