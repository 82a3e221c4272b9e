"""What a client asked for: multipart fields and query parameters, checked as the protocol says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.emulator.knobs import Knobs

MODELS = ("grok-voice-transcribe-2.0", "grok-voice-transcribe-1.0")
RATES_HZ = (8000, 16000, 22050, 24000, 44100, 48000)
LANGUAGES = (
    "ar", "cs", "da", "de", "en", "es", "fa", "fil", "fr", "hi", "id", "it", "ja", "ko", "mk", "ms", "nl", "pl", "pt",
    "ro", "ru", "sv", "th", "tr", "vi",
)  # fmt: skip
RAW_ENCODINGS = ("pcm", "mulaw", "alaw")
CONTAINERS = ("wav", "mp3", "ogg", "opus", "flac", "aac", "mp4", "m4a", "mkv")
REST_VAD_THRESHOLD = 0.5
STREAM_VAD_THRESHOLD = 0.08

CODES = {
    400: "Client specified an invalid argument",
    401: "The request does not have valid authentication credentials",
    403: "The caller does not have permission to execute the specified operation",
    404: "Some requested entity was not found",
    405: "Operation is not supported",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Client specified an invalid argument",
    429: "Some resource has been exhausted",
    500: "Internal error",
    502: "Bad gateway",
    503: "The service is currently unavailable",
}

_SHARED = {"model", "language", "diarize", "multichannel", "channels", "keyterm", "filler_words", "vad_threshold"}
REST_FIELDS = _SHARED | {"audio_format", "sample_rate", "sample_rate_hertz", "format", "url"}
STREAM_FIELDS = _SHARED | {
    "sample_rate", "encoding", "interim_results", "endpointing", "smart_turn", "smart_turn_timeout", "token",
}  # fmt: skip


class RefusalError(Exception):
    """A request this server will not serve.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status

    @property
    def body(self) -> dict[str, str]:
        """The JSON body of the protocol."""
        return {"code": CODES.get(self.status, "Unknown"), "error": str(self)}


@dataclass(frozen=True, slots=True)
class RestSettings:
    """One REST request."""

    encoding: str | None
    """``pcm``, ``mulaw`` or ``alaw`` for headerless sound, None for a container."""
    sample_rate_hz: int | None
    channels: int
    diarize: bool
    multichannel: bool
    filler_words: bool
    vad_threshold: float

    @classmethod
    def of(cls, fields: Sequence[tuple[str, str]], knobs: Knobs) -> RestSettings:
        """Check the fields of a multipart form, in their order.

        Raises:
            RefusalError: a value the protocol does not allow.
        """
        given = _Given(fields, REST_FIELDS, knobs)
        given.check_shared(knobs)
        if given.boolean("format") and not given.text("language"):
            raise RefusalError(400, "format=true needs a language")
        audio_format = given.choice("audio_format", (*RAW_ENCODINGS, *CONTAINERS))
        raw = audio_format if audio_format in RAW_ENCODINGS else None
        rate = given.rate("sample_rate") or given.rate("sample_rate_hertz")
        if raw and not rate:
            raise RefusalError(400, f"audio_format={raw} needs a sample_rate")
        multichannel = given.boolean("multichannel")
        channels = given.integer("channels", 1, 8) or 1
        if raw and multichannel and channels < 2:
            raise RefusalError(400, f"multichannel with audio_format={raw} needs channels from 2 to 8")
        threshold = given.number("vad_threshold", 0.0, 1.0)
        return cls(
            encoding=raw,
            sample_rate_hz=rate,
            channels=channels,
            diarize=given.boolean("diarize"),
            multichannel=multichannel,
            filler_words=given.boolean("filler_words"),
            vad_threshold=REST_VAD_THRESHOLD if threshold is None else threshold,
        )


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """One socket."""

    encoding: str = "pcm"
    sample_rate_hz: int = 16_000
    channels: int = 1
    multichannel: bool = False
    interim_results: bool = False
    endpointing_s: float = 0.4
    diarize: bool = False
    filler_words: bool = False
    smart_turn: float | None = None
    smart_turn_timeout_s: float | None = None
    vad_threshold: float = STREAM_VAD_THRESHOLD

    @classmethod
    def of(cls, fields: Sequence[tuple[str, str]], knobs: Knobs) -> StreamSettings:
        """Check the query of a socket.

        Raises:
            RefusalError: a value the protocol does not allow, or opus, which this server cannot decode.
        """
        given = _Given(fields, STREAM_FIELDS, knobs)
        given.check_shared(knobs)
        encoding = given.choice("encoding", (*RAW_ENCODINGS, "opus")) or "pcm"
        if encoding == "opus":
            raise RefusalError(400, "encoding=opus is not decoded by the embedded server; send pcm, mulaw or alaw")
        multichannel = given.boolean("multichannel")
        channels = given.integer("channels", 1, 8) or 1
        if multichannel and channels < 2:
            raise RefusalError(400, "multichannel needs channels from 2 to 8")
        endpointing = given.integer("endpointing", 0, 5000)
        smart_turn = given.number("smart_turn", 0.0, 1.0)
        timeout = given.integer("smart_turn_timeout", 1, 5000)
        if timeout is not None and smart_turn is None:
            raise RefusalError(400, "smart_turn_timeout needs smart_turn")
        threshold = given.number("vad_threshold", 0.0, 1.0)
        return cls(
            encoding=encoding,
            sample_rate_hz=given.rate("sample_rate") or 16_000,
            channels=channels,
            multichannel=multichannel,
            interim_results=given.boolean("interim_results"),
            endpointing_s=(knobs.endpointing_default_ms if endpointing is None else endpointing) / 1000,
            diarize=given.boolean("diarize"),
            filler_words=given.boolean("filler_words"),
            smart_turn=smart_turn,
            smart_turn_timeout_s=None if timeout is None else timeout / 1000,
            vad_threshold=STREAM_VAD_THRESHOLD if threshold is None else threshold,
        )


