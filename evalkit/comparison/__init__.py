"""Candidate against incumbent, of one run or of two runs of the same clips: everything one may ask of the pair.

Differences of every metric and slice are those of ``paired``; what they come to in money and time is in ``worth``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from evalkit import stats
from evalkit.comparison import again, worth
from evalkit.comparison.worth import Standing, Worth
from evalkit.errors import SettingsError
from evalkit.reports import aligned
from evalkit.reports.caveats import incomparable
from evalkit.reports.headline import PRIMARY, Headline, headline
from evalkit.scoring import catalogue, text
from evalkit.scoring.sliced import MIN_CLIPS, MIN_CLUSTERS, MIN_WORDS
from evalkit.stats import decisions, paired
from evalkit.stats import slices as cuts
from evalkit.types import Difference, Score

ALL = "all"
MOST_CLIPS = 10
"""So many clips are shown in either direction."""


@dataclass(frozen=True)
class Source:
    """A scored run as far as a comparison looks at it."""

    name: str
    manifest: Mapping[str, Any]
    scores: Sequence[Score]
    hashes: Mapping[str, str]
    """Clip id -> sha256 of its audio."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A paired difference over all clips or over a slice of them."""

    slice: str
    """``all``, or ``key=value``."""
    row: Difference
    barred: str
    """Why it decides nothing; empty when it may."""

    @property
    def verdict(self) -> str:
        return "not_comparable" if self.barred else self.row.verdict


@dataclass(frozen=True, slots=True)
class ClipGap:
    """A clip on which the two differ."""

    new: Score
    old: Score
    errors: int
    against_errors: int
    words: int
    """Of the reference."""

    @property
    def difference(self) -> int:
        """Errors of the candidate beyond those of the incumbent."""
        return self.errors - self.against_errors


