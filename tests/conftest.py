"""What every test shares."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's business; on a busy one any of them takes seconds now and then.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent
OPEN = ROOT / "datasets" / "open"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a key or a proxy of the developer's environment."""
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_PROXY")):
            monkeypatch.delenv(name)


@pytest.fixture
def nist() -> Callable[[str], str]:
    """Where a program of NIST's scoring toolkit stands; its absence is a failure under CI and a skip elsewhere."""

    def find(program: str) -> str:
        found = shutil.which(program) or shutil.which(program, path="/usr/lib/sctk/bin")
        if found is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing(f"{program} is missing: apt-get install sctk")
        return str(found)

    return find
