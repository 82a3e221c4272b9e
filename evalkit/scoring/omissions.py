"""Where speech was lost in one piece: deletion bursts, and ends that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.scoring.words import Pair, trailing_deletions

BURST_MIN = 5
TRUNCATED_MIN_WORDS = 3
TRUNCATED_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Omissions:
    """Reference words lost in one clip."""

    reference_words: int
    deletions: int
    longest: int
    """Words of the longest run of deletions, a run being what may become a burst."""
    bursts: int
    burst_words: int
    head: int
    """Deletions before the first hit."""
    tail: int
    """Deletions after the last hit."""

    @property
    def burst_share(self) -> float | None:
        return self.burst_words / self.reference_words if self.reference_words else None

    @property
    def truncated(self) -> bool:
        """Whether the end is missing: a tail of at least three words and a tenth of the clip."""
        return self.tail >= max(TRUNCATED_MIN_WORDS, TRUNCATED_SHARE * self.reference_words)


def omissions(pairs: Sequence[Pair], *, burst_min: int = BURST_MIN, burst_gap: int = 1) -> Omissions:
    """Deletion bursts and missing ends of a ``hit`` alignment.

    A burst is a run of at least ``burst_min`` deleted reference words. Words invented in between do not break it; a
    hit does, but for ``burst_gap`` accidental ones inside a stretch of at least twice ``burst_min`` reference words.

    Args:
        pairs: the alignment, in order.
        burst_min: fewest deleted words of a burst.
        burst_gap: hits that a long burst may hold.
    """
    ops = [pair.op for pair in pairs if pair.op != "insertion"]
    runs = _merged(_runs(ops), ops, burst_min, burst_gap)
    bursts = [lost for lost in runs if lost >= burst_min]
    return Omissions(
        reference_words=len(ops),
        deletions=ops.count("deletion"),
        longest=max(runs, default=0),
        bursts=len(bursts),
        burst_words=sum(bursts),
        head=trailing_deletions(pairs[::-1]),
        tail=trailing_deletions(pairs),
    )


def _runs(ops: Sequence[str]) -> list[tuple[int, int]]:
    """Start and end of every unbroken run of deletions."""
    runs: list[tuple[int, int]] = []
    for place, op in enumerate(ops):
        if op != "deletion":
            continue
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _merged(runs: Sequence[tuple[int, int]], ops: Sequence[str], burst_min: int, burst_gap: int) -> list[int]:
    """Deleted words of each run, with neighbours put together where only accidental hits part them."""
    lost: list[int] = []
    index = 0
    while index < len(runs):
        start, end = runs[index]
        words, taken = end - start, 1
        hits = 0
        for further, (next_start, next_end) in enumerate(runs[index + 1 :], start=1):
            between = ops[end:next_start]
            hits += len(between)
            if hits > burst_gap or any(op != "hit" for op in between):
                break
            end = next_end
            if end - start >= 2 * burst_min:
                words, taken = end - start - hits, further + 1
        lost.append(words)
        index += taken
    return lost
