"""How a run was measured: settings sent, what was allowed, clips our own pacing spoilt, and how intervals were made."""

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.limits import Limits
from evalkit.reports.headline import ROUTE_WORDS, Headline
from evalkit.reports.punctuality import Punctuality
from evalkit.reports.units import UNDEFINED, shown
from evalkit.stats.intervals import METHODS
from evalkit.types import Difference, SummaryRow

_SPOKEN = ("streaming", "agent")
"""Routes over which audio is paced."""


def settings(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row per provider and route: how audio was sent, how many conversations at once, and what was allowed."""
    rows = []
    for name, provider in manifest.get("providers", {}).items():
        for route, sent in provider.get("settings", {}).items():
            rows.append(
                {
                    "system": f"{name} {ROUTE_WORDS.get(route, route)}",
                    "frames": _frames(sent) if route in _SPOKEN else UNDEFINED,
                    "end": _end(sent) if route in _SPOKEN else UNDEFINED,
                    "speed": f"{sent.get('speed', 1.0):g} ×" if route in _SPOKEN else UNDEFINED,
                    "at_once": str(manifest.get("concurrency", {}).get(name, {}).get(route, UNDEFINED)),
                    "allowed": allowed(manifest.get("limits", {}).get(name, {}).get(route, {})),
                }
            )
    return rows


def _frames(sent: Mapping[str, Any]) -> str:
    return f"{sent['frame_ms']:g} ms" if sent.get("frame_ms") else UNDEFINED


def _end(sent: Mapping[str, Any]) -> str:
    """What was sent after the last word of the clip."""
    silence = f"{sent.get('trailing_silence_s', 0.0):g} s of silence"
    words = {"done": "done, no silence", "silence": f"{silence}, then done", "finalize": f"finalize, {silence}, done"}
    return words.get(sent.get("end_mode", ""), str(sent.get("end_mode", UNDEFINED)))


def allowed(limits: Mapping[str, Any]) -> str:
    """The limits a run kept to, with where and when they were read."""
    words = {
        "requests_per_s": "starts a second",
        "requests_per_min": "starts a minute",
        "sessions": "at once",
        "upload_mb": "MB a file",
    }
    told = [
        f"{', '.join(f'{value:g} {words[name]}' for name, value in values.items())}{f' ({origin})' if origin else ''}"
        for origin, values in Limits(**limits).told.items()
    ]
    return "; ".join(told) or "nothing known"


def kept_out(own: Punctuality, *, most: int | None = None) -> str:
    """How many clips our own pacing spoilt, and which.

    Args:
        own: of one system.
        most: name no more clips than this.
    """
    share = f"{own.invalid} of {own.clips} clips ({shown(own.invalid / own.clips, 'rate')})"
    if not own.kept_out:
        return share
    named = own.kept_out[:most]
    rest = own.invalid - len(named)
    return f"{share}: {', '.join(named)}{f' and {rest} more' if rest else ''}"


def intervals(rows: Iterable[SummaryRow | Difference]) -> list[str]:
    """How the intervals of some rows were made, a line per method."""
    used = {row.ci_method for row in rows}
    return [f"{name}: {words}." for name, words in METHODS.items() if name in used]


def spoilt(head: Headline) -> list[str]:
    """One sentence per system with clips that were kept out of the delays, naming them."""
    return [
        f"{own.provider} {ROUTE_WORDS[own.route]}, kept out of the delays: {kept_out(own)}."
        for own in head.punctuality
        if own.kept_out
    ]
