"""Where trials are held: at the embedded server, or at a candidate that is reached through bad weather."""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from evalkit import emulator, weather
from evalkit.corpora import Corpus
from evalkit.emulator import Knobs, faults
from evalkit.emulator.faults import Fault
from evalkit.errors import CorpusError, SettingsError
from evalkit.plan import Choice, Plan
from evalkit.providers import Provider
from evalkit.types import Audio, Clip, Route, Word
from evalkit.verdicts import FAIR, Trial
from evalkit.weather import HOST, Trouble, Weather, forward, tunnel
from evalkit.wire import Timeouts, is_loopback

NETWORK = "network."
"""Begins the names of bad weather, of which some are called like faults of a server."""

AUDIO_S = 2.8
WORDS = tuple(
    Word(text, round(start_s, 2), round(start_s + 0.2, 2))
    for text, start_s in zip(
        "amber bridge candle desert engine forest garden harbour island jacket".split(),  # noqa: SIM905
        [*np.arange(0.15, 1.1, 0.2), *np.arange(1.45, 2.4, 0.2)],
        strict=True,
    )
)
"""What the planted sound says: two stretches with a pause between them."""

# Locks and interims often enough for a fault to find some of each before it and after it.
KNOBS = Knobs(chunk_s=0.3, interim_period_s=0.1)
ENDPOINTING_MS = 120

CLIPS = 3
CLIP_S = (2.0, 12.0)
"""Shortest and longest clip that is sent to a candidate: long enough to be cut, short enough to be sent often."""

Placed = Callable[[Trial], AbstractAsyncContextManager[str | None]]
"""Opens the way that a trial takes; gives the address to ask, or None when it is the provider's own."""


@dataclass(frozen=True)
class Stage:
    """Everything that trials share."""

    plan: Plan
    """Who is asked, how often, and for how much at most."""
    trials: tuple[Trial, ...]
    open: Callable[[], AbstractAsyncContextManager[Placed]]
    timeouts: Timeouts
    bound_s: float
    """A trial that has not ended by then has not ended by itself."""
    width: int
    """Trials held at once."""
    live: bool = False


def embedded(
    folder: Path, *, seed: int = 0, routes: Sequence[Route] | None = None, kinds: Sequence[str] | None = None
) -> Stage:
    """The code of the provider ``xai`` against the embedded server, whose every word and time is planted.

    Args:
        folder: where the planted sound is written.
        seed: of the order, the moments and the number of requests struck.
        routes: which; all unless given.
        kinds: names of faults; all unless given.

    Raises:
        SettingsError: an unknown fault, or nothing is left to try.
    """
    options = {"base_url": f"http://{HOST}", "key_env": None, "endpointing_ms": ENDPOINTING_MS}
    plan = Plan(Choice("xai", options), run=folder.name, routes=tuple(routes or faults.BOTH), concurrency=1, seed=seed)
    sound = folder / "planted.wav"
    noise = np.random.default_rng(0).integers(-500, 500, round(AUDIO_S * 16_000)).astype("<i2").tobytes()
    content = Audio(noise, 16_000).wav()
    digest = sha256(content).hexdigest()

    def clip(key: str) -> Clip:
        return Clip(key, str(sound), digest, AUDIO_S, 16_000, 1, WORDS)

    trials = [
        Trial(fault.kind, fault.about.what, fault.route, clip(f"{fault.route}.{fault.kind}"), fault, planted=True)
        for fault in faults.plan(seed, audio_s=AUDIO_S)
    ] + [
        Trial(NETWORK + one.name, one.what, route, clip(f"{route}.{NETWORK}{one.name}"), one, planted=True)
        for route in faults.BOTH
        for one in _weather(seed, route, AUDIO_S)
    ]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Placed]:
        sound.write_bytes(content)
        script = {"words": [[word.text, word.start_s, word.end_s] for word in WORDS], "sound": str(sound.resolve())}
        with emulator.launch("scripted", script=script, knobs=KNOBS) as url:

            @asynccontextmanager
            async def placed(trial: Trial) -> AsyncIterator[str]:
                if isinstance(trial.strike, Fault):
                    yield emulator.with_knobs(url, Knobs(faults=faults.written([trial.strike]), trial=trial.key))
                elif trial.strike is None:
                    yield url
                else:
                    async with _forwarded(url, trial.strike.weather) as address:
                        yield address

            yield placed

    return Stage(
        plan,
        _chosen(trials, plan.routes, kinds),
        opened,
        # Two dozen conversations at once on a busy machine stand still for seconds, which is no fault of the client.
        Timeouts(connect_s=6.0, message_s=6.0, answer_s=6.0),
        bound_s=90.0,
        width=24,
    )


