"""The embedded server from a shell."""

import signal
import subprocess
from pathlib import Path

from tests.shell import EVALKIT, here

__all__ = ["here"]


def test_serve_says_where_it_listens_and_ends_on_interrupt(here: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*EVALKIT, "serve", "--engine", "pocketsphinx", "--port", "0"], cwd=here, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        assert "PocketSphinx" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
