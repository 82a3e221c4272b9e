import os
import time
from functools import partial
from pathlib import Path

import pytest

from evalkit.cores import on_all_cores
from tests.patience import LONG_S


def where(_: int) -> int:
    return os.getpid()


def where_in_company(begun: Path, number: int) -> int:
    """The first piece of work is not done before another process has come to the last one."""
    if number == 1999:
        begun.touch()
    until_s = time.monotonic() + LONG_S
    while number == 0 and not begun.exists() and time.monotonic() < until_s:
        time.sleep(0.01)
    return os.getpid()


def test_results_are_those_of_one_core_in_order() -> None:
    numbers = range(-1000, 0)
    assert on_all_cores(abs, numbers) == list(map(abs, numbers))


def test_little_work_starts_no_process() -> None:
    assert set(on_all_cores(where, range(3))) == {os.getpid()}


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
def test_this_process_does_its_share_from_the_front_and_others_from_the_back(tmp_path: Path) -> None:
    found = on_all_cores(partial(where_in_company, tmp_path / "begun"), range(2000))
    assert found[0] == os.getpid() != found[-1]


def test_an_error_is_raised_whoever_met_it() -> None:
    for wrong in (0, 999):
        with pytest.raises(ValueError, match="invalid literal"):
            on_all_cores(int, ["x" if place == wrong else "1" for place in range(1000)])


def test_nothing_comes_of_nothing() -> None:
    assert on_all_cores(abs, []) == []
