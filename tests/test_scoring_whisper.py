import importlib.metadata

import pytest

from evalkit.errors import SettingsError
from evalkit.scoring import whisper
from evalkit.scoring.text import profile


def test_the_profiles_exist_where_the_package_does() -> None:
    pytest.importorskip("whisper_normalizer.core")
    english = profile("whisper_en")
    assert english.tokens("I won't pay Twenty-one dollars") == ("i", "will", "not", "pay", "$21")
    assert english.version == importlib.metadata.version("whisper-normalizer")
    assert english.hash == profile("whisper_en").hash != profile("whisper_basic").hash


def test_its_quirks_are_its_own() -> None:
    """What ours must never do (see test_scoring_english) is kept here as the reference point it is."""
    pytest.importorskip("whisper_normalizer.core")
    assert whisper.normalised("5 o\u2019clock", "whisper_en") == "50 clock"
    assert whisper.normalised("Hello!", "whisper_basic") == "hello "
    hindi = "\u0928\u092e\u0938\u094d\u0924\u0947"
    assert whisper.normalised(hindi, "whisper_basic") != hindi
    assert whisper.normalised(hindi, "whisper_basic", preserve_marks=True) == hindi


@pytest.mark.parametrize("name", whisper.NAMES)
def test_without_the_package_its_name_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(SettingsError, match="pip install whisper-normalizer"):
        profile(name)
