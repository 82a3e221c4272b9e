"""Locked text that changed after all."""

from evalkit.scoring import locking
from evalkit.scoring.define import ratio
from evalkit.scoring.row import Case, Row
from evalkit.types import Metric

_LOCKS: tuple[tuple[locking.Level, str, str], ...] = (
    ("utterance", "an utterance_final", "final text"),
    ("chunk", "a chunk_final", "locked chunks"),
)


def _lock(level: locking.Level, of: str, title: str) -> list[Metric]:
    base = f"str.locked_changed.{level}"
    return [
        ratio(
            base,
            f"Words of {title} changed",
            f"Words of {of} that were later exchanged or removed, formatting aside, per word locked so.",
            [f"{base}.changed"],
            [f"{base}.words"],
        ),
        ratio(
            f"str.locked_reformatted.{level}",
            f"Words of {title} reformatted",
            f"Words of {of} that were later written in another way but say the same, per word locked so.",
            [f"{base}.reformatted"],
            [f"{base}.words"],
        ),
    ]


METRICS: tuple[Metric, ...] = tuple(metric for lock in _LOCKS for metric in _lock(*lock))


def measure(row: Row, case: Case) -> None:
    """What became of locked words, for each kind of lock that was used."""
    if case.failed and case.streamed:
        row.lack("missing_input", *(metric.id for metric in METRICS))
        return
    found = locking.locked_changes(case.hypothesis, case.profile) if case.streamed else {}
    for level, _, _ in _LOCKS:
        locked = found.get(level, locking.Locked())
        if not locked.words:
            row.lack("not_applicable", f"str.locked_changed.{level}", f"str.locked_reformatted.{level}")
            continue
        row.add(
            f"str.locked_changed.{level}",
            {
                "words": locked.words,
                "changed": locked.changed,
                "reformatted": locked.reformatted,
                "updates": locked.updates,
            },
        )
