"""Sending, scoring and paying from a shell."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from evalkit import emulator
from evalkit.cli import app
from evalkit.errors import SettingsError
from evalkit.store import Store
from tests import handmade
from tests.benchmarks import crashes
from tests.conftest import OPEN
from tests.peers import closed_port
from tests.shell import KEY, SCRIPT, SHORT, evalkit, here, refused

__all__ = ["here"]


@pytest.mark.slow
def test_the_embedded_default_from_audio_to_report(here: Path) -> None:
    """Both recognisers over both routes on real audio: true figures, every metric there, none a constant."""
    expected = {
        "acc.wer.en", "acc.wer.basic", "dia.der", "dia.cpwer", "ts.offset.start.mean", "ts.offset.end.mean", "str.ne",
        "str.rewrites_per_min", "lat.word_first.p50", "lat.rtfx", "cost.per_audio_hour", "run.coverage",
        "pace.late_p99",
    }  # fmt: skip
    arguments = ["--corpus", "calls", "--candidate", "local-moonshine,rest.diarize=true"]
    arguments += ["--incumbent", "local-pocketsphinx,rest.diarize=true"]
    for name in ("first", "second", "third"):  # a machine too busy to pace its streams has no delays to tell
        done = evalkit(here, "run", *arguments, "--run", name)
        assert done.returncode == 0, done.stderr
        folder = here / "results" / name
        assert f"report: {folder.relative_to(here)}/report.html" in done.stdout
        summary = pd.read_csv(folder / "summary.csv").query("slice == 'all'")
        values = summary.dropna(subset="value").groupby("metric")["value"]
        if "lat.word_first.p50" in values.groups and values.get_group("lat.word_first.p50").nunique() > 1:
            break
    wer = summary.query("metric == 'acc.wer.en'").set_index(["provider", "route"])["value"]
    assert len(wer) == 4
    assert wer["local-moonshine"].max() < 0.25
    assert wer["local-pocketsphinx"].min() > wer["local-moonshine"].max()
    assert expected <= set(values.groups)
    measured = {name for name in expected - {"run.coverage"} if values.get_group(name).nunique() == 1}
    assert not measured, f"the same for every provider and route: {measured}"
    assert (summary.query("metric == 'run.coverage'")["value"] == 1).all()
    few = summary.query("metric == 'lat.ttfs.p50' and route == 'streaming'")
    assert few["note"].str.contains("not measurable with n = ").all(), "four streams are too few for a median"
    delays = pd.read_csv(folder / "scores.csv")[
        ["lat.ttfp_speech[]", "lat.ttfs[]", "lat.finalize[]", "lat.rest_total[]"]
    ]
    assert (delays.nunique() > 1).all()
    again = evalkit(here, "run", *arguments, "--run", name)
    assert again.returncode == 0, again.stderr
    assert set(Counter((t.clip_id, t.provider, t.route) for t in Store(folder).traces()).values()) == {1}


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_like_a_run_left_alone_and_buys_nothing_twice() -> None:
    """``python -m tests.benchmarks.crashes`` does this two hundred times."""
    found = crashes.trials(6, seed=7)
    assert found.killed.total() == 6
    assert found.faults == []


@pytest.mark.parametrize(
    ("most_bytes", "told"),
    [
        (20_000, r"traces\.jsonl: cannot be written .*; free space; what xai said of clip '.*' is lost, all before"),
        (70_000, r"scores\.csv: cannot be written \(File too large\); free space"),
    ],
)
def test_a_full_disk_costs_the_clip_in_flight_and_leaves_no_half_file(here: Path, most_bytes: int, told: str) -> None:
    """A limit on the size of any file stands for the disk."""
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))"
    folder = here / "results" / "full"
    with emulator.launch("scripted", script=SCRIPT) as url:
        arguments = ["run", "--corpus", "calls", "--candidate", f"xai,base_url={url},key_env=,speed=20"]
        arguments += ["--run", "full"]
        full = subprocess.run(
            [sys.executable, "-c", f"{program}; from evalkit.cli import main; main()", *arguments],
            cwd=here, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert re.search(told, refused(full))
        kept = {trace.clip_id + trace.route: trace for trace in Store(folder).traces()}
        assert (folder / "traces.jsonl").read_bytes()[-1:] in (b"", b"\n")
        assert not [path for path in folder.iterdir() if path.suffix in (".csv", ".html", ".part")]
        again = evalkit(here, *arguments)
    assert again.returncode == 0, again.stderr
    after = {trace.clip_id + trace.route: trace for trace in Store(folder).traces()}
    assert len(after) == 2 * len(SHORT)
    assert {name: after[name] for name in kept} == kept, "what was stored is neither changed nor bought again"


def test_a_closed_port_is_one_sentence(here: Path) -> None:
    import asyncio

    url = asyncio.run(closed_port())
    sentence = refused(evalkit(here, "run", "--corpus", "calls", "--candidate", f"xai,base_url={url},key_env="))
    assert "cannot be reached (connection refused)" in sentence


def test_a_wrong_key_is_one_sentence_and_the_key_is_nowhere(here: Path) -> None:
    os.environ["EVALKIT_TEST_ACCEPTED"] = "the-right-key"
    try:
        with emulator.launch("scripted", script=SCRIPT, accepted_key_env="EVALKIT_TEST_ACCEPTED") as url:
            arguments = ("run", "--corpus", "calls", "--candidate", f"xai,base_url={url}", "--run", "refused")
            done = evalkit(here, *arguments, XAI_API_KEY=KEY)
            missing = evalkit(here, *arguments)
    finally:
        del os.environ["EVALKIT_TEST_ACCEPTED"]
    assert "check XAI_API_KEY" in refused(done)
    assert "set the environment variable XAI_API_KEY" in refused(missing)
    assert not (here / "results" / "calls-xai").exists(), "a missing key is found before anything is written"
    written = [path.read_bytes() for path in (here / "results").rglob("*") if path.is_file()]
    assert any(b'"Authorization":"***"' in content for content in written)
    assert not any(KEY.encode() in content for content in [*written, done.stdout.encode(), done.stderr.encode()])


def test_a_corrupt_file_is_one_sentence_and_nothing_is_sent(here: Path) -> None:
    (here / "calls" / "audio").unlink()
    (here / "calls" / "audio").mkdir()
    for clip_id in SHORT:
        shutil.copy(OPEN / "audio" / f"{clip_id}.flac", here / "calls" / "audio")
    (here / "calls" / "bad.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk")
    with (here / "calls" / "manifest.jsonl").open("a") as manifest:
        manifest.write('{"path": "bad.wav", "text": "hello"}\n')
    sentence = refused(evalkit(here, "run", "--corpus", "calls"))
    assert "manifest.jsonl:6" in sentence
    assert "bad.wav cannot be decoded" in sentence
    assert not (here / "results").exists()


def test_sound_that_breaks_off_inside_is_found_before_the_run(here: Path) -> None:
    samples, rate = soundfile.read(OPEN / "audio" / "prompt-agent-pass.flac")
    soundfile.write(here / "calls" / "torn.flac", samples, rate)
    content = (here / "calls" / "torn.flac").read_bytes()
    (here / "calls" / "torn.flac").write_bytes(content[:200] + bytes(len(content) - 200))
    (here / "calls" / "manifest.jsonl").write_text('{"path": "torn.flac", "text": "hello"}\n')
    sentence = refused(evalkit(here, "corpus", "check", "calls"))
    assert "torn.flac" in sentence


def test_estimate_says_what_a_run_would_cost_and_sends_nothing(here: Path) -> None:
    told = evalkit(here, "estimate", "--corpus", "calls", "--candidate", "xai", "--budget-usd", "0.0001").stdout
    assert "at worst" in told
    assert "10 starts a second" in told
    assert "the budget of $0.0001 may end the run" in told
    assert "points of WER" in " ".join(told.split())
    assert not (here / "results").exists()


def test_estimate_counts_what_is_spent_already(here: Path) -> None:
    arguments = ("estimate", "--corpus", "calls", "--candidate", "xai", "--run", "paid", "--budget-usd", "1")
    assert "may end the run" not in evalkit(here, *arguments).stdout
    with Store(here / "results" / "paid").writing() as store:
        store.spend(Decimal("0.9999"), provider="xai", route="rest")
    told = evalkit(here, *arguments).stdout
    assert "$0.9999 is spent or reserved already in results/paid" in told
    assert "the budget of $1.00 may end the run" in told


def test_an_invoice_is_held_against_the_run(here: Path) -> None:
    handmade.write_run(here / "results" / "demo")
    (here / "bill.csv").write_text("provider,route,usd\nlocal-moonshine,rest,1.00\n")
    done = evalkit(here, "reconcile", "demo", "bill.csv")
    assert "$1.00" in done.stdout, done.stderr
    assert "the invoice has no line for local-moonshine streaming, local-pocketsphinx rest" in done.stdout
    with Store(here / "results" / "demo").writing() as store:
        store.spend(Decimal("0.3333"), provider="local-moonshine", route="rest")
    assert "$0.3333" in evalkit(here, "reconcile", "demo", "bill.csv").stdout
    narrow = evalkit(here, "reconcile", "demo", "bill.csv", COLUMNS="40").stdout
    assert "$1.00" in narrow
    assert "$0.3333" in narrow
    assert "…" not in narrow
    (here / "bill.csv").write_text("provider,usd\nlocal-moonshin,1\n")
    assert "did you mean" in refused(evalkit(here, "reconcile", "demo", "bill.csv"))


def test_a_ramp_is_made_once_a_day_and_its_folder_can_be_looked_at(here: Path) -> None:
    with emulator.launch("scripted", script=SCRIPT) as url:
        options = f"base_url={url},key_env=,frame_ms=200"
        done = evalkit(here, "ramp", f"xai,{options}", "--up-to", "2", "--needed", "2")
        assert done.returncode == 0, done.stderr
        assert "up to 2 sessions at once: at most 3 clips" in done.stdout
        assert "2 sessions at once: 2 answered, at most 2 of them at once, 0 refused" in done.stdout
        again = refused(evalkit(here, "ramp", f"other=xai,{options}", "--up-to", "2"))
    (folder,) = (here / "results").iterdir()
    assert f"`evalkit limits {folder.name}`" in again
    told = evalkit(here, "limits", folder.name)
    assert told.returncode == 0, told.stderr
    assert "in flight: observed >= 2" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["local-moonshine", "--up-to", "2"], "runs inside evalkit"),
        (["xai,base_url=http://127.0.0.1:9,key_env=", "--needed", "nan"], "--needed must be a number above 0"),
        (["xai,base_url=http://127.0.0.1:9,key_env=", "--needed", "inf"], "--needed must be a number above 0"),
    ],
)
def test_what_a_ramp_cannot_do_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["ramp", *arguments])
    assert isinstance(done.exception, SettingsError)
    assert sentence in str(done.exception)
    assert not list(tmp_path.iterdir())
