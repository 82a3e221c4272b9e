"""When the selftest last passed is kept where the user's caches are, and no damage to it stops a run."""

import json
from pathlib import Path

import pytest

from evalkit import certificate, scoring


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_never_passed_is_none() -> None:
    assert certificate.last_passed() is None
    certificate.note(False)
    assert certificate.last_passed() is None


def test_a_pass_names_its_moment_and_what_was_tested(cache: Path) -> None:
    certificate.note(True)
    told = certificate.last_passed()
    assert told is not None
    assert told.startswith("passed at 20")
    assert told.endswith(f", scoring {scoring.VERSION}")
    assert [path.name for path in (cache / "evalkit").iterdir()] == ["selftest.json"]


def test_a_failure_since_is_told_until_it_passes_again() -> None:
    certificate.note(True)
    certificate.note(False)
    assert "; failed since, at 20" in str(certificate.last_passed())
    certificate.note(True)
    assert "failed" not in str(certificate.last_passed())


def test_the_cache_folder_is_that_of_the_user() -> None:
    assert certificate.path({}) == Path.home() / ".cache" / "evalkit" / "selftest.json"
    assert certificate.path({"XDG_CACHE_HOME": ""}) == certificate.path({})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"passed": 1}', json.dumps("passed_at")])
def test_a_damaged_file_is_none(content: str) -> None:
    certificate.path().parent.mkdir(parents=True)
    certificate.path().write_text(content)
    assert certificate.last_passed() is None
