"""Scores made by hand, as little as a test of statistics needs of them, and how to pick a figure."""

from collections.abc import Mapping, Sequence

from evalkit.types import Difference, Route, Score, SummaryRow

WER = "acc.wer.en"
ROUTES: tuple[Route, ...] = ("streaming", "rest")


def row(
    clip_id: str,
    *,
    provider: str = "new",
    route: Route = "streaming",
    cluster: str | None = None,
    errors: int = 0,
    words: int = 50,
    counts: Mapping[str, float] = {},
    values: Mapping[str, Sequence[float]] = {},
    absent: Mapping[str, str] = {},
    slices: Mapping[str, str] = {},
) -> Score:
    made = {
        "run.clips": 1,
        "run.answered": 1,
        "run.failed": 0,
        f"{WER}.hits": words - errors,
        f"{WER}.substitutions": errors,
        f"{WER}.deletions": 0,
        f"{WER}.insertions": 0,
    }
    return Score(
        clip_id=clip_id,
        provider=provider,
        route=route,
        evidence="simulated",
        kind="speech",
        cluster=clip_id if cluster is None else cluster,
        language="en",
        slices=dict(slices),
        audio_s=10.0,
        attempts=1,
        failure=None,
        counts={**made, **counts},
        values={name: tuple(list_) for name, list_ in values.items()},
        absent=dict(absent),
        pacing=None,
        reference="",
        hypothesis="",
    )


def figure(rows: Sequence[SummaryRow], metric: str, name: str = "all") -> SummaryRow:
    (found,) = [found for found in rows if found.metric == metric and found.slice == name]
    return found


def difference(rows: Sequence[Difference], metric: str) -> Difference:
    (found,) = [found for found in rows if found.metric == metric]
    return found


def pair(new: Sequence[int], old: Sequence[int], words: Sequence[int] = (), **rest: object) -> list[Score]:
    """Two providers, ``new`` and ``old``, with so many errors per clip."""
    return [
        row(f"c{k}", provider=provider, errors=wrong, words=words[k] if words else 50, **rest)  # type: ignore[arg-type]
        for provider, errors in (("new", new), ("old", old))
        for k, wrong in enumerate(errors)
    ]
