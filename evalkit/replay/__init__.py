"""A recorded run told again: a server on loopback that answers as the services did then, without them and any key.

=============  ========================================================================================
conversations  what a trace holds of the service: what it said, after what, and how much later
hearing        which clip is this: an upload, or the first sound of a stream, held against the clips of the run
programme      which conversation is next: attempts in their order, and the whole again when all were told
performance    one open socket
stage          the application: any path, HTTP and WebSocket
asking         whether an address is a replay, so that a run is labelled as what it is
=============  ========================================================================================

The web server is part of the optional extra ``local``.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import corpora
from evalkit.errors import SettingsError, StoreError
from evalkit.replay import asking, conversations, hearing
from evalkit.replay.asking import Replayed
from evalkit.replay.conversations import Conversation
from evalkit.replay.hearing import Sounds
from evalkit.store import Store
from evalkit.types import Clip

if TYPE_CHECKING:
    from evalkit.emulator.server import Server

__all__ = ["Recording", "Replayed", "recording", "serve"]


@dataclass(frozen=True)
class Recording:
    """What a run holds that can be told again."""

    name: str
    conversations: Sequence[Conversation]
    """In the order in which they began."""
    sounds: Sounds | None
    """None: clips are told in their order, whatever is heard."""
    about: dict[str, dict[str, Any]]
    """Provider -> what a replay of it says of itself, but for the speed."""


def recording(
    folder: Path, *, provider: str | None = None, route: str | None = None, corpus: str = "", in_order: bool = False
) -> Recording:
    """Read a run.

    Args:
        folder: of the run.
        provider: leave out all others.
        route: leave out all others.
        corpus: where the clips are now; empty: where they were.
        in_order: do not listen to what is sent; tell conversations in the order in which they were recorded.

    Raises:
        StoreError: there is no run, or nothing in it that was asked for.
        SettingsError: it has no such provider, or none of its clips can be found.
        CorpusError: there is no such corpus.
    """
    store = Store(folder)
    manifest = store.manifest()
    if provider is not None and provider not in manifest["providers"]:
        raise SettingsError.unknown(f"provider of {folder}:", provider, manifest["providers"])
    traces = sorted(store.traces(), key=lambda trace: (trace.started_at, trace.attempt))
    told = [
        one
        for trace in traces
        if provider in (None, trace.provider) and route in (None, trace.route)
        if (one := conversations.of(trace)) is not None
    ]
    if not told:
        raise StoreError(f"{folder}: holds no conversation that could be told again")
    sounds = None if in_order else _sounds(folder, store, told, manifest["sample_rate_hz"], corpus)
    names = dict.fromkeys(one.provider for one in told)
    about = {
        name: {
            "server": asking.MARK,
            "of": manifest["run"],
            "provider": name,
            "evidence": asking.evidence_of(manifest["providers"].get(name, {}).get("evidence")),
            # A replay of a replay is as old as the first recording.
            "recorded_at": (manifest["providers"].get(name, {}).get("replay") or {}).get("recorded_at")
            or manifest["created_at"],
        }
        for name in names
    }
    return Recording(manifest["run"], told, sounds, about)


def serve(
    recorded: Recording,
    port: int,
    *,
    speed: float = 1.0,
    ready: Callable[[str], None],
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Tell a recording on 127.0.0.1 until interrupted.

    Args:
        recorded: what ``recording`` read.
        port: 0 for a free one.
        speed: how many times faster than recorded.
        ready: called with the base URL when requests are served.
        note: called with a sentence for every conversation that is told, or why none is.

    Raises:
        SettingsError: the port is taken, the speed is no speed, or the web server is not installed.
    """
    if not 0.1 <= speed <= 1000:
        raise SettingsError(f"speed must be from 0.1 to 1000, not {speed:g}")
    try:
        from evalkit.emulator.server import HOST, listen
    except ImportError as error:
        raise SettingsError(f"{error.name} is not installed; pip install 'stt-evalkit[local]'") from error
    with contextlib.closing(listen(port)) as listener:
        base_url = f"http://{HOST}:{listener.getsockname()[1]}"
        server = server_of(recorded, speed=speed, ready=lambda: ready(base_url), note=note)
        # To look through a whole run for garbage would hold up every stream.
        gc.freeze()
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.serve(sockets=[listener]))


def server_of(
    recorded: Recording,
    *,
    speed: float = 1.0,
    ready: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda _: None,
) -> Server:
    """The server of a recording, for a socket of your own."""
    from evalkit.emulator.server import Server
    from evalkit.replay.stage import Stage

    about = {name: {**told, "speed": speed} for name, told in recorded.about.items()}
    stage = Stage(
        recorded.conversations,
        recorded.sounds,
        about,
        lambda scope: server.transport(scope),
        speed=speed,
        note=note,
    )
    server = Server(stage, ready, own_headers=False)
    return server


def _sounds(folder: Path, store: Store, told: Sequence[Conversation], rate_hz: int, corpus: str) -> Sounds:
    used = {one.clip_id for one in told}
    clips = [clip for clip in store.clips() if clip.id in used]
    if corpus:
        now = {clip.id: clip for clip in corpora.load(corpus)}
        clips = [_found(clip, now) for clip in clips]
    starts_s: dict[str, set[float]] = {}
    for one in told:
        starts_s.setdefault(one.clip_id, set()).add(one.from_s)
    sounds = hearing.learn(clips, rate_hz, starts_s)
    if clips and len(sounds.missing) == len(clips):
        raise SettingsError(
            f"{folder}: none of its {len(clips)} clips is where it was ({clips[0].path}); say where they are with "
            "--corpus, or tell everything in the order in which it was recorded with --in-order"
        )
    return sounds


def _found(clip: Clip, now: dict[str, Clip]) -> Clip:
    """The clip where it is now, if that is the same recording."""
    there = now.get(clip.id)
    return there if there is not None and there.sha256 == clip.sha256 else clip
