"""A replay's two doors: what is asked where, what is refused, and every fault told again."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from evalkit import corpora, harness
from evalkit.corpora import Corpus
from evalkit.emulator import launch, with_knobs
from evalkit.emulator.faults import Fault, written
from evalkit.plan import Choice, Plan
from evalkit.providers import load
from evalkit.replay import Recording
from evalkit.store import Store
from evalkit.types import Event, Hypothesis, Route, Trace
from tests import fakes_deepgram
from tests.patience import LONG_S, in_a_quiet_moment
from tests.replayed import of_traces, playing
from tests.trials import KNOBS, TRUTH, Came, corpus, hurried, script, tried

START = datetime(2026, 11, 20, tzinfo=UTC)


def answered(
    corpus: Corpus, body: str, *, clip: int = 0, attempt: int = 1, status: int = 200, name: str = "p"
) -> Trace:
    headers = {"x-request-id": "7", "date": "then", "server": "theirs"}
    data = {"status": status, "headers": headers, "body": body, "phases": {"sent_s": 0.01, "first_byte_s": 0.15}}
    asked = {"method": "POST", "url": "https://x.example/v1/stt"}
    events = (Event(0.0, 0.0, "sent", asked), Event(0.2, 2.0, "received", data))
    began_at = START + timedelta(seconds=attempt)
    return Trace(corpus.clips[clip].id, name, "rest", {}, attempt, began_at, events)


@pytest.fixture
def noise(tmp_path: Path) -> Corpus:
    return corpus(tmp_path, 1)


def wav(noise: Corpus) -> bytes:
    return corpora.audio(noise.clips[0]).wav()


def recorded(noise: Corpus, *traces: Trace, in_order: bool = False) -> Recording:
    return of_traces(traces, noise.clips, in_order=in_order)


async def posted(url: str, content: bytes) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=LONG_S) as client:
        return await client.post(url, content=content, headers={"content-type": "audio/wav"})


async def got(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=LONG_S) as client:
        return await client.get(url)


async def test_attempts_are_told_in_their_order_with_status_headers_body_and_time(noise: Corpus) -> None:
    run = recorded(noise, answered(noise, "busy", status=429), answered(noise, "ä", attempt=2))
    async with playing(run) as url:
        for status, body in [(429, "busy"), (200, "ä"), (429, "busy")]:
            answer = await posted(f"{url}/v1/stt", wav(noise))
            assert (answer.status_code, answer.content.decode()) == (status, body)
            assert answer.elapsed.total_seconds() > 0.185
            assert answer.headers["x-request-id"] == "7"
            assert (answer.headers["date"], answer.headers["server"]) == ("then", "theirs")
            assert answer.headers["content-length"] == str(len(body.encode()))


async def test_the_head_of_an_answer_comes_before_its_body_as_it_did(noise: Corpus) -> None:
    slow = answered(noise, "yes")
    data = {**slow.events[1].data, "phases": {"sent_s": 0.01, "first_byte_s": 0.2}}
    events = (slow.events[0], dataclasses.replace(slow.events[1], t_s=0.6, data=data))
    async with (
        playing(recorded(noise, dataclasses.replace(slow, events=events))) as url,
        httpx.AsyncClient(trust_env=False, timeout=LONG_S) as client,
    ):

        async def attempt(_: int) -> None:
            began = time.perf_counter()
            async with client.stream("POST", f"{url}/v1/stt", content=wav(noise)) as answer:
                head_s = time.perf_counter() - began
                assert await answer.aread() == b"yes"
            assert 0.18 < head_s < 0.45
            assert 0.58 < time.perf_counter() - began < 1.0

        await in_a_quiet_moment(attempt)


async def test_an_upload_over_a_slow_network_is_waited_for(noise: Corpus) -> None:
    """What the way to the service took is part of what its user waited."""
    far = answered(noise, "yes")
    data = {**far.events[1].data, "phases": {"sent_s": 0.4, "first_byte_s": 0.5}}
    events = (far.events[0], dataclasses.replace(far.events[1], t_s=0.5, data=data))
    async with playing(recorded(noise, dataclasses.replace(far, events=events))) as url:

        async def attempt(_: int) -> None:
            assert 0.49 < (await posted(f"{url}/v1/stt", wav(noise))).elapsed.total_seconds() < 0.8

        await in_a_quiet_moment(attempt)


async def test_unknown_sound_is_404_and_told_in_order_when_asked_for(noise: Corpus) -> None:
    notes: list[str] = []
    async with playing(recorded(noise, answered(noise, "yes")), notes=notes) as url:
        answer = await posted(f"{url}/v1/stt", b"another sound")
    assert answer.status_code == 404
    assert "not of a clip of the run" in answer.json()["error"]
    assert notes[0].startswith("refused: this sound")
    async with playing(recorded(noise, answered(noise, "yes"), in_order=True), notes=notes) as url:
        assert (await posted(f"{url}/v1/stt", b"another sound")).text == "yes"
    assert notes[1:] == ["p rest: noise-0, attempt 1"]


async def test_several_providers_stand_below_their_names(noise: Corpus) -> None:
    run = recorded(noise, answered(noise, "one", name="first"), answered(noise, "two", name="second"))
    async with playing(run, speed=2) as url:
        assert (await posted(f"{url}/first/v1/stt", wav(noise))).text == "one"
        assert (await posted(f"{url}/second/v1/stt", wav(noise))).text == "two"
        nameless = await posted(f"{url}/v1/stt", wav(noise))
        assert nameless.status_code == 404
        assert "/first or /second" in nameless.json()["error"]
        assert (await got(url)).json() == {"replays": {"first": "/first", "second": "/second"}}
        assert (await got(f"{url}/second")).json() == {"server": "evalkit.replay", "speed": 2.0}
        below = await got(f"{url}/second/v1/stt")
        assert (below.status_code, below.json()["server"]) == (404, "evalkit.replay")


async def test_what_was_not_recorded_is_not_answered(noise: Corpus) -> None:
    async with playing(recorded(noise, answered(noise, "yes"))) as url:
        elsewhere = await posted(f"{url}/v2/listen", wav(noise))
        assert elsewhere.status_code == 404
        assert "nothing was recorded at /v2/listen; what was recorded is /v1/stt" in elsewhere.json()["error"]
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{url}/v1/stt".replace("http", "ws", 1)):
                pass
    assert refused.value.response.status_code == 404
    assert b"nothing was recorded of p over a socket" in (refused.value.response.body or b"")


def essence(came: Came) -> object:
    """All that a client was told, attempt by attempt, and what it made of it."""
    received = [
        [
            event.data if isinstance(event.data, str) else (event.data["status"], event.data["body"])
            for event in trace.events
            if event.kind == "received"
        ]
        for trace in came.traces
    ]
    return came.failures, came.texts, came.final, [trace.from_s for trace in came.traces], received


STRUCK: tuple[tuple[str, Route], ...] = (
    ("busy", "rest"),
    ("busy", "streaming"),
    ("cut_body", "rest"),
    ("reset", "streaming"),
    ("expired_token", "streaming"),
)


@pytest.mark.slow
async def test_a_run_with_faults_is_told_again_attempt_by_attempt(tmp_path: Path) -> None:
    """A refused upgrade, a dropped stream that is taken up again, an answer that breaks off: the same once more."""
    resumed = 0
    with hurried(), launch("scripted", script=script(tmp_path)) as emulated:
        for kind, route in STRUCK:
            fault = dataclasses.replace(Fault.of(kind, route, at_s=1.2), seconds=0.1)
            knobs = dataclasses.replace(KNOBS, faults=written([fault]), trial=f"{kind}-{route}")
            folder = tmp_path / f"{kind}-{route}"
            once = await tried(with_knobs(emulated, knobs), route, folder, kind=kind)
            async with playing(of_traces(once.traces, corpus(folder, 1).clips)) as url:
                again = await tried(url, route, folder / "again", kind=kind)
            assert essence(again) == essence(once), kind
            resumed += any(trace.from_s > 0 for trace in again.traces)
    assert resumed >= 1


@pytest.mark.parametrize("route", ["rest", "streaming"])
async def test_the_traces_of_another_vendor_are_told_as_well(route: Route, tmp_path: Path) -> None:
    """A body without a form, a socket without a greeting."""
    noise = corpus(tmp_path, 1)

    async def run(url: str, folder: Path) -> tuple[Trace, ...]:
        options: dict[str, Any] = {"base_url": url, "key_env": "", "streaming.speed": 10.0}
        store = Store(folder)
        with store.writing():
            await harness.run(Plan(Choice("deepgram", options), routes=(route,)), noise, store)
        return tuple(store.traces())

    async def attempt(number: int) -> None:
        folder = tmp_path / str(number)
        with fakes_deepgram.serving(script(tmp_path), tmp_path) as (theirs, _):
            once = await run(theirs, folder / "once")
        async with playing(of_traces(once, noise.clips)) as url:
            again = await run(f"{url}/deepgram", folder / "again")
        provider = load("deepgram", route)
        first, second = (Hypothesis.of(provider.parse(trace.events)) for (trace,) in (once, again))
        assert first.text == second.text == TRUTH
        # What is still unsaid when a client that was held up ends the stream is read as the answer to that.
        assert [update.words for update in second.updates] == [update.words for update in first.updates]

    await in_a_quiet_moment(attempt)
