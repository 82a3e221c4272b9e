"""The grid on which sessions start, and the heartbeat that sees the event loop stand still."""

import asyncio
import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from evalkit.wire.pacing import STALL_S, Heartbeat, Released, start_s

moments = st.floats(0, 1e6)
places = st.floats(0, 1, exclude_max=True)


@given(moments, st.sampled_from([0.01, 0.02, 0.1, 1.0]), places)
def test_a_session_waits_less_than_a_frame_for_its_place(now_s: float, frame_s: float, stagger: float) -> None:
    began_s = start_s(now_s, frame_s, stagger)
    assert now_s <= began_s <= now_s + frame_s


@given(moments, moments, places)
def test_the_place_does_not_depend_on_the_moment(one_s: float, other_s: float, stagger: float) -> None:
    apart_s = start_s(one_s, 0.02, stagger) - start_s(other_s, 0.02, stagger)
    assert abs(apart_s - 0.02 * round(apart_s / 0.02)) < 1e-6


@given(moments, st.integers(2, 100))
def test_sessions_at_even_places_are_evenly_apart(now_s: float, sessions: int) -> None:
    starts = sorted(start_s(now_s, 0.02, lane / sessions) for lane in range(sessions))
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert all(abs(gap - 0.02 / sessions) < 1e-6 for gap in gaps)


def test_what_the_first_frame_tells_is_told_once() -> None:
    released = Released()
    released.put(0.1234567, speed=2.0)
    assert released.pop() == {"due_s": 0.123457, "speed": 2.0}
    assert released.pop() == {"due_s": 0.123457}


async def test_a_stall_is_seen_by_who_asks_for_the_time_it_fell_in() -> None:
    heartbeat = Heartbeat()
    heartbeat.start()
    await asyncio.sleep(0.03)
    before_s = time.perf_counter()
    time.sleep(0.1)  # noqa: ASYNC251 what must not happen
    overdue_s = heartbeat.stall_s(before_s)
    await asyncio.sleep(0.03)
    seen_s = heartbeat.stall_s(before_s)
    after = heartbeat.stall_s(time.perf_counter())
    heartbeat.stop()
    assert overdue_s is not None
    assert seen_s is not None
    assert 0.08 < overdue_s <= seen_s
    assert after is not None
    assert after == 0.0 or after >= STALL_S


async def test_a_heart_that_does_not_beat_knows_nothing() -> None:
    heartbeat = Heartbeat()
    assert heartbeat.stall_s(0.0) is None
    heartbeat.start()
    heartbeat.stop()
    assert heartbeat.stall_s(0.0) is None
