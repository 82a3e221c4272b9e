"""A stream cut anywhere and taken up again says what an uncut one says: nothing twice, nothing locked lost."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Unavailable
from evalkit.scoring.stitching import REPLAYED_S, chain, edges, resumption_s, stitched
from evalkit.types import Hypothesis, Trace, Update, Word

START = datetime(2026, 11, 20, tzinfo=UTC)
CUT = Unavailable("the connection dropped")


def said(count: int, channel: int | None = None) -> list[Word]:
    """A word each half second, 0.3 s long."""
    return [Word(f"w{k}", 0.5 * k, 0.5 * k + 0.3, channel=channel) for k in range(count)]


def attempt(number: int, from_s: float = 0.0) -> Trace:
    return Trace("a", "p", "streaming", {}, number, START + timedelta(seconds=10 * number), (), from_s)


def piece(words: Sequence[Word], from_s: float, locked: int, shown: int, path: int = 0) -> Hypothesis:
    """What a connection says whose audio begins at ``from_s``: ``locked`` words for good, then a guess at more."""
    mine = [
        replace(word, start_s=word.start_s - from_s, end_s=(word.end_s or 0) - from_s)
        for word in words
        if word.start_s is not None and word.start_s >= from_s
    ]
    updates = [Update(0.5 * k, (word,), (path, 0, k), "chunk_final") for k, word in enumerate(mine[:locked], start=1)]
    guess = Update(0.5 * locked + 0.1, tuple(mine[locked : locked + shown]), (path, 0, locked + 1), "interim")
    failure = None if locked >= len(mine) else CUT
    return Hypothesis((*updates, *([guess] if shown else [])), failure)


@given(st.integers(4, 20), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=4))
def test_the_pieces_say_what_was_said(count: int, cuts: list[tuple[int, int]]) -> None:
    words = said(count)
    traces, heard = [attempt(1)], [piece(words, 0.0, *(cuts[0] if cuts else (99, 0)))]
    for number, (locked, shown) in enumerate([*cuts[1:], (99, 0)] if cuts else [], start=2):
        if heard[-1].failure is None:
            break
        going = chain(traces)
        from_s = resumption_s(stitched(going, heard[-len(going) :]))
        traces.append(attempt(number, from_s))
        heard.append(piece(words, from_s, locked, shown))
    going = chain(traces)
    whole = stitched(going, heard[-len(going) :])
    assert whole.failure is None
    assert [word.text for word in whole.words] == [word.text for word in words]
    assert [word.start_s for word in whole.words] == pytest.approx([word.start_s for word in words])
    for caption in whole.captions():
        assert max(Counter(word.text for word in caption.words).values(), default=1) == 1
    times = [update.t_s for update in whole.updates]
    assert times == sorted(times), "earlier pieces stand before later ones on the last one's clock"


def test_it_goes_on_a_little_before_the_last_locked_word_ends() -> None:
    first = piece(said(6), 0.0, 4, 1)
    assert edges(first) == {None: pytest.approx(1.8)}
    assert resumption_s(first) == pytest.approx(1.8 - REPLAYED_S)


def test_without_locked_words_or_without_their_times_all_is_sent_again() -> None:
    assert resumption_s(piece(said(6), 0.0, 0, 3)) == 0
    assert resumption_s(Hypothesis(())) == 0
    untimed = Hypothesis((Update(1.0, (Word("hello"),), (0, 0), "utterance_final"),))
    assert resumption_s(untimed) == 0
    assert edges(untimed) == {}


def test_an_attempt_from_the_beginning_leaves_the_earlier_ones_out() -> None:
    traces = [attempt(1), attempt(2, 1.3), attempt(3), attempt(4, 0.8)]
    assert list(chain(traces)) == traces[2:]
    assert list(chain(traces[:1])) == traces[:1]


def test_one_attempt_is_left_as_it_is() -> None:
    alone = piece(said(5), 0.0, 5, 0)
    assert stitched([attempt(1)], [alone]) == alone


def test_the_channel_that_is_behind_decides_and_nothing_is_doubled_on_the_other() -> None:
    left, right = said(6, 0), said(6, 1)
    ahead, behind = piece(left, 0.0, 5, 1, path=0), piece(right, 0.0, 2, 2, path=1)
    first = Hypothesis((*ahead.updates, *behind.updates), CUT)
    from_s = resumption_s(first)
    assert from_s == pytest.approx(0.8 - REPLAYED_S)
    rest = [piece(left, from_s, 99, 0, path=0), piece(right, from_s, 99, 0, path=1)]
    second = Hypothesis(tuple(update for one in rest for update in one.updates))
    whole = stitched([attempt(1), attempt(2, from_s)], [first, second])
    spoken = {channel: [w.text for w in whole.words if w.channel == channel] for channel in (0, 1)}
    assert spoken == {0: [word.text for word in left], 1: [word.text for word in right]}


def test_a_later_piece_tells_the_whole_of_itself_only() -> None:
    words = said(6)
    first, second = piece(words, 0.0, 3, 0), piece(words, 1.0, 9, 0)
    told = replace(second.updates[-1], restated=second.words)
    whole = stitched([attempt(1), attempt(2, 1.0)], [first, replace(second, updates=(*second.updates[:-1], told))])
    assert [word.text for word in whole.words] == [word.text for word in words]
    assert not any(update.restated for update in whole.updates)
    alone = stitched([attempt(1)], [replace(second, updates=(told,))])
    assert alone.updates[0].restated == second.words


def test_a_guess_at_the_cut_is_gone_once_the_next_piece_speaks() -> None:
    first = piece(said(6), 0.0, 3, 2)
    from_s = resumption_s(first)
    whole = stitched([attempt(1), attempt(2, from_s)], [first, Hypothesis((), CUT)])
    assert [word.text for word in whole.words] == ["w0", "w1", "w2"]
    assert whole.failure is CUT


def test_what_one_channel_had_locked_stays_when_the_next_attempt_breaks_at_once() -> None:
    left, right = said(20, 0), said(20, 1)
    ahead, behind = piece(left, 0.0, 18, 1, path=0), piece(right, 0.0, 5, 2, path=1)
    first = Hypothesis((*ahead.updates, *behind.updates), CUT)
    from_s = resumption_s(first, channels=2)
    whole = stitched([attempt(1), attempt(2, from_s)], [first, Hypothesis((), CUT)])
    assert Counter(word.channel for word in whole.words) == {0: 18, 1: 5}
    assert resumption_s(whole, channels=2) == from_s, "a third attempt begins at the same place"


def test_a_channel_of_which_nothing_was_heard_may_have_begun_to_speak() -> None:
    alone = piece(said(6, 0), 0.0, 4, 0, path=0)
    assert resumption_s(alone, channels=1) > 0
    assert resumption_s(alone, channels=2) == 0


def test_a_lock_behind_an_open_guess_locks_nothing_before_it() -> None:
    words = said(4)
    open_first = Hypothesis(
        (
            Update(1.0, (words[0],), (0, 0, 0), "chunk_final"),
            Update(1.5, (words[1],), (0, 0, 1), "interim"),
            Update(2.0, (words[2],), (0, 0, 2), "chunk_final"),
        ),
        CUT,
    )
    from_s = resumption_s(open_first)
    assert from_s == 0, "0.3 s, less what is replayed"
    assert edges(open_first) == {None: pytest.approx(0.3)}


@pytest.mark.parametrize("path", [lambda number: (number,), lambda _: ()])
def test_paths_that_do_not_begin_with_a_channel_are_not_stitched(path: Callable[[int], tuple[int, ...]]) -> None:
    updates = (Update(float(k), (word,), path(k), "utterance_final") for k, word in enumerate(said(5)))
    assert resumption_s(Hypothesis(tuple(updates), CUT)) == 0
