"""The record of one conversation: every event stamped by one monotonic clock, keys masked before anything is kept."""

import time
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NoReturn

from evalkit.errors import SettingsError, Unavailable
from evalkit.types import Event, EventKind
from evalkit.wire.masking import Secrets

SHORTEST_KEY = 8


def key_in(environ: Mapping[str, str], env_var: str) -> str:
    """The API key in an environment variable.

    Raises:
        SettingsError: the variable is not set, or holds what cannot be a key.
    """
    value = environ.get(env_var, "").strip()
    if not value:
        raise SettingsError(f"no API key: set the environment variable {env_var}")
    if len(value) < SHORTEST_KEY or not value.isascii() or not value.isprintable() or " " in value:
        # A shorter one would also be masked out of ordinary words.
        raise SettingsError(f"{env_var} holds no API key: at least {SHORTEST_KEY} ASCII characters without spaces")
    return value


class Record:
    """Events so far, and the clock that stamps them: seconds since the record was begun."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.audio_s = 0.0
        """Seconds of audio released so far."""
        self.began_s = time.perf_counter()
        """When the record was begun, on the clock that all conversations of this process share."""
        self._environ = environ
        self._secrets = Secrets()
        # Tuples, not events: the garbage collector loses interest in tuples of numbers and strings, so a full
        # collection, which stops every stream, stays short however much has been recorded.
        self._kept: list[tuple[float, float, EventKind, Any]] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything recorded so far, by time: a message is stamped before the task that records it runs."""
        return tuple(
            Event(t_s, audio_s, kind, dict(data) if isinstance(data, tuple) else data)
            for t_s, audio_s, kind, data in sorted(self._kept, key=itemgetter(0))
        )

    def now(self) -> float:
        """Wire time."""
        return time.perf_counter() - self.began_s

    def secret(self, env_var: str) -> str:
        """The value of an environment variable, masked in every event from now on.

        Raises:
            SettingsError: the variable is not set, or holds what cannot be a key.
        """
        value = key_in(self._environ, env_var)
        self._secrets.add(value)
        return value

    def add(self, kind: EventKind, data: Any = None, t_s: float | None = None) -> None:
        """Record an event that happened at ``t_s``, or now."""
        self._keep(kind, self.masked(data), self.now() if t_s is None else t_s)

    def add_frame(self, numbers: Mapping[str, float]) -> None:
        """Record a frame of audio: numbers alone, so nothing is masked; this runs for every frame of every stream."""
        self._keep("audio", tuple(numbers.items()), self.now())

    def fail(self, message: str, cause: BaseException | None) -> NoReturn:
        """Record an error and raise it.

        Raises:
            Unavailable: always.
        """
        message = self.masked(message)
        self.add("error", {"type": "Unavailable", "message": message})
        raise Unavailable(message) from cause

    def masked(self, data: Any) -> Any:
        """The same without keys."""
        return self._secrets.masked(data)

    def _keep(self, kind: EventKind, data: Any, t_s: float) -> None:
        self._kept.append((round(t_s, 6), round(self.audio_s, 6), kind, data))
