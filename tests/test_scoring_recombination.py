import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.scoring import recombination
from evalkit.scoring.recombination import Recombination, joined, recombine

TOKENS = st.lists(st.sampled_from("vwxyz"), max_size=6).map(tuple)
SAID = st.lists(TOKENS, max_size=7)
STREAMS = st.lists(st.lists(st.sampled_from("vwxyz"), max_size=10).map(tuple), min_size=1, max_size=4)


def by_meeteval(utterances: list[tuple[str, ...]], streams: list[tuple[str, ...]]) -> int:
    from meeteval.wer import orc_word_error_rate

    if not any(utterances) or not any(streams):
        return sum(map(len, utterances)) + sum(map(len, streams))
    # Empty streams lead it astray: it then counts what its own assignment does not have.
    said, heard = ([" ".join(part) for part in side if part] for side in (utterances, streams))
    found = orc_word_error_rate(said, heard, reference_sort=False, hypothesis_sort=False)
    errors: int = found.errors
    return errors


def distance(left: list[str], right: tuple[str, ...]) -> int:
    row = list(range(len(right) + 1))
    for index, token in enumerate(left):
        before, row = row, [index + 1]
        for column, other in enumerate(right):
            row.append(min(before[column] + (token != other), before[column + 1] + 1, row[-1] + 1))
    return row[-1]


@settings(max_examples=150, deadline=None)
@given(SAID, STREAMS, st.integers(0, 8))
def test_the_optimum_of_meeteval_lies_between_the_bounds(
    utterances: list[tuple[str, ...]], streams: list[tuple[str, ...]], rounds: int
) -> None:
    found = recombine(utterances, streams, rounds=rounds)
    assert found.low <= by_meeteval(utterances, streams) <= found.high
    assert found.proven == (found.low == found.high)
    given_to = joined(utterances, len(streams), found.owners)
    assert sum(map(distance, given_to, streams)) == found.high, "the upper bound is that of a real assignment"


def conversation(
    chance: random.Random, words: int, speakers: int, error: float, confused: float
) -> tuple[list[list[str]], list[list[str]]]:
    """Utterances, and streams that got some of their words wrong and some of them whole from others."""
    utterances: list[list[str]] = []
    streams: list[list[str]] = [[] for _ in range(speakers)]
    while sum(map(len, utterances)) < words:
        speaker = chance.randrange(speakers)
        heard_as = speaker if chance.random() > confused else chance.randrange(speakers)
        said = [f"w{int(chance.paretovariate(0.6))}" for _ in range(chance.choice([1, 1, 4, 9, 20]))]
        utterances.append(said)
        for word in said:
            fate = chance.random()
            if fate > error:
                streams[heard_as].append(word)
            elif fate > error / 2:
                streams[heard_as].append("wrong")
    return utterances, streams


@pytest.mark.parametrize(
    ("speakers", "error", "confused"), [(2, 0.05, 0.05), (3, 0.1, 0.1), (4, 0.1, 0.3), (5, 0.2, 0)]
)
def test_conversations_are_proven(speakers: int, error: float, confused: float) -> None:
    for seed in range(5):
        utterances, streams = conversation(random.Random(seed), 400, speakers, error, confused)
        found = recombine(utterances, streams)
        assert found.proven, (seed, found.low, found.high)


def test_a_proof_is_that_of_the_exact_search() -> None:
    for seed in range(4):
        sides = conversation(random.Random(seed), 120, 2, 0.15, 0.2)
        found = recombine(*sides)
        assert found.proven
        assert found.high == by_meeteval(*(list(map(tuple, side)) for side in sides))


def test_narrowing_the_search_loses_no_assignment() -> None:
    """Hard cases, in which the bounds stay apart for long and the windows matter."""
    for seed in range(40):
        sides = conversation(random.Random(seed), 60, 3, 0.5, 0.5)
        best = by_meeteval(*(list(map(tuple, side)) for side in sides))
        for rounds in (2, 17):
            found = recombine(*sides, rounds=rounds)
            assert found.low <= best <= found.high, (seed, rounds)


def test_without_a_round_or_with_too_much_to_do_the_bounds_stand_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = conversation(random.Random(1), 200, 3, 0.1, 0.2)
    exact = recombine(*sides)
    for limit in ("MAX_CELLS", "MAX_MARKS"):
        with monkeypatch.context() as patched:
            patched.setattr(recombination, limit, 100)
            found = recombine(*sides)
            assert found.low <= exact.low <= exact.high <= found.high
            assert not found.proven
    assert recombine(*sides, rounds=0).low == found.low


def test_nothing_said_and_nothing_heard() -> None:
    assert recombine([], [()]) == Recombination((), 0, 0)
    assert recombine([], [("a",), ("b",)]) == Recombination((), 2, 2)
    assert recombine([("a", "b"), ()], [()]) == Recombination((0, 0), 2, 2)
    assert recombine([("a",), ("b",)], [(), ("a", "b")]) == Recombination((1, 1), 0, 0)


def test_what_two_streams_could_have_goes_to_one() -> None:
    found = recombine([("yes",), ("no",)], [("yes",), ("yes", "no")])
    assert (found.low, found.high) == (1, 1)
