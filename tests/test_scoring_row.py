"""Where a family writes."""

from evalkit.scoring.catalogue import METRICS
from evalkit.scoring.row import Row


def test_a_family_that_is_lacking_names_every_metric_below_it() -> None:
    row = Row()
    row.lack("missing_input", "ts")
    absent = row.absent(METRICS)
    assert set(absent) == {metric.id for metric in METRICS if metric.id.startswith("ts.")}
    assert set(absent.values()) == {"missing_input"}


def test_the_last_word_on_a_metric_counts() -> None:
    row = Row()
    row.lack("missing_input", "lat")
    row.lack("invalid_pacing", "lat.ttfs")
    assert row.absent(METRICS)["lat.ttfs.p50"] == "invalid_pacing"
    assert row.absent(METRICS)["lat.setup.p50"] == "missing_input"


def test_a_prefix_is_not_a_family() -> None:
    row = Row()
    row.lack("missing_input", "lat.word")
    assert not row.absent(METRICS)
