import urllib.parse

import pytest

from evalkit.emulator.knobs import Knobs
from evalkit.emulator.settings import RefusalError, RestSettings, StreamSettings


def test_defaults_are_those_of_the_protocol() -> None:
    rest = RestSettings.of([], Knobs())
    stream = StreamSettings.of([], Knobs())
    assert (rest.vad_threshold, stream.vad_threshold) == (0.5, 0.08)
    assert stream == StreamSettings(endpointing_s=0.4)
    assert StreamSettings.of([], Knobs(endpointing_default_ms=10)).endpointing_s == 0.01


def test_values_are_read() -> None:
    query = (
        "sample_rate=8000&encoding=mulaw&interim_results=true&endpointing=0&multichannel=true&channels=2"
        "&smart_turn=0.5&smart_turn_timeout=900"
    )
    settings = StreamSettings.of(urllib.parse.parse_qsl(query), Knobs())
    assert settings == StreamSettings(
        encoding="mulaw", sample_rate_hz=8000, channels=2, multichannel=True, interim_results=True, endpointing_s=0.0,
        smart_turn=0.5, smart_turn_timeout_s=0.9,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"sample_rate": "11025"}, {"encoding": "flac"}, {"encoding": "opus"}, {"interim_results": "1"},
        {"endpointing": "5001"}, {"endpointing": "fast"}, {"language": "auto"}, {"multichannel": "true"},
        {"channels": "9"}, {"smart_turn": "1.5"}, {"smart_turn_timeout": "100"}, {"vad_threshold": "2"},
        {"keyterm": "x" * 51},
    ],
    ids=str,
)  # fmt: skip
def test_socket_refuses_with_400(fields: dict[str, str]) -> None:
    with pytest.raises(RefusalError) as refusal:
        StreamSettings.of(list(fields.items()), Knobs())
    assert refusal.value.status == 400
    assert set(refusal.value.body) == {"code", "error"}


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "true"}, {"audio_format": "pcm"}, {"audio_format": "wma"}, {"diarize": "yes"}, {"language": "zh"},
        {"audio_format": "pcm", "sample_rate": "16000", "multichannel": "true"}, {"vad_threshold": "high"},
    ],
    ids=str,
)  # fmt: skip
def test_upload_refuses_with_400(fields: dict[str, str]) -> None:
    with pytest.raises(RefusalError) as refusal:
        RestSettings.of(list(fields.items()), Knobs())
    assert refusal.value.status == 400


def test_both_spellings_of_the_rate_are_read_and_ignored_for_containers() -> None:
    raw = [("audio_format", "pcm"), ("sample_rate_hertz", "8000")]
    assert RestSettings.of(raw, Knobs()).sample_rate_hz == 8000
    assert RestSettings.of([("audio_format", "wav")], Knobs()).encoding is None


def test_unknown_model_is_404_and_the_retired_one_is_served() -> None:
    with pytest.raises(RefusalError) as refusal:
        RestSettings.of([("model", "grok-stt")], Knobs())
    assert refusal.value.status == 404
    StreamSettings.of([("model", "grok-voice-transcribe-1.0")], Knobs())


def test_too_many_keyterms() -> None:
    StreamSettings.of([("keyterm", str(number)) for number in range(100)], Knobs())
    with pytest.raises(RefusalError, match="at most 100"):
        StreamSettings.of([("keyterm", str(number)) for number in range(101)], Knobs())


def test_unknown_parameter_is_ignored_unless_the_knob_says_otherwise() -> None:
    StreamSettings.of([("sparkle", "true")], Knobs())
    with pytest.raises(RefusalError, match="sparkle"):
        StreamSettings.of([("sparkle", "true")], Knobs(unknown_parameter="refuse"))
