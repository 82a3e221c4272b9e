from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.locking import Locked, locked_changes
from evalkit.scoring.text import profile
from evalkit.types import State, Update
from tests.conversations import heard, update

EN = profile("en")
STATES: list[State] = ["interim", "chunk_final", "utterance_final"]
UPDATES = st.lists(
    st.builds(
        lambda said, state, path: update(0.0, " ".join(said), state, path),
        st.lists(st.sampled_from(["a", "b", "fifty", "$50"]), max_size=4),
        st.sampled_from(STATES),
        st.sampled_from([(0, 0), (0, 0, 0), (0, 0, 1), (0, 1)]),
    ),
    max_size=6,
)


def test_a_chunk_that_its_utterance_changes() -> None:
    said = heard(
        update(1, "I owe you fifteen", "chunk_final", (0, 0, 0)),
        update(2, "I owe you fifty dollars.", "utterance_final", (0, 0)),
    )
    found = locked_changes(said, EN)
    assert found["chunk"] == Locked(words=4, changed=1, reformatted=0, updates=1)
    assert found["utterance"] == Locked(words=5)
    assert (found["chunk"].rate, found["chunk"].verdict, found["utterance"].rate) == (0.25, "fail", 0.0)


def test_numbers_rewritten_at_the_end_are_formatting() -> None:
    said = heard(
        update(1, "for nine thirty", "chunk_final", (0, 0, 0)),
        update(2, "For 9:30, and tell Dana", "utterance_final", (0, 0)),
    )
    found = locked_changes(said, EN)["chunk"]
    assert (found.changed, found.reformatted, found.updates, found.verdict) == (0, 3, 0, "warn")


def test_a_final_utterance_that_changes_later_is_counted_apart() -> None:
    said = heard(
        update(1, "ten", "utterance_final"), update(2, "nine", "utterance_final"), update(3, "nine", "utterance_final")
    )
    found = locked_changes(said, EN)
    assert (found["utterance"].words, found["utterance"].changed, found["utterance"].updates) == (1, 1, 1)
    assert found["chunk"] == Locked()
    assert found["chunk"].rate is None
    assert Locked().verdict == "pass"


def test_other_stretches_and_interims_lock_and_change_nothing() -> None:
    said = heard(
        update(1, "ten men", "chunk_final", (0, 0, 0)),
        update(2, "went", "interim", (0, 0, 1)),
        update(3, "want two", "chunk_final", (0, 0, 1)),
        update(4, "hello", "utterance_final", (0, 1)),
    )
    found = locked_changes(said, EN)
    assert (found["chunk"].words, found["chunk"].changed) == (4, 0)


def test_a_chunk_that_restates_another_locks_only_what_is_new() -> None:
    said = heard(
        update(1, "the quick", "chunk_final", (0, 0, 0)),
        update(2, "The quick brown fox", "chunk_final", (0, 0)),
        update(3, "The quick brown fox.", "utterance_final", (0, 0)),
    )
    assert locked_changes(said, EN)["chunk"] == Locked(words=4, changed=0, reformatted=2, updates=0)


def test_locked_text_that_is_withdrawn_is_changed() -> None:
    said = heard(update(1, "thank you", "chunk_final", (0, 0, 0)), update(2, "", "utterance_final", (0, 0)))
    assert locked_changes(said, EN)["chunk"].changed == 2


@given(UPDATES)
def test_repeating_an_update_changes_nothing(updates: list[Update]) -> None:
    twice = [item for item in updates for _ in range(2)]
    assert locked_changes(heard(*twice), EN) == locked_changes(heard(*updates), EN)


@given(UPDATES, UPDATES)
def test_counts_of_two_utterances_add(left: list[Update], right: list[Update]) -> None:
    moved = [Update(item.t_s, item.words, (1, *item.segment[1:]), item.state) for item in right]
    both = locked_changes(heard(*left, *moved), EN)
    apart = [locked_changes(heard(*left), EN), locked_changes(heard(*moved), EN)]
    assert all(both[level] == apart[0][level] + apart[1][level] for level in both)