@dataclass(frozen=True)
class Comparison:
    """All that is known about a candidate beside an incumbent."""

    candidate: str
    """Its provider; of two runs with the run, as ``name (run)``."""
    incumbent: str
    """Empty when there is none: then only the routes are held against each other."""
    head: Headline
    differences: tuple[Compared, ...]
    """Over all clips, in catalogue order: candidate against incumbent, then streaming against REST."""
    slices: tuple[Compared, ...]
    """Candidate against incumbent; p-values are adjusted over all supported slices and routes, as those over all clips
    are over routes (``decisions.adjusted``)."""
    lost: tuple[ClipGap, ...]
    """Clips on which the candidate makes more errors, the worst first."""
    won: tuple[ClipGap, ...]
    standings: tuple[Standing, ...]
    worth: tuple[Worth, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> tuple[Compared, ...]:
        return (*self.differences, *self.slices)

    def of(self, metric: str) -> tuple[Compared, ...]:
        """Candidate against incumbent by one metric over all clips, a row per route."""
        return tuple(
            one for one in self.differences if one.row.metric == metric and one.row.question == "candidate_vs_incumbent"
        )


def compare(
    source: Source,
    against: Source | None = None,
    *,
    candidate: str = "",
    incumbent: str = "",
    prefix: str = "",
    key: str = "",
    tolerated: float | None = None,
    need_s: float | None = None,
) -> Comparison:
    """Hold a candidate against an incumbent on the clips that both were scored on.

    Args:
        source: the run; of two, the one with the candidate.
        against: the run with the incumbent; the same one unless given.
        candidate: name of the provider; that of the run unless given.
        incumbent: name of the other; that of the run, or in another run the candidate's namesake, else its candidate.
        prefix: only metrics whose id begins so; slices are then cut of these.
        key: only the slices of this tag.
        tolerated: margin of error rates; see ``paired.compare``.
        need_s: how long after speech ends the product may wait for final text, at the 95th percentile.

    Raises:
        SettingsError: there is no such provider, metric or tag, or the two runs do not compare.
    """
    metrics = tuple(catalogue.beginning(prefix)) if prefix else catalogue.METRICS
    joined = _one(source, candidate, incumbent) if against is None else _two(source, against, candidate, incumbent)
    seed = int(joined.manifest.get("seed") or 0)
    names = joined.candidate, joined.incumbent or None
    found = paired.compare(joined.scores, *names, tolerated=tolerated, seed=seed)
    wanted = {metric.id for metric in metrics}
    summary = stats.summarise(joined.scores, slices=False, seed=seed)
    gaps = clip_gaps(joined.scores, *names)
    head = headline(joined.manifest, joined.scores, summary, found)
    return Comparison(
        candidate=joined.candidate,
        incumbent=joined.incumbent,
        head=head,
        differences=tuple(
            Compared(ALL, row, joined.bar(row))
            for row in sorted(found, key=lambda row: row.question)
            if row.metric in wanted
        ),
        slices=tuple(_slices(joined, wanted if prefix else set(PRIMARY), key, tolerated, seed)),
        lost=tuple(gap for gap in gaps if gap.difference > 0)[:MOST_CLIPS],
        won=tuple(gap for gap in reversed(gaps) if gap.difference < 0)[:MOST_CLIPS],
        standings=worth.standings(joined.manifest, summary, head.wer, joined.apart),
        worth=worth.streaming(joined.manifest, summary, found, need_s),
        notes=(*joined.notes, *again.notes(joined.manifest, joined.scores, joined.candidate, joined.incumbent)),
    )


def clip_gaps(scores: Sequence[Score], candidate: str, incumbent: str | None) -> list[ClipGap]:
    """The clips that both were scored on and have a reference for, those first where the candidate loses most."""
    old = {(score.clip_id, score.route): score for score in scores if score.provider == incumbent}
    found = []
    for score in scores:
        other = old.get((score.clip_id, score.route))
        if score.provider == candidate and score.reference is not None and other is not None:
            mine, theirs = aligned.errors(score), aligned.errors(other)
            found.append(ClipGap(score, other, mine.errors, theirs.errors, mine.reference_words))
    return sorted(found, key=lambda gap: (-gap.difference, gap.new.clip_id, gap.new.route))


@dataclass(frozen=True)
class _Joined:
    """The rows of both sides under names of their own, with one manifest for both."""

    manifest: Mapping[str, Any]
    scores: Sequence[Score]
    candidate: str
    """Name of the rows, which heads their column wherever they are shown: the provider, of two runs with the run."""
    incumbent: str
    apart: str
    """Why delays of the two do not compare; empty when they do."""
    notes: tuple[str, ...] = ()

    def bar(self, row: Difference) -> str:
        """Why a difference decides nothing; empty when it may."""
        if self.apart and row.question == "candidate_vs_incumbent" and row.metric.startswith("lat."):
            return self.apart
        return incomparable(row, self.manifest)


def _one(source: Source, candidate: str, incumbent: str) -> _Joined:
    providers = source.manifest["providers"]
    new = _named(candidate or source.manifest["candidate"], providers, source)
    others = [name for name in providers if name != new]
    fallback = source.manifest.get("incumbent") or ""
    if candidate and new == fallback:
        fallback = source.manifest["candidate"]
    old = _named(incumbent, providers, source) if incumbent else fallback
    if old == new:
        raise SettingsError(f"{new!r} cannot be compared with itself; name another with --incumbent, or another run")
    if not old and len(others) == 1:
        old = others[0]
    notes = () if old else (f"{source.name} has no incumbent: only the routes are compared; name a second run.",)
    chosen = [score for score in source.scores if score.provider in (new, old)]
    manifest = {**source.manifest, "candidate": new, "incumbent": old or None}
    manifest["providers"] = {name: providers[name] for name in (new, old) if name}
    return _Joined(manifest, chosen, new, old, _apart(manifest, new, old), notes)


def _two(source: Source, against: Source, candidate: str, incumbent: str) -> _Joined:
    if reason := unlike(source, against):
        raise SettingsError(f"{source.name} and {against.name} do not compare: {reason}")
    providers, others = source.manifest["providers"], against.manifest["providers"]
    new = _named(candidate or source.manifest["candidate"], providers, source)
    old = _named(incumbent or (new if new in others else against.manifest["candidate"]), others, against)
    if (new, source.name) == (old, against.name):
        raise SettingsError(f"{new!r} of {source.name} cannot be compared with itself; name another run or provider")
    runs = _run_names(source, against)
    labels = f"{new} ({runs[0]})", f"{old} ({runs[1]})"
    sides = ((source, new, labels[0]), (against, old, labels[1]))
    common = {score.clip_id for score in source.scores} & {score.clip_id for score in against.scores}
    scores = [
        replace(score, provider=label)
        for side, name, label in sides
        for score in side.scores
        if score.provider == name and score.clip_id in common
    ]
    manifest = {
        **source.manifest,
        "candidate": labels[0],
        "incumbent": labels[1],
        "providers": {label: side.manifest["providers"][name] for side, name, label in sides},
        "prices": [
            {**line, "provider": label}
            for side, name, label in sides
            for line in side.manifest.get("prices", ())
            if line["provider"] == name
        ],
        "corpus": {**source.manifest["corpus"], "clips": len(common)},
    }
    machines = [side.manifest.get("machine") for side in (source, against)]
    apart = "measured on different machines" if machines[0] != machines[1] else ""
    return _Joined(
        manifest, scores, *labels, apart or _apart(manifest, *labels), tuple(_notes(source, against, common))
    )


def _run_names(source: Source, against: Source) -> tuple[str, str]:
    """Two runs without their folders, as far as that tells them apart."""
    names = PurePath(source.name).name, PurePath(against.name).name
    return names if all(names) and names[0] != names[1] else (source.name, against.name)


def unlike(source: Source, against: Source) -> str:
    """Why two runs do not compare, in a clause with the remedy; empty when they do."""
    mine, theirs = (side.manifest.get("scoring") or {} for side in (source, against))
    again = f"; `evalkit score {source.name}` and `evalkit score {against.name}` make them alike"
    if mine.get("version") != theirs.get("version"):
        return f"their scoring versions are {mine.get('version')} and {theirs.get('version')}{again}"
    for name in sorted({**mine.get("profiles", {}), **theirs.get("profiles", {})}):
        if mine["profiles"].get(name) != theirs["profiles"].get(name):
            return f"their text profiles {name!r} differ, so words are counted by other rules{again}"
    rows, before = ({score.clip_id: score for score in side.scores} for side in (source, against))
    common = [clip_id for clip_id in rows if clip_id in before]
    if not common:
        return "they have no clip in common; send both the same corpus"
    if other := [clip_id for clip_id in common if source.hashes.get(clip_id) != against.hashes.get(clip_id)]:
        return f"{_clips(other)} of the same name are other recordings; send both the same corpus"
    if other := [clip_id for clip_id in common if rows[clip_id].reference != before[clip_id].reference]:
        return f"the references of {_clips(other)} differ{again}"
    if source.manifest.get("terms") != against.manifest.get("terms"):
        return "they were scored with other lists of terms; make both with the same plan"
    return ""


def _notes(source: Source, against: Source, common: set[str]) -> list[str]:
    found = []
    for side in (source, against):
        every = {score.clip_id for score in side.scores}
        if every != common:
            found.append(f"{len(common)} of the {len(every)} clips of {side.name} are in both runs; only they count.")
    found.append("The runs were made at different times: differences of delays hold the weather of either hour.")
    return found


def _apart(manifest: Mapping[str, Any], *names: str) -> str:
    kinds = {manifest["providers"][name].get("evidence", "live") for name in names if name}
    return f"delays are {' and '.join(sorted(kinds))}: loopback is no network" if len(kinds) > 1 else ""


def _named(name: str, providers: Mapping[str, Any], source: Source) -> str:
    if name not in providers:
        raise SettingsError.unknown(f"provider of {source.name}", name, providers)
    return name


def _clips(found: Sequence[str]) -> str:
    more = f" and {len(found) - 1} more clips" if len(found) > 1 else ""
    return f"clip {found[0]!r}{more}"


def _slices(joined: _Joined, wanted: set[str], key: str, tolerated: float | None, seed: int) -> list[Compared]:
    """Candidate against incumbent on every value of a tag, tested only where there is enough to test."""
    known = list(cuts.keys(joined.scores))
    if key and key not in known:
        raise SettingsError.unknown("slice", key, known)
    if not joined.incumbent:
        return []
    metrics = [metric for metric in catalogue.METRICS if metric.id in wanted]
    timed = any(name.startswith("ts.") for name in wanted)
    found = []
    for tag in [key] if key else [tag for tag in known if tag != cuts.TIMES or timed]:
        values = cuts.values(joined.scores, tag)
        for value in values if len(values) > 1 or key else ():
            own = [score for score in joined.scores if score.slices.get(tag, cuts.UNKNOWN) == value]
            rows = paired.compare(
                own,
                joined.candidate,
                joined.incumbent,
                tolerated=tolerated,
                seed=seed,
                metrics=metrics,
                adjust=False,
            )
            found += [
                Compared(f"{tag}={value}", _supported(row, own), joined.bar(row))
                for row in rows
                if row.question == "candidate_vs_incumbent"
            ]
    rows = decisions.adjusted([one.row for one in found])
    return [replace(one, row=row) for one, row in zip(found, rows, strict=True)]


def _supported(row: Difference, scores: Sequence[Score]) -> Difference:
    """A difference on a slice, without tests where the slice is too small for one."""
    few = [
        f"{found} of {least} {name}"
        for found, least, name in (
            (row.n_clips, MIN_CLIPS, "clips"),
            (_words(row, scores), MIN_WORDS, "words"),
            (row.n_clusters, MIN_CLUSTERS, "clusters"),
        )
        if found < least
    ]
    if not few:
        return row
    told = f"only {' and '.join(few)}"
    return replace(row, p=None, test="", label=None, gate=None, verdict="insufficient", note=told)


def _words(row: Difference, scores: Sequence[Score]) -> int:
    """Reference words behind a word error rate; of other metrics nobody asks for so many."""
    if row.metric.removeprefix("acc.wer.") not in text.PROFILES:
        return MIN_WORDS
    columns = [f"{row.metric}.{name}" for name in ("hits", "substitutions", "deletions")]
    mine = [score for score in scores if (score.provider, score.route) == (row.provider, row.route)]
    return round(sum(score.counts.get(column, 0.0) for score in mine for column in columns))
