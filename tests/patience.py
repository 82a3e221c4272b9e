"""A busy machine is late now and then; what is wrong is late every time."""

import asyncio
from collections.abc import Awaitable, Callable

LONG_S = 60.0
"""A wait that ends at once when all is well may take so long."""
TRIES = 10


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(LONG_S):
        while not holds():  # noqa: ASYNC110 no event tells
            await asyncio.sleep(0.005)


async def in_a_quiet_moment(attempt: Callable[[int], Awaitable[None]]) -> None:
    """Try what takes a quiet machine until it comes out right once; only for what a stall can spoil."""
    for number in range(TRIES - 1):
        try:
            return await attempt(number)
        except AssertionError:
            await asyncio.sleep(0.1 * number)
    return await attempt(TRIES - 1)
