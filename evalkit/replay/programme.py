"""Which recorded conversation comes next: each once, in the order in which they were recorded, and then again."""

from collections import Counter
from collections.abc import Sequence

from evalkit.replay.conversations import Conversation


class Programme:
    """Conversations in the order in which they began, and how often each was told."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self.conversations = tuple(conversations)
        self._order = {one: place for place, one in enumerate(self.conversations)}
        self._told: Counter[Conversation] = Counter()
        self._expected: Counter[Conversation] = Counter()

    def next(self, among: Sequence[Conversation]) -> Conversation:
        """The one of these that was told least often, and of those the first; it counts as told."""
        chosen = min(among, key=lambda one: (self._told[one], self._order[one]))
        self._told[chosen] += 1
        return chosen

    def expect(self, among: Sequence[Conversation]) -> Conversation:
        """The one of these that a socket which has said nothing yet most likely wants: the next nobody waits for."""
        chosen = min(among, key=lambda one: (self._told[one] + self._expected[one], self._order[one]))
        self._expected[chosen] += 1
        return chosen

    def forget(self, expected: Conversation) -> None:
        """The socket turned out to want this one or another, or nothing."""
        self._expected[expected] -= 1
