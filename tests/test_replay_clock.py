"""Never early, and less late than a timer."""

import asyncio

from evalkit.replay.clock import now, until


async def test_it_is_never_early_and_seldom_late() -> None:
    late_s = []
    for wait_s in (0.0, 0.0004, 0.003, 0.0107) * 5:
        moment = now() + wait_s
        await until(moment)
        late_s.append(now() - moment)
    assert min(late_s) >= 0
    assert sorted(late_s)[len(late_s) // 2] < 0.005


async def test_others_run_meanwhile() -> None:
    async def count() -> int:
        turns = 0
        while now() < end:
            turns += 1
            await asyncio.sleep(0)
        return turns

    end = now() + 0.002
    turns, _ = await asyncio.gather(count(), until(end))
    assert turns > 2


async def test_a_moment_that_has_passed_is_now() -> None:
    began = now()
    await until(began - 5)
    assert now() - began < 0.05
