"""Versioned text profiles: the rules applied to both sides before anything is compared.

A profile may be wrong in a harmless way (``exercise`` spelt ``exercize``) but never in a one-sided way: whatever it
does, it does to reference and hypothesis alike.
"""

import functools
import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.errors import SettingsError
from evalkit.scoring import english, whisper

_PROBE = (
    "Um, I won't pay $1,234.50 at 5 o\u2019clock, it's twenty-one percent of the cat's toy [noise]",
    "nineteen eighty four colours, minus four degrees and the second of one hundred and six, double five oh",
    "\u6211\u7528iPhone\u62cd\u7167 10\u5929\u3002",
    "\u0928\u092e\u0938\u094d\u0924\u0947 caf\u00e9 No. 5",
)
_kept = functools.lru_cache(maxsize=1 << 15)
"""Every profile keeps what it made of the words and clips it saw last, for all that ask in turn."""
_UNSPACED = frozenset({"zh", "ja", "yue", "th", "lo", "km", "my"})
_SPACELESS_SCRIPT = re.compile(
    "([\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One set of text rules: ``tokens(text)`` is what gets compared."""

    name: str
    version: str
    tokens: Callable[[str], tuple[str, ...]]

    @property
    def hash(self) -> str:
        """Twelve hex digits that change when the name, the version or the behaviour on a fixed probe text changes."""
        seen = repr((self.name, self.version, [self.tokens(text) for text in _PROBE]))
        return hashlib.sha256(seen.encode()).hexdigest()[:12]


def profile(name: str) -> Profile:
    """The profile of that name.

    Args:
        name: one of ``PROFILES``, or ``whisper_en`` or ``whisper_basic`` where whisper-normalizer is installed.

    Raises:
        SettingsError: there is none, and the nearest name is suggested; or its package is not installed.
    """
    if name in whisper.NAMES:
        return Profile(name, whisper.version(), functools.partial(whisper.tokens, name=name))
    if name not in PROFILES:
        raise SettingsError.unknown("text profile", name, PROFILES)
    return PROFILES[name]


def profile_for(language: str | None) -> Profile:
    """The headline profile of a language such as ``en-GB``; ``basic`` where there is no better one or none is known."""
    code = primary_language(language)
    if code == "en":
        return PROFILES["en"]
    return PROFILES["cjk_char" if code in _UNSPACED else "basic"]


@functools.lru_cache(maxsize=1 << 8)
def primary_language(language: str | None) -> str | None:
    """``en`` for ``en-GB``; None when unknown."""
    return re.split(r"[-_]", language.strip().casefold())[0] if language else None


def is_spaced(language: str | None) -> bool:
    """Whether words of the language are separated by spaces, so that a word error rate means something."""
    return primary_language(language) not in _UNSPACED


def graphemes(token: str) -> tuple[str, ...]:
    r"""What a reader of an Indic script takes for single characters: each letter with the marks and joiners on it.

    The extended grapheme clusters of Unicode 15.1 (``\X``) for letters and their marks, conjuncts included; syllables
    of Hangul jamo and emoji sequences are not looked for.
    """
    found: list[str] = []
    for char in token:
        joins = found and (
            char in _JOINERS
            or unicodedata.category(char).startswith("M")
            or (unicodedata.category(char) == "Lo" and _is_conjunct(found[-1], char))
        )
        if joins:
            found[-1] += char
        else:
            found.append(char)
    return tuple(found)


def has_marks(language: str | None) -> bool:
    """Whether characters of the language are counted as graphemes, being letters with marks on them."""
    return primary_language(language) in _INDIC


def _is_conjunct(cluster: str, char: str) -> bool:
    """A consonant after a virama of one of the scripts that write the two as one sign."""
    marks = cluster.rstrip(_ZWJ)
    return bool(marks) and marks[-1] in _LINKERS and ord(marks[-1]) >> 7 == ord(char) >> 7


@_kept
def _none(text: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", text).split())


@_kept
def _formatted(text: str) -> tuple[str, ...]:
    return tuple(map(sys.intern, re.sub(r"([.,?!;:])(?=\s|$)", r" \1", unicodedata.normalize("NFC", text)).split()))


@_kept
def _basic(text: str) -> tuple[str, ...]:
    spaced = english.fold(text).translate(_SPACED)
    return tuple(map(sys.intern, (english.QUOTE.sub(" ", spaced) if "'" in spaced else spaced).split()))


@_kept
def _en(text: str) -> tuple[str, ...]:
    return english.tokens(text)


@_kept
def _cjk_char(text: str) -> tuple[str, ...]:
    return tuple("".join(_basic(text)))


@_kept
def _mixed(text: str) -> tuple[str, ...]:
    return tuple(_SPACELESS_SCRIPT.sub(r" \1 ", " ".join(_basic(text))).split())


_ZWJ = "\u200d"
_JOINERS = ("\u200c", _ZWJ)
_LINKERS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"
_INDIC = frozenset({"as", "bn", "gu", "hi", "kn", "ml", "mr", "ne", "or", "pa", "sa", "si", "ta", "te"})

_SPACED = english.SpacedPunctuation(keep="'")

PROFILES = {
    made.name: made
    for made in (
        Profile("none", "1", _none),
        Profile("formatted", "1", _formatted),
        Profile("basic", "1", _basic),
        Profile("en", "3", _en),
        Profile("cjk_char", "1", _cjk_char),
        Profile("mixed", "1", _mixed),
    )
}
