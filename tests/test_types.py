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
from tests import obvious


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


def told(*frames: dict[str, float]) -> Pacing | None:
    numbers = enumerate(frames, start=1)
    events = tuple(
        Event(k * 0.1 + 0.03, k * 0.1, "audio", {"bytes": 1, "due_s": k * 0.1, **more}) for k, more in numbers
    )
    return Trace("clip", "xai", "streaming", {}, 1, datetime.now(UTC), events).pacing()


def test_pacing_tells_stalls_waits_and_the_share_of_late_frames() -> None:
    first = {"frame_ms": 100, "speed": 1.0, "stall_s": 0.0, "blocked_s": 0.0}
    pacing = told(first, {"stall_s": 0.04}, {"blocked_s": 0.002}, {"stall_s": 0.006, "blocked_s": 0.003})
    assert pacing is not None
    assert (pacing.late_share, pacing.stall_max_s, pacing.speed, pacing.valid) == (1.0, 0.04, 1.0, False)
    assert pacing.blocked_s == pytest.approx(0.005)
    older = told({}, {})
    assert older is not None
    assert (older.stall_max_s, older.blocked_s, older.speed) == (None, None, 1.0)


def test_audio_sent_faster_than_speech_has_an_origin_and_no_valid_latency() -> None:
    events = tuple(Event(1 + k / 4, k, "audio", {"bytes": 1, "due_s": 1 + k / 4, "speed": 4.0}) for k in (1.0, 2.0))
    trace = Trace("clip", "xai", "streaming", {}, 1, datetime.now(UTC), events)
    pacing = trace.pacing()
    assert trace.audio_origin_s() == 1.0
    assert pacing is not None
    assert (pacing.late_max_s, pacing.speed, pacing.valid) == (0.0, 4.0, False)


@given(st.integers(0, 400), st.sampled_from([10, 20, 100]), st.floats(0, 0.5))
def test_silence_follows_without_a_short_frame_between(samples: int, frame_ms: int, silence_s: float) -> None:
    audio = Audio(b"\1\1" * samples, 8000)
    frames = list(audio.frames(frame_ms, silence_s=silence_s))
    assert b"".join(frames) == audio.pcm[:] + bytes(2 * round(silence_s * 8000))
    assert all(len(frame) == 16 * frame_ms for frame in frames[:-1])


@pytest.mark.parametrize(("late", "drift", "valid"), [(0.05, 0.02, True), (0.051, 0.0, False), (0.0, 0.021, False)])
def test_a_badly_paced_trace_is_invalid_for_latency(late: float, drift: float, valid: bool) -> None:
    assert Pacing(10, 0.0, 0.0, late, drift).valid is valid


@given(obvious.conversations())
def test_captions_are_every_piece_in_segment_order(said: Hypothesis) -> None:
    expected = [tuple((word, state) for _, word, state in shown) for shown in obvious.pieces(said)]
    found = list(said.captions())
    assert [tuple(zip(caption.words, caption.states, strict=True)) for caption in found] == expected
    assert said.last_caption == (found[-1] if found else None)


@given(obvious.conversations())
def test_what_was_replaced_and_what_is_left_are_all_that_was_said(said: Hypothesis) -> None:
    gone = [old for _, replaced in said.replacements() for old in replaced]
    left = [update for update in said.updates if update not in gone]
    assert len(gone) + len(left) == len(said.updates)
    assert {word for update in left for word in update.words} == set(said.words)
    for update, replaced in said.replacements():
        assert all(old.segment[: len(update.segment)] == update.segment for old in replaced)
