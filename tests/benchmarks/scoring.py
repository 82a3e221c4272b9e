"""How long scoring takes, beside the bare tools it is built on, in one run.

Run with ``python -m tests.benchmarks.scoring``; name some parts to run only those. A part is a function in ``PARTS``
that returns rows of (what, seconds, beside what, seconds of that); the table gives the ratio and the peak of memory.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence

import jiwer

from evalkit.scoring import text, words

Line = tuple[str, float, str, float | None]
_SPOKEN = (
    "well i think we should deploy the new version on tuesday don't you it's about thirty six percent faster than "
    "before he paid twelve hundred dollars for twenty two tickets the quick brown fox jumps over the lazy dog and "
    "then the colour of the theatre was grey i won't be able to make it because the meeting was moved to half "
    "past nine our customers in the north travelled a long way to hear the speech she said that nobody had asked "
    "for the report since "
)
SPOKEN = tuple(_SPOKEN.split())


def sentence(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(SPOKEN) for _ in range(count)]


def misheard(chance: random.Random, said: Sequence[str], share: float = 0.1) -> list[str]:
    """About ``share`` of the words lost, changed or joined by another."""
    got: list[str] = []
    for word in said:
        luck = chance.random()
        if luck < share / 4:
            continue
        got.append(chance.choice(SPOKEN) if luck < share * 3 / 4 else word)
        if luck > 1 - share / 4:
            got.append(chance.choice(SPOKEN))
    return got


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def pairs_of_sentences() -> list[Line]:
    """10,000 pairs of 10 to 40 words: two profiles, both alignments, nothing kept from before."""
    chance = random.Random(1)
    said = [sentence(chance, chance.randint(10, 40)) for _ in range(10_000)]
    sides = [(" ".join(left).capitalize() + ".", " ".join(misheard(chance, left))) for left in said]
    references, hypotheses = zip(*sides, strict=True)
    bare = timed(lambda: jiwer.process_words(list(references), list(hypotheses)))
    lines = [line for name in ("basic", "en") for line in _under(name, sides, bare)]
    return [*lines, ("10,000 pairs, all of it", sum(line[1] for line in lines), "jiwer.process_words", bare)]


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


PARTS: dict[str, Callable[[], list[Line]]] = {"pairs": pairs_of_sentences, "long": one_long_pair}


def table(chosen: Sequence[str]) -> str:
    rows = ["| what | s | beside | s | ratio | peak MB |", "|---|---|---|---|---|---|"]
    for part in chosen:
        for what, took, other, bare in PARTS[part]():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
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
