"""Whether word confidences mean what they say."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Word

EDGES = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
"""Between the bins of confidences: narrow towards 1, where most words are, so that no bin holds nearly all of them."""
BINS = len(EDGES) + 1


def judged(
    reference: Sequence[Word], hypothesis: Sequence[Word], profile: Profile
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Confidences of the right and of the wrong words of a hypothesis.

    A word is right when all its tokens are hits of the ``hit`` alignment. Words without a confidence or without tokens
    are left out.

    Returns:
        (confidences of right words, confidences of wrong words).
    """
    left, _ = word_tokens(reference, profile)
    right, owners = word_tokens(hypothesis, profile)
    wrong = {
        owners[pair.hypothesis]
        for pair in align(left, right)
        if pair.hypothesis is not None and pair.op in ("substitution", "insertion")
    }
    sides: tuple[list[float], list[float]] = ([], [])
    for owner in dict.fromkeys(owners):
        confidence = hypothesis[owner].confidence
        if confidence is not None:
            sides[owner in wrong].append(float(confidence))
    return tuple(sides[0]), tuple(sides[1])


def gaps(right: Sequence[float], wrong: Sequence[float]) -> tuple[float, ...]:
    """For each bin the sum of its confidences minus how many of its words are right; gaps of several clips add.

    Without their signs, added and divided by the words, they are the expected calibration error (Naeini et al. 2015).

    Args:
        right: confidences of right words.
        wrong: confidences of wrong words.

    Returns:
        ``BINS`` sums; a confidence that equals an edge belongs to the bin above it.
    """
    found = [0.0] * BINS
    for confidences, truth in ((right, 1.0), (wrong, 0.0)):
        for confidence in confidences:
            found[bisect_right(EDGES, confidence)] += confidence - truth
    return tuple(found)


def told_apart(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Pairs of a right and a wrong word of which the wrong one has the lower confidence; equal ones count half.

    Per pair it is the area under the ROC curve (Mann and Whitney's U).
    """
    ranked = sorted(right)
    above = sum(2 * len(ranked) - bisect_left(ranked, value) - bisect_right(ranked, value) for value in wrong)
    return above / 2
