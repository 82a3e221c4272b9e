"""Every reading of the protocol on which its sources disagree or are silent, as a knob."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from evalkit.emulator import faults
from evalkit.errors import SettingsError

DoneText = Literal["remainder", "full", "empty"]
ChunkText = Literal["delta", "cumulative"]
LanguageField = Literal["code", "empty", "name"]
EarlyAudio = Literal["drop", "keep"]
UtteranceStart = Literal["previous_end", "first_speech"]
Unknown = Literal["ignore", "refuse"]


@dataclass(frozen=True, slots=True)
class Knobs:
    """How this server reads the protocol; the defaults are our best reading. Each can be given as ``name=value``."""

    endpointing_default_ms: int = 400
    """Silence that ends an utterance when the client does not say."""
    default_model: str = "grok-voice-transcribe-2.0"
    """The model when the client names none."""
    done_text: DoneText = "remainder"
    """What transcript.done carries: the unclosed rest, the whole session, nothing."""
    chunk_text: ChunkText = "delta"
    """Whether a chunk-final carries its own stretch or the utterance so far."""
    duplicate_single_chunk: bool = True
    """An utterance of one chunk arrives as chunk-final and utterance-final."""
    flush_closes_utterance: bool = True
    """Audio.done closes the open utterance; otherwise done carries the tail."""
    close_after_done: bool = True
    """Close with 1000 after transcript.done; otherwise a new turn may begin."""
    drop_before_done: bool = False
    """Drop the connection, without a close frame, instead of transcript.done."""
    bad_key_status: int = 400
    """HTTP status for a wrong key."""
    no_key_status: int = 401
    """HTTP status for a missing key."""
    subprotocol_auth: bool = False
    """Accept the key as Sec-WebSocket-Protocol xai-client-secret.<key>."""
    language_field: LanguageField = "code"
    """The language of an answer: en, nothing, or English."""
    empty_partials_on_noise: bool = True
    """Silence and noise give partials without text."""
    early_audio: EarlyAudio = "drop"
    """What happens to audio sent before transcript.created."""
    file_must_be_last: bool = True
    """Options after the file part are ignored."""
    unknown_parameter: Unknown = "ignore"
    """What happens to a parameter the protocol does not know."""
    utterance_start: UtteranceStart = "previous_end"
    """Where the start of an utterance lies."""
    interim_period_s: float = 0.5
    """Audio between two interims."""
    chunk_s: float = 3.0
    """Speech after which a chunk is locked."""
    delay_s: float = 0.0
    """Constant added before every answer."""
    max_upload_bytes: int = 500_000_000
    """Largest file; more is refused with 413."""
    faults: str = ""
    """What goes wrong, and when, as ``faults.written`` writes it."""
    trial: str = ""
    """Any text; with another one the requests that ``faults`` counts are counted anew."""

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Knobs:
        """Read ``name=value`` strings.

        Raises:
            SettingsError: unknown name, impossible value, or faults that nobody knows.
        """
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        for setting in settings:
            name, separator, text = setting.partition("=")
            if name not in types:
                raise SettingsError.unknown("knob", name, types)
            if not separator:
                raise SettingsError(f"knob {name!r} needs a value: write {name}=VALUE")
            values[name] = _value(name, types[name], text)
        faults.read(values.get("faults", ""))
        return cls(**values)

    def settings(self) -> list[str]:
        """The ``name=value`` strings of the knobs that differ from their defaults."""
        return [
            f"{knob.name}={str(getattr(self, knob.name)).lower() if knob.type == 'bool' else getattr(self, knob.name)}"
            for knob in dataclasses.fields(self)
            if getattr(self, knob.name) != knob.default
        ]


def _value(name: str, kind: Any, text: str) -> Any:
    if choices := get_args(kind):
        if text not in choices:
            raise SettingsError.unknown(f"value of knob {name}:", text, choices)
        return text
    if kind is bool:
        if text not in ("true", "false"):
            raise SettingsError(f"knob {name!r} is true or false, not {text!r}")
        return text == "true"
    try:
        value = kind(text)
    except ValueError:
        raise SettingsError(f"knob {name!r} needs a {kind.__name__}, not {text!r}") from None
    if kind is not str and not 0 <= value < float("inf"):
        raise SettingsError(f"knob {name!r} cannot be {text}: it must be finite and not negative")
    return value
