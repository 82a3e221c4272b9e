"""How long scoring takes, beside the bare tools it is built on, in one run.

Run with ``python -m tests.benchmarks.scoring``; name some parts to run only those. A part is a function in ``PARTS``
that returns rows of (what, seconds, beside what, seconds of that); the table gives the ratio and the peak of memory of
any one process. Seconds are those of the processor, which other programs disturb less; only those on all cores are
those of the clock, on both sides.
"""

import argparse
import contextlib
import functools
import gc
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from unittest import mock

import jiwer

from evalkit.cores import on_all_cores
from evalkit.scoring import score, text, words
from evalkit.scoring.families import FAMILIES
from evalkit.scoring.row import Case, Row
from evalkit.types import Clip, Hypothesis, Score, Trace
from tests.conversations import answered, clip, final, spread, word
from tests.scored import PRICE

Answered = tuple[Clip, Trace, Hypothesis]
Line = tuple[str, float, str, float | None]
_SPOKEN = (
    "well i think we should deploy the new version on tuesday don't you it's about thirty six percent faster than "
    "before he paid twelve hundred dollars for twenty two tickets the quick brown fox jumps over the lazy dog and "
    "then the colour of the theatre was grey i won't be able to make it because the meeting was moved to half "
    "past nine our customers in the north travelled a long way to hear the speech she said that nobody had asked "
    "for the report since "
)
SPOKEN = tuple(_SPOKEN.split())
TERMS = ("tuesday", "brown fox", "customers|clients", "theatre")


def sentence(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(SPOKEN) for _ in range(count)]


def misheard(chance: random.Random, said: Sequence[str], share: float = 0.1) -> list[str]:
    """About ``share`` of the words lost, changed or joined by another."""
    got: list[str] = []
    for token in said:
        luck = chance.random()
        if luck < share / 4:
            continue
        got.append(chance.choice(SPOKEN) if luck < share * 3 / 4 else token)
        if luck > 1 - share / 4:
            got.append(chance.choice(SPOKEN))
    return got


