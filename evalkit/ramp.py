"""How much of a service's allowance works, tried out: opt-in, capped, and over at the first refusal.

A benchmark need not do this: what ordinary runs have seen to work costs nothing (``scoring.limits.observed``).
"""

import asyncio
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from evalkit.budget import Budget
from evalkit.errors import EvalkitError, ParseError, ProviderError, Refused, SettingsError
from evalkit.limits import SPARE, Limits
from evalkit.plan import Choice
from evalkit.providers import Provider
from evalkit.scoring import cost
from evalkit.scoring.attempts import ending
from evalkit.scoring.cost import Price
from evalkit.scoring.limits import peak_concurrency, turned_away
from evalkit.store import Store
from evalkit.types import Audio, Hypothesis, Trace
from evalkit.wire import Pool, Timeouts, Wire, http_client

SHARE = 0.5
"""No more than this part of what is documented, unless the user says how far to go."""
CLIP_S = 1.0
"""Every session of a step lasts at least so long after the last one was due to start."""
HOLD_S = 10.0
"""How long requests of one rate are sent."""
SPACING_S = 0.1
"""Between two starts of sessions when no rate is known: a refused rate must not look like a refused number."""
RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Step:
    """One load that was tried."""

    asked: int
    """Sessions at once (streaming), or requests a second (REST)."""
    answered: int
    refused: int
    """Turned away as too much: 429, 503, or a socket closed with 1013."""
    failed: int
    """Any other failure."""
    at_once: int = 0
    """The most that were answered and open at the same time."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One conversation of a step."""

    start_s: float
    """After the step began."""
    audio_s: float
    """Length of the clip."""


def cap(allowed: Limits, streaming: bool, *, needed: float | None = None, up_to: int | None = None) -> int:
    """The highest load that is tried.

    Args:
        allowed: what the service documents, or the user's console says.
        streaming: sessions at once are tried, else requests a second.
        needed: what the product needs, headroom included; more is not tried.
        up_to: the user's own word, which stands above both.

    Raises:
        SettingsError: nothing says how far to go, or what is needed is no number above 0.
    """
    if needed is not None and not 0 < needed < math.inf:
        raise SettingsError(f"--needed must be a number above 0, not {needed:g}")
    if up_to is not None:
        return up_to
    known = allowed.sessions if streaming else _rate(allowed)
    if not known:
        raise SettingsError("no limit is documented for this route; say how far to go with --up-to")
    if not streaming and SHARE * known < 1:
        raise SettingsError(
            f"{known:g} requests a second are allowed, and the least that is tried is one; say --up-to 1 to go so far"
        )
    return max(1, math.floor(min(SHARE * known, math.ceil(needed) if needed else math.inf)))


def _rate(allowed: Limits) -> float | None:
    """Requests a second that may go on for minutes."""
    rates = (allowed.requests_per_s, None if allowed.requests_per_min is None else allowed.requests_per_min / 60)
    return min((rate for rate in rates if rate is not None), default=None)


def loads(most: int) -> Iterator[int]:
    """1, 2, 4, ... and ``most``."""
    load = 1
    while load < most:
        yield load
        load *= 2
    yield most


def asks(load: int, provider: Provider, allowed: Limits) -> list[Ask]:
    """The conversations of one step, in the order of their starts.

    Requests are spread evenly over ``HOLD_S``. Sessions start as far apart as the service allows, and each goes on
    until a clip's length after the last of them started: only so are that many open at once.
    """
    if provider.route == "rest":
        return [Ask(number / load, CLIP_S) for number in range(round(load * HOLD_S))]
    apart_s = allowed.interval_s or SPACING_S
    speed = float(provider.settings.get("speed") or 1.0)
    return [Ask(number * apart_s, speed * (CLIP_S + (load - 1 - number) * apart_s)) for number in range(load)]


def at_most(most: int, provider: Provider, allowed: Limits) -> list[Ask]:
    """All that is sent at most, step after step."""
    return [ask for load in loads(most) for ask in asks(load, provider, allowed)]


def worst_usd(sent: list[Ask], provider: Provider, price: Price | None) -> Decimal:
    """What these conversations cost at most; nobody is paid for what is not live."""
    return sum((_usd(ask.audio_s, provider, price) for ask in sent), Decimal(0))


def _usd(audio_s: float, provider: Provider, price: Price | None) -> Decimal:
    """One conversation at its worst: the clip and the silence after it, rounded as the vendor bills."""
    if price is None or not provider.live:
        return Decimal(0)
    billed_s = cost.billed_s(audio_s + provider.silence_s, price.billing)
    return cost.worst_case_usd(billed_s, price.usd_per_hour, attempts=1)


def folder_name(choice: Choice, provider: Provider, today: date) -> str:
    """Where the ramp of a day is kept: by the service and where it stands, whatever it is called."""
    place = urllib.parse.urlsplit(str(provider.settings.get("base_url") or "")).netloc
    told = filter(None, ("ramp", provider.service or choice.provider, place, provider.route, today.isoformat()))
    return re.sub(r"[^\w.@+-]", "-", "-".join(told))


def tried(store: Store) -> bool:
    """Whether a ramp in this folder was answered or turned away, and so has put load on the service."""
    return any(head.answered for head in store.heads()) or any(turned_away(ending(trace)) for trace in store.traces())


