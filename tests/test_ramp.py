"""A ramp against real peers that refuse from a certain load on: it stops there, and claims no more than it saw."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from evalkit import providers, ramp
from evalkit.errors import BudgetExceeded, Refused, SettingsError, Unavailable
from evalkit.limits import Limits
from evalkit.plan import choice_of
from evalkit.providers.xai import Xai
from evalkit.ramp import Ask, Step
from evalkit.scoring import limits as seen
from evalkit.scoring.cost import Price
from evalkit.store import Store
from tests.patience import in_a_quiet_moment
from tests.peers import closed_port, http_answer, http_server

GOOD = http_answer(200, json.dumps({"text": "", "duration": 1.0}))
DEAR = Price("xai", "rest", "audio", 0.2, "page", "2026-11-20")


async def climbed(
    provider: providers.Provider,
    folder: Path,
    most: int,
    budget_usd: float | None = None,
    *,
    allowed: Limits = Limits(),  # noqa: B008 frozen
    progress: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    with Store(folder).writing() as store:
        return await ramp.climb(
            provider, store, most, allowed=allowed, price=DEAR, budget_usd=budget_usd, progress=progress
        )


class Streams:
    """A service of streams that admits only so many at once, or so many a second."""

    def __init__(self, most: int = 1000, apart_s: float = 0.0) -> None:
        self.most, self.apart_s = most, apart_s
        self.open_now = self.peak = 0
        self.starts: list[float] = []

    async def talk(self, socket: ServerConnection) -> None:
        await socket.send('{"type":"transcript.created"}')
        async for message in socket:
            if isinstance(message, str):
                await socket.send('{"type":"transcript.done","text":""}')
                break
        self.open_now -= 1

    def admit(self, _: ServerConnection, __: Request) -> Response | None:
        self.starts.append(asyncio.get_running_loop().time())
        hurried = len(self.starts) > 1 and self.starts[-1] - self.starts[-2] < self.apart_s
        if self.open_now >= self.most or hurried:
            return Response(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", Headers(), b"")
        self.open_now += 1
        self.peak = max(self.peak, self.open_now)
        return None

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator[providers.Provider]:
        async with serve(self.talk, "127.0.0.1", 0, process_request=self.admit) as server:
            url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield providers.load("xai", "streaming", base_url=url, key_env="", frame_ms=200, **options)


async def test_sessions_are_doubled_until_one_is_refused(tmp_path: Path) -> None:
    async with Streams(most=3).serving() as provider:
        steps = await climbed(provider, tmp_path, 16)
    assert [step.asked for step in steps] == [1, 2, 4], "eight are never tried"
    assert steps[:2] == [Step(1, 1, 0, 0, 1), Step(2, 2, 0, 0, 2)]
    assert (steps[2].answered, steps[2].refused, steps[2].at_once) == (3, 1, 3)
    found = seen.observed(Store(tmp_path).traces())["xai", "streaming"]
    assert found.first_refusal is not None
    assert found.first_refusal.status == 429


async def test_sessions_start_as_allowed_and_are_all_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At ten starts a second eight sessions take longer to open than a clip of 0.4 s lasts."""
    monkeypatch.setattr(ramp, "CLIP_S", 0.4)

    async def attempt(number: int) -> None:
        service = Streams(apart_s=0.08)
        async with service.serving() as provider:
            allowed = Limits(requests_per_s=10, sessions=100)
            steps = await climbed(provider, tmp_path / str(number), 8, allowed=allowed)
        assert service.peak == 8
        assert steps[-1] == Step(8, 8, 0, 0, 8), "the rate of starts was never refused"
        assert min(later - earlier for earlier, later in pairwise(service.starts)) >= 0.08

    await in_a_quiet_moment(attempt)


