"""A ramp against real peers that refuse from a certain load on: it stops there, and claims no more than it saw."""

import json
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from evalkit import providers, ramp
from evalkit.errors import BudgetExceeded, SettingsError
from evalkit.limits import Limits
from evalkit.providers.xai import Xai
from evalkit.ramp import Step
from evalkit.scoring import limits as seen
from evalkit.store import Store
from tests.peers import http_answer, http_server

GOOD = http_answer(200, json.dumps({"text": "", "duration": 1.0}))


async def climbed(provider: providers.Provider, folder: Path, most: int, budget_usd: float | None = None) -> list[Step]:
    with Store(folder).writing() as store:
        return await ramp.climb(provider, store, most, usd_per_hour=0.2, budget_usd=budget_usd)


async def test_sessions_are_doubled_until_one_is_refused(tmp_path: Path) -> None:
    open_now = 0

    async def talk(socket: ServerConnection) -> None:
        nonlocal open_now
        await socket.send('{"type":"transcript.created"}')
        async for message in socket:
            if isinstance(message, str):
                await socket.send('{"type":"transcript.done","text":""}')
                break
        open_now -= 1

    def admit(_: ServerConnection, __: Request) -> Response | None:
        nonlocal open_now
        if open_now >= 3:
            return Response(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", Headers(), b"")
        open_now += 1
        return None

    async with serve(talk, "127.0.0.1", 0, process_request=admit) as server:
        url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        provider = providers.load("xai", "streaming", base_url=url, key_env="", frame_ms=200)
        steps = await climbed(provider, tmp_path, 16)
    assert [step.asked for step in steps] == [1, 2, 4], "eight are never tried"
    assert steps[:2] == [Step(1, 1, 0, 0), Step(2, 2, 0, 0)]
    assert (steps[2].answered, steps[2].refused) == (3, 1)
    found = seen.observed(Store(tmp_path).traces())["xai", "streaming"]
    assert found.first_refusal is not None
    assert found.first_refusal.status == 429


async def test_requests_are_spread_over_the_step_and_stop_at_the_first_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ramp, "HOLD_S", 0.5)
    asked = 0

    def reply(_: bytes) -> bytes:
        nonlocal asked
        asked += 1
        return GOOD if asked <= 20 else http_answer(429, "{}")

    async with http_server(reply) as url:
        provider = providers.load("xai", "rest", base_url=url, key_env="")
        steps = await climbed(provider, tmp_path, 64)
    assert [step.asked for step in steps] == [1, 2, 4, 8, 16, 32]
    assert steps[-1].refused >= 1
    assert sum(step.answered for step in steps) == 20
    assert asked < sum(round(load * 0.5) for load in (1, 2, 4, 8, 16, 32)), "the rest of the last step is left out"


async def test_the_budget_ends_a_ramp_before_it_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Xai, "live", True)
    async with http_server(lambda _: GOOD) as url:
        provider = providers.load("xai", "rest", base_url=url, key_env="")
        with pytest.raises(BudgetExceeded):
            await climbed(provider, tmp_path, 4, budget_usd=3.5 * 0.2 / 3600)
    assert Store(tmp_path).spent_usd() == 3 * Decimal("0.000055556")


def test_no_more_than_half_of_what_is_documented_unless_the_user_says_so() -> None:
    page = Limits(requests_per_s=10, sessions=100)
    assert ramp.cap(page, streaming=True) == 50
    assert ramp.cap(page, streaming=False) == 5
    assert ramp.cap(page, streaming=True, needed=12.5) == 13
    assert ramp.cap(page, streaming=True, needed=500) == 50
    assert ramp.cap(page, streaming=True, needed=12, up_to=200) == 200
    with pytest.raises(SettingsError, match="--up-to"):
        ramp.cap(Limits(), streaming=True)


def test_what_it_would_cost_is_known_beforehand() -> None:
    assert list(ramp.loads(1)) == [1]
    assert list(ramp.loads(10)) == [1, 2, 4, 8, 10]
    assert ramp.clips(10, streaming=True) == 25
    assert ramp.worst_usd(10, streaming=True, usd_per_hour=0.2) == pytest.approx(Decimal("25") * Decimal("0.2") / 3600)


def test_the_tone_is_one_second_and_quiet() -> None:
    assert ramp.tone().duration_s == 1
