"""What the figures must not be used for, said wherever they are shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.units import listed
from evalkit.types import Evidence, Score


def caveat(scores: Sequence[Score], manifest: Mapping[str, Any]) -> str:
    """What the numbers must not be used for; empty when every score is live."""
    kinds = {score.evidence for score in scores}
    kinds |= {provider.get("evidence", "live") for provider in _providers(manifest)}
    parts = []
    if missing := unsent(scores, manifest):
        parts.append(
            f"Incomplete: {len(scores)} of {len(scores) + missing} answers; the command of this run goes on from here."
        )
    if "simulated" in kinds:
        parts.append(
            f"Simulated evidence: {_who(scores, 'simulated')} answered over loopback on this machine. These numbers "
            "describe what runs here; they say nothing about xAI or any other service."
        )
    if "recorded" in kinds:
        parts.append(f"Recorded evidence: {_who(scores, 'recorded')} was replayed, not asked anew.")
    parts += filter(None, [_unequal(manifest)])
    parts += dict.fromkeys(filter(None, (provider.get("caution") for provider in _providers(manifest))))
    return " ".join(parts)


def unsent(scores: Sequence[Score], manifest: Mapping[str, Any]) -> int:
    """How many of the planned answers were never asked for."""
    planned = sum(len(provider.get("settings", ())) for provider in _providers(manifest))
    clips = int(manifest.get("corpus", {}).get("clips", 0))
    return max(0, planned * clips - len(scores))


def _unequal(manifest: Mapping[str, Any]) -> str:
    """What one route was asked for and another was not: delays and prices of the two then differ for that reason."""
    found = []
    for name, provider in manifest.get("providers", {}).items():
        first, *others = provider.get("settings", {}).values() or ({},)
        options = sorted(key for key in first for other in others if key in other and other[key] != first[key])
        if options:
            found.append(f"{name} ({', '.join(options)})")
    asked = "The routes were asked for different things"
    return f"{asked}: {listed(found)}; compare words across them, not delays or prices." if found else ""


def _providers(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return list(manifest.get("providers", {}).values())


def _who(scores: Sequence[Score], evidence: Evidence) -> str:
    names = sorted({score.provider for score in scores if score.evidence == evidence})
    return listed(names) or "a provider"
