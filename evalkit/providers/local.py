"""The embedded recognisers: ``xai`` pointed at the server on this machine, under names of their own.

Their numbers are true of the recogniser named, never of a vendor.
"""

from dataclasses import dataclass
from typing import ClassVar

from evalkit.providers.xai import Xai

_CAUTION = (
    "Word times come from PocketSphinx, as do most reference times of the shipped corpora, so drift looks better than "
    "it is; the price is that of processor time at a cloud's list price."
)


@dataclass(frozen=True, kw_only=True)
class Moonshine(Xai):
    """Moonshine tiny-en behind the embedded server; the default candidate."""

    description: ClassVar[str] = "Moonshine tiny-en on this machine, behind the embedded xAI-compatible server; no key"
    caution: ClassVar[str] = _CAUTION
    engine: ClassVar[str | None] = "moonshine"

    name: str = "local-moonshine"
    base_url: str = ""
    key_env: str | None = None


@dataclass(frozen=True, kw_only=True)
class PocketSphinx(Xai):
    """PocketSphinx en-us behind the embedded server; the default incumbent."""

    description: ClassVar[str] = "PocketSphinx en-us on this machine, behind the embedded xAI-compatible server; no key"
    caution: ClassVar[str] = _CAUTION
    engine: ClassVar[str | None] = "pocketsphinx"

    name: str = "local-pocketsphinx"
    base_url: str = ""
    key_env: str | None = None
