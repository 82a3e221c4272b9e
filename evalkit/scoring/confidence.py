"""Whether word confidences mean what they say."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Word

BINS = 10


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


def calibration_error(right: Sequence[float], wrong: Sequence[float], *, bins: int = BINS) -> float | None:
    """Expected calibration error over bins of equal count (Naeini et al. 2015, with equal-mass bins).

    Args:
        right: confidences of right words, pooled over clips.
        wrong: confidences of wrong words.
        bins: how many; fewer when there are fewer words.

    Returns:
        Mean over words of |mean confidence - share right| of their bin; None without words.
    """
    if not right and not wrong:
        return None
    values, correct = _pooled(right, wrong)
    # Equal confidences cannot be told apart: which of them falls into which bin must not matter.
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    correct = (np.bincount(group, weights=correct) / sizes)[group]
    order = np.argsort(values, kind="stable")
    gaps = [
        abs(float((values[chosen] - correct[chosen]).sum())) for chosen in np.array_split(order, min(bins, len(order)))
    ]
    return sum(gaps) / len(values)


def error_detection_auc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """Chance that a wrong word has a lower confidence than a right one, ties counting half (area under the ROC curve).

    Returns:
        0.5 when confidences tell nothing; None without a right or without a wrong word.
    """
    if not right or not wrong:
        return None
    from scipy.stats import rankdata  # importing it takes a third of a second

    values, _ = _pooled(right, wrong)
    ranks = rankdata(values)
    above = float(ranks[: len(right)].sum()) - len(right) * (len(right) + 1) / 2
    return above / (len(right) * len(wrong))


def _pooled(right: Sequence[float], wrong: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.array([*right, *wrong], dtype=np.float64)
    return values, np.repeat([1.0, 0.0], [len(right), len(wrong)])
