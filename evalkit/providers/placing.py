"""Word times for the words of a text, when a service lists both and the list is written otherwise.

The text is the transcript: it has the punctuation. The list has the times: its words may come without punctuation, in
pieces of words, or not all of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate
from math import prod

from evalkit.types import Word

Span = tuple[int, int]
"""The first and the last piece of a word."""


def placed(text: str, pieces: Sequence[Word]) -> tuple[Word, ...]:
    """The words of ``text``, each with the times, the speaker and the confidence of the pieces it is made of.

    Letters and digits decide what belongs together. A word the pieces do not have keeps no times.

    Args:
        text: the transcript.
        pieces: in order of the text; a blank at its beginning tells that a piece begins a word, when any has one.
    """
    said = text.split()
    listed = _joined(pieces)
    mine, theirs = [_bare(word) for word in said], [_bare(word.text) for word in listed]
    words = [Word(word) for word in said]
    for _, low, high, first, last in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if "".join(mine[low:high]) != "".join(theirs[first:last]):
            continue
        for index, span in enumerate(_spans(mine[low:high], theirs[first:last]), start=low):
            if span is not None:
                words[index] = replace(_whole(listed[first + span[0] : first + span[1] + 1]), text=said[index])
    return tuple(words)


def _joined(pieces: Sequence[Word]) -> list[Word]:
    """Pieces of words as words, where blanks tell which belong together."""
    if not any(piece.text[:1].isspace() for piece in pieces[1:]):
        return list(pieces)
    groups: list[list[Word]] = []
    for piece in pieces:
        if piece.text[:1].isspace() or not groups:
            groups.append([])
        groups[-1].append(piece)
    return [_whole(group) for group in groups]


def _whole(pieces: Sequence[Word]) -> Word:
    """One word of its pieces."""
    known = [piece.confidence for piece in pieces if piece.confidence is not None]
    return replace(
        pieces[0],
        text="".join(piece.text for piece in pieces),
        end_s=pieces[-1].end_s,
        confidence=prod(known) if len(known) == len(pieces) else None,
    )


def _spans(mine: Sequence[str], theirs: Sequence[str]) -> list[Span | None]:
    """For each of my words which of theirs it lies in, both sides being the same letters; None for one without any."""
    owner = [index for index, letters in enumerate(theirs) for _ in letters]
    ends = list(accumulate(map(len, mine)))
    return [(owner[end - len(word)], owner[end - 1]) if word else None for word, end in zip(mine, ends, strict=True)]


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
