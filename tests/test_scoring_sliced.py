import pytest

from evalkit.scoring import sliced
from evalkit.scoring.catalogue import METRICS, describe
from evalkit.stats import intervals
from evalkit.types import Metric


@pytest.mark.parametrize("metric", sliced.METRICS, ids=lambda metric: metric.id)
def test_they_are_described_and_not_folded_from_columns(metric: Metric) -> None:
    assert describe(metric.id) is metric
    assert metric not in METRICS
    assert (metric.numerator, metric.denominator, metric.values) == ((), (), "")


def test_a_slice_with_a_figure_can_have_an_interval() -> None:
    assert sliced.MIN_CLUSTERS == intervals.MIN_CLUSTERS
    assert sliced.LEAST == "20 clips, 500 words and 5 clusters"
