"""How long does it take to count who spoke when? The sweep beside pyannote.metrics, on the same recordings in one run.

Then the whole diarization family on an hour of four speakers, of which ORC-WER is the heaviest part.

Run with ``python -m tests.benchmarks.diarization``. It ends with an error when a figure differs by more than 1e-9 s,
the sweep is not ten times as fast, or the hour takes more than three seconds.
"""

import argparse
import itertools
import random
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from evalkit.scoring.families import diarization
from evalkit.scoring.row import Case, Row
from evalkit.scoring.speakers import jaccard_error, speaker_seconds
from evalkit.scoring.text import profile
from evalkit.types import Clip, Hypothesis, Trace, Turn, Update, Word

LEAST_FACTOR = 10.0
MOST_S = 3.0
VOCABULARY = [f"w{rank}" for rank in range(3000)]
USE = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(3000)))
"""How often each word is used, by Zipf and Mandelbrot."""
COLLAR_S = 0.25

Recording = tuple[list[Turn], list[Turn]]
Figures = list[tuple[float, ...]]


def recording(chance: random.Random, duration_s: float, speakers: int) -> Recording:
    """A conversation with some overlap, and an answer with shaken edges, lost turns and wrong labels."""
    said, got = [], []
    at_s = 0.0
    while at_s < duration_s:
        length_s = chance.uniform(0.5, 6.0)
        end_s = min(at_s + length_s, duration_s)
        name = chance.randrange(speakers)
        said.append(Turn(f"S{name}", round(at_s, 3), round(end_s, 3)))
        if chance.random() > 0.05:
            label = name if chance.random() > 0.08 else chance.randrange(speakers + 1)
            start_s = max(0.0, at_s + chance.gauss(0, 0.15))
            got.append(Turn(str(label), round(start_s, 3), round(max(start_s, end_s + chance.gauss(0, 0.15)), 3)))
        at_s = end_s + chance.uniform(-0.6, 1.0)
    return said, got


def swept(recordings: Sequence[Recording], duration_s: float, collar_s: float) -> Figures:
    found: Figures = []
    for said, got in recordings:
        seconds = speaker_seconds(said, got, duration_s, collar_s=collar_s)
        errors, speakers = jaccard_error(said, got, duration_s, collar_s=collar_s)
        found.append((seconds.miss, seconds.false_alarm, seconds.confusion, seconds.total, errors, speakers))
    return found


def by_pyannote(recordings: Sequence[Recording], duration_s: float, collar_s: float) -> Figures:
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

    whole = Timeline([Segment(0.0, duration_s)])
    rate: Any = DiarizationErrorRate(collar=2 * collar_s)
    made: Any = JaccardErrorRate
    jaccard = made(collar=2 * collar_s)
    found: Figures = []
    for sides in recordings:
        annotations = []
        for side in sides:
            annotation = Annotation()
            for track, turn in enumerate(side):
                annotation[Segment(turn.start_s, turn.end_s), track] = turn.speaker
            annotations.append(annotation.support())  # overlaps of one speaker made one, as ours are
        seconds = rate.compute_components(*annotations, uem=whole)
        speaker = jaccard.compute_components(*annotations, uem=whole)
        names = ("missed detection", "false alarm", "confusion", "total")
        found.append((*(seconds[name] for name in names), speaker["speaker error"], speaker["speaker count"]))
    return found


def hour(chance: random.Random, words: int, speakers: int) -> tuple[list[Word], list[Word]]:
    """The words of a conversation, and an answer that got one in ten wrong and one utterance in twenty to others."""
    said: list[Word] = []
    got: list[Word] = []
    at_s = 0.0
    while len(said) < words:
        name = chance.randrange(speakers)
        label = name if chance.random() > 0.05 else chance.randrange(speakers)
        for _ in range(1 + int(chance.expovariate(1 / 8))):
            (text,) = chance.choices(VOCABULARY, cum_weights=USE)
            word = Word(text, at_s, at_s + 0.3, f"S{name}")
            said.append(word)
            fate = chance.random()
            if fate > 0.025:
                (other,) = chance.choices(VOCABULARY, cum_weights=USE)
                got.append(Word(text if fate > 0.1 else other, at_s + 0.03, at_s + 0.33, str(label)))
            at_s += 0.32
        at_s += chance.uniform(0.0, 0.8)
    return said, got


def family_s(chance: random.Random, words: int, speakers: int) -> tuple[float, Row]:
    """How long the diarization of one long REST answer takes to score, and what came out."""
    said, got = hour(chance, words, speakers)
    about = Clip("hour", "/hour.wav", "0" * 64, (said[-1].end_s or 0.0) + 1, 16_000, 1, tuple(said), language="en")
    heard = Hypothesis((Update(1.0, tuple(got), (0,), "utterance_final"),))
    attempt = Trace("hour", "p", "rest", {}, 1, datetime(2026, 1, 1, tzinfo=UTC), ())
    case = Case(about, [attempt], heard, about.reference, heard.words, profile("en"), None)
    row = Row()
    began = time.perf_counter()
    diarization.measure(row, case)
    return time.perf_counter() - began, row


def timed(count: Callable[[], Figures], repeats: int) -> tuple[Figures, float]:
    """The figures, and the shortest of several times."""
    best_s = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        found = count()
        best_s = min(best_s, time.perf_counter() - began)
    return found, best_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speakers", type=int, default=4)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    chance = random.Random(0)
    duration_s = 60 * options.minutes
    recordings = [recording(chance, duration_s, options.speakers) for _ in range(options.recordings)]
    print(f"{options.recordings} recordings of {options.minutes:g} min with {options.speakers} speakers, DER and JER")
    began = time.perf_counter()
    by_pyannote(recordings[:1], duration_s, 0.0)
    print(f"first use of pyannote.metrics, its import included: {time.perf_counter() - began:.2f} s")
    fine = True
    for collar_s in (0.0, COLLAR_S):
        ours, ours_s = timed(partial(swept, recordings, duration_s, collar_s), 3)
        theirs, theirs_s = timed(partial(by_pyannote, recordings, duration_s, collar_s), 1)
        apart = max(
            abs(a - b) for mine, other in zip(ours, theirs, strict=True) for a, b in zip(mine, other, strict=True)
        )
        factor = theirs_s / ours_s
        fine &= apart <= 1e-9 and factor >= LEAST_FACTOR
        print(
            f"collar {collar_s:g} s a side: sweep {ours_s:.3f} s, pyannote.metrics {theirs_s:.2f} s, "
            f"factor {factor:.0f}, largest difference {apart:.1e} s"
        )
    family_s(chance, 100, options.speakers)  # imports
    taken_s, row = min(
        (family_s(random.Random(1), 10_000, options.speakers) for _ in range(2)), key=lambda found: found[0]
    )
    low, high = (row.counts[f"dia.orcbound.{side}"] for side in ("low", "high"))
    print(f"10,000 words of {options.speakers} speakers: {taken_s:.2f} s, ORC-WER from {low:g} to {high:g} errors")
    return 0 if fine and taken_s <= MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
