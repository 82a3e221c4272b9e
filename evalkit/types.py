"""The nouns. Frozen, no I/O, standard library only. Times are seconds, rates are hertz; read this file first."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Literal, Protocol

from evalkit.errors import ParseError, ProviderError

Route = Literal["rest", "streaming", "agent"]
Kind = Literal["speech", "nonspeech"]
EventKind = Literal["open", "ping", "sent", "audio", "received", "closed", "error"]
State = Literal["interim", "chunk_final", "utterance_final"]
Evidence = Literal["live", "recorded", "simulated"]
Segment = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a reference or a hypothesis; every field but ``text`` may be unknown (None)."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    channel: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which one speaker talks."""

    speaker: str
    start_s: float
    end_s: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """One audio file of a corpus with its reference."""

    id: str
    path: str
    """Absolute path of the audio file."""
    sha256: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    reference: tuple[Word, ...] | None = None
    """What was said, in order; None when unknown (speakers only); empty when nothing was said."""
    turns: tuple[Turn, ...] | None = None
    """Who spoke when; None when unknown."""
    language: str | None = None
    cluster: str = ""
    """Speaker or call: the unit of independence."""
    tags: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "speech"
    licence: str = ""
    origin: str = ""
    times_source: str | None = None
    """Where the reference word times come from; None when there are none."""

    @property
    def text(self) -> str | None:
        """The reference as one string, or None."""
        return None if self.reference is None else " ".join(word.text for word in self.reference)


class Pcm(Protocol):
    """Bytes of samples, in memory (``bytes``) or elsewhere (``evalkit.audio.OnDisk``): ``pcm[:]`` reads them all."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded sound: all that a provider gets to see of a clip."""

    pcm: Pcm = field(repr=False)
    """Signed 16-bit little-endian samples, channels interleaved."""
    sample_rate_hz: int
    channels: int = 1

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / (2 * self.channels * self.sample_rate_hz)

    def frames(self, frame_ms: int, *, silence_s: float = 0.0) -> Iterator[bytes]:
        """Consecutive pieces of ``frame_ms`` milliseconds, of the sound and then silence; the last may be shorter."""
        block = 2 * self.channels
        size = self.sample_rate_hz * frame_ms // 1000 * block
        end = len(self.pcm) + round(silence_s * self.sample_rate_hz) * block
        for start in range(0, end, size):
            yield self.pcm[start : start + size].ljust(min(size, end - start), b"\0")

    def since(self, start_s: float) -> "Audio":
        """What is left when the first ``start_s`` seconds are cut off."""
        return replace(self, pcm=self.pcm[round(start_s * self.sample_rate_hz) * 2 * self.channels :])

    def wav_header(self) -> bytes:
        """What stands before the samples in a RIFF WAVE file."""
        block, size = 2 * self.channels, len(self.pcm)
        bytes_per_s = self.sample_rate_hz * block
        sound = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, self.channels, self.sample_rate_hz, bytes_per_s, block, 16)
        return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + sound + struct.pack("<4sI", b"data", size)

    def wav(self) -> bytes:
        """The same sound as a RIFF WAVE file."""
        return self.wav_header() + self.pcm[:]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that crossed the wire."""

    t_s: float
    """Monotonic seconds since the trace began."""
    audio_s: float
    """Seconds of audio released so far."""
    kind: EventKind
    data: Any = None
    """Verbatim, keys masked: str for a socket message; for anything else a JSON object (see ``evalkit.wire``)."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How punctually our own frames left, seconds after their deadlines."""

    frames: int
    late_p50_s: float
    late_p99_s: float
    late_max_s: float
    end_drift_s: float
    """Lateness of the last frame."""
    late_share: float | None = None
    """Share of frames more than ``LATE_S`` late."""
    stall_max_s: float | None = None
    """The longest our event loop stood still meanwhile; 0 for less than 5 ms, None when it was not measured."""
    blocked_s: float | None = None
    """How long frames waited for the socket in all, waits under 1 ms not counted; None when not measured."""
    speed: float = 1.0
    """Seconds of audio sent per second."""

    LATE_S = 0.020
    MAX_LATE_S = 0.050
    MAX_DRIFT_S = 0.020

    @property
    def valid(self) -> bool:
        """Whether latencies of this trace may be used.

        Audio that was sent faster or slower than it could be spoken has no latency.
        """
        return self.within(self.MAX_LATE_S, self.MAX_DRIFT_S)

    def within(self, late_s: float, drift_s: float) -> bool:
        """Whether no frame and no end was later than this; the last nanosecond is rounding."""
        return self.speed == 1.0 and self.late_max_s <= late_s + 1e-9 and self.end_drift_s <= drift_s + 1e-9


