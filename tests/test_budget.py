"""The budget: never passed, whoever asks for how much in which order, and however often the run is interrupted."""

import asyncio
import os
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import corpora
from evalkit.budget import Budget
from evalkit.errors import BudgetExceeded, StoreError
from evalkit.harness import Job
from evalkit.providers import load
from evalkit.scoring.cost import Billing
from evalkit.store import Store

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
    monkeypatch.setattr(os, "fsync", lambda _: None)
    full = 0
    for seed in range(1000):
        dice, folder = random.Random(seed), tmp_path / str(seed)
        folder.mkdir()
        limit_usd = round(dice.uniform(0, 0.02), dice.choice((2, 4, 9)))
        granted: list[Decimal] = []
        for _ in range(dice.randint(1, 3)):
            budget = Budget(limit_usd, Store(folder))
            asyncio.run(one_life(budget, dice, granted))
            assert noted_usd(folder) == Store(folder).spent_usd()
            assert sum(granted) <= noted_usd(folder) <= budget.spent_usd <= Decimal(str(limit_usd))
        full += budget.spent_usd > Decimal(str(limit_usd)) * 8 / 10
    assert full > 200, "the limit was not often in question"


async def one_life(budget: Budget, dice: random.Random, granted: list[Decimal]) -> None:
    async def caller() -> None:
        for attempt in range(dice.randint(1, 3)):
            await asyncio.sleep(dice.choice((0, 0, 1e-4)))
            usd = Decimal(str(dice.uniform(0, 0.004))) / dice.choice((1, 3, 7, 1000))
            await reserve(budget, usd, attempt)
            granted.append(usd)
            await asyncio.sleep(dice.choice((0, 1e-4)))
            if dice.random() < 0.6:
                return  # it was answered; else it failed, was billed, and is tried again

    callers = [asyncio.create_task(caller()) for _ in range(dice.randint(1, 8))]
    if dice.random() < 0.5:
        await asyncio.sleep(dice.choice((0, 1e-4, 1e-3)))
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
