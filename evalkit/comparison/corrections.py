"""Corrected references beside the originals: ``corrections.jsonl`` of a run.

The corpus is never touched. Each line says which words of which reference were replaced, by whom and when; a later
line on the same words stands above an earlier one. Scores are made twice, on the originals and on what was corrected,
and how much each system gains by every correction is counted: a reference that was only corrected where one system
said so is biased towards it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from evalkit import stats
from evalkit.errors import StoreError
from evalkit.scoring import catalogue, text, words
from evalkit.stats import paired
from evalkit.store import replace as write_whole
from evalkit.types import Clip, Difference, Score, SummaryRow, Word

FILE = "corrections.jsonl"
NOTHING = "-"
"""Stands for "no word was said here" where an empty cell means that nobody has looked."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person found of one stretch of a reference."""

    clip_id: str
    sha256: str
    """Of the audio."""
    from_word: int
    to_word: int
    reference: str
    """The words as they were."""
    corrected: str
    """The words as they are; equal to ``reference`` where it was found right."""
    said_by: str
    """Systems that agreed on something else."""
    by: str
    at: str
    """Who and when (UTC)."""

    @property
    def changes(self) -> bool:
        return self.corrected != self.reference


@dataclass(frozen=True, slots=True)
class Effect:
    """What all corrections together do to the word errors of one provider over one route."""

    provider: str
    route: str
    fewer: int
    """Corrections, each by itself, that take errors away."""
    more: int
    alone: int
    """Corrections that take errors away from this provider and from no other."""
    errors: int
    """Errors taken away by all of them, minus those added."""


@dataclass(frozen=True)
class Corrected:
    """The scores on corrected references, beside those on the originals."""

    applied: tuple[Correction, ...]
    stale: tuple[Correction, ...]
    """Made for words that the reference no longer has."""
    confirmed: int
    """Stretches that were looked at and found right."""
    effects: tuple[Effect, ...]
    summary: tuple[SummaryRow, ...]
    differences: tuple[Difference, ...]

    @property
    def clips(self) -> int:
        """How many references were corrected."""
        return len({one.clip_id for one in self.applied})

    @property
    def lopsided(self) -> str:
        """The provider whose word alone stands behind most corrections; empty when none does."""
        alone = {effect.provider: 0 for effect in self.effects}
        for effect in self.effects:
            alone[effect.provider] = max(alone[effect.provider], effect.alone)
        name = max(alone, key=lambda provider: alone[provider], default="")
        others = max((count for provider, count in alone.items() if provider != name), default=0)
        return name if len(alone) > 1 and alone[name] > others and 2 * alone[name] > len(self.applied) else ""


def read(folder: Path) -> list[Correction]:
    """The corrections kept with a run, of each stretch the last; empty without any.

    Raises:
        StoreError: a line is damaged.
    """
    path = folder / FILE
    found: dict[tuple[str, int, int], Correction] = {}
    try:
        lines = path.read_bytes().splitlines() if path.is_file() else []
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    for number, line in enumerate(lines, start=1):
        try:
            one = Correction(**orjson.loads(line))
        except (TypeError, ValueError) as error:
            raise StoreError(f"{path}:{number}: no correction ({error}); remove the line") from error
        found[one.clip_id, one.from_word, one.to_word] = one
    return list(found.values())