def check(provider: Provider) -> None:
    """Check that there is somebody to ask.

    Raises:
        SettingsError: the provider is a recogniser that only a run starts.
    """
    if provider.engine is not None and not provider.settings.get("base_url"):
        raise SettingsError(
            f"{provider.name} runs inside evalkit and has no limits; to try a server, start one with `evalkit serve` "
            "and name it with base_url="
        )


def tone(audio_s: float = CLIP_S) -> Audio:
    """A quiet tone: something to hear, nothing to say."""
    samples = 1000 * np.sin(np.arange(round(audio_s * RATE_HZ)) * (2 * np.pi * 440 / RATE_HZ))
    return Audio(samples.astype("<i2").tobytes(), RATE_HZ)


async def climb(
    provider: Provider,
    store: Store,
    most: int,
    *,
    allowed: Limits,
    price: Price | None,
    budget_usd: float | None,
    progress: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Try one load after the other until one is refused; every conversation is stored, none is tried again.

    Call it inside ``store.writing()``.

    Args:
        provider: who is asked, over which route.
        store: where the conversations go.
        most: the highest load.
        allowed: how fast sessions may start.
        price: list price; None when nobody is paid.
        budget_usd: the hard limit.
        progress: is told of every step.

    Raises:
        ProviderError: the service refuses every clip, or answered nothing of a step.
        BudgetExceeded: the next conversation could pass the budget.
        StoreError: the folder cannot be written.
    """
    climber = _Climber(provider, store, Budget(budget_usd, store), price)
    steps: list[Step] = []
    timeouts = Timeouts()
    async with http_client(timeouts, loopback=not provider.live) as pool:
        for load in loads(most):
            steps.append(await climber.step(load, asks(load, provider, allowed), pool, timeouts))
            progress(steps[-1])
            if climber.stopped is not None:
                raise climber.stopped
            if steps[-1].refused:
                break
            if not steps[-1].answered and climber.failure is not None:
                raise climber.failure
    return steps


@dataclass(frozen=True, slots=True)
class _Talk:
    """How one conversation ended."""

    answered: bool
    refused: bool
    span: tuple[float, float]
    """From when to when it was open, by the wall clock."""


class _Climber:
    """What the steps of one ramp share."""

    def __init__(self, provider: Provider, store: Store, budget: Budget, price: Price | None) -> None:
        self.provider, self.store, self.budget, self.price = provider, store, budget, price
        self.sent = sum(1 for _ in store.heads())
        self.stopped: EvalkitError | None = None
        self.failure: ProviderError | ParseError | None = None
        """Why the last conversation without an answer had none."""

    async def step(self, load: int, asked: list[Ask], pool: Pool, timeouts: Timeouts) -> Step:
        """Hold the conversations of a step; those that have not begun are left out once one is refused.

        A start that comes late holds up those behind it: made up for all at once, they would be refused as too fast.
        """
        over = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def one(number: int, audio: Audio) -> _Talk | None:
            talk = None
            try:
                talk = await self.converse(audio, lambda: Wire(pool, timeouts=timeouts, stagger=number / len(asked)))
            except EvalkitError as error:
                # Those in flight are paid for: let them end and be stored.
                self.stopped = self.stopped or error
            if talk is None or talk.refused or self.stopped is not None:
                over.set()
            return talk

        tasks = []
        began = last = loop.time()
        before_s = 0.0
        async with asyncio.TaskGroup() as group:
            for number, ask in enumerate(asked):
                audio = tone(ask.audio_s)
                due = max(began + ask.start_s, last + (ask.start_s - before_s) / SPARE)
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), due - loop.time())
                if over.is_set():
                    break
                last, before_s = loop.time(), ask.start_s
                tasks.append(group.create_task(one(number, audio)))
        talks = [talk for task in tasks if (talk := task.result()) is not None]
        answered, refused = sum(talk.answered for talk in talks), sum(talk.refused for talk in talks)
        at_once = peak_concurrency([talk.span for talk in talks if talk.answered])
        return Step(load, answered, refused, len(talks) - answered - refused, at_once)

    async def converse(self, audio: Audio, opened: Callable[[], Wire]) -> _Talk:
        """Hold one conversation and store it."""
        self.sent += 1
        clip_id = f"tone-{self.sent:05}"
        name, route = self.provider.name, self.provider.route
        if self.provider.live:
            usd = _usd(audio.duration_s, self.provider, self.price)
            await self.budget.reserve(usd, clip_id=clip_id, provider=name, route=route, attempt=1)
        wire, started_at = opened(), datetime.now(UTC)
        try:
            await self.provider.transcribe(audio, wire)
        except ProviderError as error:
            if not any(event.kind in ("error", "received") for event in wire.events):
                wire.record("error", {"type": type(error).__name__, "message": str(error)})
        trace = Trace(clip_id, name, route, self.provider.settings, 1, started_at, wire.events)
        failure = Hypothesis.of(self.provider.parse(trace.events)).failure
        await asyncio.to_thread(self.store.append, trace, answered=failure is None)
        end = ending(trace)
        opened_s = next((event.t_s for event in trace.events if event.kind in ("open", "sent")), 0.0)
        if failure is not None:
            self.failure = failure
            if isinstance(failure, Refused) and failure.whole_provider:
                self.stopped = self.stopped or failure
        span = (end.began_at + opened_s, end.ended_at)
        return _Talk(failure is None, failure is not None and turned_away(end), span)
