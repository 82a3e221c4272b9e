"""Words as the protocol writes them, and the body of a REST answer."""

from collections.abc import Sequence
from typing import Any

from evalkit.emulator.engines import Engine
from evalkit.emulator.knobs import LanguageField
from evalkit.emulator.settings import RestSettings
from evalkit.emulator.sound import Samples, mono
from evalkit.types import Word

FILLERS = frozenset({"uh", "um", "er"})
_NAMES = {"en": "English"}


def kept(words: Sequence[Word], *, filler_words: bool) -> tuple[Word, ...]:
    """All words, or those that are no uh, um or er."""
    if filler_words:
        return tuple(words)
    return tuple(word for word in words if word.text.strip(".,?!;:-…\"'").lower() not in FILLERS)


def text_of(words: Sequence[Word]) -> str:
    """The words as one string."""
    return " ".join(word.text for word in words)


def written(words: Sequence[Word]) -> list[dict[str, Any]]:
    """The ``words`` array: two decimals, no unknown or zero confidence, speakers as numbers."""
    out: list[dict[str, Any]] = []
    for word in words:
        entry: dict[str, Any] = {
            "text": word.text,
            "start": round(word.start_s or 0.0, 2),
            "end": round(word.end_s or 0.0, 2),
        }
        if word.confidence:
            entry["confidence"] = round(word.confidence, 4)
        if word.speaker is not None:
            entry["speaker"] = int(word.speaker)
        out.append(entry)
    return out


def language_of(code: str, field: LanguageField) -> str:
    """The ``language`` of an answer."""
    return {"code": code, "empty": "", "name": _NAMES.get(code, code)}[field]


def rest_answer(
    engine: Engine, samples: Samples, duration_s: float, settings: RestSettings, language_field: LanguageField
) -> dict[str, Any]:
    """The body of a REST answer.

    Args:
        engine: the recogniser.
        samples: 16 kHz, shape (n, channels).
        duration_s: the duration of the upload.
        settings: what the client asked for.
        language_field: what the ``language`` of the answer shows.
    """

    def heard(piece: Samples, channel: int | None) -> tuple[Word, ...]:
        words = engine.transcribe(
            piece, channel=channel, diarize=settings.diarize, vad_threshold=settings.vad_threshold
        )
        return kept(words, filler_words=settings.filler_words)

    language = language_of(engine.description.language, language_field)
    if not settings.multichannel or samples.shape[1] == 1:
        words = heard(mono(samples), None)
        return _body(words, language) | {"duration": round(duration_s, 2)}
    channels = [heard(samples[:, index], index) for index in range(samples.shape[1])]
    merged = sorted((word for words in channels for word in words), key=lambda word: word.start_s or 0.0)
    return {
        **_body(merged, language),
        "duration": round(duration_s, 2),
        "channels": [{"index": index, **_body(words, language)} for index, words in enumerate(channels)],
    }


def _body(words: Sequence[Word], language: str) -> dict[str, Any]:
    body: dict[str, Any] = {"text": text_of(words), "language": language}
    if words:
        body["words"] = written(words)
    return body