def keep(folder: Path, made: Iterable[Correction]) -> None:
    """Add corrections to those of a run.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = folder / FILE
    before = path.read_bytes() if path.is_file() else b""
    write_whole(path, before + b"".join(orjson.dumps(asdict(one)) + b"\n" for one in made))


def fits(one: Correction, clip: Clip) -> bool:
    """Whether the words it corrects are those of the reference."""
    found = (clip.reference or ())[one.from_word : one.to_word]
    in_reach = one.from_word <= one.to_word <= len(clip.reference or ())
    return clip.sha256 == one.sha256 and in_reach and " ".join(word.text for word in found) == one.reference


def overlapping(made: Iterable[Correction]) -> list[tuple[Correction, Correction]]:
    """Pairs of corrections that claim the same words, the later of them second."""
    found = []
    reach: dict[str, Correction] = {}
    for one in sorted(made, key=lambda one: (one.clip_id, one.from_word, one.to_word)):
        before = reach.get(one.clip_id)
        if before is not None and one.from_word < before.to_word:
            found.append((before, one))
        if before is None or one.to_word > before.to_word:
            reach[one.clip_id] = one
    return found


def amended(clip: Clip, made: Iterable[Correction]) -> Clip:
    """The clip with corrected words: times stay where the number of words does, speaker and channel everywhere.

    Args:
        clip: as it is.
        made: corrections of it that fit and do not overlap.
    """
    reference = list(clip.reference or ())
    for one in sorted(made, key=lambda one: (-one.from_word, -one.to_word)):
        old, new = reference[one.from_word : one.to_word], one.corrected.split()
        if len(old) == len(new):
            put = [replace(word, text=token) for word, token in zip(old, new, strict=True)]
        else:
            near = next(iter([*old, *reference[: one.from_word][-1:], *reference[one.to_word :]]), Word(""))
            put = [Word(token, speaker=near.speaker, channel=near.channel) for token in new]
        reference[one.from_word : one.to_word] = put
    return replace(clip, reference=tuple(reference))


def sorted_out(
    made: Sequence[Correction], clips: Mapping[str, Clip]
) -> tuple[dict[str, list[Correction]], list[Correction], int]:
    """Those that change a reference by clip, those that no longer fit, and how many found it right."""
    stale = [one for one in made if one.clip_id in clips and not fits(one, clips[one.clip_id])]
    fitting = [one for one in made if one.clip_id in clips and fits(one, clips[one.clip_id])]
    late = [second for _, second in overlapping(one for one in fitting if one.changes)]
    by_clip: dict[str, list[Correction]] = {}
    for one in fitting:
        if one.changes and one not in late:
            by_clip.setdefault(one.clip_id, []).append(one)
    return by_clip, stale + late, sum(not one.changes for one in fitting)


def effects(
    made: Mapping[str, Sequence[Correction]], clips: Mapping[str, Clip], scores: Sequence[Score]
) -> tuple[Effect, ...]:
    """How many corrections favour each system, and which favour one provider only.

    Args:
        made: by clip; all fit.
        clips: with the original references.
        scores: of all systems on the originals.
    """
    systems = list(dict.fromkeys((score.provider, score.route) for score in scores))
    rows = {(score.clip_id, score.provider, score.route): score for score in scores}
    changed: list[dict[tuple[str, str], int]] = []
    total = dict.fromkeys(systems, 0)
    for clip_id, own in made.items():
        clip = clips[clip_id]
        answered = {
            system: rows[clip_id, *system]
            for system in systems
            if (clip_id, *system) in rows and rows[clip_id, *system].failure is None
        }
        before = {system: _errors(clip, score) for system, score in answered.items()}
        for one in own:
            new = amended(clip, [one])
            changed.append({system: _errors(new, score) - before[system] for system, score in answered.items()})
        whole = amended(clip, own)
        for system, score in answered.items():
            total[system] += before[system] - _errors(whole, score)
    found = []
    for system in systems:
        helped = [{name for name, _ in change if _helps(change, name)} for change in changed]
        found.append(
            Effect(
                *system,
                fewer=sum(change.get(system, 0) < 0 for change in changed),
                more=sum(change.get(system, 0) > 0 for change in changed),
                alone=sum(names == {system[0]} for names in helped),
                errors=total[system],
            )
        )
    return tuple(found)


def _helps(change: Mapping[tuple[str, str], int], provider: str) -> bool:
    return any(errors < 0 for (name, _), errors in change.items() if name == provider)


def _errors(clip: Clip, score: Score) -> int:
    profile = text.profile_for(clip.language)
    return words.unit_counts(profile.tokens(clip.text or ""), profile.tokens(score.hypothesis)).errors


def outcome(
    folder: Path,
    clips: Mapping[str, Clip],
    original: Sequence[Score],
    manifest: Mapping[str, Any],
    rescore: Callable[[Mapping[str, Clip]], Sequence[Score]],
) -> Corrected | None:
    """Figures of words on corrected references, all else as it was; None where nobody has looked at any.

    Args:
        folder: of the run.
        clips: with the original references.
        original: every score on these.
        manifest: of the run; candidate, incumbent and seed are used.
        rescore: makes the scores of clips whose references were corrected.

    Raises:
        StoreError: the corrections cannot be read.
    """
    kept = read(folder)
    if not kept:
        return None
    made, stale, confirmed = sorted_out(kept, clips)
    rescored = rescore({clip_id: amended(clips[clip_id], own) for clip_id, own in made.items()})
    new = {(score.clip_id, score.provider, score.route): score for score in rescored}
    scores = [new.get((score.clip_id, score.provider, score.route), score) for score in original]
    seed = manifest["seed"]
    spoken = [metric for metric in catalogue.METRICS if metric.id.startswith("acc.")]
    summary = [row for row in stats.summarise(scores, seed=seed) if row.metric.startswith("acc.")]
    found = paired.compare(scores, manifest["candidate"], manifest["incumbent"], seed=seed, metrics=spoken)
    return Corrected(
        applied=tuple(one for own in made.values() for one in own),
        stale=tuple(stale),
        confirmed=confirmed,
        effects=effects(made, clips, original),
        summary=tuple(summary),
        differences=tuple(found),
    )