def candidate(plan: Plan, corpus: Corpus, *, kinds: Sequence[str] | None = None) -> Stage:
    """Any provider, live ones too: a few short clips in fair weather and in all that is bad.

    Args:
        plan: its candidate is tried, over its routes.
        corpus: where the clips come from.
        kinds: names of bad weather; all unless given.

    Raises:
        SettingsError: an unknown name, or the provider cannot be reached through bad weather.
        CorpusError: no clip is short and has a reference.
    """
    name = plan.candidate.name
    plan = replace(plan, incumbent=None, limits={key: value for key, value in plan.limits.items() if key == name})
    providers = {provider.route: provider for route in plan.routes for provider in plan.providers(route)}
    for provider in providers.values():
        _reachable(provider)
    places = {(provider.live, provider.live or provider.settings.get("base_url")) for provider in providers.values()}
    if len(places) > 1:
        # There is one way through the weather: a route that goes another would meet none and be called sound.
        raise SettingsError(f"{name}: its routes stand in different places; try one route at a time with --routes")
    clips = _short(corpus)
    trials = []
    for route in providers:
        skies = _weather(plan.seed, route, clips[0].duration_s)
        for number, sky in enumerate(skies):
            clip = clips[number % len(clips)]
            (trouble,) = (one for one in _weather(plan.seed, route, clip.duration_s) if one.name == sky.name)
            trials.append(Trial(NETWORK + trouble.name, trouble.what, route, clip, trouble, planted=False))
    trials = list(_chosen(trials, tuple(providers), kinds))
    used = dict.fromkeys((trial.route, trial.clip.id) for trial in trials)
    fair = [Trial(FAIR, "nothing goes wrong", route, corpus[clip_id], None, planted=False) for route, clip_id in used]
    live = any(provider.live for provider in providers.values())
    timeouts = Timeouts(connect_s=10.0, message_s=15.0, answer_s=40.0)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Placed]:
        with _served(next(iter(providers.values()))) as url:

            @asynccontextmanager
            async def placed(trial: Trial) -> AsyncIterator[str | None]:
                sky = Weather() if not isinstance(trial.strike, Trouble) else trial.strike.weather
                if live:
                    async with tunnel(sky) as port:
                        with _proxied(port):
                            yield None
                else:
                    async with _forwarded(url, sky) as address:
                        yield address

            yield placed

    # A proxy of the environment is one for the whole process: live trials are held one after the other.
    return Stage(plan, (*fair, *trials), opened, timeouts, bound_s=240.0, width=1 if live else 2, live=live)


def _chosen(trials: Sequence[Trial], routes: Sequence[Route], kinds: Sequence[str] | None) -> tuple[Trial, ...]:
    """Those of some routes and names, in an order to read: the plan's own is that of chance."""
    known = list(dict.fromkeys(trial.name for trial in trials))
    for kind in kinds or ():
        if kind not in known:
            raise SettingsError.unknown("fault", kind, known)
    places = {kind: place for place, kind in enumerate(faults.KINDS)}
    chosen = [trial for trial in trials if trial.route in routes and (not kinds or trial.name in kinds)]
    if not chosen:
        raise SettingsError(f"none of these faults is one of {', '.join(routes)}")
    return tuple(sorted(chosen, key=lambda one: (one.route, places.get(one.name, len(places)), one.name)))


def _weather(seed: int, route: Route, audio_s: float) -> list[Trouble]:
    """Every kind once; a file is through in a moment, so what strikes it strikes at once."""
    found = weather.plan(seed, audio_s=audio_s)
    if route != "rest":
        return list(found)
    return [replace(one, weather=_at_once(one.weather)) for one in found]


def _at_once(sky: Weather) -> Weather:
    return replace(
        sky,
        drop_at_s=None if sky.drop_at_s is None else 0.0,
        silent_at_s=None if sky.silent_at_s is None else 0.0,
        stall_at_s=None if sky.stall_at_s is None else 0.0,
    )


def _short(corpus: Corpus) -> list[Clip]:
    shortest, longest = CLIP_S
    found = [
        clip
        for clip in corpus
        if clip.kind == "speech" and clip.reference and shortest <= clip.duration_s <= longest and clip.channels == 1
    ]
    if not found:
        raise CorpusError(
            f"{corpus.source}: no clip of {shortest:g} to {longest:g} s with one channel and a transcript; "
            "choose another --corpus"
        )
    # Salvage needs to know when a word was spoken.
    return sorted(found, key=lambda clip: (clip.times_source is None, clip.duration_s))[:CLIPS]


def _reachable(provider: Provider) -> None:
    """Check that the provider's connections can be led through a proxy.

    Raises:
        SettingsError: they cannot.
    """
    url = str(provider.settings.get("base_url", ""))
    if provider.live and not url.startswith("https:"):
        raise SettingsError(f"{provider.name}: only https, or a server on this machine, can be put into bad weather")
    if not provider.live and provider.engine is None and not is_loopback(url):
        raise SettingsError(f"{provider.name}: has no base_url, so it cannot be put into bad weather")


@contextmanager
def _served(provider: Provider) -> Iterator[str]:
    """The address of a provider, whose recogniser is started if it is an embedded one."""
    url = str(provider.settings.get("base_url", ""))
    if url or provider.engine is None:
        yield url
    else:
        with emulator.launch(provider.engine) as url:
            yield url


@asynccontextmanager
async def _forwarded(url: str, sky: Weather) -> AsyncIterator[str]:
    parts = urlsplit(url)
    async with forward(parts.hostname or HOST, parts.port or 80, sky) as port:
        yield parts._replace(netloc=f"{HOST}:{port}").geturl()


@contextmanager
def _proxied(port: int) -> Iterator[None]:
    """Lead every https connection that this process opens through a proxy on this machine."""
    wanted: dict[str, Any] = {
        "https_proxy": f"http://{HOST}:{port}",
        "no_proxy": "",
        "wss_proxy": None,
        "all_proxy": None,
    }
    wanted |= {name.upper(): value for name, value in wanted.items()}
    before = {name: os.environ.get(name) for name in wanted}
    try:
        _set(wanted)
        yield
    finally:
        _set(before)


def _set(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
