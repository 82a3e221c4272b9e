"""Words nobody said: loops, and text where the reference has silence."""

from collections.abc import Iterable, Sequence

from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Word

LOOP_TIMES = 4
LOOP_MAX_WORDS = 6
GAP_MIN_S = 0.5
GAP_SHRINK_S = 0.25

Span = tuple[float, float]


def loops(tokens: Sequence[str]) -> bool:
    """Whether some one to six words come at least four times in a row."""
    for size in range(1, LOOP_MAX_WORDS + 1):
        needed = size * (LOOP_TIMES - 1)
        run = 0
        for mine, theirs in zip(tokens, tokens[size:], strict=False):
            run = run + 1 if mine == theirs else 0
            if run >= needed:
                return True
    return False


def silent_gaps(words: Iterable[Word], duration_s: float) -> list[Span]:
    """Stretches of at least half a second without a reference word, a quarter taken off at each side.

    Args:
        words: the reference; every word needs a start and an end.
        duration_s: of the clip; silence before the first word and after the last is a gap too.
    """
    spans = sorted((word.start_s or 0.0, word.end_s or 0.0) for word in words)
    gaps: list[Span] = []
    heard_s = 0.0
    for start_s, end_s in [*spans, (duration_s, duration_s)]:
        if start_s - heard_s >= GAP_MIN_S:
            gaps.append((heard_s + GAP_SHRINK_S, start_s - GAP_SHRINK_S))
        heard_s = max(heard_s, end_s)
    return gaps


def inserted_words(reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile) -> list[Word]:
    """Words of the hypothesis of which nothing is aligned to the reference; words without tokens are none."""
    left, left_owners = word_tokens(reference, profile)
    right, owners = word_tokens(hypothesis, profile)
    if left == right:
        return []
    starts = ([reference[owner].start_s for owner in left_owners], [hypothesis[owner].start_s for owner in owners])
    pairs = align(left, right, *starts)
    aligned = {owners[pair.hypothesis or 0] for pair in pairs if pair.op in ("hit", "substitution")}
    return [hypothesis[owner] for owner in dict.fromkeys(owners) if owner not in aligned]


def words_within(words: Iterable[Word], gaps: Sequence[Span]) -> int:
    """How many timed words lie wholly inside one of the gaps."""
    return sum(
        any(start_s <= word.start_s and word.end_s <= end_s for start_s, end_s in gaps)
        for word in words
        if word.start_s is not None and word.end_s is not None
    )
