"""The command line as a user meets it: a process in a folder of its own, its output, its exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import OPEN

EVALKIT = [sys.executable, "-m", "evalkit"]
KEY = "xai-planted-key-7f3a"
SHORT = ("prompt-agent-pass", "phone-conf-getconfno", "noisy-conf-kicked", "dialogue-stereo-2", "nonspeech-pink")
SCRIPT = {"words": [["please", 0.3, 0.6], ["enter", 0.6, 0.9], ["your", 0.9, 1.1], ["password", 1.1, 1.6]]}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A user's working folder."""
    (tmp_path / "calls").mkdir()
    lines = (OPEN / "manifest.jsonl").read_text().splitlines()
    chosen = [line for line in lines if any(f'"id": "{clip_id}"' in line for clip_id in SHORT)]
    (tmp_path / "calls" / "manifest.jsonl").write_text("\n".join(chosen) + "\n")
    (tmp_path / "calls" / "audio").symlink_to(OPEN / "audio")
    return tmp_path


def evalkit(here: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EVALKIT, *arguments],
        cwd=here,
        env={**os.environ, "COLUMNS": "100", **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a user's mistake."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *_, sentence = done.stderr.strip().splitlines()
    assert sentence.startswith("evalkit: ")
    return sentence
