"""Runs of which everything but a few figures is good, for tests of the checklist and of adoption."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.checklist.answers import Checked, check
from evalkit.checklist.findings import Material
from evalkit.checklist.needs import Needs
from evalkit.reports import faulted, tables
from evalkit.store import Store
from evalkit.types import Difference, Evidence, Route, Score, SummaryRow
from evalkit.verdicts import Verdict

NAME = "service"
TODAY = datetime.date(2026, 11, 25)
NEEDS = Needs(
    streaming=True,
    voice_agent=False,
    diarization=False,
    timestamps="none",
    acts_on_chunks=False,
    channels=1,
    latency_of="lat.ttfs",
    latency_s=1.0,
    usd_per_audio_hour=0.3,
    starts_per_s=0.1,
    session_s=60.0,
    console={
        "rest": {"requests_per_s": 10, "date": "2026-11-20"},
        "streaming": {"requests_per_s": 10, "sessions": 100, "date": "2026-11-20"},
    },
)
GOOD: Mapping[str, tuple[float, float, float]] = {
    "acc.wer.en": (0.05, 0.04, 0.06),
    "run.coverage": (1.0, 0.9927, 1.0),
    "acc.halluc.words_per_min": (0.2, 0.1, 0.4),
    "fail.eventual": (1.0, 0.9927, 1.0),
    "fail.hang": (0.0, 0.0, 0.0073),
    "fail.wrong_retry": (0.0, 0.0, 0.0073),
    "cost.per_audio_hour": (0.1, 0.1, 0.1),
    "str.locked_changed.utterance": (0.0, 0.0, 0.0073),
    "str.ne": (0.1, 0.08, 0.12),
    "str.time_to_stable.p95": (0.7, 0.6, 0.8),
    "str.last_vs_final": (0.02, 0.01, 0.03),
    "lat.ttfs.p95": (0.6, 0.5, 0.7),
}
SETTINGS = {"model": "stt-1", "language": "en"}


def manifest(
    *, evidence: Evidence = "live", engine: str = "", created: str = "2026-11-20", **more: Any
) -> dict[str, Any]:
    settings = {**SETTINGS, **({"engine": engine} if engine else {})}
    return {
        "run": "adopted",
        "created_at": f"{created}T08:00:00+00:00",
        "finished_at": f"{created}T09:00:00+00:00",
        "evalkit": "0.1.0",
        "command": "evalkit run",
        "seed": 0,
        "routes": ["rest", "streaming"],
        "candidate": NAME,
        "incumbent": None,
        "providers": {
            NAME: {
                "provider": "xai",
                "description": "a service",
                "evidence": evidence,
                "settings": {"rest": settings, "streaming": settings},
            }
        },
        "prices": [],
        "terms": [],
        "sample_rate_hz": 16_000,
        "scoring": {"version": "1"},
        "corpus": {"name": "calls", "path": "calls.csv", "clips": 500, "audio_s": 5000.0, "sha256": ""},
        **more,
    }


def scores(routes: Sequence[Route] = ("rest", "streaming"), *, evidence: Evidence = "live") -> list[Score]:
    counts = {
        "run.clips": 500.0,
        "acc.wer.en.hits": 9500.0,
        "acc.halluc.audio_s": 1200.0,
        "fail.requests": 500.0,
        "fail.attempts": 500.0,
        "cost.audio_s": 5000.0,
        "str.utterances": 600.0,
        "str.locked_changed.utterance.words": 9500.0,
        "str.final_words": 9500.0,
    }
    plain = Score(
        clip_id="all",
        provider=NAME,
        route="rest",
        evidence=evidence,
        kind="speech",
        cluster="a",
        language="en",
        slices={},
        audio_s=5000.0,
        attempts=1,
        failure=None,
        counts=counts,
        values={"str.time_to_stable": (0.5,), "lat.ttfs": (0.5,)},
        absent={},
        pacing=None,
        reference="a",
        hypothesis="a",
    )
    return [replace(plain, route=route) for route in routes]


def figure(metric: str, value: float | None, lo: float | None, hi: float | None, **more: Any) -> SummaryRow:
    told: dict[str, Any] = {
        "provider": NAME,
        "route": "rest",
        "slice": "all",
        "metric": metric,
        "unit": "rate",
        "value": value,
        "numerator": value,
        "denominator": 1.0,
        "ci_lo": lo,
        "ci_hi": hi,
        "n_clips": 500,
        "n_units": 10_000 if metric.startswith(("acc.wer", "str")) else 500,
        "n_clusters": 40,
        "status": "ok",
        "macro": None,
        "note": "",
    }
    return SummaryRow(**{**told, **more})


def summary(
    changes: Mapping[str, tuple[float, float, float]] = {}, routes: Sequence[Route] = ("rest", "streaming")
) -> list[SummaryRow]:
    return [figure(name, *ends, route=route) for route in routes for name, ends in {**GOOD, **changes}.items()]


def verdict(fault: str, route: Route, *, ok: bool = True, **more: Any) -> Verdict:
    told: dict[str, Any] = {
        "fault": fault,
        "what": "429 with Retry-After" if fault == "busy_told" else "close 1011",
        "route": route,
        "clip": "planted",
        "evidence": "simulated",
        "expected": "unavailable, answer",
        "found": "unavailable, answer",
        "attempts": 2,
        "wrong_retries": 0,
        "waits_told": 1 if fault == "busy_told" else 0,
        "waits_kept": 1 if fault == "busy_told" else 0,
        "ended": True,
        "run_stopped": False,
        "locked": 4 if route == "streaming" else 0,
        "locked_lost": 0,
        "salvage_spoken": None,
        "salvage_locked": None,
        "caption_spoken": None,
        "caption_kept": None,
        "reconnects": 1 if route == "streaming" else 0,
        "seam_lost": 0 if route == "streaming" else None,
        "seam_doubled": 0 if route == "streaming" else None,
        "words": 10,
        "errors": 0,
        "recover_s": 0.5,
        "seconds": 1.0,
        "ok": ok,
        "sentence": "answered by attempt 2" if ok else "did not wait as long as it was told to",
    }
    return Verdict(**{**told, **more})


def write_faults(folder: Path, count: int = 80, **more: Any) -> None:
    """faults.csv with so many trials per route."""
    names = ["busy_told" if number % 3 == 0 else f"cut-{number}" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    routes: tuple[Route, ...] = ("rest", "streaming")
    faulted.write_verdicts(folder / "faults.csv", [verdict(name, route, **more) for route in routes for name in names])


def difference(label: str, value: float = 0.0, **more: Any) -> Difference:
    """Candidate against incumbent, over REST."""
    told: dict[str, Any] = dict.fromkeys(Difference.__dataclass_fields__)
    told |= {
        "question": "candidate_vs_incumbent",
        "metric": "acc.wer.en",
        "unit": "rate",
        "provider": NAME,
        "route": "rest",
        "against_provider": "old",
        "against_route": "rest",
        "value": 0.05,
        "against_value": 0.05 - value,
        "difference": value,
        "ci_lo": value - 0.003,
        "ci_hi": value + 0.003,
        "n_clips": 500,
        "n_clusters": 40,
        "margin": 0.005,
        "label": label,
        "gate": "pass",
        "smallest_detectable": 0.004,
        "clips_needed": 700,
        "verdict": "no_clear_difference",
        "note": "",
        "test": "",
        "ci_method": "",
    }
    return Difference(**{**told, **more})


def material(
    folder: Path,
    needs: Needs = NEEDS,
    *,
    changes: Mapping[str, tuple[float, float, float]] = {},
    differences: Sequence[Difference] = (),
    routes: Sequence[Route] = ("rest", "streaming"),
    rows: Sequence[SummaryRow] | None = None,
    **described: Any,
) -> Material:
    about = manifest(**described)
    found = summary(changes, routes) if rows is None else list(rows)
    return Material(folder, about, scores(routes), found, list(differences), needs)


def checked(folder: Path, needs: Needs = NEEDS, **more: Any) -> Checked:
    return check(material(folder, needs, **more), TODAY)


def ready(folder: Path, needs: Needs = NEEDS, *, day: str = "2026-11-20", **more: Any) -> Material:
    """A run of which nothing is missing."""
    write_faults(folder)
    lines = [f"kind {number},,400,0.2,no,{day}" for number in range(10) for _ in range(3)]
    (folder / "rejects.csv").write_text("kind,route,status,seconds,body,date\n" + "\n".join(lines))
    (folder / "invoice.csv").write_text(f"provider,usd\n{NAME},10\n")
    made = material(folder, needs, **more)
    paid = [replace(score, counts={**score.counts, "cost.usd": 10 / len(made.scores)}) for score in made.scores]
    return replace(made, scores=paid)


def write_run(made: Material) -> Path:
    """The files of a scored run."""
    store = Store(made.folder)
    made.folder.mkdir(parents=True, exist_ok=True)
    store.write_manifest(made.manifest)
    tables.write_scores(made.folder / "scores.csv", made.scores)
    tables.write_summary(made.folder / "summary.csv", made.summary)
    tables.write_differences(made.folder / "comparison.csv", made.differences)
    return made.folder
