"""Corpus x providers -> traces: concurrency, retries, budget, resume. The only part of evalkit that spends money."""

import asyncio
import functools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from evalkit import emulator
from evalkit.agenda import Agenda, Job, agenda, is_answer
from evalkit.budget import Budget
from evalkit.corpora import Corpus
from evalkit.errors import EvalkitError, ParseError, ProviderError, Refused, Unavailable
from evalkit.limits import Admission, admit
from evalkit.plan import LOCAL_CONCURRENCY, Plan
from evalkit.providers import Provider
from evalkit.scoring import stitching
from evalkit.sounds import Sounds
from evalkit.store import Store
from evalkit.types import Audio, Hypothesis, Trace
from evalkit.wire import Timeouts, Wire, http_client

BACKOFF_S, BACKOFF_LIMIT_S = 0.5, 30.0
# Who asks for a longer wait is tried again by the next run.
RETRY_AFTER_LIMIT_S = 60.0
# A provider that has answered nothing when this many clips are used up is not there: stop instead of failing them all.
HOPELESS_CLIPS = 3


@dataclass(frozen=True)
class Progress:
    """What just happened, for a progress bar."""

    done: int
    total: int
    job: Job
    failure: str | None


async def run(
    plan: Plan,
    corpus: Corpus,
    store: Store,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    timeouts: Timeouts | None = None,
) -> None:
    """Send what is still to be sent and store every attempt; safe to kill and to call again.

    Call it inside ``store.writing()``. Routes run one after the other, in the plan's order. Within a route a clip goes
    to every provider before the next one, first to the one and then to the other by turns (A B, B A), so that the
    weather of the network hits all of them alike; no provider is asked faster than ``Plan.allowed``. Waits are
    given up after ``timeouts``, the usual ones unless given.

    Raises:
        CorpusError: an audio file is missing, changed or undecodable; nothing was sent.
        ProviderError: a provider answers nothing at all, or refuses the key.
        BudgetExceeded: the next call could pass the budget.
        StoreError: the run folder cannot be written, or holds a run with other settings.
    """
    todo = agenda(plan, corpus, store)
    session = _Session(plan, corpus, store, todo, progress, timeouts or Timeouts())
    clips = {job.clip.id: job.clip for job in todo.pending}
    await asyncio.to_thread(session.sounds.check, clips.values())
    with _embedded(todo.pending) as located:
        for route in plan.routes:
            await session.drain([job for job in todo.pending if job.provider.route == route], located)
            if session.stopped is not None:
                raise session.stopped


@dataclass(frozen=True)
class _Desk:
    """Where one provider is asked over one route."""

    provider: Provider
    admission: Admission
    wire: Callable[..., Wire]


