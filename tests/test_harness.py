"""The harness against a real HTTP peer: bought once, retried when it may help, stopped when it cannot."""

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from evalkit import corpora, harness
from evalkit.corpora import Corpus
from evalkit.errors import CorpusError, Refused, SettingsError, StoreError, Unavailable
from evalkit.harness import Progress
from evalkit.plan import Choice, Plan
from evalkit.providers.xai import Xai
from evalkit.scoring import stitching
from evalkit.store import Store
from evalkit.types import Audio, Hypothesis, Trace
from evalkit.wire import Wire
from tests.patience import LONG_S, until
from tests.peers import closed_port, http_answer, http_server, tcp_server, ws_server

Reply = Callable[[str, int], bytes]
GOOD = http_answer(200, json.dumps({"text": "hello", "duration": 1.0}))


@pytest.fixture
def corpus() -> Corpus:
    clips = corpora.load("demo").clips
    return Corpus("six", clips[6:12], Path("demo"))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "BACKOFF_S", 0.0)
    monkeypatch.setenv("XAI_API_KEY", "xai-secret-for-tests")


class Peer:
    """Counts the requests per clip; knows a clip by the size of its upload."""

    def __init__(self, corpus: Corpus, reply: Reply) -> None:
        self.sizes = {len(corpora.audio(clip, sample_rate_hz=16_000).wav()): clip.id for clip in corpus}
        self.seen: Counter[str] = Counter()
        self.reply = reply

    def __call__(self, request: bytes) -> bytes:
        start = request.index(b"RIFF")
        size = int.from_bytes(request[start + 4 : start + 8], "little") + 8
        clip_id = self.sizes[size]
        self.seen[clip_id] += 1
        return self.reply(clip_id, self.seen[clip_id])


@asynccontextmanager
async def asked(corpus: Corpus, reply: Reply, **options: object) -> AsyncIterator[tuple[Peer, Plan]]:
    peer = Peer(corpus, reply)
    async with http_server(peer) as url:
        yield peer, Plan(Choice("xai", {"base_url": url}), routes=("rest",), corpus="six", **options)  # type: ignore[arg-type]


async def ran(plan: Plan, corpus: Corpus, store: Store, **options: Any) -> None:
    with store.writing():
        await harness.run(plan, corpus, store, **options)


def once(store: Store) -> Counter[str]:
    return Counter(trace.clip_id for trace in store.traces())


async def test_every_clip_is_bought_once_and_a_second_run_buys_nothing(corpus: Corpus, tmp_path: Path) -> None:
    steps: list[Progress] = []
    async with asked(corpus, lambda *_: GOOD) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path), progress=steps.append)
        await ran(plan, corpus, Store(tmp_path))
    assert peer.seen == {clip.id: 1 for clip in corpus}
    assert once(Store(tmp_path)) == peer.seen
    assert [step.done for step in steps] == list(range(1, 7))
    assert {step.total for step in steps} == {6}


async def test_an_outage_is_retried_and_each_attempt_is_its_own_trace(corpus: Corpus, tmp_path: Path) -> None:
    async with asked(corpus, lambda _, n: http_answer(503, "{}") if n < 3 else GOOD) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path))
    assert set(peer.seen.values()) == {3}
    attempts = sorted(trace.attempt for trace in Store(tmp_path).traces() if trace.clip_id == corpus.clips[0].id)
    assert attempts == [1, 2, 3]


async def test_a_refusal_is_not_retried_and_the_other_clips_go_on(corpus: Corpus, tmp_path: Path) -> None:
    bad = corpus.clips[2].id
    steps: list[Progress] = []
    async with asked(corpus, lambda c, _: http_answer(413, '{"error":"too big"}') if c == bad else GOOD) as (
        peer,
        plan,
    ):
        await ran(plan, corpus, Store(tmp_path), progress=steps.append)
        assert set(peer.seen.values()) == {1}
        failures = {step.job.clip.id: step.failure for step in steps if step.failure}
        assert failures == {bad: "xai: HTTP 413 (too big)"}
        await ran(plan, corpus, Store(tmp_path))
    assert peer.seen[bad] == 2, "a clip without an answer is tried again by the next run"
    assert sum(peer.seen.values()) == 7


