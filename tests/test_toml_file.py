"""What is wrong with a TOML file is one sentence that names it."""

from pathlib import Path

import pytest

from evalkit import toml_file
from evalkit.errors import SettingsError


def test_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "è"\n', encoding="utf-8")
    assert toml_file.read(tmp_path / "a.toml") == {"name": "è"}


@pytest.mark.parametrize(("content", "sentence"), [(b"x = ", "a.toml: not TOML"), (b'x = "\xe8"', "a.toml: not UTF-8")])
def test_a_bad_file(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=sentence):
        toml_file.read(tmp_path / "a.toml")


def test_a_missing_file_and_how_to_come_by_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a.toml: cannot be read \(No such file or directory\); write one$"):
        toml_file.read(tmp_path / "a.toml", advice="write one")
