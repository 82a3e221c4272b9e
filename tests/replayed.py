"""A recording told again in the loop of a test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from evalkit import replay
from evalkit.corpora import Corpus
from evalkit.replay import Recording, conversations, hearing
from evalkit.store import Store
from evalkit.types import Clip, Trace
from tests.patience import LONG_S


@asynccontextmanager
async def playing(recorded: Recording, *, speed: float = 1.0, notes: list[str] | None = None) -> AsyncIterator[str]:
    """Tell it on a free port; yields the address, below which each provider stands under its name."""
    ready = asyncio.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        kept = [] if notes is None else notes
        server = replay.server_of(recorded, speed=speed, ready=ready.set, note=kept.append)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait_for(ready.wait(), LONG_S)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def of_traces(traces: Sequence[Trace], clips: Sequence[Clip], *, in_order: bool = False) -> Recording:
    """A recording made of some traces."""
    told = [one for trace in traces if (one := conversations.of(trace)) is not None]
    starts_s = {clip.id: {one.from_s for one in told if one.clip_id == clip.id} for clip in clips}
    sounds = None if in_order else hearing.learn(clips, 16_000, starts_s)
    names = dict.fromkeys(one.provider for one in told)
    return Recording("planted", told, sounds, {name: {"server": "evalkit.replay"} for name in names})


def of_store(folder: Path, corpus: Corpus) -> Recording:
    """A recording made of all traces in a folder."""
    traces = sorted(Store(folder).traces(), key=lambda trace: trace.started_at)
    return of_traces(traces, corpus.clips)