async def test_a_refused_key_stops_the_run_at_once(corpus: Corpus, tmp_path: Path) -> None:
    body = '{"code":"x","error":"Incorrect API key provided"}'
    async with asked(corpus, lambda *_: http_answer(400, body), concurrency=1) as (peer, plan):
        with pytest.raises(Refused, match=r"HTTP 400.*check XAI_API_KEY"):
            await ran(plan, corpus, Store(tmp_path))
    assert sum(peer.seen.values()) == 1


async def test_a_provider_that_is_not_there_stops_the_run_after_three_clips(corpus: Corpus, tmp_path: Path) -> None:
    plan = Plan(
        Choice("xai", {"base_url": await closed_port()}), routes=("rest", "streaming"), concurrency=1, attempts=2
    )
    with pytest.raises(Unavailable, match=r"cannot be reached \(connection refused\)"):
        await ran(plan, corpus, Store(tmp_path))
    assert sum(once(Store(tmp_path)).values()) == 6


async def test_a_missing_key_sends_nothing(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XAI_API_KEY")
    async with asked(corpus, lambda *_: GOOD) as (peer, plan):
        with pytest.raises(SettingsError, match="XAI_API_KEY"):
            await ran(plan, corpus, Store(tmp_path))
    assert not peer.seen
    assert not once(Store(tmp_path))


async def test_the_clips_in_flight_are_kept_when_another_one_stops_the_run(corpus: Corpus, tmp_path: Path) -> None:
    first = corpus.clips[0].id
    key = http_answer(401, '{"error":"no credentials"}')
    async with asked(corpus, lambda c, _: key if c == first else GOOD, concurrency=3) as (peer, plan):
        with pytest.raises(Refused, match="HTTP 401"):
            await ran(plan, corpus, Store(tmp_path))
    assert once(Store(tmp_path)) == peer.seen, "whatever was sent is on disk"


async def test_a_damaged_file_is_found_before_anything_is_sent(corpus: Corpus, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    last = corpus.clips[-1]
    wrong = replace(last, path=str(broken), sha256=hashlib.sha256(b"RIFF").hexdigest())
    mixed = Corpus("six", (*corpus.clips[:-1], wrong), Path("demo"))
    async with asked(corpus, lambda *_: GOOD) as (peer, plan):
        with pytest.raises(CorpusError, match=r"broken\.wav"):
            await ran(plan, mixed, Store(tmp_path / "run"))
    assert not peer.seen


async def test_other_settings_are_not_mixed_into_one_run(corpus: Corpus, tmp_path: Path) -> None:
    async with asked(corpus, lambda *_: GOOD) as (_, plan):
        await ran(plan, corpus, Store(tmp_path))
        options = {**plan.candidate.options, "language": "en"}
        other = Plan(Choice("xai", options), routes=("rest",))
        with pytest.raises(StoreError, match=r'other settings \(language: null, now "en"\); choose'):
            await ran(other, corpus, Store(tmp_path))


async def test_a_run_goes_on_when_a_provider_has_gained_a_setting(corpus: Corpus, tmp_path: Path) -> None:
    async with asked(corpus, lambda *_: GOOD) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path))
        path = Store(tmp_path).traces_path
        path.write_text(path.read_text().replace('"end_mode":"done",', ""))
        await ran(plan, corpus, Store(tmp_path))
        assert set(peer.seen.values()) == {1}


async def test_an_answer_nobody_understands_is_not_bought_again(corpus: Corpus, tmp_path: Path) -> None:
    async with asked(corpus, lambda *_: http_answer(200, "<html>")) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path))
        await ran(plan, corpus, Store(tmp_path))
    assert set(peer.seen.values()) == {1}


async def test_a_conversation_that_is_broken_off_is_stored(corpus: Corpus, tmp_path: Path) -> None:
    """Ctrl-C in the middle: what was already sent may have been billed, so the record must show it."""
    entered = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)
        entered.set()
        await reader.read()

    async with tcp_server(silent) as url:
        plan = Plan(Choice("xai", {"base_url": url}), routes=("rest",), concurrency=1)
        running = asyncio.create_task(ran(plan, corpus, Store(tmp_path)))
        await entered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    (broken,) = Store(tmp_path).traces()
    assert [event.kind for event in broken.events] == ["sent", "error"]


