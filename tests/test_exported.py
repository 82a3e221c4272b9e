"""The one public door."""

import subprocess
import sys

import evalkit


def test_every_public_name_is_there_and_the_list_is_sorted() -> None:
    for name in evalkit.__all__:
        assert getattr(evalkit, name) is not None
    assert evalkit.__all__ == sorted(
        evalkit.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    assert len(evalkit.__all__) <= 25


def test_importing_evalkit_imports_nothing_heavy() -> None:
    script = "import sys, evalkit; print([m for m in ('pandas', 'matplotlib', 'httpx', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
