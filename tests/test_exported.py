"""The one public door."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import evalkit


def test_every_public_name_is_there_and_the_list_is_sorted() -> None:
    for name in evalkit.__all__:
        assert getattr(evalkit, name) is not None
    assert evalkit.__all__ == sorted(
        evalkit.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    assert len(evalkit.__all__) <= 25


def test_a_name_that_is_not_there_suggests_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Rum'; did you mean 'Run'"):
        getattr(evalkit, "Rum")  # noqa: B009
    assert not hasattr(evalkit, "qqq")


def test_no_signature_holds_the_environment() -> None:
    """``help(evalkit.Wire)`` in a shared notebook would print every key."""
    for path in Path(evalkit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.arguments):
                defaults = [ast.unparse(one) for one in (*node.defaults, *node.kw_defaults) if one is not None]
                assert not any("environ" in default for default in defaults), path


def test_importing_evalkit_imports_nothing_heavy() -> None:
    script = "import sys, evalkit; print([m for m in ('pandas', 'matplotlib', 'httpx', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
