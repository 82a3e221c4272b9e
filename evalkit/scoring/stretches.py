"""What each update changed of the captions, without writing out all that stayed as it was.

A stretch is one utterance on one channel. An update changes one stretch, seldom more, while captions hold hundreds of
finished ones: whoever looks at the changed stretch alone is done in time that grows with the speech, not with its
square.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.types import Hypothesis, Segment, State, Update, Word

Place = tuple[int, Segment]
"""Rank of the channel and path of the utterance; places sort in the order of the captions."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a stretch shows."""

    words: tuple[Word, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def text(self) -> str:
        """The words as one string."""
        return " ".join(word.text for word in self.words)


NOTHING = Shown()


@dataclass(frozen=True, slots=True)
class Change:
    """One stretch that an update was about or that it changed."""

    t_s: float
    place: Place
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class Tail:
    """Two neighbouring captions of one channel, from the first stretch on that may differ."""

    t_s: float
    channel: int
    """Rank of the channel."""
    before: tuple[Shown, ...]
    after: tuple[Shown, ...]
    first: bool
    """Whether the channel had shown nothing yet, so that ``after`` is a beginning and no change."""

    @property
    def words_before(self) -> list[Word]:
        """What ``before`` shows."""
        return [word for shown in self.before for word in shown.words]

    @property
    def words_after(self) -> list[Word]:
        """What ``after`` shows."""
        return [word for shown in self.after for word in shown.words]


def rank(channel: int | None) -> int:
    """Where the captions of a channel stand among those of others."""
    return -1 if channel is None else channel


def utterances(hypothesis: Hypothesis) -> dict[Segment, Segment]:
    """The utterance to which each segment belongs: the utterance_final that replaces it, else what its path names.

    Without such a final it is the first two numbers of the path, and more of them where others below those two have
    finals of their own; so the segments of an utterance are neighbours in the captions.
    """
    finals = {update.segment for update in hypothesis.updates if update.state == "utterance_final"}
    above = {final[:depth] for final in finals for depth in range(len(final))}
    found: dict[Segment, Segment] = {}
    for segment in {update.segment for update in hypothesis.updates}:
        heads = [segment[:depth] for depth in range(len(segment) + 1)]
        named = (head for head in heads[2:] if head not in above)
        found[segment] = next((head for head in heads if head in finals), next(named, segment))
    return found


def changes(hypothesis: Hypothesis) -> Iterator[list[Change]]:
    """For each update the stretches that it was about or that it changed, in the order of the captions."""
    utterance_of = utterances(hypothesis)
    pieces: dict[Segment, list[Update]] = {}
    shown: dict[Segment, dict[int, Shown]] = {}
    for update, replaced in hypothesis.replacements():
        own = utterance_of[update.segment]
        touched = {own}
        for piece in replaced:
            utterance = utterance_of[piece.segment]
            pieces[utterance].remove(piece)
            touched.add(utterance)
        insort(pieces.setdefault(own, []), update, key=lambda piece: piece.segment)
        about = {rank(word.channel) for word in update.words}
        found = []
        for utterance in touched:
            before, after = shown.get(utterance, {}), _by_channel(pieces[utterance])
            shown[utterance] = after
            found += [
                Change(update.t_s, (channel, utterance), before.get(channel, NOTHING), after.get(channel, NOTHING))
                for channel in before.keys() | after.keys()
                if (utterance == own and channel in about) or before.get(channel) != after.get(channel)
            ]
        yield sorted(found, key=lambda change: change.place)


def tails(hypothesis: Hypothesis) -> Iterator[Tail]:
    """Neighbouring captions of each channel from its first text on, one pair per update that was about it.

    An update without words that changes nothing is none, and one of another channel is none either.
    """
    order: dict[int, list[Segment]] = {}
    shown: dict[Place, Shown] = {}
    for made in changes(hypothesis):
        for channel in dict.fromkeys(change.place[0] for change in made):
            mine = [change for change in made if change.place[0] == channel]
            first = channel not in order
            utterances = order.setdefault(channel, [])
            start = bisect_left(utterances, mine[0].place[1])
            before = tuple(shown[channel, utterance] for utterance in utterances[start:])
            for change in mine:
                if change.place not in shown:
                    insort(utterances, change.place[1])
                shown[change.place] = change.after
            after = tuple(shown[channel, utterance] for utterance in utterances[start:])
            yield Tail(mine[0].t_s, channel, before, after, first)


def last_shown(hypothesis: Hypothesis) -> dict[Place, Shown]:
    """The stretches of the last caption, in its order, channel by channel."""
    found: dict[Place, Shown] = {}
    for made in changes(hypothesis):
        found.update((change.place, change.after) for change in made)
    return {place: found[place] for place in sorted(found) if found[place].words}


def _by_channel(pieces: Sequence[Update]) -> dict[int, Shown]:
    words: dict[int, list[Word]] = {}
    states: dict[int, list[State]] = {}
    for piece in pieces:
        for word in piece.words:
            channel = rank(word.channel)
            words.setdefault(channel, []).append(word)
            states.setdefault(channel, []).append(piece.state)
    return {channel: Shown(tuple(words[channel]), tuple(states[channel])) for channel in words}
