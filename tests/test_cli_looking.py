"""Looking before anything is sent, from a shell."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalkit.cli import app
from evalkit.errors import SettingsError
from evalkit.store import Store
from tests import handmade
from tests.conversations import answered
from tests.shell import evalkit, here, refused

__all__ = ["here"]


def test_the_catalogue_every_metric_and_the_providers(here: Path) -> None:
    metrics = evalkit(here, "metrics").stdout
    assert "acc.wer.en" in metrics
    assert "lat.word_first.p50" in metrics
    assert "local-moonshine" in evalkit(here, "providers").stdout
    assert "5 clips" in evalkit(here, "corpus", "check", "calls").stdout


def test_metrics_can_be_asked_for_by_how_their_id_begins(here: Path) -> None:
    told = evalkit(here, "metrics", "acc.slice.").stdout
    assert "acc.slice.en.worst_gap  Worst slice (en)  percent, lower is better" in told
    assert "lat." not in told
    assert all(len(line) <= 100 for line in told.splitlines())
    assert "did you mean lat" in refused(evalkit(here, "metrics", "lta."))


def test_limits_says_whether_the_need_is_covered(here: Path) -> None:
    told = evalkit(here, "limits", "--starts-per-s", "0.5", "--session-s", "180")
    assert told.returncode == 1
    assert "needs 135 sessions at once, allowed 100" in told.stdout
    assert evalkit(here, "limits", "--starts-per-s", "0.1", "--session-s", "10").returncode == 0


def test_limits_checks_the_starts_alone_and_says_what_it_cannot_check(here: Path) -> None:
    told = evalkit(here, "limits", "--starts-per-s", "5000")
    assert told.returncode == 1
    assert "needs 7,500 starts a second, allowed 10" in told.stdout
    told = evalkit(here, "limits", "--starts-per-s", "0.01")
    assert told.returncode == 0
    assert "without --session-s" in told.stdout
    assert "the need of 0.015 starts a second, headroom included, cannot be checked" in told.stdout, "openai"
    assert told.stdout.count("cannot be checked") == 3, "and of deepgram only the sessions are known"


@pytest.mark.parametrize("option", ["--starts-per-s", "--session-s"])
@pytest.mark.parametrize("value", ["nan", "-1", "inf", "0"])
def test_a_need_is_a_number_above_0(option: str, value: str) -> None:
    done = CliRunner().invoke(app, ["limits", f"{option}={value}"])
    assert isinstance(done.exception, SettingsError)
    assert f"{option} must be a number above 0" in str(done.exception)


def test_a_length_alone_asks_nothing() -> None:
    assert "--starts-per-s as well" in str(CliRunner().invoke(app, ["limits", "--session-s=3"]).exception)


def test_limits_shows_what_was_seen_where_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "ramp-xai"
    with Store(folder).writing() as store:
        store.append(replace(answered(), provider="xai"))
        store.append(replace(answered(), provider="terms"))
    told = CliRunner().invoke(app, ["limits", "ramp-xai"]).stdout
    assert "xai over rest: allows 10 starts a second" in told
    assert "terms over rest: nothing known" in told
    assert told.count("requests: observed >= 1 per 60 s without rejection") == 2
    assert "streaming" not in told
    handmade.write_run(tmp_path / "results" / "demo")
    manifest = Store(tmp_path / "results" / "demo").manifest()
    Store(folder).write_manifest({key: value for key, value in manifest.items() if key != "limits"})
    told = CliRunner().invoke(app, ["limits", "ramp-xai"]).stdout
    assert told.count("nothing known") == told.count("observed >= 1 per 60 s") == 2


def test_limits_of_a_run_say_what_it_has_seen(here: Path) -> None:
    handmade.write_run(here / "results" / "demo")
    assert evalkit(here, "limits", "demo").returncode == 0
    assert "holds no run" in refused(evalkit(here, "limits", "other"))


@pytest.mark.parametrize("key", ["", "xai-planted-key-7f3a"])
def test_doctor_finds_the_key_without_showing_it(here: Path, key: str) -> None:
    done = evalkit(here, "doctor", "--no-network", XAI_API_KEY=key)
    assert ("key of xai: set" in done.stdout) == bool(key)
    assert "planted" not in done.stdout + done.stderr
    assert "disk space" in done.stdout
