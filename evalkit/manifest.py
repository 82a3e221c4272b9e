"""What run.json says: what was asked of whom, with what, on which machine."""

import os
import platform
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evalkit import certificate, scoring
from evalkit.corpora import Corpus
from evalkit.errors import StoreError
from evalkit.plan import Plan
from evalkit.providers import Provider
from evalkit.replay.asking import Replayed
from evalkit.scoring import cost, text
from evalkit.store import Store
from evalkit.types import Evidence
from evalkit.wire import Timeouts, is_loopback

_CONTINUED = {"created_at", "incumbent", "prices", "providers", "routes", "sample_rate_hz", "wall_s"}
"""What a run that goes on keeps of it."""

_LIBRARIES = (
    "jiwer", "pandas", "matplotlib", "httpx", "websockets", "datasets", "pyannote.metrics", "numpy", "scipy",
    "soundfile", "soxr", "moonshine-voice", "pocketsphinx", "starlette", "uvicorn",
)  # fmt: skip


def describe(
    plan: Plan,
    corpus: Corpus,
    name: str,
    command: str,
    replays: Mapping[str, Replayed] = {},
    simulations: Collection[str] = (),
) -> dict[str, Any]:
    """The manifest of a run about to start.

    Args:
        plan: what to run.
        corpus: its clips.
        name: of the run.
        command: that started it.
        replays: provider's name -> what answers there, where that is a replay.
        simulations: names of providers at whose address the embedded server answers.
    """
    described: dict[str, dict[str, Any]] = {}
    prices: list[tuple[str, cost.Price | None]] = []
    widths: dict[str, dict[str, int]] = {}
    limits: dict[str, dict[str, Any]] = {}
    for choice in plan.choices:
        offered = [provider for route in plan.routes if (provider := choice.on(route)) is not None]
        described[choice.name] = {
            "provider": choice.provider,
            "description": offered[0].description,
            **_standing(offered, replays.get(choice.name), embedded=choice.name in simulations),
            "settings": {provider.route: provider.settings for provider in offered},
        }
        widths[choice.name] = {provider.route: plan.width(provider) for provider in offered}
        limits[choice.name] = {provider.route: asdict(plan.allowed(provider)) for provider in offered}
        prices += [(choice.name, choice.price(provider)) for provider in offered]
    return {
        "run": name,
        "created_at": now(),
        "finished_at": None,
        "wall_s": 0.0,
        "command": command,
        "evalkit": version("stt-evalkit"),
        "selftest": certificate.last_passed(),
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name)) is not None},
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "os": platform.platform(),
        },
        "seed": plan.seed,
        "terms": list(plan.terms),
        "corpus": {
            "name": corpus.name,
            "path": str(corpus.source),
            "sha256": corpus.sha256,
            "clips": len(corpus),
            "audio_s": round(corpus.duration_s, 3),
        },
        "routes": list(plan.routes),
        "candidate": plan.candidate.name,
        "incumbent": plan.incumbent.name if plan.incumbent else None,
        "providers": described,
        "budget_usd": plan.budget_usd,
        "sample_rate_hz": plan.sample_rate_hz,
        "attempts": plan.attempts,
        "concurrency": widths,
        "limits": limits,
        "timeouts": asdict(Timeouts()),
        "prices": [{**asdict(price), "provider": name} for name, price in prices if price is not None],
    }


def _standing(offered: Sequence[Provider], replayed: Replayed | None, *, embedded: bool) -> dict[str, Any]:
    """What the answers of a provider may be used for, by its weakest route, and what must be known of who answers."""
    kinds = [provider.evidence for provider in offered]
    if replayed is not None:
        # A replay speaks for its own address only, and nobody says which of several that was.
        apart = len({provider.settings.get("base_url") for provider in offered}) > 1
        kinds = [*(kinds if apart else ()), replayed.evidence]
    found: dict[str, Any] = {"caution": offered[0].caution, "evidence": "simulated" if embedded else _weakest(kinds)}
    if replayed is not None:
        found["replay"] = asdict(replayed)
        found["caution"] = " ".join(filter(None, (replayed.caution, offered[0].caution)))
    elif found["evidence"] == "live" and (places := list(dict.fromkeys(one.server for one in offered if one.server))):
        found["server"] = " and ".join(places)
        told = f"{offered[0].name} is what answered at {found['server']}, and its figures say nothing about a service."
        near = "It stands on this machine: no network is in its delays." if any(map(is_loopback, places)) else ""
        found["caution"] = " ".join(filter(None, (told, near, offered[0].caution)))
    return found


def _weakest(kinds: Iterable[Evidence]) -> Evidence:
    return min(kinds, key=("simulated", "recorded", "live").index)


def continued(store: Store, planned: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a run that goes on: what this plan adds joins what was asked before.

    Raises:
        StoreError: the audio would be sent in another form than before, or nobody can say in which it was.
    """
    before = store.manifest()
    if lacking := sorted(_CONTINUED - before.keys()):
        raise StoreError(
            f"{store.manifest_path}: lacks {', '.join(lacking)}; restore it, choose another --run name, or start over "
            "with --fresh"
        )
    if before["sample_rate_hz"] != planned["sample_rate_hz"]:
        raise StoreError(
            f"{store.folder}: was started at {before['sample_rate_hz']} Hz, not {planned['sample_rate_hz']}; "
            "choose another --run name, or start over with --fresh"
        )
    joined = {name: dict(entry) for name, entry in before["providers"].items()}
    for name, entry in planned["providers"].items():
        old = joined.get(name, {"settings": {}})
        if name in joined and old["provider"] != entry["provider"]:
            raise StoreError(f"{store.folder}: {name!r} was {old['provider']!r} before; give the new one another name")
        joined[name] = {**_standing_kept(old, entry), "settings": {**old["settings"], **entry["settings"]}}
    prices = {(line["provider"], line["route"]): line for line in [*before["prices"], *planned["prices"]]}
    incumbent = before["incumbent"]
    return {
        **planned,
        "created_at": before["created_at"],
        "wall_s": before["wall_s"],
        "routes": list(dict.fromkeys([*before["routes"], *planned["routes"]])),
        "incumbent": planned["incumbent"] or (incumbent if incumbent != planned["candidate"] else None),
        "providers": joined,
        "prices": list(prices.values()),
    }


def _standing_kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's entry as it is now; what was said of those who answered before stays said."""
    before, now = (str(entry.get("caution") or "") for entry in (old, new))
    kept = {name: old[name] for name in ("replay", "server") if name in old}
    kinds = [entry["evidence"] for entry in (old, new) if "evidence" in entry]
    return {
        **kept,
        **new,
        "caution": before if now in before else f"{before} {now}".strip(),
        "evidence": _weakest(kinds),
    }


def yardstick() -> dict[str, Any]:
    """What the numbers were made with: results of different yardsticks do not compare."""
    profiles = {profile.name: {"version": profile.version, "hash": profile.hash} for profile in text.PROFILES.values()}
    return {"version": scoring.VERSION, "profiles": profiles}


def now() -> str:
    """The time of day, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or sys.platform)
