"""The command line as a user meets it: a process, its output, its exit status."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from evalkit import emulator
from evalkit.store import Store
from tests.conftest import OPEN
from tests.peers import closed_port

EVALKIT = [sys.executable, "-m", "evalkit"]
KEY = "xai-planted-key-7f3a"
SHORT = ("prompt-agent-pass", "phone-conf-getconfno", "noisy-conf-kicked", "dialogue-stereo-2", "nonspeech-pink")
SCRIPT = {"words": [["please", 0.3, 0.6], ["enter", 0.6, 0.9], ["your", 0.9, 1.1], ["password", 1.1, 1.6]]}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A user's working folder."""
    (tmp_path / "calls").mkdir()
    lines = (OPEN / "manifest.jsonl").read_text().splitlines()
    chosen = [line for line in lines if any(f'"id": "{clip_id}"' in line for clip_id in SHORT)]
    (tmp_path / "calls" / "manifest.jsonl").write_text("\n".join(chosen) + "\n")
    (tmp_path / "calls" / "audio").symlink_to(OPEN / "audio")
    return tmp_path


def evalkit(here: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EVALKIT, *arguments],
        cwd=here,
        env={**os.environ, "COLUMNS": "100", **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a user's mistake."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *_, sentence = done.stderr.strip().splitlines()
    assert sentence.startswith("evalkit: ")
    return sentence


@pytest.mark.slow
def test_the_embedded_default_from_audio_to_report(here: Path) -> None:
    """Both recognisers over both routes on real audio: true figures, every metric there, none a constant."""
    done = evalkit(
        here, "run", "--corpus", "calls", "--candidate", "local-moonshine,rest.diarize=true",
        "--incumbent", "local-pocketsphinx,rest.diarize=true", "--run", "first",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = here / "results" / "first"
    assert f"report: {folder.relative_to(here)}/report.html" in done.stdout
    summary = pd.read_csv(folder / "summary.csv").query("slice == 'all'")
    wer = summary.query("metric == 'acc.wer.en'").set_index(["provider", "route"])["value"]
    assert len(wer) == 4
    assert wer["local-moonshine"].max() < 0.25
    assert wer["local-pocketsphinx"].min() > wer["local-moonshine"].max()
    values = summary.dropna(subset="value").groupby("metric")["value"]
    expected = {
        "acc.wer.en", "acc.wer.basic", "dia.der", "dia.cpwer", "ts.offset.start.mean", "ts.offset.end.mean", "str.ne",
        "str.rewrites_per_min", "lat.ttfp_speech.p50", "lat.word_first.p50", "lat.ttfs.p50", "lat.finalize.p50",
        "lat.rest_total.p50", "lat.rtfx", "cost.per_audio_hour", "run.coverage", "pace.late_p99",
    }  # fmt: skip
    assert expected <= set(values.groups)
    measured = {name for name in expected - {"run.coverage"} if values.get_group(name).nunique() == 1}
    assert not measured, f"the same for every provider and route: {measured}"
    assert (summary.query("metric == 'run.coverage'")["value"] == 1).all()
    again = evalkit(here, "run", "--corpus", "calls", "--candidate", "local-moonshine,rest.diarize=true",
                    "--incumbent", "local-pocketsphinx,rest.diarize=true", "--run", "first")  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert set(Counter((t.clip_id, t.provider, t.route) for t in Store(folder).traces()).values()) == {1}


@pytest.mark.slow
def test_killed_three_times_it_ends_like_a_run_left_alone_and_buys_nothing_twice(here: Path) -> None:
    seed = random.Random(7)
    with emulator.launch("scripted", script=SCRIPT) as url:
        command = [*EVALKIT, "run", "--corpus", "calls", "--candidate", f"xai,base_url={url},key_env="]
        store = Store(here / "results" / "killed")
        recorded: set[tuple[str, str, str]] = set()
        for _ in range(3):
            process = subprocess.Popen(
                [*command, "--run", "killed"], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            before = len(recorded)
            deadline = time.monotonic() + 60
            while len(recorded) == before and time.monotonic() < deadline and process.poll() is None:
                time.sleep(seed.uniform(0.05, 0.4))
                recorded = {(t.clip_id, t.provider, t.route) for t in store.traces()}
            process.send_signal(signal.SIGKILL)
            process.wait()
            recorded = {(t.clip_id, t.provider, t.route) for t in store.traces()}
        assert 3 <= len(recorded) <= 10
        for name in ("killed", "alone"):
            done = subprocess.run(
                [*command, "--run", name], cwd=here, capture_output=True, text=True, timeout=200, check=False
            )
            assert done.returncode == 0, done.stderr
    bought = Counter((t.clip_id, t.provider, t.route) for t in store.traces())
    assert set(bought.values()) == {1}, "nothing that was recorded was sent again"
    killed, alone = (pd.read_csv(here / "results" / name / "scores.csv") for name in ("killed", "alone"))
    text = ["clip_id", "provider", "route", "failure", "reference", "hypothesis", "acc.wer.en.hits"]
    pd.testing.assert_frame_equal(killed[text], alone[text])


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


@pytest.mark.parametrize(
    ("line", "arguments", "expected"),
    [
        ('{"path": "../x.wav", "text": "a"}', ("run", "--corpus", "calls"), "manifest.jsonl:1: path '../x.wav' leaves"),
        ("", ("run", "--candidate", "local-moonshin"), "did you mean 'local-moonshine'"),
        ("", ("run", "--candidate", "xai"), "--budget-usd"),
        ("", ("run", "--candidate", "xai,langauge=en", "--budget-usd", "1"), "did you mean 'language'"),
        ("", ("run", "--corpus", "nowhere"), "no such corpus"),
        ("", ("run", "plan.toml"), "plan.toml: cannot be read"),
        ("", ("run", "--candidate", ""), "unknown provider ''"),
        ("", ("run", "--candidate", "[/b]=local-moonshine"), "provider name '[/b]' must be a plain name"),
        ("", ("run", "--routes", "rest,rest"), "routes must name each of"),
        ("", ("run", "--budget-usd", "nan"), "budget_usd must be a number"),
        ("", ("score", "no-such-run"), "holds no run"),
        ("", ("report", "no-such-run"), "holds no run"),
        ("", ("serve", "--knob", "done_txt=full"), "did you mean 'done_text'"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_fix(
    here: Path, line: str, arguments: tuple[str, ...], expected: str
) -> None:
    if line:
        (here / "calls" / "manifest.jsonl").write_text(line + "\n")
    assert expected in refused(evalkit(here, *arguments))
    assert not (here / "results").exists(), "nothing half-written"


def test_help_names_every_verb_and_the_catalogue_every_metric(here: Path) -> None:
    text = evalkit(here, "--help").stdout
    for verb in ("run", "score", "report", "serve", "corpus", "providers", "metrics"):
        assert verb in text
    metrics = evalkit(here, "metrics").stdout
    assert "acc.wer.en" in metrics
    assert "lat.word_first.p50" in metrics
    assert "local-moonshine" in evalkit(here, "providers").stdout
    assert "5 clips" in evalkit(here, "corpus", "check", "calls").stdout


def test_serve_says_where_it_listens_and_ends_on_interrupt(here: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*EVALKIT, "serve", "--engine", "pocketsphinx", "--port", "0"], cwd=here, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        assert "PocketSphinx" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
