"""Needs: profiles, a file written and read again, settings of a shell, and one sentence for every mistake."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.checklist import criteria, needs
from evalkit.checklist.needs import Acceptance, Needs
from evalkit.errors import SettingsError

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
POSITIVE = st.floats(0.001, 1e6)
WHOLE = Needs(
    profile="call-center",
    candidate="xai,language=en",
    key_terms=("Harbor Electric", "e-mail|email"),
    latency_of="lat.ttfs",
    latency_s=0.8,
    console={"rest": {"requests_per_s": 10, "date": "2026-11-20"}},
    not_applicable={"multichannel": 'every file is "mono"'},
    accepted={"accuracy": Acceptance("A. Person", "2026-11-21")},
    criteria={"acc.wer": {"target": 0.08, "limit": 0.15, "clips": 200}},
)


def read(tmp_path: Path, text: str) -> Needs:
    path = tmp_path / "needs.toml"
    path.write_text(text, encoding="utf-8")
    return needs.read(path)


@pytest.mark.parametrize("profile", needs.profiles())
def test_every_profile_is_written_and_read_again_and_can_be_judged_by(profile: str, tmp_path: Path) -> None:
    begun = needs.of_profile(profile)
    assert begun.declared
    assert begun.profile == profile
    assert read(tmp_path, needs.written(begun)) == begun
    assert criteria.items(begun)
    assert begun.load is not None


def test_everything_survives_a_round_trip(tmp_path: Path) -> None:
    assert read(tmp_path, needs.written(WHOLE)) == WHOLE


def test_nothing_said_is_written_as_comments(tmp_path: Path) -> None:
    text = needs.written(Needs())
    assert read(tmp_path, text) == Needs()
    assert "# diarization = false" in text
    assert "# [not_applicable]" in text


def test_what_stands_in_comments_is_right_when_the_mark_is_taken_off(tmp_path: Path) -> None:
    lines = needs.written(Needs()).splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line or line.startswith("# [")]
    assert read(tmp_path, "\n".join(settings)).not_applicable == {"multichannel": "every recording is mono"}


@given(TEXT, st.lists(TEXT, max_size=3), st.one_of(st.none(), st.booleans()), st.one_of(st.none(), POSITIVE))
def test_any_text_survives(text: str, terms: list[str], flag: bool | None, seconds: float | None) -> None:
    from tempfile import TemporaryDirectory

    wanted = Needs(incumbent=text, key_terms=tuple(terms), streaming=flag, latency_s=seconds)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "needs.toml"
        path.write_bytes(needs.written(wanted).encode())
        assert needs.read(path) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("diarisation = true", "did you mean 'diarization'"),
        ("streaming = 1", "streaming must be true or false, not 1"),
        ("latency_s = -1", "latency_s must be a number above 0, not -1"),
        ("latency_s = true", "latency_s must be a number above 0"),
        ("latency_s = inf", "latency_s must be a number above 0"),
        ("latency_percentile = 90", "must be 50, 95 or 99, not 90"),
        ("languages = [1]", "a list of strings, none of them empty"),
        ('timestamps = "caption"', "did you mean 'captions'"),
        ('[not_applicable]\ndiarization = " "', "silence is not one"),
        ("[accepted.accuracy]\nby = 'me'", "needs by = NAME and date = DAY"),
        ("[accepted.accuracy]\nby = 'me'\ndate = 'today'", "date must be a day"),
        ("[console.rest]\nrequests_per_s = 10", "[console.rest]: needs the day you read it"),
        ("[console.soap]\nrequests_per_s = 10", "unknown route in [console]"),
        ("[criteria]\n'acc.wer' = 3", 'write [criteria."acc.wer"]'),
        ("x =", "not TOML"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="evalkit init"):
        needs.read(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes("incumbent = 'é'".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        needs.read(tmp_path / "latin.toml")
    assert needs.of_run(tmp_path) == Needs()


def test_settings_of_a_shell_stand_over_a_profile() -> None:
    begun = needs.of_profile("voice-agent")
    said = needs.changed(
        begun, ["latency_s=0.5", "key_terms=Grok+x AI", "streaming=false", "candidate=xai,language=en"]
    )
    assert said == replace(
        begun, latency_s=0.5, key_terms=("Grok", "x AI"), streaming=False, candidate="xai,language=en"
    )
    for wrong, sentence in (("latency_s", "KEY=VALUE"), ("latencys=1", "latency_s"), ("channels=two", "whole number")):
        with pytest.raises(SettingsError, match=sentence):
            needs.changed(begun, [wrong])
    with pytest.raises(SettingsError, match="call-center"):
        needs.of_profile("call-centre")


def test_what_follows_from_needs() -> None:
    assert Needs().routes == ("rest", "streaming")
    assert Needs(streaming=False).routes == ("rest",)
    assert Needs(voice_agent=True).routes == ("rest", "streaming", "agent")
    assert Needs(starts_per_s=0.5).load is None
    assert WHOLE.latency_metric == "lat.ttfs.p95"
