"""Attempts come in their order, and again when all were told."""

from evalkit.replay.conversations import Conversation
from evalkit.replay.programme import Programme


def attempts(*clips: str) -> list[Conversation]:
    return [Conversation(clip_id, "p", "rest", number, 0.0, None) for number, clip_id in enumerate(clips, start=1)]


def test_each_is_told_once_in_its_order_and_then_all_again() -> None:
    three = attempts("a", "a", "a")
    programme = Programme(three)
    assert [programme.next(three) for _ in range(6)] == three * 2


def test_another_clip_does_not_use_up_an_attempt() -> None:
    a1, b1, a2 = attempts("a", "b", "a")
    programme = Programme([a1, b1, a2])
    assert [programme.next([a1, a2]), programme.next([b1]), programme.next([a1, a2])] == [a1, b1, a2]


def test_sockets_that_have_said_nothing_wait_for_different_ones() -> None:
    three = attempts("a", "b", "c")
    programme = Programme(three)
    assert [programme.expect(three) for _ in range(3)] == three


def test_a_socket_that_turns_out_to_want_another_takes_its_first_attempt() -> None:
    a1, b1, b2 = attempts("a", "b", "b")
    programme = Programme([a1, b1, b2])
    first, second = programme.expect([a1, b1, b2]), programme.expect([a1, b1, b2])
    assert (first, second) == (a1, b1)
    assert programme.next([b1, b2]) is b1  # the first socket is heard to send b
    programme.forget(first)
    assert programme.next([a1]) is a1
    programme.forget(second)
    assert programme.expect([a1, b1, b2]) is b2
