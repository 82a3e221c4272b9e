"""How much of a service's allowance works, tried out: opt-in, capped, and over at the first refusal.

A benchmark need not do this: what ordinary runs have seen to work costs nothing (``scoring.limits.observed``).
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from evalkit.budget import Budget
from evalkit.errors import EvalkitError, ProviderError, SettingsError
from evalkit.limits import Limits
from evalkit.providers import Provider
from evalkit.scoring import cost
from evalkit.scoring.attempts import ending
from evalkit.scoring.limits import turned_away
from evalkit.store import Store
from evalkit.types import Audio, Hypothesis, Trace
from evalkit.wire import Pool, Timeouts, Wire, http_client

SHARE = 0.5
"""No more than this part of what is documented, unless the user says how far to go."""
CLIP_S = 1.0
HOLD_S = 10.0
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


def cap(allowed: Limits, streaming: bool, *, needed: float | None = None, up_to: int | None = None) -> int:
    """The highest load that is tried.

    Args:
        allowed: what the service documents, or the user's console says.
        streaming: sessions at once are tried, else requests a second.
        needed: what the product needs, headroom included; more is not tried.
        up_to: the user's own word, which stands above both.

    Raises:
        SettingsError: nothing says how far to go.
    """
    if up_to is not None:
        return up_to
    known = allowed.sessions if streaming else allowed.requests_per_s
    if not known:
        raise SettingsError("no limit is documented for this route; say how far to go with --up-to")
    return max(1, math.floor(min(SHARE * known, math.ceil(needed) if needed else math.inf)))


def loads(most: int) -> Iterator[int]:
    """1, 2, 4, ... and ``most``."""
    load = 1
    while load < most:
        yield load
        load *= 2
    yield most


def clips(most: int, streaming: bool) -> int:
    """How many clips of one second all steps together send at most."""
    return sum(load if streaming else round(load * HOLD_S) for load in loads(most))


def worst_usd(most: int, streaming: bool, usd_per_hour: float) -> Decimal:
    """What all steps together cost at most."""
    return cost.worst_case_usd(CLIP_S * clips(most, streaming), usd_per_hour, attempts=1)


def tone() -> Audio:
    """One second of a quiet tone: something to hear, nothing to say."""
    samples = 1000 * np.sin(np.arange(round(CLIP_S * RATE_HZ)) * (2 * np.pi * 440 / RATE_HZ))
    return Audio(samples.astype("<i2").tobytes(), RATE_HZ)


async def climb(
    provider: Provider,
    store: Store,
    most: int,
    *,
    usd_per_hour: float,
    budget_usd: float | None,
    progress: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Try one load after the other until one is refused; every conversation is stored, none is tried again.

    Call it inside ``store.writing()``.

    Args:
        provider: who is asked, over which route.
        store: where the conversations go.
        most: the highest load.
        usd_per_hour: list price of an hour of audio.
        budget_usd: the hard limit.
        progress: is told of every step.

    Raises:
        BudgetExceeded: the next conversation could pass the budget.
        StoreError: the folder cannot be written.
    """
    climber = _Climber(
        provider, store, Budget(budget_usd, store), cost.worst_case_usd(CLIP_S, usd_per_hour, attempts=1)
    )
    steps: list[Step] = []
    timeouts = Timeouts()
    async with http_client(timeouts, loopback=not provider.live) as pool:
        for load in loads(most):
            steps.append(await climber.step(load, pool, timeouts))
            progress(steps[-1])
            if steps[-1].refused:
                break
    return steps


class _Climber:
    """What the steps of one ramp share."""

    def __init__(self, provider: Provider, store: Store, budget: Budget, usd: Decimal) -> None:
        self.provider, self.store, self.budget, self.usd = provider, store, budget, usd
        self.audio, self.sent = tone(), 0
        self.stopped: EvalkitError | None = None

    async def step(self, load: int, pool: Pool, timeouts: Timeouts) -> Step:
        """Sessions at once, or requests evenly spread over ``HOLD_S``; the rest is left out once one is refused."""
        streaming = self.provider.route != "rest"
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        start = loop.time()
        count = load if streaming else round(load * HOLD_S)

        async def one(number: int) -> tuple[bool, bool] | None:
            if not streaming:
                await asyncio.sleep(max(0.0, start + number / load - loop.time()))
            if over.is_set():
                return None
            try:
                answered, refused = await self.converse(Wire(pool, timeouts=timeouts, stagger=number / count))
            except EvalkitError as error:
                # Those in flight are paid for: let them end and be stored.
                self.stopped = self.stopped or error
                over.set()
                return None
            if refused:
                over.set()
            return answered, refused

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(count)]
        if self.stopped is not None:
            raise self.stopped
        ends = [end for task in tasks if (end := task.result()) is not None]
        answered, refused = sum(end[0] for end in ends), sum(end[1] for end in ends)
        return Step(load, answered, refused, len(ends) - answered - refused)

    async def converse(self, wire: Wire) -> tuple[bool, bool]:
        """Hold one conversation and store it; whether it was answered, and whether it was turned away."""
        self.sent += 1
        clip_id, started_at = f"tone-{self.sent:05}", datetime.now(UTC)
        name, route = self.provider.name, self.provider.route
        if self.provider.live:
            await self.budget.reserve(self.usd, clip_id=clip_id, provider=name, route=route, attempt=1)
        try:
            await self.provider.transcribe(self.audio, wire)
        except ProviderError as error:
            if not any(event.kind in ("error", "received") for event in wire.events):
                wire.record("error", {"type": type(error).__name__, "message": str(error)})
        trace = Trace(clip_id, name, route, self.provider.settings, 1, started_at, wire.events)
        answered = Hypothesis.of(self.provider.parse(trace.events)).failure is None
        await asyncio.to_thread(self.store.append, trace, answered=answered)
        return answered, not answered and turned_away(ending(trace))
