"""Corpus x providers -> traces: concurrency, retries, budget, resume. The only part of evalkit that spends money."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from evalkit import corpora, emulator
from evalkit.corpora import Corpus
from evalkit.errors import BudgetExceeded, EvalkitError, ParseError, ProviderError, Refused, StoreError, Unavailable
from evalkit.plan import LOCAL_CONCURRENCY, Plan
from evalkit.providers import Provider
from evalkit.scoring import cost
from evalkit.store import Store
from evalkit.types import Audio, Clip, Hypothesis, Trace
from evalkit.wire import Timeouts, Wire, http_client

BACKOFF_S, BACKOFF_LIMIT_S = 0.5, 30.0
# Who asks for a longer wait is tried again by the next run.
RETRY_AFTER_LIMIT_S = 60.0
# A provider that has answered nothing when this many clips are used up is not there: stop instead of failing them all.
HOPELESS_CLIPS = 3

Key = tuple[str, str, str]
"""(clip id, provider, route): what is bought once."""


@dataclass(frozen=True)
class Job:
    """One clip to send to one provider over one route."""

    clip: Clip
    provider: Provider
    usd_per_hour: float | None = 0.0
    """List price per hour of audio; 0 when nobody is paid, None when unknown."""
    first_attempt: int = 1

    @property
    def key(self) -> Key:
        return (self.clip.id, self.provider.name, self.provider.route)

    @property
    def usd(self) -> float | None:
        """What one attempt costs at most."""
        return None if self.usd_per_hour is None else self.usd_per_hour * self.clip.duration_s / 3600


@dataclass(frozen=True)
class Progress:
    """What just happened, for a progress bar."""

    done: int
    total: int
    job: Job
    failure: str | None


class Budget:
    """A hard limit: a call is paid for in advance, at its worst, and written down, or it is not made."""

    def __init__(self, limit_usd: float | None, store: Store) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = store.spent_usd()
        self._store = store

    def reserve(self, job: Job, attempt: int) -> None:
        """Take the list price of one attempt out of the budget.

        Raises:
            BudgetExceeded: the attempt could pass the limit, or its price is unknown.
        """
        if not job.provider.live or self.limit_usd is None:
            return
        clip_id, provider, route = job.key
        if job.usd is None:
            raise BudgetExceeded(f"{provider} over {route} has no known price; add it to prices.toml")
        if self.spent_usd + job.usd > self.limit_usd:
            raise BudgetExceeded(
                f"the next clip ({clip_id}, ${job.usd:.4f}) could pass the budget of ${self.limit_usd:.2f} "
                f"(${self.spent_usd:.4f} spent); raise --budget-usd and run the same command to go on"
            )
        self._store.spend(job.usd, clip_id=clip_id, provider=provider, route=route, attempt=attempt)
        self.spent_usd += job.usd


class Agenda(NamedTuple):
    """What is left of a plan once the stored traces are taken off."""

    pending: list[Job]
    answered: Counter[str]
    """Provider name -> clips already answered."""


def agenda(plan: Plan, corpus: Corpus, stored: Iterable[Trace]) -> Agenda:
    """What is still to be sent, route by route.

    A recorded answer is never bought again, not even one that ``parse`` does not understand: mend ``parse`` and score.

    Raises:
        StoreError: a stored trace was made with other settings.
    """
    wanted: dict[Key, Job] = {}
    for route in plan.routes:
        asked = [
            (provider, _usd_per_hour(choice.provider, provider))
            for choice in plan.choices
            if (provider := choice.on(route)) is not None
        ]
        jobs = (Job(clip, provider, usd_per_hour) for clip in corpus for provider, usd_per_hour in asked)
        wanted.update((job.key, job) for job in jobs)
    pending, answered = dict(wanted), Counter[str]()
    for trace in stored:
        key = (trace.clip_id, trace.provider, trace.route)
        if (job := wanted.get(key)) is None:
            continue
        if _as_stored(job.provider.settings) != trace.settings:
            raise StoreError(
                f"the run already holds {trace.provider} over {trace.route} with other settings; "
                "choose another --run name, or start over with --fresh"
            )
        failure = Hypothesis.of(job.provider.parse(trace.events)).failure
        if failure is None or isinstance(failure, ParseError):
            answered[trace.provider] += 1
            pending.pop(key, None)
        elif key in pending:
            pending[key] = replace(job, first_attempt=trace.attempt + 1)
    return Agenda(list(pending.values()), answered)


async def run(
    plan: Plan, corpus: Corpus, store: Store, *, progress: Callable[[Progress], None] = lambda _: None
) -> None:
    """Send what is still to be sent and store every attempt; safe to kill and to call again.

    Call it inside ``store.writing()``. Routes run one after the other, in the plan's order; within a route every
    provider goes through the same clips in the same order, at its own speed.

    Raises:
        CorpusError: an audio file is missing, changed or undecodable; nothing was sent.
        ProviderError: a provider answers nothing at all, or refuses the key.
        BudgetExceeded: the next call could pass the budget.
        StoreError: the run folder cannot be written, or holds a run with other settings.
    """
    todo = agenda(plan, corpus, store.traces())
    for clip in {job.clip.id: job.clip for job in todo.pending}.values():
        corpora.audio(clip)
    session = _Session(plan, corpus, store, todo, progress)
    with _embedded(todo.pending) as located:
        for route in plan.routes:
            queues: dict[str, list[Job]] = {}
            for job in todo.pending:
                if job.provider.route == route:
                    queues.setdefault(job.provider.name, []).append(job)
            async with asyncio.TaskGroup() as group:
                for queue in queues.values():
                    group.create_task(session.drain(queue, located(queue[0].provider)))
            if session.stopped is not None:
                raise session.stopped


class _Session:
    """The state that the workers of one run share."""

    def __init__(
        self, plan: Plan, corpus: Corpus, store: Store, todo: Agenda, progress: Callable[[Progress], None]
    ) -> None:
        self.plan, self.store, self.progress = plan, store, progress
        self.budget = Budget(plan.budget_usd, store)
        self.total = sum(len(corpus) * len(plan.providers(route)) for route in plan.routes)
        self.done = self.total - len(todo.pending)
        self.answered = todo.answered
        self.used_up: Counter[str] = Counter()
        self.stopped: EvalkitError | None = None
        self.writing = asyncio.Lock()
        self.random = random.Random(plan.seed)

    async def drain(self, queue: Sequence[Job], provider: Provider) -> None:
        """Send the clips of one provider over one route, ``concurrency`` at a time."""
        width = self.plan.width(provider)
        timeouts = Timeouts()
        waiting = iter(queue)
        async with http_client(timeouts, loopback=not provider.live) as http:

            async def worker(lane: int) -> None:
                for job in waiting:
                    if self.stopped is not None:
                        return
                    try:
                        await self.buy(job, provider, lambda: Wire(http, timeouts=timeouts, stagger=lane / width))
                    except EvalkitError as error:
                        # The clips in flight elsewhere are paid for: let them end and be stored.
                        self.stopped = self.stopped or error

            async with asyncio.TaskGroup() as group:
                for lane in range(min(width, len(queue))):
                    group.create_task(worker(lane))

    async def buy(self, job: Job, provider: Provider, wire: Callable[[], Wire]) -> None:
        """Send one clip until it is answered, refused, or the attempts are used up; every attempt is stored."""
        audio = await asyncio.to_thread(corpora.audio, job.clip, sample_rate_hz=self.plan.sample_rate_hz)
        failure: ProviderError | ParseError | None = None
        for tried in range(self.plan.attempts):
            attempt = job.first_attempt + tried
            self.budget.reserve(job, attempt)
            trace = await self.converse(job, provider, audio, attempt, wire())
            failure = Hypothesis.of(job.provider.parse(trace.events)).failure
            if not isinstance(failure, Unavailable) or self.stopped is not None:
                break
            if tried + 1 < self.plan.attempts:
                await asyncio.sleep(self._backoff_s(tried, failure.retry_after_s))
        self._settle(job, failure)

    async def converse(self, job: Job, provider: Provider, audio: Audio, attempt: int, wire: Wire) -> Trace:
        """Hold one conversation and store it, also when it breaks off: what was sent may have been billed."""
        started_at = datetime.now(UTC)

        def trace() -> Trace:
            name, route, settings = provider.name, provider.route, job.provider.settings
            return Trace(job.clip.id, name, route, settings, attempt, started_at, wire.events)

        try:
            await provider.transcribe(audio, wire)
        except ProviderError as error:
            if not any(event.kind in ("error", "received") for event in wire.events):
                wire.record("error", {"type": type(error).__name__, "message": str(error)})
        except BaseException as error:
            if wire.events:
                wire.record("error", {"type": "Unavailable", "message": f"broken off by us ({type(error).__name__})"})
                self.store.append(trace())
            raise
        async with self.writing:
            await asyncio.to_thread(self.store.append, trace())
        return trace()

    def _backoff_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Full jitter under a doubling limit, or what the service asked for when that is longer, up to a minute."""
        wait_s = self.random.uniform(0, min(BACKOFF_LIMIT_S, BACKOFF_S * 2**attempt))
        return max(wait_s, min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S))

    def _settle(self, job: Job, failure: ProviderError | ParseError | None) -> None:
        name = job.provider.name
        self.done += 1
        self.progress(Progress(self.done, self.total, job, str(failure) if failure else None))
        if failure is None:
            self.answered[name] += 1
            return
        self.used_up[name] += 1
        if isinstance(failure, Refused) and failure.whole_provider:
            raise failure
        if isinstance(failure, ProviderError) and not self.answered[name] and self.used_up[name] >= HOPELESS_CLIPS:
            raise failure


@contextmanager
def _embedded(pending: Sequence[Job]) -> Iterator[Callable[[Provider], Provider]]:
    """Start the embedded server for each recogniser that is needed; yields how to point a provider at it."""
    with ExitStack() as servers:
        engines = sorted({str(job.provider.engine) for job in pending if _is_embedded(job.provider)})
        workers = 1 + LOCAL_CONCURRENCY["streaming"]  # one for requests, and one for each stream
        urls = {engine: servers.enter_context(emulator.launch(engine, workers=workers)) for engine in engines}

        def located(provider: Provider) -> Provider:
            if not _is_embedded(provider):
                return provider
            return cast(Provider, replace(cast(Any, provider), base_url=urls[str(provider.engine)]))

        yield located


def _is_embedded(provider: Provider) -> bool:
    return provider.engine is not None and not provider.settings.get("base_url")


def _usd_per_hour(name: str, provider: Provider) -> float | None:
    if not provider.live:
        return 0.0
    price = cost.price(name, provider.route)
    return None if price is None else price.usd_per_hour


def _as_stored(settings: Mapping[str, Any]) -> Any:
    """Settings as a trace brings them back: JSON knows no tuples."""
    return json.loads(json.dumps(dict(settings)))
