"""Values a product acts on: amounts, dates, telephone numbers and the like, compared as values and not as strings.

English only. Everything but addresses is read from the tokens of the ``en`` profile, so that "$1,250" and "twelve
hundred and fifty dollars" are the same amount before anything is compared, and so that whatever cannot be told from
speech ("9:30" or 930) is read alike on both sides.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from evalkit.scoring import english
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts, align, character_counts, counts

Kind = Literal["amount", "integer", "decimal", "ordinal", "date", "time", "phone", "id", "percent", "email", "url"]

_DIGIT_STRINGS = frozenset({"phone", "id", "integer"})
_MIN_PHONE_DIGITS = 7
_ADDRESS = r"[a-z0-9](?:[\w-]|\.(?=\w)| dot (?=\w))*"
_TOP = r"(?:com|org|net|edu|gov|io|ai|co|uk|de|fr|eu|info|dev|app|me|us|ca|au|in)"
_EMAIL = re.compile(rf"\b([a-z0-9][\w.+-]*(?: dot [\w+-]+)*)(?:@| at )({_ADDRESS}?(?:\.| dot ){_TOP})\b")
_URL = re.compile(rf"\b(?:https?://|www\.|www dot )?({_ADDRESS}?(?:\.| dot ){_TOP})\b((?:/[\w./-]*\w)?)")
_DOTTED = re.compile(r"(?<=\w)\.[a-z]")
_AMOUNT = re.compile(rf"[{english.MONEY}]\d+(?:\.\d+)?")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_ISO_DATE = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_CLOCK = re.compile(r"(1[0-2]|0?[1-9])([0-5]\d)?")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed value."""

    kind: str
    value: str
    """In one canonical form per kind, e.g. ``$21.50``, ``2026-04-20``, ``09:30 am``."""


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """Slots right, wrong, lost and invented, and the digits of those that are strings of digits; counts add."""

    slots: ErrorCounts = field(default_factory=ErrorCounts)
    digits: ErrorCounts = field(default_factory=ErrorCounts)

    def __add__(self, other: "EntityCounts") -> "EntityCounts":
        return EntityCounts(self.slots + other.slots, self.digits + other.digits)

    @property
    def slot_error_rate(self) -> float | None:
        """(S + D + I) / N, Makhoul et al. 1999."""
        return self.slots.rate

    @property
    def recall(self) -> float | None:
        """Exactly right values per value of the reference."""
        return self.slots.hits / self.slots.reference_words if self.slots.reference_words else None

    @property
    def precision(self) -> float | None:
        """Exactly right values per value of the hypothesis."""
        return self.slots.hits / self.slots.hypothesis_words if self.slots.hypothesis_words else None

    @property
    def digit_error_rate(self) -> float | None:
        """Character error rate over the digits of telephone numbers, identifiers and whole numbers."""
        return self.digits.rate


def entity_counts(reference: Sequence[Entity], hypothesis: Sequence[Entity]) -> EntityCounts:
    """Values matched in order within each kind, by the ``hit`` alignment of the values.

    Args:
        reference: extracted or annotated values in order.
        hypothesis: the same.
    """
    sides: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for index, side in enumerate((reference, hypothesis)):
        for entity in side:
            sides[entity.kind][index].append(_value(entity))
    slots = digits = ErrorCounts()
    for kind, (wanted, got) in sides.items():
        if wanted == got:
            slots += ErrorCounts(hits=len(wanted))
            digits += ErrorCounts(hits=len(_digits("".join(wanted)))) if kind in _DIGIT_STRINGS else ErrorCounts()
            continue
        pairs = align(wanted, got)
        slots += counts(pairs)
        for pair in pairs if kind in _DIGIT_STRINGS else ():
            mine = wanted[pair.reference] if pair.reference is not None else ""
            theirs = got[pair.hypothesis] if pair.hypothesis is not None else ""
            digits += character_counts(_digits(mine), _digits(theirs), spaces=False)
    return EntityCounts(slots, digits)


def extract(text: str) -> list[Entity]:
    """The typed values of an English text, written or spoken, in order within each kind."""
    found: list[Entity] = []
    rest = english.fold(text)
    if not _holds_address(rest):
        return _from_tokens(profile("en").tokens(text))
    for pattern, kind in ((_EMAIL, "email"), (_URL, "url")):
        for match in pattern.finditer(rest):
            whole = "@".join(match.groups()) if kind == "email" else "".join(match.groups())
            found.append(Entity(kind, whole.replace(" dot ", ".")))
        rest = pattern.sub(" ; ", rest)
    return found + _from_tokens(english.tokens(rest))


def number_tokens(tokens: Sequence[str]) -> int:
    """Tokens that hold a digit: what an unformatted reference and a formatted answer disagree on first."""
    return sum(not token.isalpha() and any(map(str.isdigit, token)) for token in tokens)


