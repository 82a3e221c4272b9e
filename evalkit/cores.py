"""The same work on all cores: this process does its share instead of waiting for the others."""

import itertools
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

_CHUNK = 64

Asked = TypeVar("Asked")
Done = TypeVar("Done")


def on_all_cores(one: Callable[[Asked], Done], work: Sequence[Asked]) -> list[Done]:
    """What ``one`` makes of each piece of work, in order.

    This process begins at the front at once; the others, which take a while to start, come towards it from the back.

    Args:
        one: a pure function that another process can import.
        work: what it is called with; it and what comes of it travel between processes.
    """
    chunks = [work[start : start + _CHUNK] for start in range(0, len(work), _CHUNK)]
    others = min(os.cpu_count() or 1, len(chunks)) - 1
    if others < 1:
        return list(map(one, work))
    try:
        with ProcessPoolExecutor(others, multiprocessing.get_context("spawn")) as pool:
            asked = [pool.submit(_each, one, chunk) for chunk in reversed(chunks)]
            try:
                shares = [_share(one, *pair) for pair in zip(chunks, reversed(asked), strict=True)]
            finally:
                pool.shutdown(cancel_futures=True)
    except BrokenProcessPool:
        # A script without `if __name__ == "__main__"` cannot start processes; it can still have its results.
        return list(map(one, work))
    return list(itertools.chain.from_iterable(shares))


def _share(one: Callable[[Asked], Done], chunk: Sequence[Asked], elsewhere: "Future[list[Done]]") -> list[Done]:
    """Made here unless another process has taken it by now."""
    return _each(one, chunk) if elsewhere.cancel() else elsewhere.result()


def _each(one: Callable[[Asked], Done], chunk: Sequence[Asked]) -> list[Done]:
    return list(map(one, chunk))
