from pathlib import Path

import pytest

from evalkit.emulator import engines
from evalkit.errors import SettingsError


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("moonshin", "did you mean 'moonshine'"),
        ("scripted", "needs a script file"),
        ("vosk:/no/such/model", "/no/such/model does not exist"),
        ("moonshine:/some/where", "takes no path"),
    ],
)
def test_wrong_name_is_one_sentence(engine: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        engines.check(engine)


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_installed", lambda package: package != "pocketsphinx")
    with pytest.raises(SettingsError, match=r"pocketsphinx, .* pip install 'stt-evalkit\[local\]'"):
        engines.check("moonshine")


def test_missing_foreign_package_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_installed", lambda package: package != "faster_whisper")
    with pytest.raises(SettingsError, match="pip install faster-whisper"):
        engines.check(f"faster-whisper:{tmp_path}")


def test_description_says_all_of_it_in_one_line() -> None:
    description = engines.Description("Name", "1.2", "MIT", "aligned", "guessed")
    assert description.line == "Name 1.2 (MIT; recognised); word times: aligned; speakers: guessed"
