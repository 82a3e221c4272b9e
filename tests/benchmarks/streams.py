"""Long streams: captions of ten minutes and of an hour, beside the obvious way of comparing whole captions.

python -m tests.benchmarks.streams
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence

from evalkit import scoring
from evalkit.scoring import captions, retractions, text
from evalkit.types import Clip, Hypothesis, Trace, Update, Word
from tests import conversations, obvious
from tests.benchmarks.scoring import SPOKEN, timed

WORD_S, INTERIM_S, PAUSE_S, ORIGIN_S = 0.36, 0.5, 0.8, 0.5
COMPARED_S = 300.0
"""The obvious way takes the square of the time: five minutes of it will do."""


def stream(seconds: float) -> tuple[Clip, Trace, Hypothesis]:
    """Utterances of 6 to 20 words, an interim every half second whose last words are guesses, then a final."""
    chance = random.Random(1)
    reference: list[Word] = []
    updates: list[Update] = []
    start_s, number = 0.0, 0
    while start_s < seconds:
        count = chance.randint(6, 20)
        said = [
            Word(chance.choice(SPOKEN), round(start_s + at * WORD_S, 2), round(start_s + (at + 1) * WORD_S, 2), "A")
            for at in range(count)
        ]
        end_s = said[-1].end_s or 0.0
        for tick in range(1, int((end_s - start_s) / INTERIM_S) + 1):
            spoken = [word for word in said if (word.end_s or 0.0) <= start_s + tick * INTERIM_S - 0.2]
            guessed = [misheard(chance, word, 0.3 if at >= len(spoken) - 2 else 0.0) for at, word in enumerate(spoken)]
            updates.append(Update(ORIGIN_S + start_s + tick * INTERIM_S, tuple(guessed), (0, number, 0), "interim"))
        final = tuple(misheard(chance, word, 0.05) for word in said)
        updates.append(Update(ORIGIN_S + end_s + 0.6, final, (0, number), "utterance_final"))
        reference += said
        start_s, number = end_s + PAUSE_S, number + 1
    trace = conversations.streamed([(start_s + 2, "done")], duration_s=start_s)
    return conversations.clip(reference, start_s), trace, Hypothesis(tuple(updates))


def misheard(chance: random.Random, word: Word, share: float) -> Word:
    said = chance.choice(SPOKEN) if chance.random() < share else word.text
    return Word(said, word.start_s, word.end_s, "0")


def scored(seconds: float) -> str:
    clip, trace, heard = stream(seconds)
    took = timed(lambda: scoring.score(clip, [trace], heard, price=None, evidence="simulated"))
    size = f"{len(clip.reference or ()):,} words, {len(heard.updates):,} updates"
    return f"| {seconds / 60:g} min, all families | {size} | {took:.2f} | | |"


def compared() -> list[str]:
    _, _, heard = stream(COMPARED_S)
    rules = text.profile("en")
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "words taken back": (
            lambda: captions.caption_erasure(heard, rules.tokens),
            lambda: obvious.caption_erasure(heard, rules.tokens),
        ),
        "what replaced them": (
            lambda: retractions.changes(heard, rules),
            lambda: obvious.changes(heard, rules),
        ),
        "when words came": (
            lambda: captions.emissions(heard, rules),
            lambda: obvious.emissions(heard, rules),
        ),
    }
    lines = []
    for name, (ours, obviously) in pairs.items():
        took, control = timed(ours), timed(obviously)
        size = f"{len(heard.updates):,} updates"
        lines.append(
            f"| {COMPARED_S / 60:g} min, {name} | {size} | {took:.3f} | {control:.3f} | {control / took:.0f} |"
        )
    return lines


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="*", default=[10.0, 60.0])
    chosen = parser.parse_args(arguments).minutes
    lines = ["| what | size | s | the obvious way, s | ratio |", "|---|---|---|---|---|"]
    print("\n".join([*lines, *(scored(60 * minutes) for minutes in chosen), *compared()]))


if __name__ == "__main__":
    main(sys.argv[1:])
