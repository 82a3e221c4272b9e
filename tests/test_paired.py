from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from evalkit.intervals import cluster_ratio_difference, zero_event_bound
from evalkit.paired import System, decide, rank_depends_on_normaliser, segment_test, slice_gaps
from evalkit.stats import summarise
from evalkit.types import Route, Score

EN, BASIC = "acc.wer.en", "acc.wer.basic"


def row(
    clip: int,
    provider: str,
    errors: int,
    *,
    words: int = 50,
    route: Route = "rest",
    cluster: str = "",
    basic: int | None = None,
    slices: Mapping[str, str] = {},
    said: tuple[str, str] = ("", ""),
) -> Score:
    counts: dict[str, float] = {}
    for metric, wrong in ((EN, errors), (BASIC, errors if basic is None else basic)):
        counts |= {f"{metric}.hits": words - wrong, f"{metric}.substitutions": wrong}
        counts |= {f"{metric}.deletions": 0, f"{metric}.insertions": 0}
    return Score(
        f"c{clip}", provider, route, "simulated", "speech", cluster or f"c{clip}", "en", dict(slices), 10.0, 1, None,
        counts, {}, {}, None, *said,
    )  # fmt: skip


def pair(new: Sequence[int], old: Sequence[int], **rest: object) -> list[Score]:
    sides = {"new": new, "old": old}
    return [row(k, name, wrong, **rest) for name, side in sides.items() for k, wrong in enumerate(side)]  # type: ignore[arg-type]


def test_the_decision_holds_the_t_interval_of_the_difference() -> None:
    new, old = [1, 0, 2, 3, 0, 1, 0, 2], [3, 1, 2, 5, 1, 1, 2, 4]
    (found,) = decide(pair(new, old), "new", "old", metrics=[EN], draws=500)
    expected = cluster_ratio_difference(new, [50] * 8, old, [50] * 8)
    assert (found.difference, found.ci_lo, found.ci_hi) == (expected.value, expected.lo, expected.hi)
    assert (found.label, found.gate) == ("superior", "pass")
    assert found.improvement is not None
    assert found.improvement > 0.95
    assert found.p == pytest.approx(2 / 64)
    assert (found.n_clips, found.n_words, found.n_clusters) == (8, 400, 8)
    assert found.smallest_detectable is not None
    assert found.margin == 0.005


def test_a_worse_system_fails_and_the_clips_needed_shrink_with_the_margin() -> None:
    scores = pair([5, 6, 7, 5, 6, 8], [1, 2, 1, 2, 1, 2])
    (found,) = decide(scores, "new", "old", metrics=[EN], draws=100)
    assert (found.label, found.gate) == ("inferior", "fail")
    (wide,) = decide(scores, "new", "old", metrics=[EN], tolerated=0.5, draws=100)
    assert wide.label == "non_inferior_but_worse"
    assert found.clips_needed is not None
    assert wide.clips_needed is not None
    assert found.clips_needed > wide.clips_needed


def test_a_system_against_itself_is_bounded_by_the_clips_that_were_heard() -> None:
    few, many = ([2] * 20, [2] * 800)
    (found,) = decide(pair(few, few), "new", "old", metrics=[EN], draws=100)
    assert (found.ci_hi, found.label) == (zero_event_bound(20, two_sided=True), "inconclusive")
    assert (found.zeros, found.p, found.p_perfect) == (1.0, 1.0, 1.0)
    (found,) = decide(pair(many, many), "new", "old", metrics=[EN], draws=100)
    assert (found.label, found.gate) == ("non_inferior", "pass")


def test_few_clusters_are_inconclusive() -> None:
    (found,) = decide(pair([1, 2, 3], [4, 4, 4]), "new", "old", metrics=[EN], draws=100)
    assert (found.ci_lo, found.label, found.clips_needed) == (None, "inconclusive", None)


def test_routes_are_adjusted_together_and_clips_are_paired() -> None:
    new, old = [1, 0, 2, 3, 0, 1, 0, 2], [3, 1, 2, 5, 1, 1, 2, 4]
    scores = [*pair(new, old), *pair(new, old, route="streaming"), row(99, "new", 50)]
    found = decide(scores, "new", "old", metrics=[EN, BASIC], draws=100)
    assert [(one.metric, one.route) for one in found] == [
        (metric, route) for metric in (EN, BASIC) for route in ("rest", "streaming")
    ]
    assert all(one.p_holm == pytest.approx(2 * one.p) and one.n_clips == 8 for one in found)
    assert decide(scores, "new", "nobody", metrics=[EN]) == []


