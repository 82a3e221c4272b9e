"""What a figure lacks to be sure: how many clips more, and how large a difference those heard could have shown."""

import math
from dataclasses import replace

from evalkit import checklist
from evalkit.checklist import Criterion, Verdict
from evalkit.checklist.findings import Seen
from evalkit.stats.intervals import MIN_CLUSTERS, detectable, t_quantile
from evalkit.stats.power import scaled_up


def smallest_seen(criterion: Criterion, seen: Seen) -> float | None:
    """The difference from this figure that so many clips would have shown, from the width of its interval.

    Args:
        criterion: by which it is judged.
        seen: the figure.

    Returns:
        In the unit of the figure; None where no interval tells.
    """
    found = seen.finding
    if seen.detectable is not None or criterion.kind not in ("upper", "lower") or found.value is None:
        return seen.detectable
    if found.lo is None or found.hi is None or seen.clusters < MIN_CLUSTERS:
        return None
    # A limit may have been cut at what is possible; the other one was not.
    half = max(found.hi - found.value, found.value - found.lo)
    return detectable(half / t_quantile(seen.clusters - 1))


def clips_missing(criterion: Criterion, seen: Seen, verdict: Verdict) -> int | None:
    """About how many clips like these are missing: for the minimum, or for the interval to clear the target.

    Args:
        criterion: by which it is judged.
        seen: the figure.
        verdict: what came of it; nothing is missing of one that is settled.

    Returns:
        Further clips; None where none are, or none would help.
    """
    if verdict not in ("insufficient", "warn"):
        return None
    if seen.more is not None:
        return seen.more or None
    support, clips = seen.finding.support, seen.clips
    short = {name: least for name, least in criterion.minimum.items() if support.get(name, 0) < least}
    if short:
        wanted = [clips * least / support[name] for name, least in short.items() if support.get(name)]
        return max(math.ceil(max(wanted)) - clips, 1) if wanted and clips else math.ceil(max(short.values()))
    if seen.few:
        return max(MIN_CLUSTERS - seen.clusters, 0) or None
    return _to_prove(criterion, seen) if verdict == "warn" else None


def _to_prove(criterion: Criterion, seen: Seen) -> int | None:
    """Clips until an interval of this scatter clears the target, if the figure stays as it is."""
    found = seen.finding
    if criterion.target is None or found.value is None or found.lo is None or found.hi is None:
        return None
    sign = 1.0 if criterion.kind == "upper" else -1.0
    gap = sign * (criterion.target - found.value)
    half = found.hi - found.value if criterion.kind == "upper" else found.value - found.lo
    if gap <= 0 or half <= gap:
        return None
    if found.value in (0.0, 1.0) and (needed := checklist.trials_needed(replace(criterion, share=True))) is not None:
        return max(needed - seen.clips, 1) if needed < 1 << 62 else None
    return scaled_up(seen.clips, half, gap) - seen.clips
