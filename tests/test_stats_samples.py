from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import describe
from evalkit.scoring.sliced import METRICS
from evalkit.stats.samples import Sample, Table, cluster_of, of, partial_timing, pooled, total
from evalkit.types import Score
from tests.rows import WER, row

RATE = describe(WER)


def test_a_sample_sums_by_cluster_in_order_of_first_appearance() -> None:
    rows = [row("a", errors=1, cluster="x"), row("b", errors=2, cluster="y"), row("c", errors=4, cluster="x")]
    sample = Sample.of(RATE, Table(rows))
    above, below = sample.ratio()
    assert (sample.names, sample.clusters) == (("x", "y"), 2)
    assert above.tolist() == [5, 2]
    assert below.tolist() == [100, 50]


def test_scores_without_the_metric_are_left_out() -> None:
    bare = row("b", values={"lat.ttfs": [1.0]})
    failed = row("c", counts={"lat.ttfs.failed": 1})
    table = Table([row("a"), bare, failed])
    assert Sample.of(describe("lat.ttfs.p50"), table).scores == (bare, failed)
    assert Sample.of(describe("lat.ttfs.p50"), table, np.array([0, 2])).scores == (failed,)
    assert not table.having(describe("cost.per_audio_hour")).any()
    assert not table.having(METRICS[0]).any(), "a metric made from slices is had by no score"


def test_what_never_came_is_infinite_and_last() -> None:
    rows = [row("a", values={"lat.ttfs": [2.0, 1.0]}), row("b", counts={"lat.ttfs.failed": 2})]
    values, owners, failed = Sample.of(describe("lat.ttfs.p50"), Table(rows)).values()
    assert (values.tolist(), owners.tolist(), failed) == ([2.0, 1.0, np.inf, np.inf], [0, 0, 1, 1], 2)


def test_macro_is_scaled_as_the_pooled_ratio_is() -> None:
    rows = [row(f"c{k}", counts={"cost.usd": 0.001 * (k + 1), "cost.audio_s": 36.0}) for k in range(2)]
    assert Sample.of(describe("cost.per_audio_hour"), Table(rows)).macro() == pytest.approx(0.15)
    assert Sample.of(RATE, Table([row("a", words=0)])).macro() is None


def test_columns_without_signs_are_pooled_before_the_sign_goes() -> None:
    metric = replace(RATE, numerator=("g.a", "g.b"), denominator=("g.n",), absolute=True)
    gaps = [(1.0, 2.0, "x"), (-3.0, 1.0, "y"), (0.5, 0.0, "x")]
    rows = [
        row(f"c{place}", cluster=cluster, counts={"g.a": a, "g.b": b, "g.n": 10})
        for place, (a, b, cluster) in enumerate(gaps)
    ]
    sample = Sample.of(metric, Table(rows))
    above, below = sample.ratio()
    assert above.tolist() == [-1.5 + 2.0, 3.0 + 1.0], "the first column is negative in all, the second positive"
    assert below.tolist() == [20, 10]
    assert pooled(metric, rows) == (1.5 + 3.0, 30) == (above.sum(), below.sum())
    assert sample.macro() == pytest.approx((0.3 + 0.4 + 0.05) / 3)
    assert pooled(replace(metric, absolute=False), rows) == (1.5, 30)


def test_a_clip_without_a_cluster_is_its_own() -> None:
    assert cluster_of(row("a", cluster="")) == "a"
    assert of([row("a"), row("a", provider="old")], "old", "streaming") == [row("a", provider="old")]
    assert total(row("a", errors=3), [f"{WER}.substitutions", "no.such.column"]) == 3


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"ts.matched_words": 70, "ts.reference_words": 100, "ts.hypothesis_words": 100}, ""),
        ({"ts.matched_words": 69, "ts.reference_words": 100}, "69 % of timed words matched; 70 % needed"),
        (
            {"ts.matched_words": 9, "ts.reference_words": 9, "ts.untimed_words": 2, "ts.hypothesis_words": 100},
            "2.0 % of words without times; 1 % allowed",
        ),
    ],
)
def test_timestamps_need_most_words_matched_and_nearly_all_timed(counts: dict[str, float], reason: str) -> None:
    table = Table([row("a", counts=counts)])
    assert partial_timing(describe("ts.offset.start.mae"), table, table.places) == reason
    assert partial_timing(describe("ts.valid"), table, table.places) == ""
    assert partial_timing(describe("ts.coverage"), table, table.places) == ""


class Drawn(NamedTuple):
    cluster: str
    errors: int | None
    waits: list[float] | None
    failed: int
    chosen: bool


ROWS = st.lists(
    st.builds(
        Drawn,
        st.sampled_from("xyz"),
        st.none() | st.integers(0, 50),
        st.none() | st.lists(st.floats(0, 9), max_size=4),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=12,
)


def scored(clip_id: str, one: Drawn) -> Score:
    waits = {} if one.waits is None else {"lat.ttfs": one.waits}
    made = row(clip_id, cluster=one.cluster, errors=one.errors or 0, values=waits)
    counts = {} if one.errors is None else dict(made.counts)
    return replace(made, counts=counts | ({"lat.ttfs.failed": one.failed} if one.failed else {}))


@given(ROWS)
def test_columns_say_what_a_walk_over_the_scores_says(drawn: list[Drawn]) -> None:
    rows = [scored(f"c{k}", one) for k, one in enumerate(drawn)]
    table, chosen = Table(rows), np.flatnonzero([one.chosen for one in drawn])
    rates = Sample.of(RATE, table, chosen)
    having = [(made, one) for made, one in zip(rows, drawn, strict=True) if one.chosen and one.errors is not None]
    names = list(dict.fromkeys(one.cluster for _, one in having))
    assert (list(rates.scores), list(rates.names)) == ([made for made, _ in having], names)
    for columns in (RATE.numerator, RATE.denominator):
        walked = [sum(total(made, columns) for made, one in having if one.cluster == name) for name in names]
        assert rates.per_cluster(columns).tolist() == walked
    waits = Sample.of(describe("lat.ttfs.p50"), table, chosen)
    waiting = [one for one in drawn if one.chosen and (one.waits is not None or one.failed)]
    clusters = list(dict.fromkeys(one.cluster for one in waiting))
    came = [(value, clusters.index(one.cluster)) for one in waiting for value in one.waits or ()]
    never = [(np.inf, clusters.index(one.cluster)) for one in waiting for _ in range(one.failed)]
    values, owners, failed = waits.values()
    assert list(zip(values.tolist(), owners.tolist(), strict=True)) == came + never
    assert failed == len(never)
