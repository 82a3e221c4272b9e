"""The servers from a shell."""

import signal
import subprocess
from pathlib import Path

from tests.conftest import OPEN
from tests.shell import EVALKIT, evalkit, here, refused
from tests.test_recorded import RECORDED

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


def test_faults_that_nobody_knows_are_refused_before_anything_is_served(here: Path) -> None:
    assert "unknown route of a fault 'xx'" in refused(evalkit(here, "serve", "--port", "0", "--knob", "faults=xx"))


def test_replay_says_where_each_provider_stands_and_ends_on_interrupt(here: Path) -> None:
    command = [*EVALKIT, "replay", str(RECORDED), "--port", "0", "--corpus", str(OPEN), "--speed", "4"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert "/local-moonshine  12 conversations of run demo, evidence simulated" in lines[0]
        assert "/local-pocketsphinx  12 conversations" in lines[1]
        assert lines[2] == "4 times as fast as recorded: delays are void\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_what_cannot_be_replayed_is_one_sentence(here: Path) -> None:
    assert "holds no run" in refused(evalkit(here, "replay", "nothing"))
    assert "unknown route 'rset'; did you mean 'rest'?" in refused(evalkit(here, "replay", "x", "--route", "rset"))
