"""The files of a run: ``results/<run>/``.

==============  ===================================================================================
run.json        what was run: versions, settings, corpus, machine, prices (replaced whole)
clips.jsonl     the clips and references as they were, so that a run can be scored without its corpus
traces.jsonl    one line per attempt, appended and flushed to disk before the next clip is bought
spending.jsonl  one line per attempt that can cost money, written before it is sent
scores.csv, summary.csv, comparison.csv, report.html: made from the above, any number of times (replaced whole)
==============  ===================================================================================

A run has one writer at a time, held by ``flock`` on ``.lock``, which the kernel lets go of when the writer dies. That
holds on one machine. Over NFS it holds between machines only where the mount passes locks on to the server: with
``nolock`` or ``local_lock=flock``, on NFS before Linux 2.6.12, and on many FUSE and SMB mounts, two machines can hold
it at once. Write a run from one machine, or to a local disk.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from evalkit import corpora
from evalkit.errors import StoreError
from evalkit.types import Clip, Event, Trace

FORMAT = 1
_PARTIAL = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Two threads must not add to one file at once: what fails is cut off again from where it began.
_adding = threading.Lock()


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the events of a stored attempt: enough to know whether its clip must be sent again."""

    start: int
    """Where its line begins in traces.jsonl."""
    clip_id: str
    provider: str
    route: str
    attempt: int
    settings: Mapping[str, Any]
    answered: bool | None
    """Whether it brought an answer, as it was read when it was stored; None when that was not noted."""

    @property
    def key(self) -> tuple[str, str, str]:
        """(clip id, provider, route)."""
        return self.clip_id, self.provider, self.route


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
        replace(self.manifest_path, orjson.dumps({"format": FORMAT, **manifest}, option=orjson.OPT_INDENT_2))

    def write_clips(self, clips: Iterable[Clip]) -> None:
        """Replace clips.jsonl as a whole."""
        replace(self.clips_path, b"".join(orjson.dumps(corpora.record(clip)) + b"\n" for clip in clips))

    def clips(self) -> list[Clip]:
        """The clips as they were when the run was made."""
        try:
            return [corpora.revive(line) for line in _lines(self.clips_path)]
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(f"{self.clips_path}: damaged ({error!r}); restore it or run again") from error

    @contextmanager
    def writing(self) -> Iterator["Store"]:
        """Hold the run for writing; what a crash left half written is cut off or removed first.

        Raises:
            StoreError: the folder cannot be written or locked, or another process is writing this run.
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
            except OSError as error:
                raise StoreError(
                    f"{self.folder}: cannot be locked ({error.strerror}); use a file system that knows locks"
                ) from error
            for path in (self.traces_path, self.spending_path):
                try:
                    _cut_torn_tail(path)
                except OSError as error:
                    raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
            for left in self.folder.glob(f".*{_PARTIAL}"):
                with suppress(OSError):
                    left.unlink()
            yield self

    def append(self, trace: Trace, *, answered: bool | None = None) -> None:
        """Add a trace: whole or not at all, and on disk when this returns.

        Args:
            trace: one attempt.
            answered: whether it brought an answer, noted so that a run goes on without reading its events again.

        Raises:
            StoreError: the disk is full or read-only; what was stored before is intact.
        """
        try:
            _append(self.traces_path, _record(trace, answered))
        except StoreError as error:
            raise StoreError(
                f"{error}; what {trace.provider} said of clip {trace.clip_id!r} is lost, all before it is kept: "
                "run the same command again"
            ) from error

    def spend(self, usd: Decimal, **about: str | int) -> None:
        """Note what an attempt costs at most, before it is sent: a crash must not make it free.

        Raises:
            StoreError: the disk is full or read-only; what was noted before is intact.
        """
        _append(self.spending_path, {"usd": float(usd), **about})

    def spent_usd(self) -> Decimal:
        """What all attempts so far cost at most, to the last digit, the ones cut short by a crash included.

        Raises:
            StoreError: a line is damaged.
        """
        return sum(self.reserved().values(), Decimal(0))

    def reserved(self) -> dict[tuple[str, str], Decimal]:
        """(provider, route) -> what all attempts there cost at most, the ones cut short by a crash included.

        Raises:
            StoreError: a line is damaged.
        """
        sums: dict[tuple[str, str], Decimal] = {}
        for line in _lines(self.spending_path) if self.spending_path.is_file() else ():
            key = (str(line.get("provider", "")), str(line.get("route", "")))
            try:
                sums[key] = sums.get(key, Decimal(0)) + Decimal(str(line["usd"]))
            except (LookupError, ArithmeticError) as error:
                raise StoreError(f"{self.spending_path}: a line tells no dollars ({error!r}); restore it") from error
        return sums

    def heads(self) -> Iterator[Head]:
        """Every stored attempt in the order of writing, without its events.

        Raises:
            StoreError: a line is damaged.
        """
        start = 0
        for number, line in _whole_lines(self.traces_path) if self.traces_path.is_file() else ():
            # What names a line stands before its events, and no JSON string can hold a bare `,"events":`.
            head, events, _ = line.partition(b',"events":')
            about = _parsed(head + b"}" if events else line, self.traces_path, number)
            if "settings" not in about:
                about = _parsed(line, self.traces_path, number)
            try:
                yield Head(
                    start,
                    about["clip_id"],
                    about["provider"],
                    about["route"],
                    about["attempt"],
                    about["settings"],
                    about.get("answered"),
                )
            except KeyError as error:
                raise StoreError(f"{self.traces_path}:{number}: not a trace (no {error}); remove the line") from error
            start += len(line)

    def attempts(self) -> dict[tuple[str, str, str], list[int]]:
        """Where the attempts at each (clip id, provider, route) stand in traces.jsonl, without reading their events.

        Raises:
            StoreError: a line is damaged.
        """
        found: dict[tuple[str, str, str], list[int]] = {}
        for head in self.heads():
            found.setdefault(head.key, []).append(head.start)
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


def replace(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all: a reader finds the old content or the new, whatever happens in between.

    Args:
        path: of the file.
        content: what it shall hold, at once or in pieces.

    Raises:
        StoreError: the folder is missing, read-only or full; what stood there stands there still.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _keep_name(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _append(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line: whole or not at all, and on disk when this returns."""
    line = orjson.dumps(record) + b"\n"
    try:
        with _adding, path.open("ab", buffering=0) as file:
            start = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except BaseException:  # Ctrl-C too: what comes next must not be added to half a line
                file.truncate(start)
                raise
            if not start:
                _keep_name(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _keep_name(path: Path) -> None:
    """Put on disk that a file of this name stands in its folder; a power cut could take the name alone."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that keep no folders on disk
            raise
    finally:
        os.close(folder)


def _unwritable(path: Path, error: OSError) -> StoreError:
    advice = "; free space" if error.errno in _FULL else ""
    return StoreError(f"{path}: cannot be written ({error.strerror}){advice}")


def _record(trace: Trace, answered: bool | None) -> dict[str, Any]:
    return {
        "clip_id": trace.clip_id,
        "provider": trace.provider,
        "route": trace.route,
        "attempt": trace.attempt,
        "started_at": trace.started_at.isoformat(),
        "from_s": trace.from_s,
        "answered": answered,
        "settings": dict(trace.settings),
        "events": [[event.t_s, event.audio_s, event.kind, event.data] for event in trace.events],
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
        from_s=line.get("from_s", 0.0),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _whole_lines(path):
        yield _parsed(line, path, number)


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n") or (b"\0" in line and not file.peek(1)):
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
        keep = _line_start(file, end)
        file.seek(keep)
        last = file.read()
        try:
            whole = bool(orjson.loads(last))
        except ValueError:
            whole = False
        if not last.endswith(b"\n") and whole:
            file.write(b"\n")  # only the line's end was lost
        elif not last.endswith(b"\n") or b"\0" in last:
            # After a power cut a file can have its new length and zeros for its content.
            file.truncate(keep)


def _line_start(file: BinaryIO, end: int) -> int:
    """Where the last line of a file begins that ends at ``end``, whether or not a line end closes it."""
    start = max(0, end - 1)
    while start > 0:
        step = min(65536, start)
        file.seek(start - step)
        newline = file.read(step).rfind(b"\n")
        if newline >= 0:
            return start - step + newline + 1
        start -= step
    return 0
