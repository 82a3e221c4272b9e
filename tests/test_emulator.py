"""The embedded server as others use it: started, stopped, never left behind; and real sound through it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import soundfile
import websockets

from evalkit.emulator import Knobs, launch, with_knobs
from evalkit.errors import EvalkitError, SettingsError
from tests.conftest import OPEN
from tests.patience import LONG_S

SCRIPT = {"words": [["hello", 0.3, 0.6]]}


def descendants() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "evalkit.emulator" in str(child.cmdline())]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=LONG_S)[1]


def test_import_loads_no_recogniser_and_no_web_server() -> None:
    code = "import sys, evalkit.emulator; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"moonshine_voice", "pocketsphinx", "starlette", "uvicorn", "python_multipart"} & set(loaded)


def test_server_is_gone_after_the_block() -> None:
    with launch("scripted", script=SCRIPT) as base_url:
        assert httpx.get(base_url, timeout=LONG_S).status_code == 200
        started = descendants()
        assert len(started) == 3
    assert gone(started)


def test_server_is_stopped_with_sockets_open_and_when_the_block_fails() -> None:
    async def fail() -> None:
        with launch("scripted", script=SCRIPT) as base_url:
            async with websockets.connect(f"{base_url.replace('http', 'ws')}/v1/stt") as connection:
                await connection.recv()
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
    assert descendants() == []


def test_nothing_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    code = (
        "import sys, time\nfrom evalkit.emulator import launch\n"
        "with launch('scripted', script=sys.argv[1]) as url:\n    print(url, flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "script.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().startswith(b"http://127.0.0.1:")
        tree = psutil.Process(parent.pid).children(recursive=True)
        parent.send_signal(signal.SIGKILL)
        assert len(tree) == 3
        assert gone(tree)


def test_nothing_outlives_a_server_that_was_killed() -> None:
    with launch("scripted", script=SCRIPT):
        tree = descendants()
        server = next(process for process in tree if process.ppid() == os.getpid())
        server.kill()
        assert gone(tree)


def test_foreground_server_says_where_it_is_and_ends_on_interrupt(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    code = "import sys; from evalkit.emulator import Knobs, serve; serve(f'scripted:{sys.argv[1]}', 0, Knobs(), None)"
    command = [sys.executable, "-c", code, str(tmp_path / "script.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert httpx.post(server.stdout.readline().strip(), timeout=LONG_S).status_code == 415
        assert "planted" in server.stdout.readline()
        tree = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGINT)
        assert server.wait(LONG_S) == 0
    assert gone(tree)


def test_wrong_engine_and_wrong_script_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'pocketsphinx'"), launch("pocketsphynx"):
        pass
    with pytest.raises(EvalkitError, match="cannot be read"), launch("scripted", script={"word": []}):
        pass
    with pytest.raises(EvalkitError, match="NO_SUCH_KEY is not set"):  # noqa: SIM117 the start fails, not the block
        with launch("scripted", script=SCRIPT, accepted_key_env="NO_SUCH_KEY"):
            pass
    assert descendants() == []


def test_early_death_shows_the_last_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.write(2, b'lamp is broken')\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EvalkitError, match="lamp is broken"), launch("scripted", script=SCRIPT):
        pass


def test_knobs_are_turned_by_the_url() -> None:
    assert with_knobs("http://h", Knobs()) == "http://h"
    assert with_knobs("http://h", Knobs(done_text="full", chunk_s=1.0)) == "http://h/knobs/done_text=full,chunk_s=1.0"


@pytest.mark.slow
def test_real_sound_over_both_routes() -> None:
    """The same prompt over REST and over the socket gives its words, times and CPU time."""
    path = OPEN / "audio" / "prompt-conf-onlyperson.flac"
    said = "you are currently the only person in this conference"
    samples, rate_hz = soundfile.read(path, dtype="int16")

    def plain(text: str) -> str:
        return text.lower().replace(".", "").replace(",", "")

    async def streamed(base_url: str) -> tuple[str, float]:
        texts, cpu_s = [], 0.0
        url = f"{base_url.replace('http', 'ws')}/v1/stt?interim_results=true&sample_rate={rate_hz}"
        async with websockets.connect(url) as connection:
            await connection.recv()
            await connection.send(samples.tobytes())
            await connection.send('{"type": "audio.done"}')
            async for text in connection:
                message = json.loads(text)
                texts += [message["text"]] if message.get("speech_final") else []
                cpu_s += message.get("cpu_s", 0.0)
        return " ".join(texts), cpu_s

    with launch("moonshine") as base_url:
        answers = [
            httpx.post(f"{base_url}/v1/stt", files={"file": path.read_bytes()}, timeout=LONG_S) for _ in range(2)
        ]
        body = answers[0].json()
        assert plain(body["text"]) == said
        assert answers[1].json() == body
        assert 0 < float(answers[0].headers["x-evalkit-cpu-s"]) < 20
        starts = [word["start"] for word in body["words"]]
        assert starts == sorted(starts)
        text, cpu_s = asyncio.run(streamed(base_url))
        assert plain(text) == said
        assert cpu_s > 0
