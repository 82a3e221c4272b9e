"""How well our own frames kept their deadlines: the instrument's own error, system by system."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalkit.types import Route, Score


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How well our own frames kept their deadlines, over all paced clips of one system."""

    provider: str
    route: Route
    clips: int
    frames: int
    late_p50_s: float
    """Median over clips of the clip's median."""
    late_p99_s: float
    """The worst clip's 99th percentile."""
    late_max_s: float
    end_drift_s: float
    """The lateness of a clip's last frame that is furthest from zero."""
    stall_max_s: float | None
    """The longest our event loop stood still; None when it was not measured."""
    blocked_s: float | None
    """How long frames waited for the socket, in the worst clip; None when it was not measured."""
    kept_out: tuple[str, ...]
    """Clips whose latencies may not be used, by id."""

    @property
    def invalid(self) -> int:
        return len(self.kept_out)


def of(scores: Sequence[Score], systems: Iterable[tuple[str, Route]]) -> tuple[Punctuality, ...]:
    """One line per system whose audio was paced."""
    found = []
    for provider, route in systems:
        paced = {
            score.clip_id: score.pacing
            for score in scores
            if score.pacing is not None and (score.provider, score.route) == (provider, route)
        }
        if own := list(paced.values()):
            medians = sorted(pacing.late_p50_s for pacing in own)
            found.append(
                Punctuality(
                    provider,
                    route,
                    clips=len(own),
                    frames=sum(pacing.frames for pacing in own),
                    late_p50_s=medians[(len(medians) - 1) // 2],
                    late_p99_s=max(pacing.late_p99_s for pacing in own),
                    late_max_s=max(pacing.late_max_s for pacing in own),
                    end_drift_s=max((pacing.end_drift_s for pacing in own), key=abs),
                    stall_max_s=_most(pacing.stall_max_s for pacing in own),
                    blocked_s=_most(pacing.blocked_s for pacing in own),
                    kept_out=tuple(clip_id for clip_id, pacing in paced.items() if not pacing.valid),
                )
            )
    return tuple(found)


def _most(seconds: Iterable[float | None]) -> float | None:
    return max((value for value in seconds if value is not None), default=None)
