"""The files of a run: ``results/<run>/``.

==============  ===================================================================================
run.json        what was run: versions, settings, corpus, machine, prices (replaced whole)
clips.jsonl     the clips and references as they were, so that a run can be scored without its corpus
traces.jsonl    one line per attempt, appended and flushed to disk before the next clip is bought
spending.jsonl  one line per attempt that can cost money, written before it is sent
scores.csv, summary.csv, comparison.csv, report.html: made from the above, any number of times
==============  ===================================================================================
"""

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from evalkit import corpora
from evalkit.errors import StoreError
from evalkit.types import Clip, Event, Trace

FORMAT = 1


@dataclass(frozen=True)
class Store:
    """A run folder."""

    folder: Path

    @property
    def manifest_path(self) -> Path:
        return self.folder / "run.json"

    @property
    def clips_path(self) -> Path:
        return self.folder / "clips.jsonl"

    @property
    def traces_path(self) -> Path:
        return self.folder / "traces.jsonl"

    @property
    def spending_path(self) -> Path:
        return self.folder / "spending.jsonl"

    def exists(self) -> bool:
        """Whether a run stands here."""
        return self.manifest_path.is_file()

    def manifest(self) -> dict[str, Any]:
        """The content of run.json.

        Raises:
            StoreError: there is no run here, or it was written by another format version.
        """
        if not self.exists():
            raise StoreError(f"{self.folder}: holds no run (no run.json); make one with `evalkit run`")
        try:
            manifest = orjson.loads(self.manifest_path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise StoreError(f"{self.manifest_path}: not JSON ({error}); restore it or run again") from error
        if not isinstance(manifest, dict):
            raise StoreError(f"{self.manifest_path}: not a JSON object; restore it or run again")
        if manifest.get("format") != FORMAT:
            raise StoreError(
                f"{self.manifest_path}: format {manifest.get('format')!r}, this evalkit reads {FORMAT}; "
                f"use the evalkit that wrote it ({manifest.get('evalkit', 'unknown')})"
            )
        return dict(manifest)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace run.json as a whole."""
        _replace(self.manifest_path, orjson.dumps({"format": FORMAT, **manifest}, option=orjson.OPT_INDENT_2))

    def write_clips(self, clips: Iterable[Clip]) -> None:
        """Replace clips.jsonl as a whole."""
        _replace(self.clips_path, b"".join(orjson.dumps(corpora.record(clip)) + b"\n" for clip in clips))

    def clips(self) -> list[Clip]:
        """The clips as they were when the run was made."""
        try:
            return [corpora.revive(line) for line in _lines(self.clips_path)]
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(f"{self.clips_path}: damaged ({error!r}); restore it or run again") from error

    @contextmanager
    def writing(self) -> Iterator["Store"]:
        """Hold the run for writing; a tail torn by a crash is cut off first.

        Raises:
            StoreError: the folder cannot be written, or another process is writing this run.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise StoreError(f"{self.folder}: cannot be written ({error.strerror})") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"{self.folder}: another evalkit is writing this run; wait for it") from error
            for path in (self.traces_path, self.spending_path):
                try:
                    _cut_torn_tail(path)
                except OSError as error:
                    raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
            yield self

    def append(self, trace: Trace) -> None:
        """Add a trace: whole or not at all, and on disk when this returns.

        Raises:
            StoreError: the disk is full or read-only; what was stored before is intact.
        """
        _append(self.traces_path, _record(trace))

    def spend(self, usd: float, **about: str | int) -> None:
        """Note what an attempt costs at most, before it is sent: a crash must not make it free.

        Raises:
            StoreError: the disk is full or read-only.
        """
        _append(self.spending_path, {"usd": usd, **about})

    def spent_usd(self) -> float:
        """What all attempts so far cost at most, the ones cut short by a crash included."""
        return sum(line["usd"] for line in _lines(self.spending_path)) if self.spending_path.is_file() else 0.0

    def attempts(self) -> dict[tuple[str, str, str], list[int]]:
        """Where the attempts at each (clip id, provider, route) stand in traces.jsonl, without reading their events.

        Raises:
            StoreError: a line is damaged.
        """
        found: dict[tuple[str, str, str], list[int]] = {}
        start = 0
        for number, line in _whole_lines(self.traces_path) if self.traces_path.is_file() else ():
            # What names a line stands before its events, and no JSON string can hold a bare `,"events":`.
            head, events, _ = line.partition(b',"events":')
            about = _parsed(head + b"}" if events else line, self.traces_path, number)
            try:
                key = (about["clip_id"], about["provider"], about["route"])
            except KeyError as error:
                raise StoreError(f"{self.traces_path}:{number}: not a trace (no {error}); remove the line") from error
            found.setdefault(key, []).append(start)
            start += len(line)
        return found

    def traces_at(self, starts: Iterable[int]) -> list[Trace]:
        """The traces that ``attempts`` found at these places.

        Raises:
            StoreError: a line is damaged.
        """
        with self.traces_path.open("rb") as file:
            return [
                self._revived(_parsed(_line_at(file, start), self.traces_path, f"byte {start}")) for start in starts
            ]

    def traces(self) -> Iterator[Trace]:
        """Every stored trace, in the order of writing; a torn last line is passed over."""
        if self.traces_path.is_file():
            for line in _lines(self.traces_path):
                yield self._revived(line)

    def _revived(self, line: Mapping[str, Any]) -> Trace:
        try:
            return _revive(line)
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(
                f"{self.traces_path}: a line is not a trace ({error!r}); remove it and run again"
            ) from error


def _append(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line: whole or not at all, and on disk when this returns."""
    line = orjson.dumps(record) + b"\n"
    try:
        with path.open("ab", buffering=0) as file:
            start = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(start)
                raise
    except OSError as error:
        advice = "; free space and go on" if error.errno == errno.ENOSPC else ""
        raise StoreError(f"{path}: cannot be written ({error.strerror}){advice}") from error


def _record(trace: Trace) -> dict[str, Any]:
    return {
        "clip_id": trace.clip_id,
        "provider": trace.provider,
        "route": trace.route,
        "attempt": trace.attempt,
        "started_at": trace.started_at.isoformat(),
        "events": [[event.t_s, event.audio_s, event.kind, event.data] for event in trace.events],
        "settings": dict(trace.settings),
    }


def _revive(line: Mapping[str, Any]) -> Trace:
    return Trace(
        clip_id=line["clip_id"],
        provider=line["provider"],
        route=line["route"],
        settings=line["settings"],
        attempt=line["attempt"],
        started_at=datetime.fromisoformat(line["started_at"]),
        events=tuple(Event(*event) for event in line["events"]),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _whole_lines(path):
        yield _parsed(line, path, number)


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return  # a write cut short by a crash: that clip will be sent again
                yield number, line
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error


def _parsed(line: bytes, path: Path, number: int | str) -> dict[str, Any]:
    try:
        return dict(orjson.loads(line))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}:{number}: damaged line ({error}); remove it and run again") from error


def _line_at(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.readline()


def _cut_torn_tail(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            step = min(65536, keep)
            file.seek(keep - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                keep = keep - step + newline + 1
                break
            keep -= step
        file.seek(keep)
        try:
            whole = bool(orjson.loads(file.read()))
        except ValueError:
            whole = False
        if whole:
            file.write(b"\n")  # only the line's end was lost
        elif keep != end:
            file.truncate(keep)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
