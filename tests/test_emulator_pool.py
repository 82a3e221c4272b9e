import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from evalkit.emulator.knobs import Knobs
from evalkit.emulator.pool import Pool
from evalkit.emulator.settings import RefusalError, RestSettings, StreamSettings
from evalkit.errors import EvalkitError

RAW = RestSettings.of([("audio_format", "pcm"), ("sample_rate", "16000")], Knobs())


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "evalkit.emulator.worker" in child.cmdline()]


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    script = tmp_path / "script.json"
    script.write_text('{"words": [["hello", 0.3, 0.6]]}')
    pool = Pool(f"scripted:{script}", 2)
    await pool.start()
    yield pool
    await pool.stop()
    assert workers() == []


async def test_workers_are_polite_and_a_dead_one_is_replaced(pool: Pool) -> None:
    assert [worker.nice() for worker in workers()] == [min(19, psutil.Process().nice() + 10)] * 2
    for worker in workers():
        os.kill(worker.pid, signal.SIGKILL)
    await asyncio.gather(*(process._reader for process in pool._processes))
    status, body, _ = await pool.transcribe(bytes(32000), RAW, Knobs())
    assert (status, b"hello" in body) == (200, True)


async def test_death_under_a_job_is_told_at_once(pool: Pool) -> None:
    async with pool.stream(StreamSettings(), Knobs()) as line:
        replies = line.replies()
        assert (await anext(replies))[0]["op"] == "opened"
        for worker in workers():
            os.kill(worker.pid, signal.SIGSTOP)
        job = asyncio.create_task(pool.transcribe(bytes(32000), RAW, Knobs()))
        await asyncio.sleep(0.05)
        for worker in workers():
            os.kill(worker.pid, signal.SIGKILL)
        assert (await anext(replies))[0]["op"] == "died"
        with pytest.raises(RefusalError) as refusal:
            await job
        assert refusal.value.status == 503
    assert pool.sessions == 0


async def test_streams_share_the_workers_that_do_no_files(pool: Pool) -> None:
    async with pool.stream(StreamSettings(), Knobs()), pool.stream(StreamSettings(), Knobs()):
        assert [len(process.waiting) for process in pool._processes] == [2, 0]
    assert pool.sessions == 0


async def test_recogniser_that_cannot_be_loaded_is_reported(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(EvalkitError, match=r"bad\.json cannot be read"):
        await Pool(f"scripted:{tmp_path / 'bad.json'}", 2).start()
    assert workers() == []
