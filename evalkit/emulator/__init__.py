"""An xAI-compatible speech-to-text server on loopback with a real recogniser behind it, in a process of its own.

The recognisers and the web server are the optional extra ``local``; importing this package loads none of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from evalkit.emulator import engines
from evalkit.emulator.knobs import Knobs
from evalkit.errors import EvalkitError

__all__ = ["Knobs", "launch", "serve", "with_knobs"]

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 6.0
_DEFAULTS = Knobs()


@contextlib.contextmanager
def launch(
    engine: str,
    *,
    knobs: Knobs = _DEFAULTS,
    accepted_key_env: str | None = None,
    script: Path | str | Mapping[str, Any] | None = None,
    workers: int = 2,
) -> Iterator[str]:
    """Run the server in a process of its own for the length of a ``with`` block.

    Args:
        engine: ``moonshine``, ``pocketsphinx``, ``scripted`` (with ``script``), ``faster-whisper:FOLDER``,
            ``vosk:FOLDER``.
        knobs: readings of the protocol.
        accepted_key_env: environment variable with the only key accepted; None accepts anybody.
        script: what the engine ``scripted`` tells: a file or its content (see ``scripted.Scripted.load``).
        workers: recogniser processes; of two or more, one is kept for REST.

    Yields:
        The base URL, such as ``http://127.0.0.1:40123``.

    Raises:
        EvalkitError: a package, file or key is missing, or the server died while starting.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(script, Mapping):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
            script = folder / "script.json"
        if script is not None:
            engine = f"{engine}:{script}"
        engines.check(engine)
        stderr = stack.enter_context(tempfile.TemporaryFile())
        command = [sys.executable, "-m", "evalkit.emulator", "--engine", engine, "--workers", str(workers)]
        command += ["--until-stdin-ends", *(part for setting in knobs.settings() for part in ("--knob", setting))]
        if accepted_key_env is not None:
            command += ["--accepted-key-env", accepted_key_env]
        process = subprocess.Popen(  # noqa: S603 our own interpreter and arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        stack.callback(_stop, process)
        yield _base_url(process, engine, stderr)


def with_knobs(base_url: str, knobs: Knobs) -> str:
    """The base URL at which a running server turns these knobs, on top of those it was started with."""
    settings = ",".join(knobs.settings())
    return f"{base_url}/knobs/{settings}" if settings else base_url


def serve(engine: str, port: int, knobs: Knobs, accepted_key_env: str | None, *, workers: int = 2) -> None:
    """Run the server in this process, in the foreground, until it is interrupted.

    Raises:
        EvalkitError: a package, file or key is missing, or the port is taken.
    """
    engines.check(engine)
    from evalkit.emulator import server

    def announce(base_url: str, description: str) -> None:
        print(f"{base_url}/v1/stt\n{description}", flush=True)

    with contextlib.suppress(KeyboardInterrupt):
        server.run(engine, port, knobs, accepted_key_env, workers, ready=announce)


def _base_url(process: subprocess.Popen[bytes], engine: str, stderr: IO[bytes]) -> str:
    """Wait for the line the server prints when it is ready."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        if process.stdout is not None:
            lines.put(process.stdout.readline())

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        raise EvalkitError(f"the embedded server ({engine}) did not start within {START_TIMEOUT_S:g} s") from None
    if not line:
        process.wait(STOP_TIMEOUT_S)
        stderr.seek(0)
        tail = " | ".join(stderr.read().decode("utf-8", "replace").strip().splitlines()[-5:]) or "no message"
        raise EvalkitError(f"the embedded server ({engine}) ended while starting, exit {process.returncode}: {tail}")
    message = json.loads(line)
    if "error" in message:
        raise EvalkitError(message["error"])
    return str(message["base_url"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, and kill it if it does not; its workers end with it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
