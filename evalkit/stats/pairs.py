"""What two systems have of one metric on the clips that both were scored on, cluster by cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.samples import Sample, Table
from evalkit.types import Metric

_ROUNDING = 1e-3
"""How far costs per second of audio may part before it is more than the rounding of samples and frames."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of one metric."""

    metric: Metric
    new: Sample
    old: Sample
    sums: tuple[NDArray[np.float64], ...]
    """Numerator and denominator of the first side, then of the second, per cluster; of a ratio only."""

    @property
    def clips(self) -> int:
        return self.new.clips

    def excess(self) -> NDArray[np.float64]:
        """What each cluster has more on the first side, beyond what the common rate explains."""
        above, below, other_above, other_below = self.sums
        both = below.sum() + other_below.sum()
        common = (above.sum() + other_above.sum()) / both if both else 0.0
        return (above - other_above) - common * (below - other_below)

    def arithmetic(self) -> bool:
        """Whether the difference is one of prices per hour of audio: then no clip could have told another.

        Both sides cost the same for every second of every clip. Prices by tokens or processor time, minimum bills and
        attempts that were paid twice break that proportion, and such costs are sampled like anything else.
        """
        if self.metric.unit != "usd_per_h" or self.clips < 2 or not np.array_equal(self.sums[1], self.sums[3]):
            return False
        heard_s = np.array([score.audio_s for score in self.new.scores])
        paid = (side.table.total(side.metric.numerator)[side.group.places] for side in (self.new, self.old))
        return bool(heard_s.all()) and all(
            np.allclose(usd / heard_s, usd.sum() / heard_s.sum(), rtol=_ROUNDING, atol=0) for usd in paid
        )


def pairs(new: Table, old: Table, metrics: Sequence[Metric]) -> list[Pair]:
    """Every metric that both systems have on clips they share, on those clips; maxima have no difference.

    Args:
        new: scores of one system.
        old: of the other.
        metrics: those wanted.
    """
    place = {score.clip_id: place for place, score in enumerate(old.scores)}
    common = [(at, place[score.clip_id]) for at, score in enumerate(new.scores) if score.clip_id in place]
    mine, theirs = np.array(common, np.intp).reshape(-1, 2).T
    found = []
    for metric in metrics:
        both = new.having(metric)[mine] & old.having(metric)[theirs]
        if both.any() and metric.statistic != "max":
            group = new.group(mine[both])
            first, second = Sample(metric, new, group), Sample(metric, old, replace(group, places=theirs[both]))
            found.append(Pair(metric, first, second, () if metric.values else (*first.ratio(), *second.ratio())))
    return found
