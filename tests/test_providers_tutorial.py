"""The tutorial beside the providers: every block of it is a file, a command or an answer, and all of it holds."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import evalkit
from evalkit.store import Store
from tests.peers import free_port
from tests.shell import evalkit as shell
from tests.shell import here, refused

__all__ = ["here"]

PAGE = (Path(evalkit.__file__).parent / "providers" / "README.md").read_text(encoding="utf-8")
# A block is the file whose name stands last before it.
FILES = {
    name: text
    for name, _, text in re.findall(r"`(\w+\.(?:py|toml))`[^`]*?\n```(python|toml)\n(.*?)```", PAGE, re.DOTALL)
}
(COMMANDS,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def written(here: Path) -> Path:
    """A folder with every file of the page."""
    for name, text in FILES.items():
        (here / name).write_text(text)
    return here


def test_a_provider_is_a_page_of_code_and_one_file_of_data() -> None:
    assert set(FILES) == {"parrot.py", "parrot.toml", "test_parrot.py", "stand_in.py"}
    assert len(FILES["parrot.py"].splitlines()) <= 80
    *_, last = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert tomllib.loads(last)["project"]["entry-points"]["evalkit.providers"] == {"parrot": "parrot:Parrot"}


@pytest.mark.slow
def test_the_commands_of_the_page_end_in_a_report(written: Path) -> None:
    bin_folder = Path(sys.executable).parent
    port = str(free_port())
    listening = f" &\nuntil (: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null; do sleep 0.1; done\n"
    script = COMMANDS.replace("8123", port).replace(" &\n", listening)
    assert script.count(port) == 3
    done = subprocess.run(
        ["bash", "-ec", f"trap 'kill $(jobs -p)' EXIT\n{script}"],
        cwd=written,
        env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    folder = written / "results" / "try-parrot"
    assert (folder / "report.html").is_file()
    rows = pd.read_csv(folder / "summary.csv").query("slice == 'all'").set_index("metric")["value"]
    assert rows["run.coverage"] == 1
    # Every clip below 15 s is billed as 15 s, and the seconds of the others are rounded up.
    clips = [clip.duration_s for clip in Store(folder).clips()]
    billed_s = sum(max(15, -(-seconds // 1)) for seconds in clips)
    assert rows["cost.per_audio_hour"] == pytest.approx(0.36 * billed_s / sum(clips))


@pytest.mark.slow
def test_the_real_one_needs_a_key_a_budget_and_a_price(written: Path) -> None:
    run = ("run", "--corpus", "calls", "--candidate", "parrot=parrot:Parrot", "--routes", "rest")
    assert "set a limit with --budget-usd" in refused(shell(written, *run))
    sentence = refused(shell(written, *run, "--budget-usd", "1", PARROT_API_KEY=""))
    assert "PARROT_API_KEY" in sentence
    (written / "parrot.toml").write_text("")
    key = {"PARROT_API_KEY": "planted-key-123"}
    assert "no known price" in refused(shell(written, *run, "--budget-usd", "1", **key))
    (written / "parrot.toml").write_text('[[price]]\nroute = "rest"\nusd = 1\n')
    assert "a line of its sheet is wrong" in refused(shell(written, *run, "--budget-usd", "1", **key))
    (written / "parrot.toml").write_text(FILES["parrot.toml"])
    told = shell(written, "estimate", *run[1:], "--budget-usd", "1", **key)
    assert told.returncode == 0, told.stderr
    assert "parrot over rest allows 50 starts a second, 20 sessions at once, 50 MB a file (parrot.example" in " ".join(
        told.stdout.split()
    )
