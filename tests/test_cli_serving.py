"""The servers from a shell."""

import signal
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from evalkit import certificate, selftest
from evalkit.cli import app, screen
from evalkit.selftest.plants import Finding, plants
from tests.conftest import OPEN
from tests.patience import LONG_S
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
        assert process.wait(LONG_S) == 0


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
        assert process.wait(LONG_S) == 0


def told(monkeypatch: pytest.MonkeyPatch, home: Path, *options: str, failing: int = 0) -> tuple[int, str]:
    """Exit status and output of a selftest that found what is planted, but for so many of the last plants."""
    good = [Finding(plant, plant.planted, "ok") for plant in plants()]
    bad = [Finding(one.plant, one.plant.planted + 1, "FAIL") for one in good[len(good) - failing :]]
    monkeypatch.setattr(selftest, "run", lambda *_, **__: [*good[: len(good) - failing], *bad])
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(screen, "out", Console(width=140))
    done = CliRunner().invoke(app, ["selftest", *options])
    return done.exit_code, done.stdout


def test_a_selftest_is_a_short_table_and_all_of_it_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = told(monkeypatch, tmp_path)
    lines = said.splitlines()
    assert code == 0
    assert len(lines) < 15
    assert ["faults", "4", "of", "4", "7", "of", "7", "exact"] in [line.split() for line in lines]
    assert lines[-2:] == [
        f"{len(plants())} of {len(plants())} plants recovered: passed",
        f"every plant: {tmp_path / 'evalkit' / 'selftest.csv'}",
    ]
    assert certificate.last_passed()


def test_what_failed_is_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = told(monkeypatch, tmp_path, failing=2)
    assert code == 1
    assert "words lost at the seam" in said
    assert "words doubled at the seam" in said
    assert "7 of 7" not in said.partition("faults")[2].splitlines()[0]
    assert said.count("FAIL") == 3, "two lines and the verdict"
    assert "acc.drop.tail" not in said


def test_all_prints_every_plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = told(monkeypatch, tmp_path, "--all")
    assert code == 0
    assert sum(line.startswith("ok ") for line in said.splitlines()) == len(plants())
    assert said.split()[:2] == ["planted", "value"]


def test_a_table_that_cannot_be_written_is_no_failure_of_the_selftest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evalkit").write_text("a file where a folder should be")
    code, said = told(monkeypatch, tmp_path)
    assert code == 0
    assert said.endswith("passed\n")


def test_what_cannot_be_replayed_is_one_sentence(here: Path) -> None:
    assert "holds no run" in refused(evalkit(here, "replay", "nothing"))
    assert "unknown route 'rset'; did you mean 'rest'?" in refused(evalkit(here, "replay", "x", "--route", "rset"))
