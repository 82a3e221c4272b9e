"""Where a family writes."""

from evalkit.scoring.catalogue import METRICS, below
from evalkit.scoring.row import Row


def test_a_family_that_is_lacking_names_every_metric_below_it() -> None:
    row = Row()
    row.lack("missing_input", "ts")
    absent = row.absent(below)
    assert set(absent) == {metric.id for metric in METRICS if metric.id.startswith("ts.")}
    assert set(absent.values()) == {"missing_input"}


def test_the_last_word_on_a_metric_counts() -> None:
    row = Row()
    row.lack("missing_input", "lat")
    row.lack("invalid_pacing", "lat.ttfs")
    assert row.absent(below)["lat.ttfs.p50"] == "invalid_pacing"
    assert row.absent(below)["lat.setup.p50"] == "missing_input"


def test_a_prefix_is_not_a_family() -> None:
    row = Row()
    row.lack("missing_input", "lat.word")
    assert not row.absent(below)


def test_columns_are_under_their_base_and_truths_are_numbers() -> None:
    row = Row()
    row.add("acc.drop", {"clips": 1, "truncated": True})
    assert row.counts == {"acc.drop.clips": 1, "acc.drop.truncated": 1}
    assert type(row.counts["acc.drop.truncated"]) is int


def test_rows_share_the_names_of_their_columns_and_what_they_lack() -> None:
    """A run has many rows: what is alike in them is there once."""
    rows = Row(), Row()
    for row in rows:
        row.add("acc.drop", {"clips": 1})
        row.lack("missing_input", "ts")
    assert rows[0].absent(below) is rows[1].absent(below)
    (first,), (second,) = (row.counts for row in rows)
    assert first is second
