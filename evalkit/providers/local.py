"""Recognisers on this machine: ``xai`` pointed at the embedded server, under names of their own.

Their numbers are true of the recogniser named, never of a vendor.
"""

from dataclasses import dataclass
from typing import ClassVar

from evalkit.providers.xai import Xai


@dataclass(frozen=True, kw_only=True)
class Local(Xai):
    """Any recogniser the embedded server can run, e.g. ``engine="faster-whisper:FOLDER"``."""

    description: ClassVar[str] = (
        "a recogniser of yours behind the embedded server: engine=faster-whisper:FOLDER or vosk:FOLDER; no key"
    )

    name: str = "local"
    engine: str = "moonshine"
    base_url: str = ""
    key_env: str | None = None


@dataclass(frozen=True, kw_only=True)
class Moonshine(Local):
    """Moonshine tiny-en; the default candidate."""

    description: ClassVar[str] = "Moonshine tiny-en on this machine, behind the embedded xAI-compatible server; no key"
    caution: ClassVar[str] = (
        "Word times come from PocketSphinx, as do most reference times of the shipped corpora, so drift looks better "
        "than it is; the price is that of processor time at a cloud's list price."
    )

    name: str = "local-moonshine"
    engine: str = "moonshine"


@dataclass(frozen=True, kw_only=True)
class PocketSphinx(Local):
    """PocketSphinx en-us; the default incumbent."""

    description: ClassVar[str] = "PocketSphinx en-us on this machine, behind the embedded xAI-compatible server; no key"
    caution: ClassVar[str] = Moonshine.caution

    name: str = "local-pocketsphinx"
    engine: str = "pocketsphinx"
