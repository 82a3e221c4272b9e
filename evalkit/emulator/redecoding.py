"""A live session for recognisers that only know whole files: the open piece is decoded anew at every guess."""

from collections.abc import Callable

from evalkit.emulator.sound import Samples, Tape
from evalkit.emulator.speech import Detector, Frame
from evalkit.types import Word

Decode = Callable[[Samples, float], tuple[Word, ...]]
"""The words of some sound that begins at a second of the session."""


class Redecoding:
    """Guesses and finals by decoding what the tape holds between two moments."""

    instant = False

    def __init__(self, decode: Decode, conclude: Decode | None = None) -> None:
        """A session that decodes guesses with ``decode``, and finals with ``conclude`` where they differ."""
        self._decode = decode
        self._conclude = conclude or decode
        self._detector = Detector()
        self._tape = Tape()

    def feed(self, samples: Samples) -> list[Frame]:
        self._tape.append(samples)
        return self._detector.feed(samples)

    def begin(self, start_s: float) -> None:
        """Nothing to prepare: every guess decodes its own stretch."""

    def guess(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        return self._decode(self._tape.between(start_s, end_s), start_s)

    def final(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        return self._conclude(self._tape.between(start_s, end_s), start_s)

    def abandon(self) -> None:
        """Nothing to undo."""

    def forget(self, before_s: float) -> None:
        self._tape.forget(before_s)

    def close(self) -> None:
        self._tape.forget(self._tape.end_s)
