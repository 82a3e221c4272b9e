"""Never early, and less late than a timer."""

import asyncio

import pytest

from evalkit.replay import clock
from evalkit.replay.clock import now, until
from tests.patience import in_a_quiet_moment


async def test_it_is_never_early() -> None:
    for wait_s in (0.0, 0.0004, 0.003, 0.0107) * 5:
        moment = now() + wait_s
        await until(moment)
        assert now() >= moment


async def test_it_is_less_late_than_a_timer_would_be() -> None:
    async def attempt(_: int) -> None:
        moment = now() + 0.0107
        await until(moment)
        assert now() - moment < 0.0002

    await in_a_quiet_moment(attempt)


async def test_others_run_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = looks = 0

    def a_moment_that_comes_after_three_turns() -> float:
        nonlocal looks
        looks += 1
        assert looks < 1000, "nobody else has had a turn"
        return 1.0 if turns < 3 else 1.001

    async def count() -> None:
        nonlocal turns
        for _ in range(3):
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(clock, "now", a_moment_that_comes_after_three_turns)
    await asyncio.gather(until(1.001), count())


async def test_a_moment_that_has_passed_is_now() -> None:
    passed = until(now() - 5)
    with pytest.raises(StopIteration):
        passed.send(None)
