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


def test_a_share_is_bounded_and_an_error_rate_is_not() -> None:
    assert not define.error_rate("acc.x", "X", "Errors.").bounded
    parts = define.ratio("x.mer", "X", "Errors per place.", ["s", "i"], ["h", "s", "i"])
    assert parts.bounded
    assert not define.ratio("x", "X", "Twice.", ["s", "s"], ["h", "s"]).bounded
    assert define.ratio("x.recall", "X", "Found.", ["found"], ["all"], direction="higher").bounded
    assert not define.ratio("x.per_min", "X", "Speed.", ["n"], ["s"], unit="per_min", direction="higher").bounded
    assert not define.ratio("x.bias", "X", "Signed.", ["n"], ["n"], direction="zero").bounded
    assert define.ratio("x.fail", "X", "Failed.", ["failed"], ["clips"], bounded=True).bounded


def test_signs_count_unless_they_are_not_wanted() -> None:
    assert not define.ratio("x.bias", "X", "Signed.", ["n"], ["n"]).absolute
    assert define.ratio("x.ece", "X", "Without signs.", ["a", "b"], ["n"], absolute=True).absolute


def test_a_delay_can_have_a_p99() -> None:
    (p99,) = define.latency("lat.x", "X", "A delay", "p99")
    assert (p99.id, p99.statistic) == ("lat.x.p99", "p99")
    assert "99th percentile by nearest rank" in p99.definition
