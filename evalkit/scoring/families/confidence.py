"""Confidences: whether the words of which a provider is sure are the right ones."""

from evalkit.scoring.confidence import BINS, gaps, judged, told_apart
from evalkit.scoring.define import columns, ratio
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

_ROUNDING = 1e-6
"""By which a sum of shares may miss 1."""
_GAPS = tuple(f"gap_{place}" for place in range(BINS))

METRICS: tuple[Metric, ...] = (
    ratio(
        "acc.conf.ece",
        "Calibration error",
        "Distance between the mean confidence and the share of right words of a bin, as the mean over words, in "
        f"{BINS} fixed bins that narrow towards 1, pooled over clips; few words make it larger than it is.",
        columns("acc.conf", *_GAPS),
        ["acc.conf.words"],
        source="Naeini et al. 2015",
        bounded=True,
        absolute=True,
    ),
    ratio(
        "acc.conf.auc",
        "Errors found by confidence",
        "Share of pairs of a right and a wrong word of the same clip in which the wrong one has the lower confidence, "
        "equal ones counting half: the area under the ROC curve within clips, 50 % for confidences that tell nothing.",
        ["acc.conf.told_apart"],
        ["acc.conf.pairs"],
        source="Mann & Whitney 1947",
        direction="higher",
    ),
    ratio(
        "acc.conf.brier",
        "Brier score of confidences",
        "Mean squared difference between the confidence of a word and whether it is right.",
        ["acc.conf.squared_gaps"],
        ["acc.conf.words"],
        unit="x",
        source="Brier 1950",
    ),
    ratio(
        "acc.conf.excess",
        "Overconfidence",
        "Mean confidence minus the share of words that are right.",
        columns("acc.conf", "confidence", "minus_right"),
        ["acc.conf.words"],
        direction="zero",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Right and wrong words of a provider that says how sure it is of each.

    What lies beyond 0 and 1 is a score of another kind, of which calibration says nothing.
    """
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "acc.conf")
        return
    known = [word.confidence for word in case.words if word.confidence is not None]
    if case.reference is None or not known or min(known) < -_ROUNDING or max(known) > 1 + _ROUNDING:
        row.lack("missing_input", "acc.conf")
        return
    right, wrong = judged(case.reference, case.words, case.profile)
    row.add(
        "acc.conf",
        {
            "words": len(right) + len(wrong),
            "confidence": sum(right) + sum(wrong),
            "minus_right": -len(right),
            "squared_gaps": sum((1 - value) ** 2 for value in right) + sum(value**2 for value in wrong),
            "pairs": len(right) * len(wrong),
            "told_apart": told_apart(right, wrong),
            **dict(zip(_GAPS, gaps(right, wrong), strict=True)),
        },
    )
