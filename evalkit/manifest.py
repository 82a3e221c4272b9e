"""What run.json says: what was asked of whom, with what, on which machine."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evalkit import certificate, scoring
from evalkit.corpora import Corpus
from evalkit.errors import StoreError
from evalkit.plan import Plan
from evalkit.replay.asking import Replayed
from evalkit.scoring import cost, text
from evalkit.store import Store
from evalkit.wire import Timeouts

_CONTINUED = {"created_at", "incumbent", "prices", "providers", "routes", "sample_rate_hz", "wall_s"}
"""What a run that goes on keeps of it."""

_LIBRARIES = (
    "jiwer", "pandas", "matplotlib", "httpx", "websockets", "datasets", "pyannote.metrics", "numpy", "scipy",
    "soundfile", "soxr", "moonshine-voice", "pocketsphinx", "starlette", "uvicorn",
)  # fmt: skip


def describe(
    plan: Plan, corpus: Corpus, name: str, command: str, replays: Mapping[str, Replayed] = {}
) -> dict[str, Any]:
    """The manifest of a run about to start."""
    described: dict[str, dict[str, Any]] = {}
    prices: list[tuple[str, cost.Price | None]] = []
    widths: dict[str, dict[str, int]] = {}
    limits: dict[str, dict[str, Any]] = {}
    for choice in plan.choices:
        offered = [provider for route in plan.routes if (provider := choice.on(route)) is not None]
        described[choice.name] = {
            "provider": choice.provider,
            "description": offered[0].description,
            "caution": offered[0].caution,
            "evidence": "live" if any(provider.live for provider in offered) else "simulated",
            "settings": {provider.route: provider.settings for provider in offered},
        }
        if (replayed := replays.get(choice.name)) is not None:
            caution = " ".join(filter(None, (replayed.caution, offered[0].caution)))
            described[choice.name] |= {"caution": caution, "evidence": replayed.evidence, "replay": asdict(replayed)}
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
        joined[name] = {**entry, "settings": {**old["settings"], **entry["settings"]}}
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
