"""The nouns: captions, transcripts, pacing."""

import io
import wave
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Unavailable
from evalkit.types import Audio, Event, Hypothesis, Pacing, Trace, Update, Word


def words(text: str, channel: int | None = None) -> tuple[Word, ...]:
    return tuple(Word(token, channel=channel) for token in text.split())


def shown(hypothesis: Hypothesis) -> list[str]:
    return [" ".join(word.text for word in caption.words) for caption in hypothesis.captions()]


def test_an_utterance_final_replaces_its_chunks_and_nothing_else() -> None:
    hypothesis = Hypothesis.of(
        [
            Update(1.0, words("hello"), (0, 0), "utterance_final"),
            Update(2.0, words("nine"), (0, 1, 0), "interim"),
            Update(3.0, words("nine thirty"), (0, 1, 0), "chunk_final"),
            Update(4.0, words("and"), (0, 1, 1), "interim"),
            Update(5.0, words("9:30 and"), (0, 1), "utterance_final"),
        ]
    )
    assert shown(hypothesis) == ["hello", "hello nine", "hello nine thirty", "hello nine thirty and", "hello 9:30 and"]
    assert hypothesis.text == "hello 9:30 and"
    assert [word.text for word in hypothesis.words_at(3.5)] == ["hello", "nine", "thirty"]
    assert hypothesis.words_at(0.5) == ()


def test_each_shown_word_carries_how_firmly_it_is_held() -> None:
    *_, last = Hypothesis.of(
        [Update(1.0, words("a b"), (0, 0, 0), "chunk_final"), Update(2.0, words("c"), (0, 0, 1), "interim")]
    ).captions()
    assert last.states == ("chunk_final", "chunk_final", "interim")


def test_channels_are_merged_by_start_time() -> None:
    left = (Word("how", 0.0, 0.2, channel=0), Word("fine", 2.0, 2.2, channel=0))
    right = (Word("good", 1.0, 1.2, channel=1),)
    hypothesis = Hypothesis.of(
        [Update(1, left, (0, 0), "utterance_final"), Update(1, right, (1, 0), "utterance_final")]
    )
    assert hypothesis.text == "how good fine"


def test_what_came_before_an_error_is_kept() -> None:
    def broken() -> Iterator[Update]:
        yield Update(1.0, words("half a"), (0, 0), "utterance_final")
        raise Unavailable("gone")

    hypothesis = Hypothesis.of(broken())
    assert hypothesis.text == "half a"
    assert isinstance(hypothesis.failure, Unavailable)


@given(st.integers(1, 4000), st.sampled_from([10, 20, 100, 333]), st.sampled_from([1, 2]))
def test_frames_hold_every_sample_once(samples: int, frame_ms: int, channels: int) -> None:
    audio = Audio(bytes(range(256)) * (samples * 2 * channels // 256 + 1), 8000, channels)
    assert b"".join(audio.frames(frame_ms)) == audio.pcm


def test_wav_is_read_back_by_the_standard_library() -> None:
    audio = Audio(b"\x01\x00\x02\x00" * 50, 16000, 2)
    with wave.open(io.BytesIO(audio.wav())) as file:
        assert (file.getframerate(), file.getnchannels(), file.readframes(100)) == (16000, 2, audio.pcm)
    assert audio.duration_s == pytest.approx(50 / 16000)


def paced(late_s: list[float], frame_s: float = 0.1, origin_s: float = 0.4) -> Trace:
    events = []
    for k, late in enumerate(late_s, start=1):
        due = origin_s + k * frame_s
        events.append(Event(due + late, k * frame_s, "audio", {"bytes": 3200, "due_s": due}))
    return Trace("clip", "xai", "streaming", {}, 1, datetime.now(UTC), tuple(events))


def test_audio_origin_is_when_second_zero_was_spoken() -> None:
    assert paced([0.0, 0.0]).audio_origin_s() == pytest.approx(0.4)
    assert Trace("c", "x", "rest", {}, 1, datetime.now(UTC), ()).audio_origin_s() is None


def test_pacing_is_lateness_by_nearest_rank_and_drift_of_the_last_frame() -> None:
    pacing = paced([0.001 * k for k in range(1, 101)]).pacing()
    assert pacing is not None
    assert pacing.frames == 100
    assert pacing.late_p50_s == pytest.approx(0.050)
    assert pacing.late_p99_s == pytest.approx(0.099)
    assert pacing.late_max_s == pytest.approx(0.100)
    assert pacing.end_drift_s == pytest.approx(0.100)
    assert not pacing.valid


@pytest.mark.parametrize(("late", "drift", "valid"), [(0.05, 0.02, True), (0.051, 0.0, False), (0.0, 0.021, False)])
def test_a_badly_paced_trace_is_invalid_for_latency(late: float, drift: float, valid: bool) -> None:
    assert Pacing(10, 0.0, 0.0, late, drift).valid is valid
