"""The run folder: whole or not at all, and never two writers."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit import corpora
from evalkit.errors import StoreError
from evalkit.store import FORMAT, Store, replace
from evalkit.types import Event, Trace


def trace(clip_id: str, attempt: int = 1) -> Trace:
    events = (
        Event(0.1, 0.0, "open", {"url": "ws://x"}),
        Event(0.2, 0.1, "audio", {"bytes": 3200, "due_s": 0.2}),
        Event(0.3, 0.1, "received", '{"type":"transcript.done"}'),
    )
    return Trace(clip_id, "xai", "streaming", {"frame_ms": 100}, attempt, datetime.now(UTC), events)


def test_traces_come_back_as_they_went(tmp_path: Path) -> None:
    written = [trace("a"), trace("b", 2)]
    with Store(tmp_path).writing() as store:
        for one in written:
            store.append(one)
    assert list(Store(tmp_path).traces()) == written


def test_attempts_are_found_without_reading_their_events(tmp_path: Path) -> None:
    written = [trace("a"), trace("b"), trace("a", 2)]
    with Store(tmp_path).writing() as store:
        for one in written:
            store.append(one)
    found = store.attempts()
    assert list(found) == [("a", "xai", "streaming"), ("b", "xai", "streaming")]
    assert store.traces_at(found["a", "xai", "streaming"]) == [written[0], written[2]]


def test_clips_and_manifest_come_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    clips = list(corpora.load("demo"))
    store.write_clips(clips)
    store.write_manifest({"run": "x"})
    assert store.clips() == clips
    assert store.manifest() == {"format": FORMAT, "run": "x"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips.jsonl", "run.json"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 400))
def test_a_torn_tail_costs_the_clip_in_flight_only(tmp_path: Path, cut: int) -> None:
    path = Store(tmp_path).traces_path
    path.unlink(missing_ok=True)
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))
        whole = path.stat().st_size
        store.append(trace("b"))
    os.truncate(path, min(whole + cut, path.stat().st_size - 2))
    assert [one.clip_id for one in Store(tmp_path).traces()] == ["a"]
    with Store(tmp_path).writing() as store:
        store.append(trace("c"))
    assert [one.clip_id for one in Store(tmp_path).traces()] == ["a", "c"]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    Store(tmp_path).traces_path.write_text("{broken\n")
    with pytest.raises(StoreError, match=r"traces.jsonl:1: damaged line"):
        list(Store(tmp_path).traces())


def test_another_format_is_refused_with_the_version_that_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(orjson.dumps({"format": 99, "evalkit": "9.0"}))
    with pytest.raises(StoreError, match=r"format 99.*9\.0"):
        Store(tmp_path).manifest()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from evalkit.store import Store\n"
        "with Store(Path(sys.argv[1])).writing(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another evalkit"), Store(tmp_path).writing():
            raise AssertionError
        other.communicate(b"")
    with Store(tmp_path).writing():
        pass


def test_an_empty_folder_says_how_to_make_a_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="evalkit run"):
        Store(tmp_path).manifest()


def test_a_trace_that_lost_only_its_line_end_is_kept(tmp_path: Path) -> None:
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))
    path = Store(tmp_path).traces_path
    os.truncate(path, path.stat().st_size - 1)
    with Store(tmp_path).writing() as store:
        store.append(trace("b"))
    assert [one.clip_id for one in store.traces()] == ["a", "b"]


@pytest.mark.parametrize("line", ["{}", "null", '{"clip_id": "a"}', '{"clip_id":"a","provider":"p","route":"rest"}'])
def test_a_line_that_is_no_trace_is_one_sentence(tmp_path: Path, line: str) -> None:
    Store(tmp_path).traces_path.write_text(line + "\n")
    with pytest.raises(StoreError, match=r"traces\.jsonl"):
        list(Store(tmp_path).traces())


def test_a_damaged_manifest_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(StoreError, match="not a JSON object"):
        Store(tmp_path).manifest()


@pytest.mark.parametrize("name", ["traces.jsonl", "spending.jsonl"])
@pytest.mark.parametrize(
    "tail", [b"", b"\0" * 70_000, b"\0" * 5000 + b"\n", b'{"usd":0.1,"clip\0\0\0"}\n', b'{"usd":0.']
)
def test_what_a_power_cut_leaves_is_passed_over_and_then_cut_off(tmp_path: Path, name: str, tail: bytes) -> None:
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))
        store.spend(Decimal("0.1"), clip_id="a")
    before = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(before + tail)
    assert [head.clip_id for head in store.heads()] == [one.clip_id for one in store.traces()] == ["a"]
    assert store.spent_usd() == Decimal("0.1")
    with Store(tmp_path).writing():
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("name", ["traces.jsonl", "spending.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100])
def test_a_file_without_a_line_is_a_run_without_attempts(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert list(Store(tmp_path).heads()) == []
    assert Store(tmp_path).spent_usd() == 0
    with Store(tmp_path).writing():
        assert (tmp_path / name).read_bytes() == b""


def test_a_damaged_line_that_no_power_cut_made_is_never_cut_off(tmp_path: Path) -> None:
    Store(tmp_path).traces_path.write_text("{mended by hand\n")
    with Store(tmp_path).writing() as store, pytest.raises(StoreError, match=r"traces.jsonl:1: damaged line"):
        list(store.heads())
    assert Store(tmp_path).traces_path.read_text() == "{mended by hand\n"


@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "; free space"), (errno.EROFS, "")])
def test_a_disk_that_takes_nothing_names_the_clip_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))

        def refuses(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", refuses)
        with pytest.raises(StoreError) as raised:
            store.append(trace("b"))
    assert [one.clip_id for one in store.traces()] == ["a"]
    told = f"({os.strerror(number)}){advice}; what xai said of clip 'b' is lost, all before it is kept"
    assert told in str(raised.value)


def test_ctrl_c_in_the_middle_of_a_write_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _: signal.raise_signal(signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                store.append(trace("b"))
        store.append(trace("c"))
    assert [one.clip_id for one in store.traces()] == ["a", "c"]


def test_a_folder_without_locks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lockless(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", lockless)
    with pytest.raises(StoreError, match="cannot be locked"), Store(tmp_path).writing():
        raise AssertionError


def test_a_file_is_replaced_whole_or_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.csv"
    replace(path, b"old")

    def broken() -> Iterator[bytes]:
        yield b"new, but"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match=r"scores\.csv: cannot be written \(No space left on device\); free space"):
        replace(path, broken())
    assert path.read_bytes() == b"old"
    replace(path, (b"new", b"est"))
    assert path.read_bytes() == b"newest"
    assert [one.name for one in tmp_path.iterdir()] == ["scores.csv"]


def test_what_a_kill_left_beside_the_tables_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from evalkit.store import replace\n"
        "def pieces():\n    yield b'half'\n    os.kill(os.getpid(), 9)\n"
        "replace(Path(sys.argv[1]) / 'report.html', pieces())"
    )
    (tmp_path / "report.html").write_bytes(b"whole")
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with Store(tmp_path).writing():
        pass
    assert sorted(one.name for one in tmp_path.iterdir()) == [".lock", "report.html"]
    assert (tmp_path / "report.html").read_bytes() == b"whole"


@settings(max_examples=20, deadline=None)
@given(usd=st.lists(st.decimals(0, 1000, places=9), max_size=8))
def test_dollars_come_back_to_the_last_digit(usd: list[Decimal]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for amount in usd:
            store.spend(amount, clip_id="a")
        assert store.spent_usd() == sum(usd)


@pytest.mark.parametrize("line", ["{}", '{"usd":"much"}', '{"usd":NaN}'])
def test_spending_that_tells_no_dollars_is_one_sentence(tmp_path: Path, line: str) -> None:
    Store(tmp_path).spending_path.write_text(line + "\n")
    with pytest.raises(StoreError, match=r"spending\.jsonl"):
        Store(tmp_path).spent_usd()


def test_settings_behind_the_events_are_found_as_well(tmp_path: Path) -> None:
    """Runs of the format's first weeks hold them there."""
    with Store(tmp_path).writing() as store:
        store.append(trace("a"), answered=True)
    line = orjson.loads(store.traces_path.read_bytes())
    behind = {name: value for name, value in line.items() if name not in ("settings", "answered")}
    store.traces_path.write_bytes(orjson.dumps({**behind, "settings": line["settings"]}) + b"\n")
    (head,) = store.heads()
    assert (head.key, head.attempt, head.settings) == (("a", "xai", "streaming"), 1, {"frame_ms": 100})
    assert head.answered is None


def test_what_was_reserved_is_told_by_provider_and_route(tmp_path: Path) -> None:
    assert Store(tmp_path).reserved() == {}
    with Store(tmp_path).writing() as store:
        for usd, route in (("0.1", "rest"), ("0.2", "rest"), ("0.4", "streaming")):
            store.spend(Decimal(usd), provider="xai", route=route, clip_id="a", attempt=1)
    assert store.reserved() == {("xai", "rest"): Decimal("0.3"), ("xai", "streaming"): Decimal("0.4")}
    assert store.spent_usd() == Decimal("0.7")
