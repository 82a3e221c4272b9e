"""The reference doctor: where systems agree with one another against the reference, for a person to check.

Agreement is evidence, not proof: two recognisers can make the same mistake, and one recogniser over two routes almost
always does. So nothing is corrected here; what different providers say alike is listed first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from evalkit.hypotheses import Hypotheses, Key
from evalkit.scoring import text, words
from evalkit.scoring.text import Profile
from evalkit.store import Store
from evalkit.types import Clip, Score, Word

CONTEXT = 4
"""Words shown before and after."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch of one reference that systems heard alike and otherwise."""

    clip_id: str
    path: str
    sha256: str
    from_word: int
    """Index of the first reference word in doubt."""
    to_word: int
    """Index after the last; equal to ``from_word`` where words seem to be missing."""
    start_s: float | None
    end_s: float | None
    before: str
    reference: str
    said: str
    after: str
    said_by: tuple[str, ...]
    """``provider route`` of those that agree."""
    providers: int
    """How many different providers these are."""
    reference_by: tuple[str, ...]
    """Of those that heard what the reference says."""
    words: int
    """Said by those that agree."""
    confidence: float | None
    """The lowest mean confidence among those that give one."""


class _Slot(NamedTuple):
    """What a system said for one reference word, or between two."""

    tokens: tuple[str, ...]
    places: tuple[int, ...]
    """Of its own words."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """One answer, laid along the reference: the gap before its first word, the word, the next gap and so on."""

    name: str
    provider: str
    words: Sequence[Word]
    slots: Sequence[_Slot]


def heard(store: Store, manifest: Mapping[str, Any]) -> dict[Key, tuple[Word, ...]]:
    """The final words of every answer of a run, with their times and confidences.

    Raises:
        StoreError: the traces cannot be read.
    """
    return {key: answer.words for key, answer in Hypotheses(store, manifest).items()}


def doubts(
    scores: Sequence[Score], clips: Mapping[str, Clip], said: Mapping[Key, Sequence[Word]] | None = None
) -> list[Doubt]:
    """Every stretch on which more systems agree against the reference than with it, the likeliest errors first.

    First what most different providers say alike, then what has the most words: silence is weak evidence.

    Args:
        scores: one row per clip, provider and route; failed answers are passed over.
        clips: with the references that were scored.
        said: final words by clip, provider and route; without it times and confidences are unknown.
    """
    by_clip: dict[str, list[Score]] = {}
    for score in scores:
        if score.failure is None and score.reference is not None:
            by_clip.setdefault(score.clip_id, []).append(score)
    found: list[Doubt] = []
    for clip_id, rows in by_clip.items():
        if clip_id in clips and len(rows) > 1:
            found += _of_clip(clips[clip_id], rows, said or {})
    return sorted(found, key=_rank)


def _rank(doubt: Doubt) -> tuple[Any, ...]:
    lost = doubt.to_word - doubt.from_word
    sure = -(doubt.confidence or 0.0)
    return -doubt.providers, -doubt.words, len(doubt.reference_by), sure, -lost, doubt.clip_id, doubt.from_word


def _of_clip(clip: Clip, rows: Sequence[Score], said: Mapping[Key, Sequence[Word]]) -> Iterator[Doubt]:
    profile = text.profile_for(clip.language)
    reference = clip.reference or ()
    expected = _expected(reference, profile)
    answers = [_laid(row, reference, profile, _words(row, said)) for row in rows]
    whole = profile.tokens(_text(reference))
    for group, first, last in _stretches(answers, expected):
        agreeing = [answer for answer in answers if answer.name in group]
        first, last = _widened(agreeing, first, last)
        heard_words = _spoken(agreeing[0], first, last)
        start, stop = first // 2, (last + 1) // 2
        if profile.tokens(_text([*reference[:start], *heard_words, *reference[stop:]])) == whole:
            continue  # the same words, written otherwise: "twenty one" and "21"
        start_s, end_s = _span(reference, start, stop, [_spoken(answer, first, last) for answer in agreeing])
        sure = [_confidence(_spoken(answer, first, last)) for answer in agreeing]
        right = _joined(expected, first, last)
        yield Doubt(
            clip_id=clip.id,
            path=clip.path,
            sha256=clip.sha256,
            from_word=start,
            to_word=stop,
            start_s=start_s,
            end_s=end_s,
            before=_text(reference[max(0, start - CONTEXT) : start]),
            reference=_text(reference[start:stop]),
            said=_text(heard_words),
            after=_text(reference[stop:][:CONTEXT]),
            said_by=tuple(answer.name for answer in agreeing),
            providers=len({answer.provider for answer in agreeing}),
            reference_by=tuple(answer.name for answer in answers if _tokens(answer, first, last) == right),
            words=len(heard_words),
            confidence=min((each for each in sure if each is not None), default=None),
        )


def _words(row: Score, said: Mapping[Key, Sequence[Word]]) -> Sequence[Word]:
    """The words of an answer with all that is known of them, if they are those that were scored."""
    known = said.get((row.clip_id, row.provider, row.route))
    if known is not None and _text(known) == row.hypothesis:
        return known
    return [Word(token) for token in row.hypothesis.split()]


def _expected(reference: Sequence[Word], profile: Profile) -> list[tuple[str, ...]]:
    """What stands in each slot when all is as the reference says."""
    found: list[tuple[str, ...]] = [()]
    for word in reference:
        found += [profile.tokens(word.text), ()]
    return found


def _laid(row: Score, reference: Sequence[Word], profile: Profile, own: Sequence[Word]) -> _Heard:
    """An answer along the reference: slot 2k + 1 stands for word k, slot 2k for the gap before it."""
    left, left_owner = words.word_tokens(reference, profile)
    right, right_owner = words.word_tokens(own, profile)
    slots: list[list[int]] = [[] for _ in range(2 * len(reference) + 1)]
    passed = 0
    for pair in words.align(left, right):
        if pair.reference is not None:
            passed = pair.reference + 1
            at = 2 * left_owner[pair.reference] + 1
        elif 0 < passed < len(left) and left_owner[passed - 1] == left_owner[passed]:
            at = 2 * left_owner[passed] + 1
        else:
            at = 2 * left_owner[passed - 1] + 2 if passed else 0
        if pair.hypothesis is not None:
            slots[at].append(pair.hypothesis)
    laid = [_Slot(tuple(right[one] for one in found), tuple(right_owner[one] for one in found)) for found in slots]
    return _Heard(f"{row.provider} {row.route}", row.provider, own, laid)


def _stretches(
    answers: Sequence[_Heard], expected: Sequence[tuple[str, ...]]
) -> Iterator[tuple[frozenset[str], int, int]]:
    """Who agrees against the reference, and from which slot to which; as long as equally many providers do."""
    provider_of = {answer.name: answer.provider for answer in answers}
    names: frozenset[str] = frozenset()
    first = last = 0
    for at, right in enumerate(expected):
        group = _agreeing(answers, at, right)
        silent = not at % 2 and not any(answer.slots[at].tokens for answer in answers if answer.name in names)
        if not group and silent:
            continue  # a gap in which nobody says anything parts no stretch
        common, several = group & names, {provider_of[name] for name in names}
        if len(common) > 1 and {provider_of[name] for name in common} == several and at - last <= 2:
            names, last = common, at
            continue
        if names:
            yield names, first, last
        names, first, last = group, at, at
    if names:
        yield names, first, last


def _agreeing(answers: Sequence[_Heard], at: int, right: tuple[str, ...]) -> frozenset[str]:
    """The largest group that says the same and not what the reference says, if it is larger than those who do."""
    said = Counter(answer.slots[at].tokens for answer in answers)
    others = [(count, tokens) for tokens, count in said.items() if tokens != right and count > 1]
    if not others or max(others)[0] <= said[right]:
        return frozenset()
    _, most = max(others)
    return frozenset(answer.name for answer in answers if answer.slots[at].tokens == most)


def _widened(agreeing: Sequence[_Heard], first: int, last: int) -> tuple[int, int]:
    """The stretch with all of every word said in it, where those that agree still do: "can" and "cannot"."""
    inside = {place for slot in agreeing[0].slots[first : last + 1] for place in slot.places}
    touched = [at for at, slot in enumerate(agreeing[0].slots) if inside.intersection(slot.places)]
    wide = min([first, *touched]), max([last, *touched])
    return wide if len({_tokens(answer, *wide) for answer in agreeing}) == 1 else (first, last)


def _spoken(answer: _Heard, first: int, last: int) -> list[Word]:
    places = dict.fromkeys(place for slot in answer.slots[first : last + 1] for place in slot.places)
    return [answer.words[place] for place in places]


def _tokens(answer: _Heard, first: int, last: int) -> tuple[str, ...]:
    return _joined([slot.tokens for slot in answer.slots], first, last)


def _joined(slots: Sequence[tuple[str, ...]], first: int, last: int) -> tuple[str, ...]:
    return tuple(token for own in slots[first : last + 1] for token in own)


def _span(
    reference: Sequence[Word], start: int, stop: int, spoken: Sequence[Sequence[Word]]
) -> tuple[float | None, float | None]:
    """When it is said: by the reference, else by the first that agrees and has times."""
    for own in (reference[start:stop], *spoken):
        begins = [word.start_s for word in own if word.start_s is not None]
        ends = [word.end_s for word in own if word.end_s is not None]
        if begins and ends:
            return min(begins), max(ends)
    return None, None


def _confidence(spoken: Sequence[Word]) -> float | None:
    known = [word.confidence for word in spoken if word.confidence is not None]
    return sum(known) / len(known) if known else None


def _text(own: Sequence[Word]) -> str:
    return " ".join(word.text for word in own)
