"""What the figures must not be used for, said wherever they are shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.units import listed
from evalkit.types import Difference, Evidence, Score


def caveat(scores: Sequence[Score], manifest: Mapping[str, Any]) -> str:
    """What the numbers must not be used for; empty when every score is live."""
    kinds = {score.evidence for score in scores}
    kinds |= {provider.get("evidence", "live") for provider in _providers(manifest)}
    parts = []
    if missing := unsent(scores, manifest):
        # The command last given may have asked for less than the run was to hold.
        parts.append(
            f"Incomplete: {len(scores)} of {len(scores) + missing} answers; missing are {_missing(scores, manifest)}. "
            f"A command that asks for these with --run {manifest.get('run', 'NAME')} goes on from here."
        )
    if "simulated" in kinds:
        parts.append(
            f"Simulated evidence: {_who(scores, 'simulated')} answered over loopback on this machine. These numbers "
            "describe what runs here; they say nothing about xAI or any other service."
        )
    if "recorded" in kinds:
        parts.append(f"Recorded evidence: {_who(scores, 'recorded')} was replayed, not asked anew.")
    parts += filter(None, [_hurried(scores), _unequal(manifest)])
    parts += dict.fromkeys(filter(None, (provider.get("caution") for provider in _providers(manifest))))
    return " ".join(parts)


def _hurried(scores: Sequence[Score]) -> str:
    """Whose audio was sent faster or slower than it can be spoken: such delays mean nothing."""
    speeds = {score.pacing.speed for score in scores if score.pacing is not None and score.pacing.speed != 1}
    names = {score.provider for score in scores if score.pacing is not None and score.pacing.speed != 1}
    times = listed([f"{speed:g}" for speed in sorted(speeds)])
    told = f"Not for latency: audio was sent at {times} times the speed of speech to {listed(sorted(names))}"
    return f"{told}; words may be used, delays of streaming may not." if speeds else ""


def unsent(scores: Sequence[Score], manifest: Mapping[str, Any]) -> int:
    """How many of the planned answers were never asked for."""
    planned = sum(len(provider.get("settings", ())) for provider in _providers(manifest))
    clips = int(manifest.get("corpus", {}).get("clips", 0))
    return max(0, planned * clips - len(scores))


def _missing(scores: Sequence[Score], manifest: Mapping[str, Any]) -> str:
    """Of which systems answers are missing, and how many."""
    clips, there = int(manifest["corpus"]["clips"]), Counter((score.provider, score.route) for score in scores)
    left = {
        (name, route): clips - there[name, route]
        for name, provider in manifest["providers"].items()
        for route in provider.get("settings", ())
    }
    return listed([f"{number} of {name} over {route}" for (name, route), number in left.items() if number > 0])


def asked_differently(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Provider -> options that one of its routes was given and another was given otherwise."""
    found = {}
    for name, provider in manifest.get("providers", {}).items():
        first, *others = provider.get("settings", {}).values() or ({},)
        options = sorted(key for key in first for other in others if key in other and other[key] != first[key])
        if options:
            found[name] = options
    return found


def incomparable(row: Difference, manifest: Mapping[str, Any]) -> str:
    """Why a difference of delays or prices decides nothing; empty when it may.

    Args:
        row: a paired difference.
        manifest: what ``run.json`` holds; settings and prices are used.
    """
    if not row.metric.startswith(("lat.", "cost.")):
        return ""
    if row.question == "streaming_vs_rest" and (options := asked_differently(manifest).get(row.provider)):
        return f"the routes were asked for different things: {', '.join(options)}"
    bases = {(price["provider"], price["route"]): price["basis"] for price in manifest.get("prices", ())}
    sides = [bases.get((row.provider, row.route)), bases.get((row.against_provider, row.against_route))]
    if row.metric.startswith("cost.") and None not in sides and sides[0] != sides[1]:
        return f"priced by different things: {sides[0]} and {sides[1]}"
    return ""


def _unequal(manifest: Mapping[str, Any]) -> str:
    """What one route was asked for and another was not: delays and prices of the two then differ for that reason."""
    found = [f"{name} ({', '.join(options)})" for name, options in asked_differently(manifest).items()]
    asked = "The routes were asked for different things"
    return f"{asked}: {listed(found)}; compare words across them, not delays or prices." if found else ""


def _providers(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return list(manifest.get("providers", {}).values())


def _who(scores: Sequence[Score], evidence: Evidence) -> str:
    names = sorted({score.provider for score in scores if score.evidence == evidence})
    return listed(names) or "a provider"
