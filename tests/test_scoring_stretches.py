"""What each update changed, against captions written out as a whole."""

from hypothesis import given

from evalkit.scoring.stretches import changes, last_shown, rank, tails, utterances
from evalkit.types import Hypothesis
from tests import obvious
from tests.conversations import heard, spoken, update


def test_an_utterance_is_named_by_its_final_or_by_the_head_of_its_path() -> None:
    said = heard(
        update(1, "a", segment=(0, 3, 1)),
        update(2, "b", "utterance_final", (0, 4)),
        update(3, "c", segment=(0, 4, 1, 0)),
        update(4, "d", segment=(5,)),
        update(5, "e", "utterance_final", (0, 6, 1)),
        update(6, "f", segment=(0, 6, 2, 7)),
        update(7, "g", segment=(0, 6)),
    )
    assert utterances(said) == {
        (0, 3, 1): (0, 3),
        (0, 4): (0, 4),
        (0, 4, 1, 0): (0, 4),
        (5,): (5,),
        (0, 6, 1): (0, 6, 1),
        (0, 6, 2, 7): (0, 6, 2),
        (0, 6): (0, 6),
    }
    assert set(utterances(heard(update(1, "a", segment=(0, 3)), update(2, "b", "utterance_final", ()))).values()) == {
        ()
    }


def test_a_final_changes_its_own_stretch_only() -> None:
    said = heard(
        update(1, "good morning", "utterance_final", (0, 0)),
        update(2, "nine", segment=(0, 1, 0)),
        update(3, "thirty", segment=(0, 1, 1)),
        update(4, "9:30", "utterance_final", (0, 1)),
    )
    found = [[(change.before.text, change.after.text) for change in made] for made in changes(said)]
    assert found == [[("", "good morning")], [("", "nine")], [("nine", "nine thirty")], [("nine thirty", "9:30")]]
    assert [shown.text for shown in last_shown(said).values()] == ["good morning", "9:30"]


def test_captions_of_a_channel_are_its_own_updates() -> None:
    said = heard(
        update(0, ""),
        update(1, spoken(("a", 0, 1), channel=0), segment=(0, 0)),
        update(2, spoken(("x", 0, 1), channel=1), segment=(1, 0)),
        update(3, spoken(("x", 0, 1), channel=1), segment=(1, 0)),
        update(4, "", segment=(2, 0)),
        update(5, "", segment=(0, 0)),
    )
    assert [(tail.channel, tail.t_s, tail.first) for tail in tails(said)] == [
        (0, 1, True),
        (1, 2, True),
        (1, 3, False),
        (0, 5, False),
    ]


@given(obvious.conversations())
def test_tails_put_together_are_the_captions(said: Hypothesis) -> None:
    shown: dict[int, list[object]] = {}
    found: dict[int, list[tuple[float, object]]] = {}
    for tail in tails(said):
        mine = shown.setdefault(tail.channel, [])
        kept = len(mine) - len(tail.words_before)
        assert mine[kept:] == tail.words_before
        assert tail.first == (tail.channel not in found)
        mine[kept:] = tail.words_after
        found.setdefault(tail.channel, []).append((tail.t_s, tuple(mine)))
    expected = {
        channel: [(state.t_s, state.words) for state in states]
        for channel, states in obvious.channel_states(said).items()
    }
    assert found == expected
    last = [word for shown in last_shown(said).values() for word in shown.words]
    caption = said.last_caption
    assert last == sorted(caption.words if caption else (), key=lambda word: rank(word.channel))
