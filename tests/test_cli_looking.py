"""Looking before anything is sent, from a shell."""

from pathlib import Path

import pytest

from tests import handmade
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
