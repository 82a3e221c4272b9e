import pytest

from evalkit.stats import summarise
from evalkit.stats.ranking import MixSwap, System, rank_depends_on_mix, rank_depends_on_normaliser
from evalkit.types import Score
from tests.rows import row

EN, BASIC = "acc.wer.en", "acc.wer.basic"


def both(clip: int, provider: str, wrong: int, basic: int | None = None) -> Score:
    """One clip with so many errors under the English rules and under the basic ones."""
    other = wrong if basic is None else basic
    counts = {f"{BASIC}.hits": 50 - other, f"{BASIC}.substitutions": other}
    counts |= {f"{BASIC}.deletions": 0, f"{BASIC}.insertions": 0}
    return row(f"c{clip}", provider=provider, route="rest", errors=wrong, counts=counts)


def test_two_systems_that_swap_between_profiles() -> None:
    scores = [both(k, name, wrong, other) for k in range(6) for name, wrong, other in (("a", 1, 4), ("b", 2, 3))]
    (swap,) = rank_depends_on_normaliser(summarise(scores))
    assert {swap.metric, swap.other_metric} == {EN, BASIC}
    assert {swap.better, swap.worse} == {System("a", "rest"), System("b", "rest")}
    assert swap.better.provider == ("a" if swap.metric == EN else "b")
    alike = [both(k, name, wrong) for k in range(6) for name, wrong in (("a", 1), ("b", 2))]
    assert rank_depends_on_normaliser(summarise(alike)) == []
    assert rank_depends_on_normaliser([]) == []


@pytest.mark.parametrize("equal_under", [EN, BASIC])
def test_equal_rates_are_no_swap(equal_under: str) -> None:
    wrong = {"a": (1, 4), "b": (1, 3)} if equal_under == EN else {"a": (4, 1), "b": (3, 1)}
    scores = [both(k, name, first, second) for k in range(6) for name, (first, second) in wrong.items()]
    assert rank_depends_on_normaliser(summarise(scores)) == []


def test_a_system_without_one_of_the_profiles_cannot_swap() -> None:
    rows = summarise([both(k, name, wrong) for k in range(6) for name, wrong in (("a", 1), ("b", 2))])
    assert rank_depends_on_normaliser(one for one in rows if (one.provider, one.metric) != ("b", BASIC)) == []


def mixed(provider: str, plain: tuple[int, int], hard: tuple[int, int]) -> list[Score]:
    """So many clips with so many errors of each kind."""
    kinds = [("plain", plain[1])] * plain[0] + [("hard", hard[1])] * hard[0]
    return [
        row(f"{provider}{k}", provider=provider, route="rest", errors=wrong, cluster=f"s{k % 7}", slices={"kind": kind})
        for k, (kind, wrong) in enumerate(kinds)
    ]


def test_a_system_that_is_worse_in_every_slice_can_win_pooled() -> None:
    """Simpson's paradox: a is worse on plain and on hard clips, but was sent mostly plain ones."""
    scores = mixed("a", (95, 1), (25, 10)) + mixed("b", (25, 0), (95, 8))
    assert rank_depends_on_mix(summarise(scores)) == [MixSwap("kind", System("a", "rest"), System("b", "rest"))]
    fair = mixed("a", (60, 1), (60, 10)) + mixed("b", (60, 0), (60, 8))
    assert rank_depends_on_mix(summarise(fair)) == []
    assert rank_depends_on_mix(summarise(scores), profile="basic") == []
