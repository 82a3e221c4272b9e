"""When both sides are one service that was asked twice: how far it differs from itself, the noise under everything."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.headline import ROUTE_WORDS
from evalkit.reports.units import shown
from evalkit.scoring.repeats import Disagreement, repeated, same_service
from evalkit.types import Route, Score


def disagreement(
    manifest: Mapping[str, Any], scores: Sequence[Score], candidate: str, incumbent: str
) -> dict[Route, Disagreement]:
    """How far the answers differ, for each route over which both sides are the same service with the same settings.

    Args:
        manifest: of both sides.
        scores: their rows.
        candidate: name of the first side.
        incumbent: name of the other; empty when there is none.
    """
    new, old = (manifest["providers"].get(name, {}) for name in (candidate, incumbent))
    sides = [[score for score in scores if score.provider == name] for name in (candidate, incumbent)]
    return {route: found for route, found in repeated(sides).items() if same_service(new, old, route)}


def notes(manifest: Mapping[str, Any], scores: Sequence[Score], candidate: str, incumbent: str) -> list[str]:
    """The same in a sentence per route; none when the two are not one service."""
    found = disagreement(manifest, scores, candidate, incumbent)
    return [
        f"The same service with the same settings was asked twice: {ROUTE_WORDS[route]} answers differ "
        f"in {shown(one.rate, 'rate')} of words, and {one.identical} of {one.pairs} are the same to the letter. "
        "No smaller difference between services means anything."
        for route, one in found.items()
        if one.rate is not None
    ]
