"""The verbs that decide, from a shell."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalkit.checklist import needs
from evalkit.cli import app, deciding
from evalkit.errors import SettingsError
from tests import handmade

runner = CliRunner()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    handmade.write_run(tmp_path / "results" / "demo")
    return tmp_path


def evalkit(*words: str, said: str | None = None) -> tuple[int, str]:
    done = runner.invoke(app, words, input=said)
    if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


def test_needs_by_flags(here: Path) -> None:
    code, told = evalkit("init", "--profile", "call-center", "--set", "latency_s=1.5", "--set", "languages=en+es")
    assert (code, "evalkit adopt --needs needs.toml" in told) == (0, True)
    found = needs.read(here / "needs.toml")
    assert (found.profile, found.latency_s, found.languages) == ("call-center", 1.5, ("en", "es"))
    with pytest.raises(SettingsError, match="is there already"):
        evalkit("init", "--profile", "call-center")
    assert evalkit("init", "--profile", "voice-agent", "--overwrite")[0] == 0
    assert needs.read(here / "needs.toml").profile == "voice-agent"
    _, told = evalkit("init", "--out", "empty.toml")
    assert "nothing is said yet; --profile starts from one of meeting-notes" in told


def test_it_asks_only_at_a_terminal(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_at_terminal", lambda: True)
    said = "\n".join(["callcenter", "call-center", "xai,language=en", "", "soon", "2", "0.4", "", "", "en"]) + "\n"
    code, told = evalkit("init", said=said)
    assert code == 0, told
    found = needs.read(here / "needs.toml")
    assert (found.profile, found.candidate, found.latency_s) == ("call-center", "xai,language=en", 2)
    assert (found.usd_per_audio_hour, found.starts_per_s, found.languages) == (0.4, 0.5, ("en",))
    assert "latency_s must be a number" in told


def test_a_checklist_is_printed_and_written_and_its_needs_are_kept(here: Path) -> None:
    code, told = evalkit("checklist", "demo")
    assert code == 0
    assert "1 Accuracy on your audio" in told
    assert "8 Account limits" in told
    assert "not ready" in told
    folder = here / "results" / "demo"
    assert (folder / "checklist.json").is_file()
    evalkit("init", "--profile", "meeting-notes")
    assert "evalkit report" not in told
    told = evalkit("checklist", "demo", "--needs", "needs.toml")[1]
    assert "begun from the profile meeting-notes" in told
    assert "`evalkit report demo` brings it into the report" in told
    assert needs.of_run(folder) == needs.of_profile("meeting-notes")
    evalkit("report", "demo")
    assert "begun from the profile meeting-notes" in (folder / "report.html").read_text()


def test_impossible_needs_are_refused_and_not_kept(here: Path) -> None:
    (here / "needs.toml").write_text('[criteria."run.coverage"]\ntarget = 0.99\nn = 100\n')
    with pytest.raises(SettingsError, match="ask for 368"):
        evalkit("checklist", "demo", "--needs", "needs.toml")
    assert not (here / "results" / "demo" / "needs.toml").exists()


def test_where_an_adoption_stands(here: Path) -> None:
    code, told = evalkit("adopt", "new", "--candidate", "local-moonshine", "--corpus", "calls.csv")
    assert code == 0
    assert "1 REST" in told
    assert "evalkit run --corpus calls.csv --candidate local-moonshine --routes rest --run new" in told
    assert not (here / "results" / "new").exists()
