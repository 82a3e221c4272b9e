"""The few facts that every output shows, in the same words: terminal, page, notebook.

Figures come from summary rows, comparisons from differences, coverage and punctuality from the scores; nothing is
computed twice. The sentences say who is better, by how much, how sure that is, and what it costs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from evalkit.reports import punctuality
from evalkit.reports.caveats import caveat, incomparable, unsent
from evalkit.reports.decided import compared
from evalkit.reports.lines import COST, LINES, Line
from evalkit.reports.punctuality import Punctuality
from evalkit.reports.units import duration, listed, shown, told
from evalkit.stats.ranking import rank_depends_on_mix, rank_depends_on_normaliser
from evalkit.stats.slices import TIMES
from evalkit.types import Difference, Route, Score, SummaryRow

ROUTE_WORDS: Mapping[str, str] = {"rest": "REST", "streaming": "streaming", "agent": "agent"}
# Which error rate leads: the first that leaves no clip with a reference out.
PRIMARY: Mapping[str, str] = {
    "acc.wer.en": "Word error rate",
    "acc.wer.basic": "Word error rate, basic text rules",
    "acc.cer": "Character error rate",
}


@dataclass(frozen=True, slots=True)
class System:
    """One provider over one route, and how it fared apart from its figures."""

    provider: str
    route: Route
    clips: int
    answered: int
    attempts: int
    reasons: tuple[tuple[str, int], ...]
    """Why clips failed, most frequent first."""
    audio_s: float

    @property
    def name(self) -> str:
        return f"{self.provider} {ROUTE_WORDS[self.route]}"


@dataclass(frozen=True, slots=True)
class Headline:
    """What a reader should know after ten seconds, and the figures behind it."""

    lede: str
    sentences: tuple[str, ...]
    caveat: str
    """Why the numbers may not be used about a live service; empty when they may."""
    candidate: str | None
    incumbent: str | None
    systems: tuple[System, ...]
    lines: tuple[Line, ...]
    wer: str
    """The error rate that leads, a key of ``PRIMARY``."""
    punctuality: tuple[Punctuality, ...]
    degraded: int
    """How many clips are worse copies of others."""
    rows: Mapping[tuple[str, Route, str], SummaryRow]
    """(provider, route, metric) -> the figure over all clips."""
    differences: Mapping[tuple[str, str, Route, str], Difference]
    """(question, provider, route, metric) -> the paired difference."""
    barred: Mapping[tuple[str, str, Route, str], str]
    """Likewise, why a difference decides nothing."""

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(system.provider for system in self.systems))

    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(dict.fromkeys(system.route for system in self.systems))

    def row(self, provider: str, route: Route, metric: str) -> SummaryRow | None:
        return self.rows.get((provider, route, metric))

    def difference(self, question: str, provider: str, route: Route, metric: str) -> Difference | None:
        return self.differences.get((question, provider, route, metric))

    def against_incumbent(self, route: Route, metric: str) -> Difference | None:
        """Candidate minus incumbent over one route."""
        return self.difference("candidate_vs_incumbent", self.candidate or "", route, metric)

    def against_rest(self, provider: str, metric: str) -> Difference | None:
        """Streaming minus REST of one provider."""
        return self.difference("streaming_vs_rest", provider, "streaming", metric)

    def bar(self, row: Difference | None) -> str:
        """Why a difference of delays or prices decides nothing; empty when it may."""
        return "" if row is None else self.barred.get((row.question, row.provider, row.route, row.metric), "")


def headline(
    manifest: Mapping[str, Any],
    scores: Sequence[Score],
    summary: Sequence[SummaryRow],
    differences: Sequence[Difference],
) -> Headline:
    """Derive the headline of a run.

    Args:
        manifest: what ``run.json`` holds; ``candidate``, ``incumbent`` and ``providers`` are used.
        scores: one row per clip, provider and route.
        summary: pooled figures; only those of the slice ``all`` enter the headline.
        differences: paired differences.
    """
    candidate, incumbent = manifest.get("candidate"), manifest.get("incumbent")
    systems = _systems(scores, summary, [name for name in (candidate, incumbent) if name])
    rows = {(row.provider, row.route, row.metric): row for row in summary if row.slice == "all"}
    measured = {row.metric for row in rows.values() if told(row)}
    paired: dict[tuple[str, str, Route, str], Difference] = {
        (row.question, row.provider, row.route, row.metric): row for row in differences
    }
    wer = _primary(rows.values())
    led = (replace(line, brief=line.brief or line.metric == wer) for line in LINES)
    found = Headline(
        lede="",
        sentences=(),
        caveat=caveat(scores, manifest),
        candidate=candidate,
        incumbent=incumbent,
        systems=systems,
        lines=tuple(
            line
            for line in led
            if measured.intersection([line.metric, *(line.bounds or ())])
            and (line.metric != "acc.cer" or wer == "acc.cer")
        ),
        wer=wer,
        punctuality=punctuality.of(scores, [(system.provider, system.route) for system in systems]),
        degraded=len(_degraded(scores)),
        rows=rows,
        differences=paired,
        barred={key: reason for key, row in paired.items() if (reason := incomparable(row, manifest))},
    )
    sentences = (
        *_rules(found),
        *_mixed(found),
        *_comparisons(found),
        *_streaming(found),
        *_delays(found),
        *_costs(found),
    )
    sentences = (*sentences, *_swaps(summary), *_mixes(found, summary), *_failures(found, unsent(scores, manifest)))
    return replace(found, lede=_lede(found), sentences=sentences)


def _primary(rows: Iterable[SummaryRow]) -> str:
    clips = dict.fromkeys(PRIMARY, 0)
    for row in rows:
        if row.metric in clips and row.value is not None:
            clips[row.metric] = max(clips[row.metric], row.n_clips)
    return max(clips, key=lambda metric: clips[metric])


def _rules(head: Headline) -> list[str]:
    """Why the leading error rate is not the one for English."""
    reasons = {
        "acc.wer.basic": "Errors are counted after the basic text rules, for not every clip is known to be English.",
        "acc.cer": "Errors are counted in characters, because the language is written without spaces.",
    }
    return [reasons[head.wer]] if head.wer in reasons else []


def _degraded(scores: Sequence[Score]) -> set[str]:
    """Clips that are worse copies of others of the run (``evalkit.stats.conditions``)."""
    sent = {score.clip_id for score in scores}
    copies = {score.clip_id for score in scores if score.slices.get("source", score.clip_id) != score.clip_id}
    return {score.clip_id for score in scores if score.clip_id in copies and score.slices["source"] in sent}


def _mixed(head: Headline) -> list[str]:
    """That figures over all clips are no figures of clean clips."""
    if not head.degraded:
        return []
    clips = max(system.clips for system in head.systems)
    return [
        f"{head.degraded} of {clips} clips are degraded copies of the others: figures over all clips mix conditions, "
        "which the report also sets apart."
    ]


def _swaps(summary: Sequence[SummaryRow]) -> list[str]:
    """Pairs of systems on one route whose order hangs on the text rules: a ranking nobody should act on."""
    return [
        f"Which of {swap.better.provider} and {swap.worse.provider} makes fewer word errors over "
        f"{ROUTE_WORDS[swap.better.route]} depends on the text rules ({swap.metric} against {swap.other_metric})."
        for swap in rank_depends_on_normaliser(summary)
        if swap.better.route == swap.worse.route
    ]


def _mixes(head: Headline, summary: Sequence[SummaryRow]) -> list[str]:
    """Pairs of systems on one route whose order hangs on how many clips of each kind the corpus has."""
    return [
        f"Over {ROUTE_WORDS[swap.better.route]}, {swap.better.provider} has fewer word errors than "
        f"{swap.worse.provider} on all clips and more in the mean of the slices by {swap.key}: which is better hangs "
        "on the mix of clips."
        for swap in rank_depends_on_mix(summary, profile=head.wer.rpartition(".")[2])
    ]


def _systems(scores: Sequence[Score], summary: Sequence[SummaryRow], first: Sequence[str]) -> tuple[System, ...]:
    """Candidate first, then incumbent, then the others; REST before streaming."""
    routes = list(ROUTE_WORDS)
    names = {(score.provider, score.route) for score in scores} | {(row.provider, row.route) for row in summary}
    rank = {name: place for place, name in enumerate(first)}
    ordered = sorted(names, key=lambda name: (rank.get(name[0], len(first)), name[0], routes.index(name[1])))
    systems = []
    for provider, route in ordered:
        own = [score for score in scores if (score.provider, score.route) == (provider, route)]
        failed = Counter(score.failure for score in own if score.failure is not None)
        systems.append(
            System(
                provider,
                route,
                clips=len(own),
                answered=len(own) - failed.total(),
                attempts=sum(score.attempts for score in own),
                reasons=tuple(failed.most_common()),
                audio_s=sum(score.audio_s for score in own),
            )
        )
    return tuple(systems)


def _lede(head: Headline) -> str:
    """The one sentence a hurried reader takes home."""
    if head.candidate is None:
        return "Nothing was scored."
    against = {route: row for route in head.routes if (row := head.against_incumbent(route, head.wer)) is not None}
    if not head.incumbent or not against:
        own = [
            f"{shown(figure.value, figure.unit)} over {ROUTE_WORDS[route]}"
            for route in head.routes
            if (figure := head.row(head.candidate, route, head.wer)) is not None and figure.value is not None
        ]
        if not own:
            return f"No error rate for {head.candidate}: no clip with a reference text was scored."
        rate = PRIMARY[head.wer].partition(",")[0].lower()
        return f"{head.candidate} has a {rate} of {listed(own)}; there is no incumbent to compare it with."
    phrase: dict[Literal["better", "worse", "no_clear_difference", "insufficient"], str] = {
        "better": f"{head.candidate} makes fewer word errors than {head.incumbent}",
        "worse": f"{head.candidate} makes more word errors than {head.incumbent}",
        "no_clear_difference": f"No clear difference in word errors between {head.candidate} and {head.incumbent}",
        "insufficient": f"Too few data to compare the word errors of {head.candidate} and {head.incumbent}",
    }
    parts = []
    for verdict, words in phrase.items():
        routes = [ROUTE_WORDS[route] for route, row in against.items() if row.verdict == verdict]
        if routes:
            parts.append(f"{words} over {listed(routes)}")
    return ". ".join(parts) + "."


def _comparisons(head: Headline) -> list[str]:
    found = []
    for route in head.routes:
        row = head.against_incumbent(route, head.wer)
        if row is not None:
            found.append(compared(row, row.provider, row.against_provider, where=f"{capitalised(route)}: "))
    return found


def _streaming(head: Headline) -> list[str]:
    found = []
    for provider in head.providers:
        row = head.against_rest(provider, head.wer)
        if row is not None:
            found.append(compared(row, f"{provider} streaming", "its REST route"))
    return found


def _delays(head: Headline) -> list[str]:
    """Streaming delays beside the wait for a REST answer, provider by provider."""
    found = []
    for provider in head.providers:
        word = _value(head, provider, "streaming", "lat.word_first.p50")
        late = _value(head, provider, "streaming", "lat.word_first.p95")
        final = _value(head, provider, "streaming", "lat.ttfs.p50")
        answer = _value(head, provider, "rest", "lat.rest_total.p50")
        parts = []
        if word is not None:
            tail = f" (95th percentile {shown(late, 's')})" if late is not None else ""
            parts.append(f"a word is on screen {shown(word, 's')} after it was spoken{tail}")
        if final is not None:
            parts.append(f"the final text stands {shown(final, 's')} after speech ends")
        if answer is not None:
            parts.append(f"a REST answer takes {shown(answer, 's')}")
        if parts:
            found.append(f"{provider}, medians: {'; '.join(parts)}.")
    return found


def _costs(head: Headline) -> list[str]:
    """The price of every system in one sentence, providers with equal prices together."""
    together: dict[str, list[str]] = {}
    for provider in head.providers:
        known = {
            route: shown(row.value, "usd_per_h").removesuffix(" /h")
            for route in head.routes
            if (row := head.row(provider, route, COST)) is not None and row.value is not None
        }
        if len(known) > 1 and len(set(known.values())) == 1:
            words = f"{next(iter(known.values()))} on every route"
        else:
            words = listed([f"{price} over {ROUTE_WORDS[route]}" for route, price in known.items()])
        together.setdefault(words or "no known price", []).append(provider)
    parts = [f"{listed(providers)} {words}" for words, providers in together.items()]
    return [f"Price per hour of audio: {'; '.join(parts)}."] if parts else []


def _failures(head: Headline, unsent: int) -> list[str]:
    failing = [
        f"{system.name} {system.clips - system.answered} of {system.clips}"
        for system in head.systems
        if system.answered < system.clips
    ]
    audio = max((system.audio_s for system in head.systems), default=0.0)
    if failing:
        return [f"Clips without a usable answer: {listed(failing)}; they count as wholly wrong."]
    if unsent:
        return []  # the caveat says what is missing
    return [f"Every clip was answered ({duration(audio)} of audio per route)."] if head.systems else []


def _value(head: Headline, provider: str, route: Route, metric: str) -> float | None:
    row = head.row(provider, route, metric)
    return None if row is None else row.value


def telling_slices(rows: Sequence[SummaryRow], *, apart: bool = False) -> list[str]:
    """Names of the slices that divide the corpus: a key with one known value says little more than ``all``.

    Where reference times come from divides word times, not words, and is told apart.

    Args:
        rows: figures of slices.
        apart: conditions are told apart too, clip by clip.
    """
    found = {row.slice for row in rows if row.slice != "all" and row.value is not None}
    elsewhere = (f"{TIMES}=", "condition=") if apart else (f"{TIMES}=",)
    names = sorted(name for name in found if not name.startswith(elsewhere))
    keys = Counter(name.partition("=")[0] for name in names if not name.endswith("=unknown"))
    return [name for name in names if keys[name.partition("=")[0]] > 1]


def capitalised(route: Route) -> str:
    """A route's name at the start of a line."""
    words = ROUTE_WORDS[route]
    return words[0].upper() + words[1:]