async def test_a_bug_in_a_provider_loses_nothing_that_was_sent(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Xai.transcribe

    async def buggy(self: Xai, audio: Audio, wire: Wire) -> None:
        await original(self, audio, wire)
        raise RuntimeError("a bug")

    async with asked(corpus, lambda *_: GOOD, concurrency=3) as (peer, plan):
        monkeypatch.setattr(Xai, "transcribe", buggy)
        with pytest.raises(ExceptionGroup):
            await ran(plan, corpus, Store(tmp_path))
    assert set(peer.seen) <= set(once(Store(tmp_path)))


async def test_a_long_retry_after_is_left_to_the_next_run(corpus: Corpus, tmp_path: Path) -> None:
    busy = http_answer(429, "{}", Retry_After="86400")
    late = corpus.clips[-1].id
    async with asked(corpus, lambda c, n: busy if c == late and n == 1 else GOOD) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path))
        assert set(peer.seen.values()) == {1}, "nobody waits a day, and nobody asks sooner than told"
        await ran(plan, corpus, Store(tmp_path))
    assert peer.seen[late] == 2


async def test_an_interrupt_while_answers_are_written_loses_none_of_them(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[str] = []
    begun, interrupted = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    append = Store.append

    def slowly(self: Store, trace: Trace, **rest: Any) -> None:
        answered.append(trace.clip_id)
        loop.call_soon_threadsafe(begun.set)
        interrupted.wait(LONG_S)
        append(self, trace, **rest)

    monkeypatch.setattr(Store, "append", slowly)
    four = replace(corpus, clips=corpus.clips[:4])
    async with asked(four, lambda *_: GOOD, concurrency=4) as (peer, plan):
        task = asyncio.create_task(ran(plan, four, Store(tmp_path)))
        await begun.wait()
        await until(lambda: len(peer.seen) == 4)
        await asyncio.sleep(0.05)  # the other answers wait for their turn to be written
        task.cancel()
        interrupted.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert once(Store(tmp_path)) == Counter(answered)
    assert set(answered) == set(peer.seen), "what was asked was answered, and is on disk"


async def test_concurrency_is_bounded(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = peak = 0
    both = asyncio.Event()
    original = harness._Session.converse

    async def counted(self: harness._Session, *rest: Any) -> tuple[Trace, Hypothesis]:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        if running == 2:
            both.set()
        await asyncio.wait_for(both.wait(), LONG_S)
        piece = await original(self, *rest)
        running -= 1
        return piece

    monkeypatch.setattr(harness._Session, "converse", counted)
    async with asked(corpus, lambda *_: GOOD, concurrency=2) as (_, plan):
        await ran(plan, corpus, Store(tmp_path))
    assert peak == 2


async def test_two_providers_take_turns_at_being_first(corpus: Corpus, tmp_path: Path) -> None:
    async with asked(corpus, lambda *_: GOOD, concurrency=1) as (_, plan):
        other = Choice("xai", plan.candidate.options, alias="other")
        await ran(replace(plan, incumbent=other, concurrency=1), corpus, Store(tmp_path))
    stored = list(Store(tmp_path).traces())
    firsts = [next(trace.provider for trace in stored if trace.clip_id == clip.id) for clip in corpus]
    assert Counter(firsts) == {"xai": 3, "other": 3}
    ends = {clip.id: [place for place, trace in enumerate(stored) if trace.clip_id == clip.id] for clip in corpus}
    assert max(last - first for first, last in ends.values()) <= 2, "a clip's two answers are bought side by side"


async def test_no_faster_than_the_console_allows_retries_included(corpus: Corpus, tmp_path: Path) -> None:
    console = {"xai": {"rest": {"requests_per_s": 40, "sessions": 3, "date": "2026-11-20"}}}
    starts: list[float] = []

    def reply(_: str, number: int) -> bytes:
        starts.append(time.monotonic())
        return http_answer(503, "{}") if number == 1 else GOOD

    async with asked(corpus, reply, limits=console, concurrency=6) as (_, plan):
        assert plan.width(plan.providers("rest")[0]) == 3
        began = time.monotonic()
        await ran(plan, corpus, Store(tmp_path))
    assert len(starts) == 12
    assert max(starts) - began >= 11 * plan.allowed(plan.providers("rest")[0]).interval_s


async def test_two_names_of_one_account_keep_to_its_limits_together(corpus: Corpus, tmp_path: Path) -> None:
    console = {"xai": {"rest": {"requests_per_s": 40, "sessions": 1, "date": "2026-11-20"}}}
    starts: list[float] = []
    open_now = peak = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak
        head = await reader.readuntil(b"\r\n\r\n")
        starts.append(time.monotonic())
        open_now += 1
        peak = max(peak, open_now)
        length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        await asyncio.sleep(0.01)
        open_now -= 1
        writer.write(GOOD)
        await writer.drain()

    async with tcp_server(talk) as url:
        one = Choice("xai", {"base_url": url, "vad_threshold": 0.5}, alias="other")
        plan = Plan(one, incumbent=Choice("xai", {"base_url": url}), routes=("rest",), corpus="six", limits=console)
        began = time.monotonic()
        await ran(plan, corpus, Store(tmp_path))
    assert len(starts) == 12
    assert peak == 1
    assert max(starts) - began >= 11 / 40


async def test_a_recording_over_the_size_of_the_console_is_not_sent(corpus: Corpus, tmp_path: Path) -> None:
    sizes = sorted(len(corpora.audio(clip, sample_rate_hz=16_000).wav()) for clip in corpus)
    console = {"xai": {"rest": {"upload_mb": sizes[2] / 1e6, "date": "2026-11-20"}}}
    steps: list[Progress] = []
    async with asked(corpus, lambda *_: GOOD, limits=console) as (peer, plan):
        await ran(plan, corpus, Store(tmp_path), progress=steps.append)
    assert sorted(size for size, clip_id in peer.sizes.items() if peer.seen[clip_id]) == sizes[:3]
    failures = [step.failure for step in steps if step.failure]
    assert len(failures) == 3
    assert all("MB that your console says; split the recording" in failure for failure in failures)


async def test_a_stream_that_breaks_off_goes_on_from_what_was_locked(corpus: Corpus, tmp_path: Path) -> None:
    """Words of 0.3 s each half second; the first connection dies after 1.6 s of audio."""
    clip = replace(corpus.clips[0], duration_s=corpora.audio(corpus.clips[0]).duration_s)
    heard_s: list[float] = []

    async def talk(socket: ServerConnection) -> None:
        heard_s.append(0.0)
        number, told = len(heard_s), 0
        await socket.send('{"type":"transcript.created"}')
        async for message in socket:
            if isinstance(message, str):
                await socket.send('{"type":"transcript.done","text":""}')
                return
            heard_s[-1] += len(message) / 32_000
            while 0.5 * told + 0.3 <= heard_s[-1]:
                word = {"text": f"w{number}.{told}", "start": 0.5 * told, "end": 0.5 * told + 0.3}
                partial = {"type": "transcript.partial", "words": [word], "is_final": True, "speech_final": True}
                await socket.send(json.dumps(partial))
                told += 1
            if number == 1 and heard_s[-1] >= 1.6:
                socket.transport.abort()
                return

    async with ws_server(talk) as url:
        plan = Plan(Choice("xai", {"base_url": url, "speed": 20}), routes=("streaming",), corpus="one")
        await ran(plan, Corpus("one", (clip,), Path("demo")), Store(tmp_path))
    first, second = Store(tmp_path).traces()
    assert first.from_s == 0
    assert second.from_s == pytest.approx(1.3 - stitching.REPLAYED_S)
    assert heard_s[1] == pytest.approx(clip.duration_s - second.from_s, abs=0.01)
    provider = plan.providers("streaming")[0]
    whole = stitching.stitched([first, second], [Hypothesis.of(provider.parse(x.events)) for x in (first, second)])
    assert [word.text for word in whole.words][:4] == ["w1.0", "w1.1", "w1.2", "w2.1"], "locked, then what is new"
    released = [event.audio_s for event in second.events if event.kind == "audio"]
    assert released[-1] == pytest.approx(clip.duration_s, abs=0.01), "audio time is that of the clip"
