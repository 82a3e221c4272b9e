"""What a run would cost, take and be able to show, before anything is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evalkit.agenda import Job, agenda
from evalkit.corpora import Corpus
from evalkit.limits import Limits, strictest
from evalkit.plan import Plan
from evalkit.stats import power
from evalkit.store import Store
from evalkit.types import Clip, Route

DIFFERENCES = (0.03, 0.02, 0.01, 0.005)
"""In errors per word: the sizes of difference a question is usually about."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is left to send to one provider over one route."""

    provider: str
    route: Route
    clips: int
    audio_s: float
    usd: float | None
    """At the list price when every clip is answered at once; None when the price is unknown."""
    worst_usd: float | None
    """When every clip uses up all its attempts, each billed."""
    least_s: float | None
    """Seconds it takes at least, alone; None when nothing bounds it but the service's own speed."""
    limits: Limits
    account: tuple[str, ...]
    """The names under which its account is asked over this route: they keep to its limits together."""
    width: int
    """Clips in flight at once."""
    spoken_s: float
    """Seconds of speaking, one clip after the other; 0 where clips are sent as files."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What the word errors of a corpus can show."""

    clips: int
    words: int
    clusters: int
    detectable: float | None
    """The WER difference it finds 80 times in 100; a guess made without a pilot (see ``power``)."""
    needed: tuple[tuple[float, int], ...]
    """WER difference -> clips of this corpus's length that find it as surely."""


def errands(plan: Plan, corpus: Corpus, store: Store | None = None) -> list[Errand]:
    """What is still to be bought of a plan, one line per provider and route, in the order of sending.

    Args:
        plan: what to run.
        corpus: its clips.
        store: the run's folder, when something may be in it.

    Raises:
        StoreError: a stored trace was made with other settings.
    """
    queues: dict[tuple[str, Route], list[Job]] = {}
    for job in agenda(plan, corpus, store).pending:
        queues.setdefault((job.provider.name, job.provider.route), []).append(job)
    return [_errand(plan, queue) for queue in queues.values()]


def reach(clips: Iterable[Clip]) -> Reach:
    """What these clips can show, by the planning guess of ``power.words_needed``."""
    known = [clip for clip in clips if clip.reference]
    words = sum(len(clip.reference or ()) for clip in known)
    if not words:
        return Reach(0, 0, 0, None, ())
    spread = power.words_needed(1.0, power=power.PLANNED_POWER)
    needed = tuple((size, power.clips_to_plan(size, words / len(known))) for size in DIFFERENCES)
    return Reach(len(known), words, len({clip.cluster or clip.id for clip in known}), (spread / words) ** 0.5, needed)


def lacks(clips: Iterable[Clip]) -> list[str]:
    """What these clips cannot show, one sentence each, said before anything is paid for."""
    speech = [clip for clip in clips if clip.kind == "speech"]
    if not any(clip.reference for clip in speech):
        return ["no clip has a transcript: word errors cannot be counted"]
    found = []
    if not any(word.end_s is not None for clip in speech for word in clip.reference or ()):
        found.append("no word times: when words appear, and how far their timestamps are off, cannot be judged")
    if any(clip.language is None for clip in speech):
        found.append("clips without a language are scored by the basic text rules only (a column or field `language`)")
    return found


def wall_s(found: Sequence[Errand]) -> float:
    """Seconds the whole takes at least: routes one after the other, the accounts of a route side by side."""
    accounts: dict[tuple[Route, tuple[str, ...]], list[Errand]] = {}
    for errand in found:
        accounts.setdefault((errand.route, errand.account), []).append(errand)
    slowest: dict[Route, float] = {}
    for (route, _), together in accounts.items():
        slowest[route] = max(slowest.get(route, 0.0), _together_s(together))
    return sum(slowest.values())


def _together_s(errands: Sequence[Errand]) -> float:
    """Seconds these take at least that keep to the limits of one account."""
    allowed = strictest([errand.limits for errand in errands])
    width = sum(errand.width for errand in errands)
    spoken_s = sum(errand.spoken_s for errand in errands) / min(width, allowed.sessions or width)
    started_s = allowed.interval_s * (sum(errand.clips for errand in errands) - 1)
    return max(spoken_s, started_s, *(errand.least_s or 0.0 for errand in errands))


def may_stop(plan: Plan, found: Iterable[Errand], spent_usd: Decimal) -> bool:
    """Whether the budget can end a run before all is sent: what is spent, and what is left at its worst, may pass it.

    Args:
        plan: with the budget.
        found: what is left to send.
        spent_usd: what the run's folder says was spent before, as ``Store.spent_usd`` tells it.
    """
    left = sum((Decimal(str(errand.worst_usd)) for errand in found if errand.worst_usd), Decimal(0))
    return plan.budget_usd is not None and spent_usd + left > Decimal(str(plan.budget_usd))


def _spoken_s(job: Job) -> float:
    """Seconds it takes to speak a clip; 0 where it is sent as a file."""
    if job.provider.route == "rest":
        return 0.0
    return (job.clip.duration_s + job.provider.silence_s) / float(job.provider.settings.get("speed") or 1.0)


def _errand(plan: Plan, queue: Sequence[Job]) -> Errand:
    provider, prices = queue[0].provider, [job.usd for job in queue]
    audio_s = sum(job.clip.duration_s for job in queue)
    usd = None if None in prices else sum(price for price in prices if price is not None)
    allowed, width = plan.allowed(provider), plan.width(provider)
    spoken = [_spoken_s(job) for job in queue]
    least_s = max(sum(spoken) / width, *spoken, allowed.interval_s * (len(queue) - 1))
    return Errand(
        provider=provider.name,
        route=provider.route,
        clips=len(queue),
        audio_s=audio_s,
        usd=usd,
        worst_usd=None if usd is None else usd * plan.attempts,
        least_s=least_s or None,
        limits=allowed,
        account=tuple(plan.sharing(provider)),
        width=width,
        spoken_s=sum(spoken),
    )
