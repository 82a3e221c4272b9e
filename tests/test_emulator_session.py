from itertools import count

import numpy as np

from evalkit.emulator.knobs import Knobs
from evalkit.emulator.scripted import ANY_CLIP, PlantedWord, Scripted
from evalkit.emulator.session import Session
from evalkit.emulator.settings import StreamSettings
from evalkit.types import Word

TWO_SIDES = Scripted(
    {ANY_CLIP: (PlantedWord(Word("left", 0.5, 0.9, channel=0)), PlantedWord(Word("right", 1.5, 1.9, channel=1)))}
)
STEREO = StreamSettings(multichannel=True, channels=2)
TWO_SECONDS = bytes(2 * 2 * 32000)


def test_every_channel_has_its_own_utterances_and_its_own_done() -> None:
    session = Session(TWO_SIDES, STEREO, Knobs(empty_partials_on_noise=False))
    messages = [*session.feed(TWO_SECONDS), *session.finish(), *session.farewell()]
    finals = [(m["channel_index"], m["text"]) for m in messages if m.get("speech_final")]
    assert finals == [(0, "left"), (1, "right")]
    assert [m["channel_index"] for m in messages if m["type"] == "transcript.done"] == [0, 1]
    assert [m["type"] for m in messages[-2:]] == ["evalkit.usage", "transcript.done"]


def test_finalize_can_be_limited_to_a_channel() -> None:
    session = Session(TWO_SIDES, STEREO, Knobs(empty_partials_on_noise=False))
    list(session.feed(TWO_SECONDS))
    assert [message["channel_index"] for message in session.finalize(1)] == [1, 1]


def test_several_channels_are_mixed_unless_multichannel_was_asked_for() -> None:
    session = Session(TWO_SIDES, StreamSettings(channels=2), Knobs())
    messages = [*session.feed(TWO_SECONDS), *session.finish(), *session.farewell()]
    assert not any("channel_index" in message for message in messages)
    assert messages[-1]["duration"] == 2.0


def test_duration_is_the_audio_received_at_any_rate() -> None:
    session = Session(TWO_SIDES, StreamSettings(encoding="mulaw", sample_rate_hz=8000), Knobs())
    messages = [*session.feed(np.full(12000, 0xFF, dtype=np.uint8).tobytes()), *session.finish(), *session.farewell()]
    assert messages[-1]["duration"] == 1.5


def test_usage_is_what_the_clock_says_was_spent_here() -> None:
    ticks = count()
    session = Session(TWO_SIDES, StreamSettings(), Knobs(), cpu_clock=lambda: float(next(ticks)))
    list(session.feed(TWO_SECONDS))
    list(session.finish())
    usage = session.farewell()[-2]
    assert usage == {"type": "evalkit.usage", "cpu_s": 3.0}
