"""The families make one catalogue."""

from evalkit.scoring.families import FAMILIES


def test_every_family_has_lines_and_fills_columns() -> None:
    for family in FAMILIES:
        assert family.METRICS
        assert callable(family.measure)


def test_no_metric_belongs_to_two_families() -> None:
    ids = [metric.id for family in FAMILIES for metric in family.METRICS]
    assert len(ids) == len(set(ids))
