"""The run folder: whole or not at all, and never two writers."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit import corpora
from evalkit.errors import StoreError
from evalkit.store import FORMAT, Store
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


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_full_disk_keeps_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path).writing() as store:
        store.append(trace("a"))

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            store.append(trace("b"))
    assert [one.clip_id for one in Store(tmp_path).traces()] == ["a"]


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