class _Session:
    """The state that the workers of one run share."""

    def __init__(
        self,
        plan: Plan,
        corpus: Corpus,
        store: Store,
        todo: Agenda,
        progress: Callable[[Progress], None],
        timeouts: Timeouts,
    ) -> None:
        self.plan, self.store, self.progress, self.timeouts = plan, store, progress, timeouts
        self.sounds = Sounds(plan.sample_rate_hz)
        self.budget = Budget(plan.budget_usd, store)
        self.total = sum(len(corpus) * len(plan.providers(route)) for route in plan.routes)
        self.done = self.total - len(todo.pending)
        self.answered = todo.answered
        self.used_up: Counter[str] = Counter()
        self.stopped: EvalkitError | None = None
        self.writing = asyncio.Lock()
        self.random = random.Random(plan.seed)
        self.largest: dict[str, int | None] = {}
        """Provider name -> the largest recording in bytes, where the account's console says one."""

    async def drain(self, jobs: Sequence[Job], located: Callable[[Provider], Provider]) -> None:
        """Send the clips of one route: each lane takes a clip to one provider after the other."""
        asked = {job.provider.name: job.provider for job in jobs}
        rounds: dict[str, list[Job]] = {}
        for job in jobs:
            rounds.setdefault(job.clip.id, []).append(job)
        # With a lane for every place the slowest provider has, times the providers, nobody waits for his turn.
        lanes = min((self.plan.width(provider) for provider in asked.values()), default=0) * len(asked)
        waiting = enumerate(rounds.values())
        async with AsyncExitStack() as stack:
            admissions = self._admissions(asked)
            desks = {
                name: await stack.enter_async_context(self._desk(located(provider), admissions[name]))
                for name, provider in asked.items()
            }

            async def worker(lane: int) -> None:
                for number, clip_jobs in waiting:
                    for job in clip_jobs if number % 2 == 0 else reversed(clip_jobs):
                        if self.stopped is not None:
                            return
                        try:
                            await self.buy(job, desks[job.provider.name], stagger=lane / lanes)
                        except EvalkitError as error:
                            # The clips in flight elsewhere are paid for: let them end and be stored.
                            self.stopped = self.stopped or error

            async with asyncio.TaskGroup() as group:
                for lane in range(min(lanes, len(jobs))):
                    group.create_task(worker(lane))

    def _admissions(self, asked: Mapping[str, Provider]) -> dict[str, Admission]:
        """One for each name, and those of one account keep to its limits together."""
        made: dict[str, Admission] = {}
        for name, provider in asked.items():
            self.largest[name] = self.plan.allowed(provider).upload_bytes if provider.route == "rest" else None
            if name not in made:
                together = [asked[other] for other in self.plan.sharing(provider) if other in asked]
                known, widths = map(self.plan.allowed, together), map(self.plan.width, together)
                names = (other.name for other in together)
                made |= zip(names, admit(list(known), list(widths)), strict=True)
        return made

    @asynccontextmanager
    async def _desk(self, provider: Provider, admission: Admission) -> AsyncIterator["_Desk"]:
        async with http_client(self.timeouts, loopback=not provider.live) as http:
            yield _Desk(provider, admission, functools.partial(Wire, http, timeouts=self.timeouts))

    async def buy(self, job: Job, desk: "_Desk", *, stagger: float) -> None:
        """Send one clip until it is answered, refused, or the attempts are used up; every attempt is stored.

        A stream that breaks off is taken up again a little before the last locked word: what was locked is kept.
        """
        audio = await asyncio.to_thread(self.sounds.of, job.clip)
        pieces: list[tuple[Trace, Hypothesis]] = []
        failure: ProviderError | ParseError | None = None
        for tried in range(self.plan.attempts):
            attempt = job.first_attempt + tried
            from_s = 0.0
            if pieces and job.provider.route == "streaming":
                from_s = await asyncio.to_thread(_resumption_s, pieces, audio.channels)
            async with desk.admission.admitted():
                sound = audio.since(from_s) if from_s else audio
                if job.provider.live:
                    name, route = job.provider.name, job.provider.route
                    worst_usd = job.worst_usd(sound.duration_s)
                    await self.budget.reserve(
                        worst_usd, clip_id=job.clip.id, provider=name, route=route, attempt=attempt
                    )
                wire = desk.wire(stagger=stagger, from_s=from_s)
                piece = await self.converse(job, desk.provider, sound, attempt, wire)
            pieces.append(piece)
            failure = piece[1].failure
            if not isinstance(failure, Unavailable) or (failure.retry_after_s or 0.0) > RETRY_AFTER_LIMIT_S:
                break
            if self.stopped is None and tried + 1 < self.plan.attempts:
                await asyncio.sleep(self._backoff_s(tried, failure.retry_after_s))
            if self.stopped is not None:
                break
        self._settle(job, failure)

    async def converse(
        self, job: Job, provider: Provider, audio: Audio, attempt: int, wire: Wire
    ) -> tuple[Trace, Hypothesis]:
        """Hold one conversation and store it, also when it breaks off: what was sent may have been billed."""
        started_at = datetime.now(UTC)

        def trace() -> Trace:
            name, route, settings = provider.name, provider.route, job.provider.settings
            return Trace(job.clip.id, name, route, settings, attempt, started_at, wire.events, wire.from_s)

        def kept() -> tuple[Trace, Hypothesis]:
            whole = trace()
            heard = Hypothesis.of(job.provider.parse(whole.events))
            self.store.append(whole, answered=is_answer(heard))
            return whole, heard

        try:
            _check_size(audio, self.largest.get(provider.name), provider.name)
            await provider.transcribe(audio, wire)
        except ProviderError as error:
            if not any(event.kind in ("error", "received") for event in wire.events):
                wire.record("error", {"type": type(error).__name__, "message": str(error)})
        except BaseException as error:
            if wire.events:
                wire.record("error", {"type": "Unavailable", "message": f"broken off by us ({type(error).__name__})"})
                self.store.append(trace())
            raise

        async def stored() -> tuple[Trace, Hypothesis]:
            async with self.writing:
                # A long conversation takes a while to read and to write: streams in flight must not wait for it.
                return await asyncio.to_thread(kept)

        storing = asyncio.create_task(stored())
        try:
            return await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing  # it is paid for
            raise

    def _backoff_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Full jitter under a doubling limit, or what the service asked for when that is longer."""
        wait_s = self.random.uniform(0, min(BACKOFF_LIMIT_S, BACKOFF_S * 2**attempt))
        return max(wait_s, retry_after_s or 0.0)

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


def _check_size(audio: Audio, largest: int | None, name: str) -> None:
    """Raises Refused when a recording is larger than the account takes."""
    size = len(audio.wav_header()) + len(audio.pcm)
    if largest is not None and size > largest:
        raise Refused(
            f"{name}: {size:,} bytes is over the {largest / 1e6:g} MB that your console says; split the recording"
        )


def _resumption_s(pieces: Sequence[tuple[Trace, Hypothesis]], channels: int) -> float:
    """From which audio second on a stream goes on after these attempts."""
    going = stitching.chain([trace for trace, _ in pieces])
    whole = stitching.stitched(going, [heard for _, heard in pieces[-len(going) :]])
    return stitching.resumption_s(whole, channels)


def _is_embedded(provider: Provider) -> bool:
    return provider.engine is not None and not provider.settings.get("base_url")
