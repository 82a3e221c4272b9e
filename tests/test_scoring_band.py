import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import band
from evalkit.scoring.band import DELETION, DIAGONAL, HIT, INSERTION, UNIT, Costs, cheapest_path

TOKENS = st.lists(st.integers(0, 3), max_size=14)


def obvious_path(
    left: Sequence[int], right: Sequence[int], times: band.Times | None = None, costs: Costs = HIT
) -> bytes:
    """The whole grid, pairs as costs, the tie rule read from the end."""
    cost = [[(0, 0)] * (len(right) + 1) for _ in range(len(left) + 1)]
    step = [[INSERTION] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            ways: list[tuple[tuple[int, int], int]] = []
            if i and j:
                same = left[i - 1] == right[j - 1]
                ms = min(abs(times[0][i - 1] - times[1][j - 1]), 60_000) if same and times else 0
                before = cost[i - 1][j - 1]
                ways.append(((before[0] + (0 if same else costs.substitution), before[1] + ms), DIAGONAL))
            if i:
                ways.append(((cost[i - 1][j][0] + costs.gap, cost[i - 1][j][1]), DELETION))
            if j:
                ways.append(((cost[i][j - 1][0] + costs.gap, cost[i][j - 1][1]), INSERTION))
            if ways:
                cost[i][j], step[i][j] = min(ways)
    i, j, steps = len(left), len(right), bytearray()
    while i or j:
        taken = step[i][j]
        steps.append(taken)
        i, j = i - (taken != INSERTION), j - (taken != DELETION)
    steps.reverse()
    return bytes(steps)


WAYS = {"fronts": (60, 1500), "short": (0, 1 << 30), "long": (0, 0)}
"""Values of ``_WIDE_CELLS`` and ``_FEW_CELLS`` that make each way be taken wherever it can be."""


@pytest.mark.parametrize("way", WAYS)
@given(
    left=TOKENS,
    right=TOKENS,
    costs=st.sampled_from([HIT, UNIT]),
    timed=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_a_band_finds_the_very_path_of_the_whole_grid(
    way: str, left: list[int], right: list[int], costs: Costs, timed: bool, chance: random.Random
) -> None:
    times = ([chance.randint(0, 900) for _ in left], [chance.randint(0, 900) for _ in right]) if timed else None
    with pytest.MonkeyPatch.context() as patch:
        taken(way, patch)
        assert cheapest_path(left, right, times, costs) == obvious_path(left, right, times, costs)


@pytest.mark.parametrize("way", WAYS)
def test_recognition_like_pairs_too(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for a band much narrower than the grid, with bursts lost and words invented."""
    taken(way, monkeypatch)
    chance = random.Random(7)
    for _ in range(12):
        left = [chance.randint(0, 30) for _ in range(90)]
        right = [token if chance.random() < 0.9 else chance.randint(0, 30) for token in left if chance.random() < 0.95]
        lost = chance.randint(0, 80)
        right[lost : lost + chance.choice([0, 12])] = [9] * chance.choice([0, 5])
        times = (list(range(0, 9000, 100)), [100 * place for place in range(len(right))])
        for given_times in (None, times):
            assert cheapest_path(left, right, given_times) == obvious_path(left, right, given_times)


def taken(way: str, patch: pytest.MonkeyPatch) -> None:
    for name, value in zip(("_WIDE_CELLS", "_FEW_CELLS"), WAYS[way], strict=True):
        patch.setattr(band, name, value)


def test_few_errors_need_no_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does time, where there is one cheapest path only."""
    monkeypatch.delattr(band, "_short")
    monkeypatch.delattr(band, "_long")
    left = list(range(40))
    right = [*left[:10], 99, *left[11:30], 98, *left[30:]]
    times = ([100 * place for place in left], [100 * place for place in range(len(right))])
    for given_times in (None, times):
        assert cheapest_path(left, right, given_times) == obvious_path(left, right, given_times)


def test_nothing_in_common_needs_the_whole_grid() -> None:
    left, right = list(range(60)), list(range(100, 140))
    assert cheapest_path(left, right) == obvious_path(left, right)


@pytest.mark.parametrize(("left", "right"), [([], []), ([1], []), ([], [1, 2])])
def test_one_side_may_be_empty(left: list[int], right: list[int]) -> None:
    assert cheapest_path(left, right) == bytes([DELETION] * len(left) + [INSERTION] * len(right))


def test_memory_grows_with_the_errors_and_not_with_the_square_of_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []
    real: Callable[..., bytes] = band._long

    def spy(left: Any, right: Any, low: int, high: int, *rest: Any) -> bytes:
        widths.append(high - low + 1)
        return real(left, right, low, high, *rest)

    monkeypatch.setattr(band, "_long", spy)
    taken("long", monkeypatch)
    left = [number % 997 for number in range(5000)]
    right = [token for place, token in enumerate(left) if place % 100]
    assert cheapest_path(left, right).count(DELETION) == 50
    assert widths == [51]
