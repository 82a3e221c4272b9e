"""Faults from a shell."""

import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalkit.cli import app
from evalkit.errors import Unavailable
from evalkit.providers import xai
from tests.patience import LONG_S
from tests.shell import EVALKIT, evalkit, here, refused

__all__ = ["here"]

FEW = "busy,bad_request,close_1012,network.stall"


def test_a_few_faults_and_then_none_again(here: Path) -> None:
    done = evalkit(here, "faults", "--kinds", FEW, "--run", "few", "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = here / "results" / "few"
    assert "All 7 faults were met as a correct client meets them." in done.stdout
    assert "report: results/few/faults.html" in done.stdout
    assert "Attempts per request" in done.stdout
    table = pd.read_csv(folder / "faults.csv")
    assert table["ok"].all()
    assert set(table["evidence"]) == {"simulated"}
    again = evalkit(here, "faults", "--kinds", FEW, "--run", "few", "--seed", "5")
    assert "7 were recorded before" in again.stdout
    pd.testing.assert_frame_equal(table, pd.read_csv(folder / "faults.csv"))
    assert "another seed" in refused(evalkit(here, "faults", "--kinds", FEW, "--run", "few", "--seed", "6"))


def test_killed_it_goes_on_with_what_is_missing(here: Path) -> None:
    command = [*EVALKIT, "faults", "--kinds", "bad_request,silent_end,network.half_open", "--run", "killed"]
    process = subprocess.Popen(command, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trials = here / "results" / "killed" / "trials"
    deadline = time.monotonic() + LONG_S
    while not list(trials.glob("*/trial.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.read_bytes() for path in trials.glob("*/trial.json")}
    assert 0 < len(kept) < 5
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(kept)} were recorded before" in done.stdout
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert len(list(trials.glob("*/trial.json"))) == 5


def test_a_broken_client_is_named_and_the_exit_status_is_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(answer: dict[str, object], who: str) -> None:
        if answer["status"] != 200:
            raise Unavailable(who)

    monkeypatch.setattr(xai, "raise_for_answer", again)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["faults", "--kinds", "bad_request,busy", "--routes", "rest"])
    assert done.exit_code == 1, done.output
    assert "1 of 2 faults were not met" in done.output
    assert "NOT OK" in done.output


def test_mistakes_are_one_sentence_and_leave_nothing_behind(here: Path) -> None:
    assert "did you mean 'busy'" in refused(evalkit(here, "faults", "--kinds", "bussy"))
    assert "--budget-usd" in refused(evalkit(here, "faults", "--candidate", "xai"))
    for option in ("--kinds", "--routes"):
        assert f"{option} names nothing; leave it out for all" in refused(evalkit(here, "faults", option, ","))
    for option, value in (("--corpus", "calls"), ("--budget-usd", "1")):
        said = refused(evalkit(here, "faults", option, value))
        assert f"{option} means nothing without --candidate or a plan" in said
    missing = evalkit(here, "faults", "--candidate", "xai", "--budget-usd", "0.5", "--corpus", "calls", XAI_API_KEY="")
    assert "XAI_API_KEY" in refused(missing)
    assert not (here / "results").exists()
