"""Everything evalkit raises on purpose.

EvalkitError             printed as one clear sentence with the fix, no traceback; exit 2
  CorpusError            a manifest, hash or audio file is wrong: names the file and the line
  SettingsError          unknown provider or option, missing key: names the variable or the near miss
  StoreError             a run folder cannot be read or written: names the path
  BudgetExceeded         the next call could pass the budget: nothing was sent
  ProviderError          the trace so far is kept
    Refused              HTTP 4xx or an error event: retrying cannot help
    Unavailable          5xx, 429, timeout, dropped socket: the harness retries, each attempt its own trace
  ParseError             a recorded message was not understood: fix parse(), score again, pay nothing
"""

import difflib
from collections.abc import Iterable


class EvalkitError(Exception):
    """Base of every error a user can mend; the text is one sentence that says how."""


class CorpusError(EvalkitError):
    """A manifest, a hash or an audio file is wrong."""


class SettingsError(EvalkitError):
    """A provider, option, plan or environment variable is wrong or missing."""

    @classmethod
    def unknown(cls, what: str, name: str, known: Iterable[str]) -> "SettingsError":
        """An unknown ``name``, with the near miss suggested, or all ``known`` names listed."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return cls(f"unknown {what} {name!r}; {hint}")


class StoreError(EvalkitError):
    """A run folder cannot be read or written."""


class BudgetExceeded(EvalkitError):
    """The next call could pass the budget; nothing was sent."""


class ProviderError(EvalkitError):
    """A provider gave no usable answer; the trace so far is kept."""


class Refused(ProviderError):
    """A request that will be refused again: HTTP 4xx other than 429, or an error event.

    Attributes:
        status: HTTP status, or None when a socket message refused.
        whole_provider: True when no clip can succeed (a wrong key, no permission), so that the run stops.
    """

    def __init__(self, message: str, *, status: int | None = None, whole_provider: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.whole_provider = whole_provider


class Unavailable(ProviderError):
    """No answer now: 5xx, 429, a timeout or a dropped socket.

    Attributes:
        status: HTTP status, or None when there was none.
        retry_after_s: how long the service asked us to wait, or None.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class ParseError(EvalkitError):
    """A recorded message was not understood."""
