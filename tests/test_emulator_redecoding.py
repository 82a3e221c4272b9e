"""A live session over a recogniser of whole files."""

import numpy as np

from evalkit.emulator.redecoding import Decode, Redecoding
from evalkit.emulator.sound import RATE_HZ, Samples
from evalkit.types import Word


def lengths(label: str) -> Decode:
    def decode(samples: Samples, start_s: float) -> tuple[Word, ...]:
        return (Word(f"{label}:{len(samples)}", start_s),)

    return decode


def test_guesses_and_finals_decode_the_stretch_they_are_asked_for() -> None:
    session = Redecoding(lengths("guess"), lengths("final"))
    session.feed(np.zeros(RATE_HZ, dtype=np.int16))
    session.feed(np.zeros(RATE_HZ, dtype=np.int16))
    assert session.guess(0.5, 1.5) == (Word(f"guess:{RATE_HZ}", 0.5),)
    assert session.final(0.0, 2.0) == (Word(f"final:{2 * RATE_HZ}", 0.0),)


def test_without_a_conclusion_of_its_own_a_final_is_a_guess() -> None:
    session = Redecoding(lengths("guess"))
    session.feed(np.zeros(RATE_HZ, dtype=np.int16))
    assert session.final(0.0, 1.0) == session.guess(0.0, 1.0)
