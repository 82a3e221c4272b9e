import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.segments import Segment, segments
from evalkit.scoring.words import align, counts
from evalkit.stats.decisions import z_test

SAID = st.lists(st.sampled_from("abcd"), max_size=14)


def cut(reference: str, first: str, second: str, **rules: int) -> list[tuple[int, int, int]]:
    said = reference.split()
    found = segments(align(said, first.split()), align(said, second.split()), **rules)
    return [(one.errors, one.against_errors, one.reference_words) for one in found]


def test_two_right_words_on_both_sides_end_a_segment() -> None:
    assert cut("a b c d e f", "x b c d e y", "a b c d e f") == [(1, 0, 3), (1, 0, 3)]


def test_one_right_word_does_not() -> None:
    assert cut("a b c", "x b y", "a b c") == [(2, 0, 3)]
    assert cut("a b c d e", "x b c d e", "a b c y e") == [(1, 0, 3), (0, 1, 4)]
    assert cut("a b c", "x b y", "a b c", min_good=1) == [(1, 0, 2), (1, 0, 2)]


def test_right_words_may_bound_two_segments() -> None:
    """As in sc_stats, the words between two stretches are counted with both."""
    assert cut("a b c d", "x b c y", "a b c d") == [(1, 0, 3), (1, 0, 3)]


def test_an_insertion_breaks_a_run_of_right_words() -> None:
    assert cut("a b c", "x b y c", "a b c") == [(2, 0, 3)]
    assert cut("a b", "a b", "a b c") == [(0, 1, 2)]


def test_nothing_wrong_is_no_segment() -> None:
    assert cut("a b c", "a b c", "a b c") == []
    assert cut("", "", "") == []
    assert cut("", "a", "") == [(1, 0, 0)]


@given(SAID, SAID, SAID, st.integers(1, 4))
def test_every_error_is_in_one_segment(reference: list[str], first: list[str], second: list[str], good: int) -> None:
    mine, theirs = align(reference, first), align(reference, second)
    found = segments(mine, theirs, min_good=good)
    assert sum(one.errors for one in found) == counts(mine).errors
    assert sum(one.against_errors for one in found) == counts(theirs).errors
    assert all(one.errors or one.against_errors for one in found)
    assert segments(theirs, mine, min_good=good) == [
        Segment(one.against_errors, one.errors, one.reference_words) for one in found
    ]
    assert len(segments(mine, theirs, min_good=good + 1)) <= len(found)


def test_alignments_of_different_references_are_refused() -> None:
    with pytest.raises(ValueError, match="same reference"):
        segments(align(["a"], []), align(["a", "b"], []))


def test_the_segments_are_those_of_nist(tmp_path: Path, nist: Callable[[str], str]) -> None:
    """Words that never repeat within an utterance: where they do, sclite may break a tie of its alignment elsewhere."""
    chance = np.random.default_rng(5)
    said = [[f"w{k}" for k in chance.permutation(40)[:20]] for _ in range(40)]
    heard = [[[got for word in one for got in misheard(word, chance)] for one in said] for _ in range(2)]
    for name, texts in (("ref", said), ("a", heard[0]), ("b", heard[1])):
        lines = [f"{' '.join(text)} (spk1_{number:03d})\n" for number, text in enumerate(texts)]
        (tmp_path / name).write_text("".join(lines))

    def run(command: str, given: bytes = b"") -> bytes:
        return subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, input=given).stdout

    sgml = b"".join(run(f"{nist('sclite')} -r ref trn -h {name} trn {name} -i spu_id -o sgml stdout") for name in "ab")
    run(f"{nist('sc_stats')} -p -t mapsswe -v", sgml)
    report = (tmp_path / "Ensemble.stats.mapsswe").read_text(errors="replace")  # sc_stats pads with stray bytes
    found = [one for r, a, b in zip(said, *heard, strict=True) for one in segments(align(r, a), align(r, b))]
    tested = z_test([one.difference for one in found])
    assert f"(# segs: {tested.units})" in report
    assert f"(mean: {tested.mean:5.3f}) (std dev: {tested.sd:5.3f}) (Z Stat: {tested.z:5.3f})" in report
    totals = re.search(r"^Totals +(\d+) +(\d+) +(\d+)$", report, re.MULTILINE)
    assert totals
    assert [int(total) for total in totals.groups()] == [
        sum(one.reference_words for one in found),
        sum(one.errors for one in found),
        sum(one.against_errors for one in found),
    ]


def misheard(word: str, chance: np.random.Generator) -> list[str]:
    return [[], [f"x{word}"], [word, "extra"], [word]][chance.choice(4, p=[0.08, 0.08, 0.05, 0.79])]
