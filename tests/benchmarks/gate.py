"""How often does the gate stop an equal run, and how often does it catch one that is two points worse?

Run with ``python -m tests.benchmarks.gate``. Two runs of one system over the same clips: speakers differ in how hard
they are (gamma), and so do clips; each answer of a word is drawn anew with the share that makes two runs of the system
disagree as much as said. Delays are drawn per word, with a shift of a whole session as large as those of a network.
"""

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalkit import gate
from evalkit.gate import PASS, REGRESSION, Outcome, Side
from evalkit.manifest import yardstick
from evalkit.types import Score

WER = 0.10
METRICS = ("acc.wer.en", "acc.wer.basic")


@dataclass(frozen=True)
class Plan:
    """What is simulated."""

    speakers: int
    clips_each: int
    words: int
    """Per clip."""
    disagreement: float
    """Word error rate of one run against the other."""
    margin: float

    @property
    def clips(self) -> int:
        return self.speakers * self.clips_each


DOCUMENTED = (
    Plan(20, 5, 20, 0.002, 0.010),
    Plan(40, 5, 20, 0.005, 0.010),
)
"""The sizes the documents name."""
OTHERS = (
    Plan(10, 5, 20, 0.002, 0.010),
    Plan(20, 5, 20, 0.005, 0.010),
    Plan(80, 5, 20, 0.005, 0.005),
    Plan(80, 10, 20, 0.040, 0.010),
)


def held(plan: Plan, seed: int, *, worse: float) -> Outcome:
    """The gate on two runs of one system, the second so much worse."""
    chance = np.random.default_rng(seed)
    speaker = chance.gamma(4.0, 0.25, plan.speakers)
    hard = np.clip(WER * np.repeat(speaker, plan.clips_each) * chance.gamma(4.0, 0.25, plan.clips), 0, 0.6)
    redrawn = min(1.0, plan.disagreement / (2 * float(np.mean(hard * (1 - hard)))))
    before = chance.random((plan.clips, plan.words)) < hard[:, np.newaxis]
    anew = chance.random((plan.clips, plan.words)) < redrawn
    now = np.where(anew, chance.random((plan.clips, plan.words)) < hard[:, np.newaxis], before)
    # More words go wrong where more went wrong before: a worse model is worse on what is hard.
    extra = worse * hard / hard.mean() / np.maximum(1 - hard, 0.1)
    now = now | (chance.random(now.shape) < extra[:, np.newaxis])
    base = chance.lognormal(-0.7, 0.35, (plan.clips, plan.words))
    sides = []
    for name, wrong, session in (("main", before, 1.0), ("now", now, float(chance.lognormal(0.0, 0.05)))):
        delays = session * base * chance.lognormal(0.0, 0.1, base.shape)
        rows = [_row(plan, clip, wrong[clip], delays[clip]) for clip in range(plan.clips)]
        sides.append(Side(name, MANIFEST, rows))
    baseline = replace(sides[0], disagreement={("p", "streaming"): plan.disagreement})
    return gate.check(sides[1], baseline, MANIFEST["scoring"], tolerated=plan.margin)


def _row(plan: Plan, clip: int, wrong: np.ndarray, delays: np.ndarray) -> Score:
    errors = int(wrong.sum())
    counts: dict[str, float] = {"run.clips": 1, "run.answered": 1}
    for metric in METRICS:
        counts |= {f"{metric}.hits": plan.words - errors, f"{metric}.substitutions": errors}
        counts |= {f"{metric}.deletions": 0, f"{metric}.insertions": 0}
    return Score(
        clip_id=f"c{clip}",
        provider="p",
        route="streaming",
        evidence="live",
        kind="speech",
        cluster=f"s{clip // plan.clips_each}",
        language="en",
        slices={"noise": ("clean", "noisy")[clip // plan.clips_each % 2]},
        audio_s=8.0,
        attempts=1,
        failure=None,
        counts=counts,
        values={"lat.word_first": tuple(delays.tolist()), "lat.ttfs": (float(delays[-1]),)},
        absent={},
        pacing=None,
        reference="",
        hypothesis="",
    )


MANIFEST: dict[str, Any] = {
    "scoring": yardstick(),
    "corpus": {"sha256": "0"},
    "providers": {"p": {"evidence": "live", "settings": {}}},
    "prices": [],
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--all", action="store_true", help="also sizes that are too small, and larger ones")
    asked = parser.parse_args()
    print(f"{asked.pairs} pairs each; WER {100 * WER:g} %; a false fail is anything but exit status 0")
    print(f"{'clips':>6}{'speakers':>10}{'words':>8}{'noise':>8}{'margin':>8}{'stopped':>18}{'2 points':>10}{'ms':>6}")
    for plan in (*DOCUMENTED, *(OTHERS if asked.all else ())):
        began = time.perf_counter()
        equal = [held(plan, seed, worse=0.0).status for seed in range(asked.pairs)]
        each_ms = 1000 * (time.perf_counter() - began) / asked.pairs
        worse = [held(plan, seed, worse=0.02).status for seed in range(asked.pairs)]
        stopped, wrong = (np.mean([status in kinds for status in equal]) for kinds in ((1, 2), (REGRESSION,)))
        caught, passed = (np.mean([status == kind for status in worse]) for kind in (REGRESSION, PASS))
        print(
            f"{plan.clips:>6}{plan.speakers:>10}{plan.clips * plan.words:>8,}{100 * plan.disagreement:>7.1f}%"
            f"{100 * plan.margin:>7.1f}p{100 * stopped:>7.1f}% ({100 * wrong:.1f} red){100 * caught:>9.1f}%"
            f"{each_ms:>6.0f}  passed though worse: {100 * passed:.1f}%"
        )


if __name__ == "__main__":
    main()