@dataclass(frozen=True, slots=True)
class Trace:
    """All events of one attempt at one clip by one provider over one route."""

    clip_id: str
    provider: str
    route: Route
    settings: Mapping[str, Any]
    attempt: int
    started_at: datetime
    """UTC wall clock, a label only; every duration comes from ``Event.t_s``."""
    events: tuple[Event, ...]
    from_s: float = 0.0
    """Audio second of the clip at which this attempt began: above 0 it went on where the one before was cut off."""

    def audio_origin_s(self) -> float | None:
        """T0: the wire time at which audio second 0 was spoken, or None when nothing was paced."""
        for event in self.events:
            if event.kind == "audio":
                return float(event.data["due_s"]) - event.audio_s / float(event.data.get("speed", 1.0))
        return None

    def pacing(self) -> Pacing | None:
        """Punctuality of the paced frames, or None when nothing was paced."""
        frames = [event for event in self.events if event.kind == "audio"]
        if not frames:
            return None
        late = [frame.t_s - float(frame.data["due_s"]) for frame in frames]
        ranked = sorted(late)

        def nearest_rank(percent: int) -> float:
            return ranked[-(-percent * len(ranked) // 100) - 1]

        def told(name: str) -> list[float]:
            return [float(frame.data[name]) for frame in frames if name in frame.data]

        blocked = told("blocked_s")
        return Pacing(
            len(late),
            nearest_rank(50),
            nearest_rank(99),
            ranked[-1],
            late[-1],
            late_share=sum(seconds > Pacing.LATE_S for seconds in late) / len(late),
            stall_max_s=max(told("stall_s"), default=None),
            blocked_s=sum(blocked) if blocked else None,
            speed=max(told("speed"), default=1.0),
        )


@dataclass(frozen=True, slots=True)
class Update:
    """What the provider believed about one piece of the transcript at one moment.

    ``segment`` is a path such as (channel, utterance, chunk). An update replaces everything shown so far at its
    own path and below it, so an utterance_final at (0, 3) replaces the chunks (0, 3, 0) and (0, 3, 1).
    """

    t_s: float
    words: tuple[Word, ...]
    segment: Segment
    state: State
    restated: tuple[Word, ...] = ()
    """All that was said on the channel so far, when the provider tells that again as a whole; nobody is shown it."""


@dataclass(frozen=True, slots=True)
class CaptionState:
    """What a reader would see at a moment."""

    t_s: float
    words: tuple[Word, ...]
    states: tuple[State, ...]
    """One state per word: how firmly the provider holds it."""


def _put(shown: list[Update], update: Update) -> list[Update]:
    """Show an update among others, which are in segment order; returns those it replaces."""
    depth = len(update.segment)
    start = stop = bisect_left(shown, update.segment, key=_segment)
    while stop < len(shown) and shown[stop].segment[:depth] == update.segment:
        stop += 1
    replaced = shown[start:stop]
    shown[start:stop] = [update]
    return replaced


def _segment(update: Update) -> Segment:
    return update.segment


def _caption(t_s: float, shown: Sequence[Update]) -> CaptionState:
    return CaptionState(
        t_s,
        tuple(chain.from_iterable(piece.words for piece in shown)),
        tuple(chain.from_iterable(repeat(piece.state, len(piece.words)) for piece in shown)),
    )


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a provider said: its updates in order of arrival, and the error that ended them, if any."""

    updates: tuple[Update, ...]
    failure: ProviderError | ParseError | None = None

    @classmethod
    def of(cls, updates: Iterable[Update]) -> "Hypothesis":
        """Collect what ``Provider.parse`` yields; a refusal, an outage or an unreadable message becomes ``failure``.

        A parser that trips over a message it did not expect has not understood it, whatever Python calls that.
        """
        collected: list[Update] = []
        try:
            for update in updates:
                collected.append(update)  # noqa: PERF402 what came before an error must be kept
        except (ProviderError, ParseError) as failure:
            return cls(tuple(collected), failure)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            return cls(tuple(collected), ParseError(f"a message was not understood ({type(error).__name__}: {error})"))
        return cls(tuple(collected))

    def replacements(self) -> Iterator[tuple[Update, tuple[Update, ...]]]:
        """Each update with those it replaces: what had been shown at its own path and below, in segment order."""
        shown: list[Update] = []
        for update in self.updates:
            yield update, tuple(_put(shown, update))

    def captions(self) -> Iterator[CaptionState]:
        """The caption after each update, channel by channel in segment order."""
        shown: list[Update] = []
        for update in self.updates:
            _put(shown, update)
            yield _caption(update.t_s, shown)

    @property
    def last_caption(self) -> CaptionState | None:
        """The caption after the last update, or None without updates."""
        shown: list[Update] = []
        for update in self.updates:
            _put(shown, update)
        return _caption(self.updates[-1].t_s, shown) if shown else None

    @property
    def words(self) -> tuple[Word, ...]:
        """The final transcript; several channels are merged by start time."""
        caption = self.last_caption
        last: Sequence[Word] = caption.words if caption else ()
        if len({word.channel for word in last}) > 1 and all(word.start_s is not None for word in last):
            last = sorted(last, key=lambda word: word.start_s or 0.0)
        return tuple(last)

    @property
    def text(self) -> str:
        """The final transcript as one string."""
        return " ".join(word.text for word in self.words)

    def words_at(self, t_s: float) -> tuple[Word, ...]:
        """The words a caption showed at wire time ``t_s``."""
        shown: tuple[Word, ...] = ()
        for caption in self.captions():
            if caption.t_s > t_s:
                break
            shown = caption.words
        return shown


@dataclass(frozen=True, slots=True)
class Score:
    """One row: a clip, a provider, a route. Counts that add, never rates; ``values`` where a percentile needs each."""

    clip_id: str
    provider: str
    route: Route
    evidence: Evidence
    kind: Kind
    cluster: str
    language: str | None
    slices: Mapping[str, str]
    audio_s: float
    attempts: int
    failure: str | None
    """Why there is no usable answer after retries (``refused: ...``, ``unavailable: ...``, ``parse: ...``), or None."""
    counts: Mapping[str, float]
    """Column name -> count or sum, e.g. ``acc.wer.en.hits``."""
    values: Mapping[str, tuple[float, ...]]
    """Metric id -> one value per natural unit (word, utterance, request), e.g. ``lat.word_first``."""
    absent: Mapping[str, str]
    """Metric id -> ``missing_input``, ``not_applicable`` or ``invalid_pacing``: why this clip has no such metric."""
    pacing: Pacing | None
    reference: str | None
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the metric catalogue: what a number means and how it is folded from scores.

    A ratio metric has ``numerator`` and ``denominator`` (names of count columns, each summed over clips first, and
    the columns of a tuple added); a distribution metric has ``values`` and a ``statistic``.
    """

    id: str
    title: str
    unit: str
    """``rate``, ``s``, ``per_min``, ``x``, ``usd``, ``usd_per_h``, ``count``."""
    direction: Literal["lower", "higher", "zero"]
    definition: str
    source: str
    numerator: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    scale: float = 1.0
    """The ratio is multiplied by this, e.g. 60 for a rate per minute over seconds."""
    values: str = ""
    statistic: Literal["", "p50", "p95", "p99", "max", "mean"] = ""
    bounded: bool = False
    """Whether the ratio is a share, which cannot exceed 1; a word error rate can."""
    absolute: bool = False
    """Whether each column of the numerator is summed over clips by itself and then counts without its sign."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One pooled figure: a metric of one provider over one route on one slice of the corpus."""

    provider: str
    route: Route
    slice: str
    """``all``, or ``key=value`` such as ``noise=clean``."""
    metric: str
    unit: str
    value: float | None
    numerator: float | None
    denominator: float | None
    ci_lo: float | None
    ci_hi: float | None
    n_clips: int
    n_units: int
    """Words, utterances or requests, whatever the metric counts."""
    n_clusters: int
    status: str
    """``ok``, ``undefined``, ``not_applicable``, ``missing_input``, ``insufficient``, ``not_tested``."""
    macro: float | None
    """Of a ratio, the unweighted mean over clips of the clip's ratio; None for other metrics."""
    note: str
    """Why there is no figure or no interval, or what was done instead; empty when there is nothing to explain."""
    ci_method: str = ""
    """Level and method of the interval, a key of ``stats.intervals.METHODS``; empty without an interval."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of one system minus the same metric of another, paired on the clips both were scored on."""

    question: Literal["candidate_vs_incumbent", "streaming_vs_rest"]
    metric: str
    unit: str
    provider: str
    route: Route
    against_provider: str
    against_route: Route
    value: float | None
    against_value: float | None
    difference: float | None
    """``value - against_value``."""
    ci_lo: float | None
    ci_hi: float | None
    """The interval over clusters; of a rate on which no cluster differs, the zero-event bound over clips. It alone
    makes label and verdict, whatever the p-value says."""
    bootstrap_lo: float | None
    bootstrap_hi: float | None
    """The percentile interval of the paired bootstrap of a ratio, from 20 clusters on."""
    n_clips: int
    n_clusters: int
    p: float | None
    """Of a ratio: that of ``test``, two-sided; None where there is no chance in the difference (``exact``)."""
    p_holm: float | None
    """The same, adjusted (Holm) for the comparisons that ask this question of this metric."""
    poi: float | None
    """Probability of improvement: share of the paired bootstrap's draws in which this system does better. A draw in
    which both do alike is none; ``ties`` counts those."""
    margin: float | None
    """Of word and character error rates: how much worse is still as good, fixed before the run."""
    label: (
        Literal["superior", "non_inferior", "non_inferior_but_worse", "inferior", "worse_inconclusive", "inconclusive"]
        | None
    )
    """What interval and margin say about switching; None without a margin."""
    gate: Literal["pass", "warn", "fail"] | None
    """What the label means to a gate in continuous integration."""
    smallest_detectable: float | None
    """The difference this many clips could have shown with 80 % power at the 5 % level."""
    clips_needed: int | None
    """Clips like these, in all, with which a difference as large as the margin would be seen."""
    verdict: Literal["better", "worse", "no_clear_difference", "insufficient", "exact"]
    """What the interval says; ``exact`` where the difference is arithmetic, as of two prices per second of audio."""
    note: str
    """Why there is no difference or no verdict, or that interval and p-value disagree; empty when there is nothing to
    explain."""
    p_bh: float | None = None
    """``p`` adjusted (Benjamini-Hochberg) for every metric, and every slice, that is asked this question."""
    ties: float | None = None
    """Share of the paired bootstrap's draws in which both systems do exactly alike."""
    test: str = ""
    """What gave ``p``: ``sign-flip permutation`` over clusters, or ``McNemar`` of a share of independent clips."""
    ci_method: str = ""
    """Level and method of the interval, a key of ``stats.intervals.METHODS``; empty without an interval."""
