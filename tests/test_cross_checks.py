"""Our figures beside those of independent tools, and where they part and why.

Agree to 1e-9, on random pairs:

* unit-cost errors: jiwer (which counts them), kaldialign, meeteval (siso).
* ``hit`` alignment, errors and hits by cost: kaldialign with ``sclite_mode``; NIST sclite where it is installed.
* compound-tolerant errors: kaldialign with ``merge_compounds`` (in test_scoring_compounds).
* area under the error-detection curve: scikit-learn (in test_scoring_confidence).
* punctuation error rate: NeMo, through the worked cases.

Part, on purpose:

* Empty reference: jiwer returns the number of insertions as a rate, kaldialign infinity; here the rate is None.
* Split of one total into S, D and I: not unique. Among cheapest alignments, ours prefers, from the end, the diagonal,
  then a deletion, then an insertion; so only what every cheapest alignment shares is compared.
* sclite folds case, takes ``{a / b}``, ``(a)`` and ``@`` as alternatives and optional words, and reads ``;;`` as a
  comment; here text rules are a matter of profiles, so it is given plain lower-case words.
* sclite's total can be above the unit-cost total: it minimises 4S + 3D + 3I. The two never share a table.
* kaldialign joins any number of neighbours into a compound, we at most three.
* NeMo compares words with case and takes the point of 3.50 for a full stop; ours does neither (``per_evalkit``).
* Whisper's normalisers: see the quirks in evalkit.scoring.whisper; our ``en`` profile has none of them.
"""

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import jiwer
import kaldialign
import meeteval.wer
import pytest

from evalkit.scoring.words import ErrorCounts, align, counts, unit_counts

VOCABULARY = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]


def pairs(number: int = 150, seed: int = 11) -> Iterator[tuple[list[str], list[str]]]:
    """Pairs of texts, half of them alike."""
    chance = random.Random(seed)
    for index in range(number):
        left = [chance.choice(VOCABULARY) for _ in range(chance.randint(1, 25))]
        right = [chance.choice(VOCABULARY) if chance.random() < 0.2 else word for word in left if chance.random() < 0.9]
        yield left, right if index % 2 else [chance.choice(VOCABULARY) for _ in range(chance.randint(1, 25))]


def test_unit_costs() -> None:
    for left, right in pairs():
        found = unit_counts(left, right)
        assert found.rate == pytest.approx(jiwer.wer(" ".join(left), " ".join(right)), abs=1e-9)
        assert found.errors == kaldialign.edit_distance(left, right)["total"]
        assert found.errors == meeteval.wer.siso_word_error_rate(" ".join(left), " ".join(right)).errors


def weighed(found: ErrorCounts) -> int:
    return 4 * found.substitutions + 3 * found.deletions + 3 * found.insertions


def test_hit_costs() -> None:
    for left, right in pairs():
        theirs = kaldialign.edit_distance(left, right, sclite_mode=True)
        found = counts(align(left, right))
        assert weighed(found) == 4 * theirs["sub"] + 3 * theirs["del"] + 3 * theirs["ins"]


def test_sclite(tmp_path: Path, nist: Callable[[str], str]) -> None:
    sides = list(pairs())
    for name, side in (("ref", 0), ("hyp", 1)):
        lines = [f"{' '.join(pair[side])} (s-{index:04d})" for index, pair in enumerate(sides)]
        (tmp_path / f"{name}.trn").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [nist("sclite"), "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "rm", "-o", "pralign", "stdout"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    theirs = {
        int(index): ErrorCounts(*map(int, numbers.split()))
        for index, numbers in re.findall(r"id: \(s-(\d+)\)\nScores: \(#C #S #D #I\) ([\d ]+)", printed)
    }
    assert len(theirs) == len(sides)
    for index, (left, right) in enumerate(sides):
        found = counts(align(left, right))
        assert weighed(found) == weighed(theirs[index])
        assert found.reference_words == theirs[index].reference_words