def _holds_address(text: str) -> bool:
    """Whether it is worth looking for one."""
    return "@" in text or " dot " in text or ("." in text[:-1] and _DOTTED.search(text) is not None)


def _from_tokens(tokens: Sequence[str]) -> list[Entity]:
    found: list[Entity] = []
    free = 0
    # A word of several letters begins a value only when it names a month.
    begins = [len(token) == 1 or not token.isalpha() or token in english.MONTHS for token in tokens]
    for place in itertools.compress(range(len(tokens)), begins):
        if place < free:
            continue
        if tokens[place].isalpha() and tokens[place] not in english.MONTHS:
            entity, used = _spelt(tokens, place) or (None, 1)
        else:
            entity, used = (
                _dated(tokens, place) or _timed(tokens, place) or _spelt(tokens, place) or _single(tokens, place)
            )
        if entity:
            found.append(entity)
        free = place + used
    return found


def _dated(tokens: Sequence[str], place: int) -> tuple[Entity, int] | None:
    """``april 20th 2026``, ``20th of april 2026``, ``april 2026`` or 20260420."""
    token = tokens[place]
    if iso := _ISO_DATE.fullmatch(token):
        return Entity("date", "-".join(iso.groups())), 1
    month, day, used = None, None, 0
    if token in english.MONTHS:
        month, used = token, 1
        if place + 1 < len(tokens) and (ordinal := _ORDINAL.fullmatch(tokens[place + 1])):
            day, used = int(ordinal[1]), 2
    elif ordinal := _ORDINAL.fullmatch(token):
        after = place + 1 + (place + 1 < len(tokens) and tokens[place + 1] == "of")
        if after < len(tokens) and tokens[after] in english.MONTHS:
            month, day, used = tokens[after], int(ordinal[1]), after + 1 - place
    if month is None:
        return None
    year = tokens[place + used] if place + used < len(tokens) and _YEAR.fullmatch(tokens[place + used]) else None
    if day is None and year is None:
        return None
    value = f"{year or '-'}-{english.MONTHS[month]:02d}" + (f"-{day:02d}" if day is not None else "")
    return Entity("date", value), used + (year is not None)


def _timed(tokens: Sequence[str], place: int) -> tuple[Entity, int] | None:
    """``930 am`` or ``5 o'clock``; without either, 930 is a number like any other."""
    clock = _CLOCK.fullmatch(tokens[place])
    after = tokens[place + 1] if place + 1 < len(tokens) else ""
    if not clock or after not in ("am", "pm", "o'clock"):
        return None
    value = f"{int(clock[1]):02d}:{clock[2] or '00'}"
    return Entity("time", value if after == "o'clock" else f"{value} {after}"), 2


def _spelt(tokens: Sequence[str], place: int) -> tuple[Entity, int] | None:
    """Letters and digits mixed, in one token or letter by letter: BA2490, ``b a 2490``."""
    end = place
    while end < len(tokens) and len(tokens[end]) == 1 and tokens[end].isalpha():
        end += 1
    if end - place >= 2 and end < len(tokens) and tokens[end].isdecimal():
        return Entity("id", "".join(tokens[place : end + 1])), end + 1 - place
    token = tokens[place]
    mixed = token.isalnum() and any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    if mixed and not _ORDINAL.fullmatch(token) and not re.fullmatch(r"\d+0s", token):
        return Entity("id", token), 1
    return None


def _single(tokens: Sequence[str], place: int) -> tuple[Entity | None, int]:
    token = tokens[place]
    sign = "-" if place and tokens[place - 1] == "minus" else ""
    kind: Kind
    if _AMOUNT.fullmatch(token):
        kind = "amount"
    elif _PERCENT.fullmatch(token):
        kind = "percent"
    elif ordinal := _ORDINAL.fullmatch(token):
        return Entity("ordinal", ordinal[1]), 1
    elif token.isdecimal():
        if len(token) >= _MIN_PHONE_DIGITS and not sign and token.strip("0") and not token.endswith("000"):
            return Entity("phone", token), 1
        kind = "integer"
    elif re.fullmatch(r"\d+\.\d+", token):
        kind = "decimal"
    else:
        return None, 1
    return Entity(kind, sign + token), 1


def _value(entity: Entity) -> str:
    """What is compared: a value annotated by hand may be written in any of the ways of its kind."""
    written = entity.value.casefold()
    match entity.kind:
        case "amount" | "integer" | "decimal" | "percent":
            plain = written.replace(",", "").replace(" ", "").rstrip("%")
            return re.sub(r"(\.\d*?)0+$", r"\1", plain).rstrip(".")
        case "phone":
            return re.sub(r"[^\w+]", "", written)
        case "ordinal":
            return re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", written)
        case "time":
            return re.sub(r"^(?=\d:)", "0", written)
    return written


def _digits(value: str) -> list[str]:
    return [char for char in value if char.isdigit()]
