"""The recognisers behind the server: one small interface, and the names under which they are loaded."""

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evalkit.emulator.sound import Samples
from evalkit.emulator.speech import Frame
from evalkit.errors import SettingsError
from evalkit.types import Word

EXTRA = "pip install 'stt-evalkit[local]'"


@dataclass(frozen=True, slots=True)
class Description:
    """What a reader of a report must know about a recogniser."""

    name: str
    version: str
    licence: str
    word_times: str
    """Where the times of its words come from."""
    speakers: str
    """Where its speaker labels come from."""
    language: str = "en"
    truth: str = "recognised"
    """``recognised`` from the sound, or ``planted`` by a script."""

    @property
    def line(self) -> str:
        """All of it as one line."""
        return (
            f"{self.name} {self.version} ({self.licence}; {self.truth}); "
            f"word times: {self.word_times}; speakers: {self.speakers}"
        )


class Stream(Protocol):
    """One channel of one live session. Times are seconds of audio since the stream began."""

    instant: bool
    """Whether a guess costs nothing, so that no interim need be left out when audio arrives faster than real time."""

    def feed(self, samples: Samples) -> list[Frame]:
        """Take in 16 kHz samples; judges the 20 ms frames they complete."""

    def begin(self, start_s: float) -> None:
        """An utterance begins at ``start_s``."""

    def guess(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        """The words between two moments of the open utterance, as far as known now."""

    def final(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        """The words of the whole utterance, for good; it ends here."""

    def abandon(self) -> None:
        """The open utterance was no speech; it ends without words."""

    def forget(self, before_s: float) -> None:
        """Nothing before ``before_s`` will be asked for again."""

    def close(self) -> None:
        """The session is over."""


class Engine(Protocol):
    """A recogniser. Everything it answers depends on the sound given to it and on nothing it heard before."""

    description: Description

    def transcribe(
        self, samples: Samples, *, channel: int | None, diarize: bool, vad_threshold: float
    ) -> tuple[Word, ...]:
        """The words of a whole file (16 kHz mono); ``channel`` is None for a file heard as a whole."""

    def stream(self, *, channel: int, diarize: bool) -> Stream:
        """Begin a live session of one channel."""


def _moonshine() -> Engine:
    from evalkit.emulator.moonshine import Moonshine

    return Moonshine()


def _pocketsphinx() -> Engine:
    from evalkit.emulator.sphinx import PocketSphinx

    return PocketSphinx()


def _scripted(path: str) -> Engine:
    from evalkit.emulator.scripted import Scripted

    return Scripted.load(Path(path))


def _faster_whisper(path: str) -> Engine:
    from evalkit.emulator.own_models import FasterWhisper

    return FasterWhisper(path)


def _vosk(path: str) -> Engine:
    from evalkit.emulator.own_models import Vosk

    return Vosk(path)


@dataclass(frozen=True, slots=True)
class _Kind:
    packages: tuple[str, ...]
    install: str
    load: Callable[[str], Engine]
    wants: str = ""
    """What must follow the name and a colon, if anything."""


KINDS = {
    "moonshine": _Kind(("moonshine_voice", "pocketsphinx"), EXTRA, lambda _: _moonshine()),
    "pocketsphinx": _Kind(("pocketsphinx", "moonshine_voice"), EXTRA, lambda _: _pocketsphinx()),
    "scripted": _Kind((), EXTRA, _scripted, "a script file"),
    "faster-whisper": _Kind(("faster_whisper",), "pip install faster-whisper", _faster_whisper, "a model folder"),
    "vosk": _Kind(("vosk",), "pip install vosk", _vosk, "a model folder"),
}
SERVER_PACKAGES = ("starlette", "uvicorn", "python_multipart", "soundfile", "soxr")


def check(engine: str) -> None:
    """See that ``engine`` names a recogniser whose packages are installed, without loading any of them.

    Args:
        engine: ``moonshine``, ``pocketsphinx``, ``scripted:FILE``, ``faster-whisper:FOLDER`` or ``vosk:FOLDER``.

    Raises:
        SettingsError: unknown engine, missing package or missing file.
    """
    kind, _, rest = engine.partition(":")
    if kind not in KINDS:
        raise SettingsError.unknown("engine", kind, KINDS)
    known = KINDS[kind]
    if known.wants and not rest:
        raise SettingsError(f"engine {kind!r} needs {known.wants}: write {kind}:PATH")
    if known.wants and not Path(rest).exists():
        raise SettingsError(f"engine {kind!r}: {rest} does not exist; name {known.wants}")
    if rest and not known.wants:
        raise SettingsError(f"engine {kind!r} takes no path; write {kind}")
    for package, install in [
        *((name, EXTRA) for name in SERVER_PACKAGES),
        *((name, known.install) for name in known.packages),
    ]:
        if not _installed(package):
            raise SettingsError(f"engine {engine!r} needs the package {package}, which is not installed: {install}")


@functools.cache
def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def load(engine: str) -> Engine:
    """Load the recogniser named ``engine``.

    Raises:
        SettingsError: unknown engine, missing package or missing file.
    """
    check(engine)
    kind, _, rest = engine.partition(":")
    return KINDS[kind].load(rest)
