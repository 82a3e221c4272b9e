"""What is tried where: the whole plan at the embedded server, bad weather before any other provider."""

import asyncio
import dataclasses
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evalkit import corpora, emulator, stages, trials
from evalkit.corpora import Corpus
from evalkit.emulator import faults
from evalkit.errors import CorpusError, SettingsError
from evalkit.plan import Choice, Plan
from evalkit.stages import NETWORK
from evalkit.verdicts import FAIR
from evalkit.weather import Trouble
from tests.conftest import OPEN
from tests.shell import KEY

SIX = {"network.drop", "network.half_open", "network.stall", "network.slow_reader", "network.delay", "network.jitter"}
LOCAL = {"base_url": "http://127.0.0.1:9", "key_env": None}
ELSEWHERE = "service.test"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpora.load(OPEN)


def test_the_embedded_plan_has_every_fault_and_all_weather(tmp_path: Path) -> None:
    stage = stages.embedded(tmp_path)
    found = {(trial.name, trial.route) for trial in stage.trials}
    assert {(kind, route) for kind, about in faults.KINDS.items() for route in about.routes} <= found
    assert {(name, route) for name in SIX for route in faults.BOTH} <= found
    assert len(stage.trials) == len({trial.key for trial in stage.trials}) > 70
    assert not stage.live


def test_the_seed_decides_and_a_choice_of_kinds_changes_nothing_else(tmp_path: Path) -> None:
    whole = {trial.key: trial for trial in stages.embedded(tmp_path, seed=3).trials}
    (one,) = stages.embedded(tmp_path, seed=3, kinds=["reset"]).trials
    assert whole[one.key] == one
    assert whole != {trial.key: trial for trial in stages.embedded(tmp_path, seed=4).trials}


def test_an_unknown_kind_or_route_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'busy'"):
        stages.embedded(tmp_path, kinds=["bussy"])
    with pytest.raises(SettingsError, match="none of these faults is one of rest"):
        stages.embedded(tmp_path, kinds=["reset"], routes=["rest"])
    with pytest.raises(SettingsError, match="did you mean 'rest'"):
        stages.embedded(tmp_path, routes=["rst"])  # type: ignore[list-item]


def test_a_candidate_meets_all_weather_on_short_clips_and_fair_weather_too(corpus: Corpus) -> None:
    stage = stages.candidate(Plan(Choice("xai", LOCAL)), corpus)
    for route in faults.BOTH:
        mine = [trial for trial in stage.trials if trial.route == route]
        struck = [trial for trial in mine if trial.name != FAIR]
        assert {trial.name for trial in struck} == SIX
        assert {trial.clip.id for trial in mine if trial.name == FAIR} == {trial.clip.id for trial in struck}
    assert all(2 <= trial.clip.duration_s <= 12 and trial.clip.times_source for trial in stage.trials)
    for trial in stage.trials:
        if isinstance(trial.strike, Trouble) and trial.name == NETWORK + "drop":
            at_s = trial.strike.weather.drop_at_s or 0.0
            assert at_s == 0 if trial.route == "rest" else 0.2 < at_s / trial.clip.duration_s < 0.8


def test_who_cannot_be_put_into_bad_weather_is_told_so(corpus: Corpus) -> None:
    with pytest.raises(SettingsError, match="only https"):
        stages.candidate(Plan(Choice("xai", {"base_url": "http://example.org"}), budget_usd=1.0), corpus)
    for place in ("http://127.0.0.1:8", "https://api.x.ai"):
        apart = {**LOCAL, "streaming.base_url": place}
        with pytest.raises(SettingsError, match="one route at a time"):
            stages.candidate(Plan(Choice("xai", apart), budget_usd=1.0), corpus)
    with pytest.raises(CorpusError, match="choose another --corpus"):
        stages.candidate(Plan(Choice("xai", LOCAL)), dataclasses.replace(corpus, clips=corpus.clips[:0]))


def test_a_server_on_this_machine_is_reached_through_the_weather(tmp_path: Path, corpus: Corpus) -> None:
    with emulator.launch("scripted", script={"words": [["please", 0.3, 0.6]]}) as url:
        plan = Plan(Choice("xai", {"base_url": url, "key_env": None}))
        stage = stages.candidate(plan, corpus, kinds=["network.drop"])
        results = asyncio.run(trials.run(stage, tmp_path))
    assert results.ok
    assert [(one.fault, one.route, one.found) for one in results.verdicts] == [
        ("fair", "rest", "answer"), ("fair", "streaming", "answer"),
        ("network.drop", "rest", "unavailable, answer"), ("network.drop", "streaming", "unavailable, answer"),
    ]  # fmt: skip
    requests = next(row for row in results.summary if row.metric == "fail.amplification")
    assert (requests.numerator, requests.denominator) == (2, 1), "fair weather is no fault"


@asynccontextmanager
async def over_tls(url: str, folder: Path) -> AsyncIterator[str]:
    """The same server behind TLS, at a name that is not one of this machine."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=service"
    names = ["-addext", f"subjectAltName=DNS:{ELSEWHERE}", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)  # noqa: ASYNC221 a moment
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(folder / "cert", folder / "key")
    parts = urlsplit(url)

    async def move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection(parts.hostname, parts.port)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(move(reader, far[1]), move(far[0], writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=trust)
    async with server:
        yield f"https://{ELSEWHERE}:{server.sockets[0].getsockname()[1]}"


def test_a_live_service_is_reached_through_a_tunnel_within_the_budget(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    monkeypatch.setenv("XAI_API_KEY", KEY)
    monkeypatch.setenv("no_proxy", "*")
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: resolve("127.0.0.1" if host == ELSEWHERE else host, *rest, **more),
    )
    before = dict(os.environ)

    async def all_of(url: str) -> trials.Results:
        async with over_tls(url, tmp_path) as address:
            plan = Plan(Choice("xai", {"base_url": address}), routes=("rest", "streaming"), budget_usd=0.5)
            stage = stages.candidate(plan, corpus, kinds=["network.drop"])
            assert stage.live
            assert stage.width == 1
            return await trials.run(stage, tmp_path / "run")

    with emulator.launch("scripted", script={"words": [["please", 0.3, 0.6]]}) as url:
        results = asyncio.run(all_of(url))
    assert [(one.route, one.fault, one.found, one.ok) for one in results.verdicts] == [
        ("rest", "fair", "answer", True), ("streaming", "fair", "answer", True),
        ("rest", "network.drop", "unavailable, answer", True),
        ("streaming", "network.drop", "unavailable, answer", True),
    ]  # fmt: skip
    assert {one.evidence for one in results.verdicts} == {"live"}
    spent: list[Any] = [len(path.read_text().splitlines()) for path in (tmp_path / "run").rglob("spending.jsonl")]
    assert sum(spent) == 6, "every attempt was paid for in advance"
    assert dict(os.environ) == before, "the proxy is gone"
    assert not any(KEY.encode() in path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
