import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.omissions import Omissions, omissions
from evalkit.scoring.words import Op, Pair


def found(ops: str, **rules: int) -> Omissions:
    """h hit, s substitution, d deletion, i insertion."""
    names: dict[str, Op] = {"h": "hit", "s": "substitution", "d": "deletion", "i": "insertion"}
    return omissions([Pair(None if op == "i" else 0, None if op == "d" else 0, names[op]) for op in ops], **rules)


@pytest.mark.parametrize(
    ("ops", "longest", "bursts", "words"),
    [
        ("hhddddhh", 4, 0, 0),
        ("hhdddddhh", 5, 1, 5),
        ("ddidddhh", 5, 1, 5),  # an invented word in between saves nothing
        ("dddddhdddddh", 10, 1, 10),  # one accidental hit inside a long burst
        ("ddddhdddh", 4, 0, 0),  # too short for that
        ("dddddsdddddh", 5, 2, 10),  # a substitution was heard
        ("dddddhhdddddh", 5, 2, 10),
        ("dddddhdddddhddddd", 10, 2, 15),  # one hit, not two
        ("", 0, 0, 0),
    ],
)
def test_bursts(ops: str, longest: int, bursts: int, words: int) -> None:
    got = found(ops)
    assert (got.longest, got.bursts, got.burst_words) == (longest, bursts, words)


def test_ends() -> None:
    got = found("idshhddid")
    assert (got.head, got.tail, got.deletions, got.reference_words) == (1, 3, 4, 7)
    assert got.truncated
    assert not found("h" * 50 + "ddd").truncated
    assert not found("hdd").truncated
    assert (found("ddd").head, found("ddd").tail) == (3, 3)
    assert found("").burst_share is None


@given(st.text("hsdi", max_size=60), st.integers(1, 6), st.integers(0, 2))
def test_bounds(ops: str, burst_min: int, burst_gap: int) -> None:
    got = found(ops, burst_min=burst_min, burst_gap=burst_gap)
    assert got.bursts * burst_min <= got.burst_words <= got.deletions == ops.count("d")
    assert got.longest <= got.deletions
    assert max(got.head, got.tail) <= got.deletions
    mirrored = found(ops[::-1], burst_min=burst_min, burst_gap=burst_gap)
    assert (mirrored.head, mirrored.tail) == (got.tail, got.head)
