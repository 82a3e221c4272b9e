"""The captions of one channel: voice activity and guesses in, ``transcript.partial`` and ``transcript.done`` out.

Pure: no clock, no network; audio time is the only time. The rules are those of the protocol: an interim after a lock
covers only newer audio, ``start`` stays at the beginning of the utterance, and an utterance-final restates it whole.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.emulator.answers import kept, text_of, written
from evalkit.emulator.engines import Stream
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.settings import StreamSettings
from evalkit.emulator.sound import Samples
from evalkit.emulator.speech import FRAME_S, Frame, probability
from evalkit.types import Word

Message = dict[str, Any]

_PREROLL_S = 0.36
_LEAST_SILENCE_S = 0.12
_LEAST_VOICED_FRAMES = 5
_CUT_SLACK_S = 0.4
_ENDS = (".", "?", "!")


class Captions:
    """The state of one channel of one session."""

    def __init__(
        self, stream: Stream, settings: StreamSettings, knobs: Knobs, channel_index: int | None = None
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._knobs = knobs
        self._channel_index = channel_index
        self._interim_frames = max(1, round(knobs.interim_period_s / FRAME_S))
        self._chunk_frames = max(1, round(knobs.chunk_s / FRAME_S))
        self._count = 0
        self._levels: list[float] = []
        self._utterances: list[Word] = []
        self._tail: tuple[Word, ...] = ()
        self._previous_end_s = 0.0
        self._open = False
        self._reset()

    def _reset(self) -> None:
        self._begin_s = self._start_s = self._chunk_s = self._now_s
        self._last_voiced_s = 0.0
        self._voiced = 0
        self._excess_db = 0.0
        self._locked: list[Word] = []
        self._chunks = 0
        self._demoted = False

    @property
    def _now_s(self) -> float:
        return self._count * FRAME_S

    def feed(self, samples: Samples) -> Iterator[Message]:
        """Hear more; interims that newer audio has overtaken are left out unless guessing costs nothing."""
        due = False
        for frame in self._stream.feed(samples):
            yield from self._step(frame)
            due = (due or self._count % self._interim_frames == 0) and self._settings.interim_results
            if due and self._stream.instant:
                yield from self._interim()
                due = False
        if due:
            yield from self._interim()

    def finalize(self) -> Iterator[Message]:
        """Close the open utterance at once; without one, an empty utterance-final answers the request."""
        before = len(self._utterances)
        if self._open:
            yield from self._close()
        if len(self._utterances) == before:
            yield self._partial((), is_final=True, speech_final=True)

    def finish(self) -> Iterator[Message]:
        """The audio is over: flush what is open."""
        self._tail = ()
        if not self._open:
            return
        if self._knobs.flush_closes_utterance:
            yield from self._close()
        elif self._is_speech():
            rest = self._kept(self._stream.guess(self._chunk_s, self._now_s))
            if rest:
                yield self._partial(self._shown(rest), is_final=True, speech_final=False)
            self._tail = self._kept(self._stream.final(self._begin_s, self._now_s))
        else:
            self._stream.abandon()
        self._open = False

    def done(self, duration_s: float) -> Message:
        """The last message, after ``finish``; ``duration_s`` is all audio of the session."""
        words: Sequence[Word] = {
            "remainder": self._tail,
            "full": (*self._utterances, *self._tail),
            "empty": (),
        }[self._knobs.done_text]
        message: Message = {
            "type": "transcript.done",
            "text": text_of(words),
            "words": written(words),
            "duration": round(duration_s, 2),
        }
        if self._channel_index is not None:
            message["channel_index"] = self._channel_index
        return message

    def close(self) -> None:
        """The session is over, however it ended."""
        self._stream.close()

    def _step(self, frame: Frame) -> Iterator[Message]:
        """Advance by one frame: open, lock or close."""
        self._count += 1
        self._levels.append(frame.level_db)
        if not self._open:
            if frame.voiced:
                self._begin()
            else:
                if self._count % 50 == 0:
                    self._stream.forget(self._now_s - 1.0)
                if self._count % self._chunk_frames == 0 and self._knobs.empty_partials_on_noise:
                    yield self._partial((), is_final=True, speech_final=False)
                return
        if frame.voiced:
            self._last_voiced_s = self._now_s
            self._voiced += 1
            self._excess_db = max(self._excess_db, frame.excess_db)
            self._demoted = False
        silence_s = self._now_s - self._last_voiced_s + FRAME_S / 2
        if silence_s >= max(self._settings.endpointing_s, _LEAST_SILENCE_S):
            yield from self._endpoint(silence_s)
        elif self._now_s - self._chunk_s >= self._knobs.chunk_s + _CUT_SLACK_S and not self._demoted:
            yield from self._lock()

    def _begin(self) -> None:
        self._reset()
        self._open = True
        self._begin_s = self._chunk_s = max(self._previous_end_s, self._now_s - _PREROLL_S, 0.0)
        first_speech = self._knobs.utterance_start == "first_speech"
        self._start_s = self._now_s - FRAME_S if first_speech else self._previous_end_s
        self._stream.forget(self._begin_s)
        self._stream.begin(self._begin_s)

    def _is_speech(self) -> bool:
        """Whether enough was loud enough to ask the recogniser."""
        return self._voiced >= _LEAST_VOICED_FRAMES and probability(self._excess_db) >= self._settings.vad_threshold

    def _interim(self) -> Iterator[Message]:
        if not self._open:
            if self._knobs.empty_partials_on_noise and self._count % (2 * self._interim_frames) < self._interim_frames:
                yield self._partial((), is_final=False, speech_final=False)
            return
        words = self._kept(self._stream.guess(self._chunk_s, self._now_s)) if self._is_speech() else ()
        if words or self._knobs.empty_partials_on_noise:
            yield self._partial(self._shown(words), is_final=False, speech_final=False)

    def _lock(self) -> Iterator[Message]:
        """Cut the open stretch between two words, at the quietest such moment about ``chunk_s`` after its beginning."""
        words = self._stream.guess(self._chunk_s, self._now_s) if self._is_speech() else ()
        earliest_s = self._chunk_s + 0.6 * self._knobs.chunk_s
        gaps = [
            (self._level_between(left.end_s or 0.0, right.start_s or 0.0), -(right.start_s or 0.0), index + 1)
            for index, (left, right) in enumerate(itertools.pairwise(words))
            if earliest_s <= (left.end_s or 0.0) and (right.start_s or 0.0) <= self._now_s
        ]
        if gaps:
            count = min(gaps)[2]
            locked = words[:count]
            self._chunk_s = ((words[count - 1].end_s or 0.0) + (words[count].start_s or 0.0)) / 2
        else:
            locked = tuple(word for word in words if (word.end_s or 0.0) <= self._now_s)
            self._chunk_s = max(self._now_s - _CUT_SLACK_S, locked[-1].end_s or 0.0) if locked else self._now_s - 0.2
        locked = self._kept(locked)
        if locked or self._knobs.empty_partials_on_noise:
            yield self._partial(self._shown(locked), is_final=True, speech_final=False)
        if locked:
            self._locked += locked
            self._chunks += 1

    def _level_between(self, left_s: float, right_s: float) -> float:
        """The quietest frame between two words, or just around their common border."""
        first = max(0, int(min(left_s, right_s) / FRAME_S) - 1)
        return min(self._levels[first : int(max(left_s, right_s) / FRAME_S) + 2], default=0.0)

    def _endpoint(self, silence_s: float) -> Iterator[Message]:
        """The speaker paused long enough: an utterance ends here unless smart_turn thinks he has not finished."""
        threshold = self._settings.smart_turn
        timeout_s = self._settings.smart_turn_timeout_s
        if threshold is None or (timeout_s is not None and silence_s >= timeout_s):
            yield from self._close()
            return
        if self._demoted:
            return
        words = self._kept(self._stream.guess(self._chunk_s, self._now_s)) if self._is_speech() else ()
        shown = words or tuple(self._locked)
        if not shown or end_of_turn(shown) >= threshold:
            yield from self._close()
            return
        self._demoted = True
        if words:
            yield self._partial(self._shown(words), is_final=True, speech_final=False, turn=end_of_turn(words))
            self._locked += words
            self._chunks += 1
        self._chunk_s = self._now_s - _LEAST_SILENCE_S

    def _close(self) -> Iterator[Message]:
        """Restate the whole utterance and end it; noise ends without words."""
        if self._is_speech():
            rest: tuple[Word, ...] = ()
            if self._chunks:
                rest = self._kept(self._stream.guess(self._chunk_s, self._now_s))
                if rest:
                    yield self._partial(self._shown(rest), is_final=True, speech_final=False)
            words = self._kept(self._stream.final(self._begin_s, self._now_s)) or (*self._locked, *rest)
        else:
            self._stream.abandon()
            words = tuple(self._locked)
        if words:
            if not self._chunks and self._knobs.duplicate_single_chunk:
                yield self._partial(words, is_final=True, speech_final=False)
            yield self._partial(words, is_final=True, speech_final=True, turn=end_of_turn(words))
            self._utterances += words
        elif self._knobs.empty_partials_on_noise:
            yield self._partial((), is_final=True, speech_final=False)
        self._previous_end_s = self._now_s
        self._open = False

    def _kept(self, words: Sequence[Word]) -> tuple[Word, ...]:
        return kept(words, filler_words=self._settings.filler_words)

    def _shown(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """What a message about the open stretch carries."""
        return (*self._locked, *words) if self._knobs.chunk_text == "cumulative" else tuple(words)

    def _partial(self, words: Sequence[Word], *, is_final: bool, speech_final: bool, turn: float = 0.0) -> Message:
        start_s = self._start_s if self._open else self._previous_end_s
        message: Message = {
            "type": "transcript.partial",
            "text": text_of(words),
            "words": written(words),
            "is_final": is_final,
            "speech_final": speech_final,
            "start": round(start_s, 2),
            "duration": round(self._now_s - start_s, 2),
        }
        if self._channel_index is not None:
            message["channel_index"] = self._channel_index
        if self._settings.smart_turn is not None:
            message["end_of_turn_confidence"] = turn
        return message


def end_of_turn(words: Sequence[Word]) -> float:
    """How finished a sentence looks; a stand-in for the turn model of the service, by punctuation alone."""
    return 0.94 if words and words[-1].text.endswith(_ENDS) else 0.21
