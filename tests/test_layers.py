"""The floors of the house: imports point down only, and three bans that carry the design."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import evalkit

PACKAGE = Path(evalkit.__file__).parent
FLOORS = [
    {"types", "errors", "cores", "toml_file"},
    {"corpora", "hf", "audio", "store", "degrade", "variants", "sounds"},
    {"wire", "weather"},
    {"providers", "scoring", "emulator"},
    {"plan", "limits", "budget", "estimate", "invoice", "agenda", "harness", "certificate"}
    | {"stats", "verdicts", "stages", "hypotheses"},
    {"reports", "gate", "checklist", "comparison", "replay"},
    {"runs", "manifest", "ramp", "trials", "walk", "doctor", "selftest", "cli", "__main__"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS, start=1) for room in rooms}
BANS = {
    "scoring": {"wire", "providers", "emulator"},
    "providers": {"corpora", "scoring", "emulator"},
    "emulator": {"providers", "scoring"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "evalkit" else [f"evalkit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "evalkit" and rest and not rest.startswith("__"):
                yield rest.split(".")[0]


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in MODULES} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    for other in imported_rooms(path):
        assert FLOOR[other] <= FLOOR[room], f"{room} may not import {other}"
        assert other not in BANS.get(room, ()), f"{room} may never import {other}"


def test_nouns_need_only_the_standard_library() -> None:
    import sys

    for path in (PACKAGE / "types.py", PACKAGE / "errors.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] in {*sys.stdlib_module_names, "evalkit"}


def test_every_module_has_exactly_one_test_module() -> None:
    here = Path(__file__).parent
    for path in MODULES:
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__main__":
            continue
        if parts[-1] == "__init__":
            parts.pop()
        assert (here / f"test_{'_'.join(parts)}.py").is_file(), f"{path.name} has no test module"