async def test_starts_that_a_stall_held_up_are_not_made_up_for_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be refused as too fast, and the ramp would take that for too many."""
    monkeypatch.setattr(ramp, "CLIP_S", 0.3)
    started: list[float] = []
    loop = asyncio.get_running_loop()
    converse = ramp._Climber.converse

    async def seen_starting(self: ramp._Climber, *rest: Any) -> ramp._Talk:
        started.append(loop.time())
        if len(started) == 4:
            time.sleep(0.5)  # noqa: ASYNC251 what a busy machine does
        return await converse(self, *rest)

    monkeypatch.setattr(ramp._Climber, "converse", seen_starting)
    async with Streams().serving(speed=4.0) as provider:
        await climbed(provider, tmp_path, 4, allowed=Limits(requests_per_s=10, sessions=100))
    assert len(started) == 7
    assert min(later - earlier for earlier, later in pairwise(started[3:])) >= 0.05


async def test_a_hurried_clip_is_as_long_as_it_must_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ramp, "CLIP_S", 0.3)

    async def attempt(number: int) -> None:
        service = Streams()
        async with service.serving(speed=4.0) as provider:
            assert (await climbed(provider, tmp_path / str(number), 4))[-1].at_once == 4
        assert service.peak == 4

    await in_a_quiet_moment(attempt)


async def test_a_refused_key_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ramp, "HOLD_S", 0.5)
    asked = 0

    def reply(_: bytes) -> bytes:
        nonlocal asked
        asked += 1
        return http_answer(401, '{"error":"no such key"}') if asked > 2 else GOOD

    async with http_server(reply) as url:
        with pytest.raises(Refused, match="no such key"):
            await climbed(providers.load("xai", "rest", base_url=url, key_env=""), tmp_path, 64)
    assert asked <= 4
    found = seen.observed(Store(tmp_path).traces())["xai", "rest"]
    assert 1 <= found.requests.peak <= 2, "what was refused shows nothing"


async def test_a_dead_host_ends_it_after_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ramp, "HOLD_S", 2.0)
    steps: list[Step] = []
    provider = providers.load("xai", "rest", base_url=await closed_port(), key_env="")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await climbed(provider, tmp_path, 64, progress=steps.append)
    assert steps == [Step(1, 0, 0, 2, 0)]
    assert not ramp.tried(Store(tmp_path)), "another one may follow today"


async def test_a_second_ramp_of_a_day_is_known_by_what_the_first_put_on_the_service(tmp_path: Path) -> None:
    async with Streams(most=0).serving() as provider:
        await climbed(provider, tmp_path, 1)
    assert ramp.tried(Store(tmp_path))


async def test_requests_are_spread_over_the_step_and_stop_at_the_first_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ramp, "HOLD_S", 0.5)

    async def attempt(number: int) -> None:
        asked = 0

        def reply(_: bytes) -> bytes:
            nonlocal asked
            asked += 1
            return GOOD if asked <= 20 else http_answer(429, "{}")

        async with http_server(reply) as url:
            provider = providers.load("xai", "rest", base_url=url, key_env="")
            steps = await climbed(provider, tmp_path / str(number), 64)
        assert [step.asked for step in steps] == [1, 2, 4, 8, 16, 32]
        assert steps[-1].refused >= 1
        assert steps[2] == Step(4, 2, 0, 0, 1), "one after the other is not at once"
        assert sum(step.answered for step in steps) == 20
        assert asked < sum(round(load * 0.5) for load in (1, 2, 4, 8, 16, 32)), "the rest of the last step is left out"

    await in_a_quiet_moment(attempt)


async def test_the_budget_ends_a_ramp_before_it_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Xai, "live", True)
    monkeypatch.setattr(ramp, "HOLD_S", 2)
    async with http_server(lambda _: GOOD) as url:
        provider = providers.load("xai", "rest", base_url=url, key_env="")
        with pytest.raises(BudgetExceeded):
            await climbed(provider, tmp_path, 4, budget_usd=3.5 * 0.2 / 3600)
    assert Store(tmp_path).spent_usd() == 3 * Decimal("0.000055556")


async def test_the_silence_after_a_clip_and_the_rounding_are_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Xai, "live", True)
    monkeypatch.setattr(ramp, "SPACING_S", 0.25)
    rounded = Price("xai", "streaming", "audio", 3.6, "page", "2026-11-20", granularity_s=2)
    async with Streams().serving(end_mode="silence", trailing_silence_s=1.9, speed=10.0) as provider:
        with Store(tmp_path).writing() as store:
            await ramp.climb(provider, store, 2, allowed=Limits(), price=rounded, budget_usd=1)
    # 10 s each of sound at ten times its speed, and 2.5 s more for the one that waits for the other.
    billed_s = [12, 16, 12]
    assert Store(tmp_path).spent_usd() == sum(Decimal(seconds) / 1000 for seconds in billed_s)
    sent = ramp.at_most(2, provider, Limits())
    assert [ask.audio_s for ask in sent] == [10, 12.5, 10]
    assert ramp.worst_usd(sent, provider, rounded) == Store(tmp_path).spent_usd()


def test_no_more_than_half_of_what_is_documented_unless_the_user_says_so() -> None:
    page = Limits(requests_per_s=10, sessions=100)
    assert ramp.cap(page, streaming=True) == 50
    assert ramp.cap(page, streaming=False) == 5
    assert ramp.cap(page, streaming=True, needed=12.5) == 13
    assert ramp.cap(page, streaming=True, needed=500) == 50
    assert ramp.cap(page, streaming=True, needed=12, up_to=200) == 200
    with pytest.raises(SettingsError, match="--up-to"):
        ramp.cap(Limits(), streaming=True)


def test_half_of_a_slow_rate_is_less_than_can_be_tried() -> None:
    assert ramp.cap(Limits(requests_per_s=10, requests_per_min=240), streaming=False) == 2
    for slow in (Limits(requests_per_min=20), Limits(requests_per_s=1)):
        with pytest.raises(SettingsError, match="the least that is tried is one"):
            ramp.cap(slow, streaming=False)
    assert ramp.cap(Limits(sessions=1), streaming=True) == 1


@pytest.mark.parametrize("needed", [float("nan"), float("inf"), 0.0, -3.0])
def test_what_is_needed_is_a_number(needed: float) -> None:
    with pytest.raises(SettingsError, match="--needed must be a number above 0"):
        ramp.cap(Limits(sessions=100), streaming=True, needed=needed)


def test_what_is_sent_is_known_beforehand() -> None:
    assert list(ramp.loads(1)) == [1]
    assert list(ramp.loads(10)) == [1, 2, 4, 8, 10]
    rest, streaming = providers.load("xai", "rest"), providers.load("xai", "streaming")
    assert ramp.asks(2, rest, Limits())[:3] == [Ask(0, 1), Ask(0.5, 1), Ask(1, 1)]
    assert len(ramp.asks(2, rest, Limits())) == 20
    assert ramp.asks(3, streaming, Limits(requests_per_min=63)) == [Ask(0, 3), Ask(1, 2), Ask(2, 1)]
    assert len(ramp.at_most(10, streaming, Limits())) == 25
    dear = ramp.worst_usd(ramp.at_most(10, rest, Limits()), rest, DEAR)
    assert dear == pytest.approx(Decimal(250) * Decimal("0.2") / 3600)
    assert ramp.worst_usd([Ask(0, 1)], providers.load("xai", base_url="http://127.0.0.1:9"), DEAR) == 0


def test_a_recogniser_of_this_machine_has_no_limits_to_try() -> None:
    with pytest.raises(SettingsError, match="local-moonshine runs inside evalkit"):
        ramp.check(providers.load("local-moonshine"))
    ramp.check(providers.load("local-moonshine", base_url="http://127.0.0.1:9"))
    ramp.check(providers.load("xai"))


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("xai", "ramp-xai-api.x.ai-rest-2026-11-20"),
        ("other=xai,model=next", "ramp-xai-api.x.ai-rest-2026-11-20"),
        ("xai,base_url=http://127.0.0.1:9", "ramp-xai-127.0.0.1-9-rest-2026-11-20"),
        ("tests.test_providers:Echo", "ramp-tests.test_providers-Echo-rest-2026-11-20"),
    ],
)
def test_the_day_is_counted_by_the_service_not_by_the_name(spec: str, name: str) -> None:
    choice = choice_of(spec)
    provider = choice.on("rest")
    assert provider is not None
    assert ramp.folder_name(choice, provider, date(2026, 11, 20)) == name


def test_the_tone_is_one_second_and_quiet() -> None:
    assert ramp.tone().duration_s == 1
    assert ramp.tone(2.5).duration_s == 2.5
