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
from tests.shell import KEY, evalkit, here, refused

__all__ = ["here"]

KEYS = ("DEEPGRAM_API_KEY", "GROQ_API_KEY", "OPENAI_API_KEY", "XAI_API_KEY")


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


def limits(*options: str) -> tuple[int, str]:
    """Exit status and what was said, in one line."""
    done = CliRunner().invoke(app, ["limits", *options])
    if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.stdout.split())


@pytest.fixture
def keyless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which no service has a key."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_limits_says_whether_the_need_is_covered(here: Path) -> None:
    told = evalkit(here, "limits", "--starts-per-s", "0.5", "--session-s", "180", XAI_API_KEY=KEY)
    assert told.returncode == 1
    assert "needs 135 sessions at once, allowed 100 (180 s each)" in told.stdout
    assert evalkit(here, "limits", "--all", "--starts-per-s", "0.1", "--session-s", "10").returncode == 0


def test_a_rest_request_does_not_last_as_long_as_a_stream(keyless: Path) -> None:
    code, told = limits("--all", "--starts-per-s", "4", "--session-s", "1")
    assert "deepgram over rest" in told
    assert "needs 60 sessions at once, allowed 50 (10 s each, assumed)" in told
    assert "a REST request is assumed to last 10 s: state yours with --request-s, or name a RUN" in told
    assert code == 1
    _, told = limits("--all", "--starts-per-s", "4", "--session-s", "600", "--request-s", "2")
    assert "below the need of 12 at once (2 s each) and 6 starts a second" in told
    assert "needs 3,600 sessions at once, allowed 50 (600 s each)" in told
    assert "assumed" not in told


def test_the_answers_of_a_run_say_how_long_a_request_lasts(keyless: Path) -> None:
    with Store(keyless / "results" / "ramp").writing() as store:
        for seconds in (3.0, 4.0, 60.0):
            store.append(replace(answered(seconds, sent_s=0.0), provider="xai"))
    load = ("ramp", "--starts-per-s", "2", "--session-s", "600")
    assert "the need of 12 at once (4 s each, median of this run) and 3 starts a second" in limits(*load)[1]
    assert "the need of 3 at once (1 s each) and 3 starts a second" in limits(*load, "--request-s", "1")[1]
    assert "leave out RUN, or --plan and --all" in str(CliRunner().invoke(app, ["limits", "ramp", "--all"]).exception)


def test_limits_shows_whom_the_user_may_mean_and_counts_the_rest(
    keyless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told = limits()
    assert (code, told[:39]) == (0, "4 without a key are left out (deepgram,")
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    told = limits()[1]
    assert "groq over rest" in told
    assert "3 without a key are left out (deepgram, openai, xai); --all shows them" in told
    assert "left out" not in (everyone := limits("--all")[1])
    assert "xai over streaming" in everyone
    (keyless / "plan.toml").write_text(
        'candidate = "mine=xai"\n[limits.mine.rest]\nrequests_per_s = 40\ndate = "2026-11-01"\n'
    )
    told = limits("--plan", "plan.toml", "--starts-per-s", "20")[1]
    assert "mine over rest: allows 40 starts a second (your console, 2026-11-01)" in told
    assert "mine over streaming: allows 10 starts a second" in told
    assert "2 without a key are left out (deepgram, openai)" in told


def test_the_needs_name_providers_the_load_and_what_the_console_says(keyless: Path) -> None:
    (keyless / "needs.toml").write_text(
        'candidate = "xai"\nincumbent = "deepgram"\nstarts_per_s = 0.5\nsession_s = 180\n'
        '[console.streaming]\nsessions = 300\ndate = "2026-11-01"\n'
    )
    code, told = limits("--needs", "needs.toml")
    assert code == 1
    assert "300 sessions at once (your console, 2026-11-01)" in told
    assert "needs 135 sessions at once, allowed 50 (180 s each)" in told, "deepgram"
    assert "2 without a key are left out (groq, openai)" in told
    assert "0.3 starts a second" in limits("--needs", "needs.toml", "--starts-per-s", "0.2")[1]
    (keyless / "needs.toml").write_text('incumbent = "deepgram"\n')
    assert "deepgram over streaming" in limits("--needs", "needs.toml")[1]


def test_a_need_without_anybody_to_hold_it_against_is_no_pass(keyless: Path) -> None:
    with pytest.raises(SettingsError, match="nobody to hold the need against: no service has a key here; see --all"):
        limits("--starts-per-s", "0.5")


def test_limits_checks_the_starts_alone_and_says_what_it_cannot_check(here: Path) -> None:
    told = evalkit(here, "limits", "--all", "--starts-per-s", "5000")
    assert told.returncode == 1
    assert "needs 7,500 starts a second, allowed 10" in told.stdout
    told = evalkit(here, "limits", "--all", "--starts-per-s", "0.01")
    assert told.returncode == 0
    assert "without --session-s" in told.stdout
    assert "the need of 0.015 starts a second, headroom included, cannot be checked" in told.stdout, "deepgram"
    assert " ".join(told.stdout.split()).count("cannot be checked") == 2, (
        "of openai nothing but the size of a file is known"
    )


@pytest.mark.parametrize("option", ["--starts-per-s", "--session-s", "--request-s"])
@pytest.mark.parametrize("value", ["nan", "-1", "inf", "0"])
def test_a_need_is_a_number_above_0(option: str, value: str) -> None:
    done = CliRunner().invoke(app, ["limits", f"{option}={value}"])
    assert isinstance(done.exception, SettingsError)
    assert f"{option} must be a number above 0" in str(done.exception)


@pytest.mark.parametrize("option", ["--session-s", "--request-s"])
def test_a_length_alone_asks_nothing(option: str) -> None:
    said = str(CliRunner().invoke(app, ["limits", f"{option}=3"]).exception)
    assert said == f"{option} alone asks nothing; say --starts-per-s as well"


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


def test_doctor_looks_at_whom_the_user_may_mean(here: Path) -> None:
    (here / "needs.toml").write_text('candidate = "xai"\n')
    done = evalkit(here, "doctor", "--no-network", "--needs", "needs.toml", XAI_API_KEY="", GROQ_API_KEY=KEY)
    told = " ".join(done.stdout.split())
    assert "key of xai: not set no API key: set the environment variable XAI_API_KEY" in told
    assert "key of groq: set" in told
    assert "key of deepgram" not in told
    assert "other services: 2 without a key are left out (deepgram, openai); --all" in told


def test_help_shows_tables_of_a_file_and_fills_its_lines(here: Path) -> None:
    told = evalkit(here, "limits", "--help").stdout
    assert "write its values into the plan, under [limits]. What was seen is" in " ".join(told.split())
    assert "what it says under [limits]." in " ".join(told.split())
    assert not [line for line in told.splitlines() if line.strip() == "a lower"], "broken where the docstring breaks"
