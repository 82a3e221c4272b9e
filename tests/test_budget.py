"""The budget: never passed, whoever asks for how much in which order, and however often the run is interrupted."""

import asyncio
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection

from evalkit import corpora, harness
from evalkit.agenda import Job
from evalkit.budget import Budget
from evalkit.corpora import Corpus
from evalkit.errors import BudgetExceeded, StoreError
from evalkit.plan import Choice, Plan
from evalkit.providers import load
from evalkit.providers.xai import Xai
from evalkit.scoring import cost
from evalkit.scoring.cost import Billing
from evalkit.scoring.stitching import REPLAYED_S
from evalkit.store import Store
from tests.peers import ws_server

CLIP = corpora.load("demo").clips[0]


@pytest.fixture
def job() -> Job:
    return Job(CLIP, load("xai"), 0.10)


async def reserve(budget: Budget, usd: Decimal | None, attempt: int = 1) -> None:
    await budget.reserve(usd, clip_id="a", provider="xai", route="rest", attempt=attempt)


def noted_usd(folder: Path) -> Decimal:
    """What spending.jsonl says, read without the store."""
    path = folder / "spending.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return sum((Decimal(str(orjson.loads(line)["usd"])) for line in lines), Decimal(0))


def test_a_thousand_interleavings_with_retries_and_interruptions_never_pass_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers come, pay, fail, come again and are cut off, over several lives of the process."""
    dice = random.Random(0)

    async def written(spend: Callable[..., None], usd: Decimal, **about: str | int) -> None:
        """In place of a thread, whose turns no seed decides."""
        await turns(dice)
        spend(usd, **about)
        await turns(dice)

    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(asyncio, "to_thread", written)
    tight = 0
    for number in range(1000):
        store = Store(tmp_path / str(number))
        store.folder.mkdir()
        limit_usd = round(dice.uniform(0, 0.02), dice.choice((2, 4, 9)))
        granted: list[Decimal] = []
        for _ in range(dice.randint(1, 3)):
            budget = Budget(limit_usd, store)
            asyncio.run(one_life(budget, dice, granted))
            assert noted_usd(store.folder) == store.spent_usd()
            assert sum(granted) <= store.spent_usd() <= budget.spent_usd <= Decimal(str(limit_usd))
        tight += budget.spent_usd > Decimal(str(limit_usd)) * 8 / 10
    assert tight > 200, "the limit was not often in question"


async def turns(dice: random.Random) -> None:
    """Let the others go first, now and then."""
    for _ in range(dice.choice((0, 0, 1, 2, 5))):
        await asyncio.sleep(0)


async def one_life(budget: Budget, dice: random.Random, granted: list[Decimal]) -> None:
    async def caller() -> None:
        for attempt in range(dice.randint(1, 3)):
            await turns(dice)
            usd = Decimal(str(dice.uniform(0, 0.004))) / dice.choice((1, 3, 7, 1000))
            await reserve(budget, usd, attempt)
            granted.append(usd)
            await turns(dice)
            if dice.random() < 0.6:
                return  # it was answered; else it failed, was billed, and is tried again

    callers = [asyncio.create_task(caller()) for _ in range(dice.randint(1, 8))]
    if dice.random() < 0.5:
        await turns(dice)
        for one in dice.sample(callers, dice.randint(0, len(callers))):
            one.cancel()
    for outcome in await asyncio.gather(*callers, return_exceptions=True):
        assert outcome is None or isinstance(outcome, BudgetExceeded | asyncio.CancelledError)


async def test_the_last_cent_can_be_spent_and_nothing_after_it(tmp_path: Path) -> None:
    budget = Budget(0.3, Store(tmp_path))
    for attempt in range(3):
        await reserve(budget, Decimal("0.1"), attempt)  # 0.1 + 0.1 + 0.1 > 0.3 in floating point
    with pytest.raises(BudgetExceeded, match=r"could pass the budget of \$0\.30"):
        await reserve(budget, Decimal("0.000000001"))


async def test_a_run_that_died_with_an_attempt_in_flight_has_paid_for_it(job: Job, tmp_path: Path) -> None:
    usd = job.worst_usd(job.clip.duration_s)
    assert usd is not None
    await reserve(Budget(float(usd) * 2.5, Store(tmp_path)), usd)
    budget = Budget(float(usd) * 2.5, Store(tmp_path))
    await reserve(budget, usd, 2)
    with pytest.raises(BudgetExceeded, match="raise --budget-usd"):
        await reserve(budget, usd, 3)


async def test_an_unknown_price_is_no_free_ride(job: Job, tmp_path: Path) -> None:
    usd = replace(job, usd_per_hour=None).worst_usd(1.0)
    with pytest.raises(BudgetExceeded, match="no known price"):
        await reserve(Budget(1.0, Store(tmp_path)), usd)


async def test_what_cannot_be_written_down_is_not_granted(tmp_path: Path) -> None:
    (tmp_path / "spending.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"spending\.jsonl"):
        await reserve(Budget(1.0, Store(tmp_path)), Decimal("0.1"))


@given(
    audio_s=st.floats(0, 7200),
    step_s=st.none() | st.integers(1, 60),
    least_s=st.integers(0, 60),
    silence_s=st.floats(0, 60),
)
def test_what_is_reserved_covers_silence_rounding_and_minimum(
    audio_s: float, step_s: int | None, least_s: int, silence_s: float
) -> None:
    provider = load("xai", "streaming", end_mode="silence", trailing_silence_s=silence_s)
    rule = Billing("audio_sent", None if step_s is None else Decimal(step_s), Decimal(least_s))
    job = Job(CLIP, provider, 3600.0, rule)
    usd = job.worst_usd(audio_s)
    assert usd is not None
    sent_s = audio_s + silence_s
    assert float(usd) >= max(sent_s, least_s) - 1e-9
    assert float(usd) <= max(sent_s + (step_s or 0), least_s) + 1e-9
    if step_s and usd > least_s:
        assert usd % step_s == 0


def test_without_a_documented_rule_none_is_assumed(job: Job) -> None:
    assert job.usd == pytest.approx(0.10 * job.clip.duration_s / 3600)
    assert job.worst_usd(1.8) == Decimal("0.10") * Decimal("1.8") / 3600


async def test_a_stream_that_is_taken_up_again_reserves_only_what_it_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first connection dies after 1.6 s of audio, up to 1.3 s of which are locked."""
    monkeypatch.setattr(Xai, "live", True)
    monkeypatch.setattr(harness, "BACKOFF_S", 0.0)
    connections = 0

    async def talk(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await socket.send('{"type":"transcript.created"}')
        heard_s = 0.0
        async for message in socket:
            if isinstance(message, str):
                await socket.send('{"type":"transcript.done","text":""}')
                return
            heard_s += len(message) / 32_000
            if connections == 1 and heard_s >= 1.6:
                word = {"text": "word", "start": 1.0, "end": 1.3}
                said = {"type": "transcript.partial", "words": [word], "is_final": True, "speech_final": True}
                await socket.send(json.dumps(said))
                socket.transport.abort()
                return

    async with ws_server(talk) as url:
        options = {"base_url": url, "key_env": None, "speed": 20}
        plan = Plan(Choice("xai", options), routes=("streaming",), corpus="one", budget_usd=1.0)
        with Store(tmp_path).writing() as store:
            await harness.run(plan, Corpus("one", (CLIP,), Path("demo")), store)
    first, second = (orjson.loads(line) for line in store.spending_path.read_bytes().splitlines())
    whole_s, from_s = CLIP.duration_s, 1.3 - REPLAYED_S
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert first["usd"] == pytest.approx(0.20 * whole_s / 3600, rel=1e-4)
    assert second["usd"] == pytest.approx(0.20 * (whole_s - from_s) / 3600, rel=1e-4)
    price = cost.price("xai", "streaming")
    assert price is not None
    billed_usd = cost.cost_usd(price, list(store.traces()), whole_s)
    assert billed_usd is not None
    assert 0 < billed_usd <= float(store.spent_usd()), "what the scores say it cost was reserved"