def test_the_order_of_clips_does_not_matter() -> None:
    scores = pair([1, 0, 2, 3, 0, 1, 0, 2], [3, 1, 2, 5, 1, 1, 2, 4])
    (first,) = decide(scores, "new", "old", metrics=[EN], draws=100)
    (again,) = decide(scores[::-1], "new", "old", metrics=[EN], draws=100)
    assert (first.difference, first.p, first.label) == (again.difference, again.p, again.label)
    assert first.ci_lo == pytest.approx(again.ci_lo)


def test_segments_of_the_texts() -> None:
    said = "the quick brown fox jumps over the lazy dog"
    scores = []
    for k in range(4):
        scores.append(row(k, "new", 0, said=(said, said)))
        scores.append(row(k, "old", 0, said=(said, "a quick brown fox jumps over the" + " lazy" * (k % 2) + " dog")))
    found = segment_test(scores, "new", "old", "rest", "basic")
    assert (found.units, found.mean) == (6, -1)


def test_two_systems_that_swap_between_profiles() -> None:
    scores = [row(k, name, wrong, basic=other) for k in range(6) for name, wrong, other in (("a", 1, 4), ("b", 2, 3))]
    (swap,) = rank_depends_on_normaliser(summarise(scores))
    assert {swap.metric, swap.other_metric} == {EN, BASIC}
    assert {swap.better, swap.worse} == {System("a", "rest"), System("b", "rest")}
    assert swap.better.provider == ("a" if swap.metric == EN else "b")
    assert rank_depends_on_normaliser(summarise(pair([1] * 6, [2] * 6))) == []
    assert rank_depends_on_normaliser([]) == []


@pytest.mark.parametrize("equal_under", [EN, BASIC])
def test_equal_rates_are_no_swap(equal_under: str) -> None:
    wrong = {"a": (1, 4), "b": (1, 3)} if equal_under == EN else {"a": (4, 1), "b": (3, 1)}
    scores = [row(k, name, first, basic=second) for k in range(6) for name, (first, second) in wrong.items()]
    assert rank_depends_on_normaliser(summarise(scores)) == []


def test_a_system_without_one_of_the_profiles_cannot_swap() -> None:
    rows = summarise([row(k, name, wrong) for k in range(6) for name, wrong in (("a", 1), ("b", 2))])
    assert rank_depends_on_normaliser(one for one in rows if (one.provider, one.metric) != ("b", BASIC)) == []


def accents() -> list[Score]:
    chance = np.random.default_rng(2)
    return [
        row(k, "new", int(chance.poisson(rate)), cluster=f"s{k // 4}", slices={"accent": accent})
        for k, (accent, rate) in enumerate([("plain", 2.0)] * 80 + [("hard", 8.0)] * 40)
    ]


def test_the_worst_slice_stands_out() -> None:
    found = slice_gaps(accents(), "new", "rest", "accent", metric=EN)
    assert found.worst
    assert found.worst.name == "hard"
    assert found.worst.gap == pytest.approx(found.worst.rate - found.pooled)  # type: ignore[operator]
    assert found.worst.p_holm is not None
    assert found.worst.p is not None
    assert found.worst.p <= found.worst.p_holm < 0.001
    assert found.macro == pytest.approx(np.mean([one.rate for one in found.slices]))
    assert [one.n_clips for one in found.slices] == [40, 80]


def test_slices_without_support_are_left_out_and_a_missing_tag_is_unknown() -> None:
    rare = [row(1000 + k, "new", 40, slices={"accent": "rare"}) for k in range(19)]
    bare = [replace(score, slices={}) for score in accents()[:40]]
    found = slice_gaps([*accents()[40:], *bare, *rare], "new", "rest", "accent", metric=EN)
    assert {one.name for one in found.slices} == {"hard", "plain", "unknown"}
    assert slice_gaps([], "new", "rest", "accent", metric=EN).worst is None


def test_a_slice_that_is_everything_has_no_gap() -> None:
    found = slice_gaps(accents(), "new", "rest", "noise", metric=EN)
    assert found.worst
    assert (found.worst.name, found.worst.gap, found.worst.p_holm) == ("unknown", 0.0, None)
