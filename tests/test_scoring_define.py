"""Lines of the catalogue."""

from evalkit.scoring import define


def test_only_the_first_letter_of_a_sentence_changes() -> None:
    assert define.sentence("word errors in English") == "Word errors in English"


def test_an_error_rate_is_made_of_its_own_columns() -> None:
    metric = define.error_rate("acc.x", "X", "Errors.")
    assert metric.numerator == ("acc.x.substitutions", "acc.x.deletions", "acc.x.insertions")
    assert metric.denominator == ("acc.x.hits", "acc.x.substitutions", "acc.x.deletions")


def test_each_statistic_of_a_delay_is_a_metric_over_the_same_values() -> None:
    p50, p95 = define.latency("lat.x", "X", "A delay", "p50", "p95")
    assert (p50.id, p95.id) == ("lat.x.p50", "lat.x.p95")
    assert p50.values == p95.values == "lat.x"
