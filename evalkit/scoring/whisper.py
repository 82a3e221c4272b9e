"""Whisper's normalisers, the field's reference point, through the optional package ``whisper-normalizer``.

They are offered as they are, quirks included: a curly "o'clock" becomes "50 clock", "-4" loses its sign, "the cat's"
becomes "the cat is", and the basic one takes the vowel signs from Indic and Thai text and does not trim.
"""

import functools
import importlib
import importlib.metadata
import warnings
from collections.abc import Callable

from evalkit.errors import SettingsError

PACKAGE = "whisper-normalizer"
_CLASSES = {"whisper_en": ("english", "EnglishTextNormalizer"), "whisper_basic": ("basic", "BasicTextNormalizer")}
NAMES = tuple(_CLASSES)


def version() -> str:
    """Version of the package.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise SettingsError(
            f"the whisper text profiles need the package {PACKAGE}: pip install {PACKAGE}, or choose another profile"
        ) from None


def normalised(text: str, name: str, *, preserve_marks: bool = False) -> str:
    """The text after one of Whisper's normalisers, spaces left as it leaves them.

    Args:
        text: any text.
        name: ``whisper_en`` or ``whisper_basic``.
        preserve_marks: let the basic one keep combining marks, which Indic and Thai text needs.

    Raises:
        SettingsError: the package is not installed.
    """
    return _normaliser(name, preserve_marks)(text)


@functools.lru_cache(maxsize=1 << 15)
def tokens(text: str, name: str) -> tuple[str, ...]:
    """The same as tokens, with the settings the normaliser has by default."""
    return tuple(normalised(text, name).split())


@functools.cache
def _normaliser(name: str, preserve_marks: bool) -> Callable[[str], str]:
    version()
    module, kind = _CLASSES[name]
    with warnings.catch_warnings():
        # One of its docstrings holds an invalid escape.
        warnings.simplefilter("ignore")
        made = getattr(importlib.import_module(f"whisper_normalizer.{module}"), kind)
    normaliser: Callable[[str], str] = made(preserve_marks=True) if preserve_marks else made()
    return normaliser