class _Given:
    """The parameters as sent; the last of several values counts, except for ``keyterm``."""

    def __init__(self, fields: Sequence[tuple[str, str]], known: set[str], knobs: Knobs) -> None:
        self._values = dict(fields)
        self._keyterms = [value for name, value in fields if name == "keyterm"]
        strangers = sorted(set(self._values) - known)
        if strangers and knobs.unknown_parameter == "refuse":
            raise RefusalError(400, f"unknown parameter {strangers[0]}")

    def check_shared(self, knobs: Knobs) -> None:
        model = self.text("model") or knobs.default_model
        if model not in (*MODELS, knobs.default_model):
            raise RefusalError(404, f"the model {model} does not exist")
        self.choice("language", LANGUAGES)
        if len(self._keyterms) > 100:
            raise RefusalError(400, "at most 100 keyterms are allowed")
        if any(len(term) > 50 for term in self._keyterms):
            raise RefusalError(400, "a keyterm has at most 50 characters")

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def boolean(self, name: str) -> bool:
        return self.choice(name, ("true", "false")) == "true"

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        value = self._values.get(name)
        if value is not None and value not in choices:
            raise RefusalError(400, f"{name} must be one of {', '.join(choices)}; got {value!r}")
        return value

    def rate(self, name: str) -> int | None:
        value = self.choice(name, [str(rate) for rate in RATES_HZ])
        return None if value is None else int(value)

    def integer(self, name: str, least: int, most: int) -> int | None:
        number = self._ranged(name, int, least, most)
        return None if number is None else int(number)

    def number(self, name: str, least: float, most: float) -> float | None:
        return self._ranged(name, float, least, most)

    def _ranged(self, name: str, kind: type[int] | type[float], least: float, most: float) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        try:
            number = kind(value)
        except ValueError:
            raise RefusalError(400, f"{name} must be a number from {least:g} to {most:g}; got {value!r}") from None
        if not least <= number <= most:
            raise RefusalError(400, f"{name} must be from {least:g} to {most:g}; got {value}")
        return number
