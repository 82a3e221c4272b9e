"""One clip, one fault, one client: what comes of it, with every word and time of the answer known beforehand."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from evalkit import harness
from evalkit.corpora import Corpus
from evalkit.emulator import Knobs
from evalkit.errors import EvalkitError
from evalkit.plan import Choice, Plan
from evalkit.providers import load
from evalkit.scoring import stitching
from evalkit.store import Store
from evalkit.types import Clip, Hypothesis, Route, Trace
from evalkit.wire import Timeouts

AUDIO_S = 2.0
WORDS = [
    ["one", 0.1, 0.3], ["two", 0.3, 0.5], ["three", 0.5, 0.7], ["four", 0.7, 0.9],
    ["five", 1.15, 1.3], ["six", 1.3, 1.5], ["seven", 1.5, 1.7],
]  # fmt: skip
TRUTH = " ".join(str(word[0]) for word in WORDS)
# Locks and interims often enough for a fault to find some of each before it and after it.
KNOBS = Knobs(chunk_s=0.3, interim_period_s=0.1)
ATTEMPTS = 3
HANGING = ("unanswered", "endless_body", "no_greeting", "half_open", "silent_end")
"""Faults and troubles that only a client's patience ends."""
SHORT_S = 6.0
"""That patience: no longer than tests can wait, and longer than a busy machine stands still."""


@dataclass(frozen=True)
class Came:
    """What came of a request."""

    failures: tuple[type[EvalkitError] | None, ...]
    """Of each attempt, in order."""
    texts: tuple[str, ...]
    """What each attempt says by itself; one that goes on from another says only the rest."""
    final: str
    """What they say together."""
    traces: tuple[Trace, ...]
    stopped: EvalkitError | None
    """Why the whole run was stopped, if it was."""


@contextmanager
def hurried() -> Iterator[None]:
    """No waits between attempts but those that a service asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "BACKOFF_S", 0.0)
        yield


def script(folder: Path) -> dict[str, Any]:
    """What the scripted recogniser tells, also to a client that goes on in the middle of the clip."""
    return {"words": WORDS, "sound": corpus(folder, 1).clips[0].path}


def corpus(folder: Path, clips: int) -> Corpus:
    """Noise, so that no two moments of it sound the same."""
    path = folder / "noise.wav"
    if not path.exists():
        noise = np.random.default_rng(0).integers(-500, 500, round(AUDIO_S * 16_000)).astype(np.int16)
        soundfile.write(path, noise, 16_000)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Corpus(
        "noise", tuple(Clip(f"noise-{n}", str(path), sha256, AUDIO_S, 16_000, 1) for n in range(clips)), folder
    )


async def tried(url: str, route: Route, folder: Path, *, clips: int = 1, kind: str = "") -> Came:
    """Run the harness on ``clips`` clips, one after the other, in a folder of its own; what came of the last one.

    What goes wrong, its ``kind``, decides how long a wait may be: one that hangs is given up soon.
    """
    folder.mkdir()  # noqa: ASYNC240 a moment
    noise = corpus(folder, clips)
    settings: dict[str, Any] = {"base_url": url, "key_env": None, "endpointing_ms": 120}
    plan = Plan(Choice("xai", settings), routes=(route,), concurrency=1, attempts=ATTEMPTS)
    store = Store(folder / "run")
    stopped = None
    short = Timeouts(connect_s=SHORT_S, message_s=SHORT_S, answer_s=SHORT_S)
    try:
        with store.writing():
            await harness.run(plan, noise, store, timeouts=short if kind in HANGING else None)
    except EvalkitError as error:
        stopped = error
    provider = load("xai", route)
    traces = tuple(trace for trace in store.traces() if trace.clip_id == noise.clips[-1].id)
    heard = [Hypothesis.of(provider.parse(trace.events)) for trace in traces]
    failures = tuple(None if one.failure is None else type(one.failure) for one in heard)
    going = stitching.chain(traces)
    final = stitching.stitched(going, heard[-len(going) :]).text
    return Came(failures, tuple(one.text for one in heard), final, traces, stopped)


def locked(trace: Trace) -> set[str]:
    """The words of every final message that the trace holds, read without the provider."""
    words: set[str] = set()
    for event in trace.events:
        if event.kind == "received" and isinstance(event.data, str) and '"is_final": true' in event.data:
            try:
                words |= set(json.loads(event.data)["text"].split())
            except ValueError:
                continue
    return words
