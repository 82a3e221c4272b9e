"""Whether this machine can be believed: what a run needs of it, looked at before one is paid for."""

import asyncio
import importlib.metadata
import io
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from evalkit import limits, providers
from evalkit.errors import EvalkitError, SettingsError
from evalkit.limits import Limits
from evalkit.plan import Choice, Plan
from evalkit.providers import Provider
from evalkit.wire import Timeouts, Wire, http_client

PACKAGE = "stt-evalkit"
FRAME_S = 0.020
STREAMS = (1, 10, 50, 100, 200, 400)
LATE_S = 0.010
"""Frames later than this, at the 99th percentile, and latencies of tens of milliseconds can no longer be told."""
FREE_MB = 500
NO_KEY = "not set"
FORMATS = ("WAV", "FLAC", "OGG", "MP3")

State = Literal["ok", "note", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    """``note`` is worth knowing; ``fail`` must be mended before a run."""
    found: str
    fix: str = ""


def examine(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *,
    network: bool = True,
    plan: Plan | None = None,
    everyone: bool = False,
) -> Iterator[Finding]:
    """Look at everything, one finding after the other, in about ten seconds.

    Args:
        folder: where runs are written.
        environ: where keys are looked for, this process's environment unless given; none is ever shown.
        network: also try to reach the services.
        plan: whose services are looked at, with or without a key.
        everyone: look at every installed service.
    """
    environ = os.environ if environ is None else environ
    yield _python()
    yield from _libraries(importlib.metadata.requires(PACKAGE) or [])
    yield from map(_sound, FORMATS)
    yield _clock()
    yield _timers()
    yield from _recorded(folder)
    known, rest = services(environ, plan=plan, everyone=everyone)
    live = [service for service in known if service.provider.live]
    for provider in {service.provider.name: service.provider for service in live}.values():
        yield _key(provider, environ)
        if network and (url := getattr(provider, "base_url", "")):
            yield asyncio.run(_reachable(provider.name, url))
    for service in live:
        yield _allowance(service, datetime.now(UTC).date())
    if rest:
        yield Finding("other services", "note", left_out(rest))


@dataclass(frozen=True, slots=True)
class Service:
    """One route of a provider, and how fast it may be asked as far as that is known."""

    provider: Provider
    allowed: Limits


def services(
    environ: Mapping[str, str], *, plan: Plan | None = None, everyone: bool = False
) -> tuple[list[Service], list[str]]:
    """Whom a user may mean, and the names of the rest: services without a key that nobody named.

    Args:
        environ: where keys are looked for.
        plan: those in it are meant, as they are set there.
        everyone: all that are installed are meant.
    """
    meant: list[Service] = []
    rest: list[str] = []
    if plan is not None:
        asked = [provider for route in plan.routes for provider in plan.providers(route)]
        meant = [Service(provider, plan.allowed(provider)) for provider in asked]
    for name in providers.names():
        if plan is not None and any(choice.provider == name for choice in plan.choices):
            continue
        choice = Choice(name)
        try:
            offered = [providers.load(name, route) for route in providers.find(name).routes]
        except SettingsError:
            rest.append(name)  # cannot be asked before more is said of it, as in a plan
            continue
        if everyone or not any(_key(provider, environ).found == NO_KEY for provider in offered):
            meant += [Service(provider, choice.documented(provider)) for provider in offered]
        else:
            rest.append(name)
    return meant, rest


def left_out(rest: Sequence[str]) -> str:
    """Who is not shown, and how to see them."""
    names = ", ".join(rest)
    return f"{len(rest)} without a key are left out ({names}); --all shows them, --plan and --needs whom they name"


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.platform(terse=True)}, {os.cpu_count()} cores"
    wanted = importlib.metadata.metadata(PACKAGE)["Requires-Python"]
    if not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        return Finding("Python", "fail", found, f"install Python {wanted}")
    return Finding("Python", "ok", found)


def _libraries(required: Sequence[str]) -> Iterator[Finding]:
    """One finding when all is well, one for each library that is missing or of another version."""
    wrong: list[str] = []
    extras: list[str] = []
    for requirement in map(Requirement, required):
        extra = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": "local"}):
            continue  # of the extras only the recognisers matter to a run
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            (extras if extra else wrong).append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version}, wanted {requirement.specifier}")
    if wrong:
        yield Finding("libraries", "fail", "; ".join(wrong), f"pip install --upgrade {PACKAGE}")
    else:
        yield Finding("libraries", "ok", "all there, in the versions asked for")
    if extras:
        fix = f"pip install '{PACKAGE}[local]' to run the recognisers of this machine"
        yield Finding("embedded recognisers", "note", "; ".join(extras), fix)


