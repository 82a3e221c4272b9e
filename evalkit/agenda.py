"""What is still to be sent of a run, and what of it was answered before."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple, cast

from evalkit.corpora import Corpus
from evalkit.errors import ParseError, StoreError
from evalkit.plan import Choice, Plan
from evalkit.providers import Provider
from evalkit.scoring import cost
from evalkit.scoring.cost import Billing
from evalkit.store import Store
from evalkit.types import Clip, Hypothesis, Trace

MOST_TOLD = 60

Key = tuple[str, str, str]
"""(clip id, provider, route): what is bought once."""


@dataclass(frozen=True)
class Job:
    """One clip to send to one provider over one route."""

    clip: Clip
    provider: Provider
    usd_per_hour: float | None = 0.0
    """List price per hour of audio; 0 when nobody is paid, None when unknown."""
    billing: Billing = cost.UNROUNDED
    """How the vendor rounds, as far as that is documented."""
    first_attempt: int = 1

    @property
    def key(self) -> Key:
        return (self.clip.id, self.provider.name, self.provider.route)

    @property
    def usd(self) -> float | None:
        """What one attempt that sends the whole clip costs at most."""
        usd = self.worst_usd(self.clip.duration_s)
        return None if usd is None else float(usd)

    def worst_usd(self, audio_s: float) -> Decimal | None:
        """What one attempt that sends so much of the clip costs at most, the silence after it included.

        Args:
            audio_s: seconds of the clip's sound; a stream that is taken up again sends only the rest.
        """
        if self.usd_per_hour is None:
            return None
        billed_s = cost.billed_s(audio_s + self.provider.silence_s, self.billing)
        return cost.worst_case_usd(billed_s, self.usd_per_hour, attempts=1)


class Agenda(NamedTuple):
    """What is left of a plan once the stored traces are taken off."""

    pending: list[Job]
    answered: Counter[str]
    """Provider name -> clips already answered."""


def agenda(plan: Plan, corpus: Corpus, store: Store | None = None) -> Agenda:
    """What is still to be sent, route by route.

    A recorded answer is never bought again, not even one that ``parse`` does not understand: mend ``parse`` and score.

    Args:
        plan: what to run.
        corpus: its clips.
        store: the run's folder, when something may be in it.

    Raises:
        StoreError: a stored trace was made with other settings.
    """
    wanted: dict[Key, Job] = {}
    for route in plan.routes:
        asked = [
            (provider, *_terms(choice, provider))
            for choice in plan.choices
            if (provider := choice.on(route)) is not None
        ]
        jobs = (Job(clip, *terms) for clip in corpus for terms in asked)
        wanted.update((job.key, job) for job in jobs)
    pending, answered = dict(wanted), Counter[str]()
    for head in store.heads() if store is not None else ():
        if (job := wanted.get(head.key)) is None:
            continue
        if other := _changed(job.provider, head.settings):
            raise StoreError(
                f"the run already holds {head.provider} over {head.route} with other settings ({', '.join(other)}); "
                "choose another --run name, or start over with --fresh"
            )
        if head.answered or (store is not None and _answered(job, store.traces_at([head.start])[0])):
            answered[head.provider] += 1
            pending.pop(head.key, None)
        elif head.key in pending:
            pending[head.key] = replace(job, first_attempt=head.attempt + 1)
    return Agenda(list(pending.values()), answered)


def _answered(job: Job, trace: Trace) -> bool:
    """Whether a stored attempt brought an answer."""
    return is_answer(Hypothesis.of(job.provider.parse(trace.events)))


def is_answer(heard: Hypothesis) -> bool:
    """Whether it is an answer, understood or not."""
    return heard.failure is None or isinstance(heard.failure, ParseError)


def _terms(choice: Choice, provider: Provider) -> tuple[float | None, Billing]:
    """What an hour costs (None: unknown) and how it is rounded; nobody is paid for what is not live."""
    price = choice.price(provider) if provider.live else None
    if price is None:
        return (None if provider.live else 0.0), cost.UNROUNDED
    return price.usd_per_hour, price.billing


def _changed(provider: Provider, stored: Mapping[str, Any]) -> list[str]:
    """Every setting that a stored attempt was made with otherwise, as ``language: null, now "en"``.

    A setting that did not exist when the attempt was made was then what it is by default now.
    """
    now, before = _as_stored(provider.settings), {**_as_stored(_defaults(provider)), **stored}
    return [
        f"{name}: {_told(before, name)}, now {_told(now, name)}"
        for name in dict.fromkeys([*now, *stored])
        if name not in before or name not in now or before[name] != now[name]
    ]


def _defaults(provider: Provider) -> dict[str, Any]:
    """What the settings of a provider are unless somebody says otherwise."""
    fields = {field.name: field for field in dataclasses.fields(cast(Any, provider)) if field.name in provider.settings}
    made = {name: field.default_factory() for name, field in fields.items() if callable(field.default_factory)}
    return {name: field.default for name, field in fields.items() if field.default is not dataclasses.MISSING} | made


def _told(settings: Mapping[str, Any], name: str) -> str:
    """A setting in a sentence; a list of a hundred terms has no place there."""
    text = json.dumps(settings[name], ensure_ascii=False) if name in settings else "unknown"
    return text if len(text) <= MOST_TOLD else f"{text[: MOST_TOLD - 1]}…"


def _as_stored(settings: Mapping[str, Any]) -> Any:
    """Settings as a trace brings them back: JSON knows no tuples."""
    return json.loads(json.dumps(dict(settings)))
