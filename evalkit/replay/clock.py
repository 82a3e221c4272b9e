"""Waiting until a moment, more exactly than a timer of the event loop does."""

import asyncio

# Timers of the loop are rounded up to whole milliseconds.
_EARLY_S = 0.0015


def now() -> float:
    """Seconds on the clock of the running loop."""
    return asyncio.get_running_loop().time()


async def until(moment: float) -> None:
    """Wait until a moment of that clock; the last millisecond is spent looking at it."""
    if (wait_s := moment - now() - _EARLY_S) > 0:
        await asyncio.sleep(wait_s)
    while now() < moment:  # noqa: ASYNC110 no event comes at that moment
        await asyncio.sleep(0)