def _sound(kind: str) -> Finding:
    """Write a tone and read it again."""
    tone = (0.5 * np.sin(np.arange(16_000) * (2 * np.pi * 440 / 16_000))).astype(np.float32)
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, 16_000, format=kind)
        file.seek(0)
        heard, rate = soundfile.read(file)
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        return Finding(f"{kind} files", "note", f"cannot be read here ({error})", "convert such clips to WAV or FLAC")
    if rate != 16_000 or not 0.3 < float(np.abs(heard).max()) < 0.7:
        return Finding(f"{kind} files", "fail", "a tone came back as another sound", "reinstall soundfile")
    return Finding(f"{kind} files", "ok", f"read and written by libsndfile {soundfile.__libsndfile_version__}")


def _clock() -> Finding:
    info = time.get_clock_info("monotonic")
    found = f"{info.implementation}, {info.resolution * 1e9:.0f} ns, never set back"
    if not info.monotonic or info.resolution > 0.001:
        return Finding("clock", "fail", found, "run on a system with a fine monotonic clock")
    return Finding("clock", "ok", found)


def _timers() -> Finding:
    """How many paced streams this machine's timers hold, the network left out."""
    late: dict[int, float] = {}
    for streams in STREAMS:
        late[streams] = asyncio.run(timer_lateness(streams))
        if late[streams] > LATE_S:
            break
    held = [streams for streams, seconds in late.items() if seconds <= LATE_S]
    told = ", ".join(f"{1000 * seconds:.1f} ms at {streams}" for streams, seconds in late.items())
    if not held:
        return Finding("timers", "fail", f"frames leave late even alone (p99 {told})", "end what else runs here")
    most = f"at least {held[-1]}" if len(held) == len(STREAMS) else f"{held[-1]}"
    return Finding(
        "timers", "ok", f"{most} streams of 20 ms frames with p99 under 10 ms, without a network (p99 {told})"
    )


async def timer_lateness(streams: int, *, seconds: float = 1.0) -> float:
    """99th percentile of how late the frames of so many streams would leave; each keeps absolute deadlines."""
    loop = asyncio.get_running_loop()
    late: list[float] = []

    async def stream(origin: float) -> None:
        for number in range(1, round(seconds / FRAME_S) + 1):
            due = origin + number * FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))
            late.append(loop.time() - due)

    start = loop.time()
    await asyncio.gather(*(stream(start + FRAME_S * k / streams) for k in range(streams)))
    return float(np.percentile(late, 99, method="inverted_cdf"))


def _recorded(folder: Path) -> Iterator[Finding]:
    """Whether a run can be written, how fast it is safe on disk, and whether there is room for it."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free_mb = shutil.disk_usage(there).free / 1e6
    short = free_mb < FREE_MB
    yield Finding(
        "disk space", "fail" if short else "ok", f"{free_mb:,.0f} MB free", "free some space" if short else ""
    )
    probe = there / f".evalkit-probe-{os.getpid()}"
    try:
        with probe.open("wb", buffering=0) as file:
            began = time.perf_counter()
            for _ in range(5):
                file.write(b"x" * 20_000)
                os.fsync(file.fileno())
            took_ms = (time.perf_counter() - began) / 5 * 1000
    except OSError as error:
        yield Finding("results", "fail", f"{there}: {error.strerror}", "make the folder writable, or work elsewhere")
    else:
        slow = took_ms > 100
        yield Finding(
            "results",
            "note" if slow else "ok",
            f"{there.resolve().name}/ is writable; a clip is safe on disk in {took_ms:.1f} ms",
            "a faster disk would not hold the run up" if slow else "",
        )
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _key(provider: Provider, environ: Mapping[str, str]) -> Finding:
    what = f"key of {provider.name}"
    try:
        provider.ready(environ)
    except EvalkitError as error:
        # A variable that holds what is no key is another mistake than one that is not there.
        return Finding(what, "note", NO_KEY if "no API key: set" in str(error) else "not usable", str(error))
    return Finding(what, "ok", "set" if getattr(provider, "key_env", what) else "none needed")


def _allowance(service: Service, today: date) -> Finding:
    provider, known = service.provider, service.allowed
    what, advice = f"limits of {provider.name}, {provider.route}", "write your console's values into the plan: [limits]"
    age = known.age_days(today)
    if age is None:
        return Finding(what, "note", "not documented", advice)
    stale = age > limits.STALE_DAYS
    origin = "values of your console" if known.source == limits.CONSOLE else "documented values"
    return Finding(what, "note" if stale else "ok", f"{origin}, {age} days old", advice if stale else "")


async def _reachable(name: str, url: str) -> Finding:
    async with http_client(Timeouts(connect_s=3, answer_s=5), loopback=False) as http:
        wire = Wire(http)
        began = time.perf_counter()
        try:
            await wire.request("GET", url)
        except EvalkitError as error:
            return Finding(
                f"way to {name}", "note", f"{url} does not answer ({error})", "check the network and the proxy"
            )
        took_ms = 1000 * (time.perf_counter() - began)
    return Finding(f"way to {name}", "ok", f"{url} answers in {took_ms:.0f} ms, connecting included")


def failed(findings: Sequence[Finding]) -> list[Finding]:
    """Those that must be mended."""
    return [finding for finding in findings if finding.state == "fail"]
