"""How long does it take to count who spoke when? The sweep beside pyannote.metrics, on the same recordings in one run.

Run with ``python -m tests.benchmarks.diarization``. It ends with an error when a figure differs by more than 1e-9 s or
the sweep is not ten times as fast.
"""

import argparse
import random
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from evalkit.scoring.speakers import jaccard_error, speaker_seconds
from evalkit.types import Turn

LEAST_FACTOR = 10.0
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
    from pyannote.metrics import diarization

    whole = Timeline([Segment(0.0, duration_s)])
    rate: Any = diarization.DiarizationErrorRate(collar=2 * collar_s)
    made: Any = diarization.JaccardErrorRate
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
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