def timed(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of ``work``; what is in memory before is hidden from the garbage collector, whose time depends on it."""
    gc.collect()
    gc.freeze()
    started = clock()
    work()
    took = clock() - started
    gc.unfreeze()
    return took


def sentences(seed: int) -> list[tuple[str, str]]:
    """10,000 pairs of 10 to 40 words: a reference written to be read, and what was heard.

    Every part has pairs of its own, so that no part finds normalised what another one asked for.
    """
    chance = random.Random(seed)
    said = [sentence(chance, chance.randint(10, 40)) for _ in range(10_000)]
    return [(" ".join(left).capitalize() + ".", " ".join(misheard(chance, left))) for left in said]


def bare_jiwer(sides: Sequence[tuple[str, str]], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of one bare pass over all pairs, the median of three."""
    references, hypotheses = map(list, zip(*sides, strict=True))
    return statistics.median(timed(lambda: jiwer.process_words(references, hypotheses), clock) for _ in range(3))


def pairs_of_sentences() -> list[Line]:
    """Two profiles and both alignments, nothing kept from before."""
    sides = sentences(1)
    bare = bare_jiwer(sides)
    lines = [line for name in ("basic", "en") for line in _under(name, sides, bare)]
    return [*lines, ("10,000 pairs, all of it", sum(line[1] for line in lines), "jiwer.process_words", bare)]


def complete_scores() -> list[Line]:
    """Rows of every family over the same pairs, as answers of text only: on one core, family by family, and on all."""
    cases = [_case(*pair, str(number)) for number, pair in enumerate(sentences(2))]
    return _complete("text only", cases)


def complete_scores_of_timed_words() -> list[Line]:
    """The same with times and confidences of all words."""
    cases = [_case(*pair, str(number), timed_words=True) for number, pair in enumerate(sentences(3))]
    return _complete("timed words", cases)


def _complete(name: str, cases: Sequence[Answered]) -> list[Line]:
    sides = [(about.text or "", said.text) for about, _, said in cases]
    bare = bare_jiwer(sides)
    spent: dict[str, float] = {}
    with _clocks(spent):
        alone = timed(lambda: list(map(_scored, cases)))
    lines: list[Line] = [(f"10,000 complete scores, {name}", alone, "jiwer.process_words", bare)]
    lines += [(f"… of which {family}", took, "jiwer.process_words", bare) for family, took in spent.items()]
    shared = timed(lambda: on_all_cores(_scored, cases), time.perf_counter)
    bare = bare_jiwer(sides, time.perf_counter)
    lines.append((f"… on {os.cpu_count()} cores, processes started too", shared, "jiwer.process_words", bare))
    return lines


def _case(said: str, got: str, clip_id: str, *, timed_words: bool = False) -> Answered:
    reference, hypothesis = (
        spread(text, 0.25, confidence=0.9) if timed_words else tuple(map(word, text.split())) for text in (said, got)
    )
    duration_s = 0.5 + 0.4 * max(len(reference), len(hypothesis))
    return clip(reference, duration_s, clip_id=clip_id), answered(clip_id=clip_id), final(hypothesis)


def _scored(case: Answered) -> Score:
    about, found, said = case
    return score(about, [found], said, price=PRICE, evidence="simulated", terms=TERMS)


@contextlib.contextmanager
def _clocks(spent: dict[str, float]) -> Iterator[None]:
    """Add up the seconds of every family meanwhile."""
    with contextlib.ExitStack() as stack:
        for family in FAMILIES:
            name = family.__name__.rpartition(".")[2]
            clocked = functools.partial(_clocked, family.measure, spent, name)
            stack.enter_context(mock.patch.object(family, "measure", clocked))
        yield


def _clocked(measure: Callable[[Row, Case], None], spent: dict[str, float], name: str, row: Row, case: Case) -> None:
    started = time.process_time()
    measure(row, case)
    spent[name] = spent.get(name, 0.0) + time.process_time() - started


def _under(name: str, sides: Sequence[tuple[str, str]], bare: float) -> list[Line]:
    rules = text.profile(name)
    tokens: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    steps: dict[str, Callable[[], object]] = {
        "tokens": lambda: tokens.extend((rules.tokens(left), rules.tokens(right)) for left, right in sides),
        "unit": lambda: [words.unit_counts(left, right) for left, right in tokens],
        "hit": lambda: [words.align(left, right) for left, right in tokens],
    }
    return [(f"10,000 pairs, {name}, {step}", timed(work), "jiwer.process_words", bare) for step, work in steps.items()]


def one_long_pair() -> list[Line]:
    """30,000 words, three hours of talk: the exact hit alignment, with and without times."""
    chance = random.Random(2)
    said = sentence(chance, 30_000)
    return [
        line for share in (0.1, 0.5) for line in _aligned(said, misheard(chance, said, share), f"{share:.0%} wrong")
    ]


def _aligned(said: Sequence[str], got: Sequence[str], name: str) -> list[Line]:
    bare = timed(lambda: jiwer.process_words(" ".join(said), " ".join(got)))
    starts = [[0.35 * place for place in range(len(side))] for side in (said, got)]
    return [
        (f"30,000 words, {name}, hit", timed(lambda: words.align(said, got)), "jiwer.process_words", bare),
        (
            f"30,000 words, {name}, hit by time",
            timed(lambda: words.align(said, got, *starts)),
            "jiwer.process_words",
            bare,
        ),
    ]


PARTS: dict[str, Callable[[], list[Line]]] = {
    "pairs": pairs_of_sentences,
    "complete": complete_scores,
    "timed": complete_scores_of_timed_words,
    "long": one_long_pair,
}


def _peak_mb(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def table(chosen: Sequence[str]) -> str:
    rows = ["| what | s | beside | s | ratio | peak MB |", "|---|---|---|---|---|---|"]
    for part in chosen:
        for what, took, other, bare in PARTS[part]():
            peak = max(map(_peak_mb, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
            ratio = f"{took / bare:.1f}" if bare else ""
            rows.append(
                f"| {what} | {took:.2f} | {other} | {'' if bare is None else f'{bare:.2f}'} | {ratio} | {peak} |"
            )
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of: {', '.join(PARTS)}; all when none is named")
    chosen = parser.parse_args(arguments).parts
    print(table([part for part in PARTS if part in chosen or not chosen]))


if __name__ == "__main__":
    main(sys.argv[1:])
