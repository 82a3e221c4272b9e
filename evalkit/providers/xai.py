"""xAI's Grok Speech-to-Text: ``POST /v1/stt`` and the WebSocket ``/v1/stt``.

The transcript of a stream is put together so that it is right under every reading of the documents (chunk texts that
are increments or cumulative; a ``transcript.done`` that is empty, the remainder, or everything), because the sources
disagree. Joining every ``is_final`` doubles the text; taking only ``transcript.done`` usually gives nothing.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from evalkit.errors import ParseError, Refused, SettingsError, Unavailable
from evalkit.providers import Provider, explanation, messages, options, raise_for_answer, raise_for_end
from evalkit.providers.messages import number, of_type, timed
from evalkit.providers.options import flag
from evalkit.providers.speaking import speak
from evalkit.types import Audio, Event, Route, Segment, State, Update, Word
from evalkit.wire import Upload, Wire, is_loopback, key_in

# The values documented for `language`: it switches formatting on, it does not lock recognition.
LANGUAGES = frozenset(
    "ar cs da de en es fa fil fr hi id it ja ko mk ms nl pl pt ro ru sv th tr vi".split()  # noqa: SIM905 25 strings
)
MAX_KEYTERMS, MAX_KEYTERM_CHARS = 100, 50
MAX_UPLOAD_BYTES = 500_000_000
# Two stretches touch when one starts this close before the other ends: times are rounded to 10 ms.
TOUCH_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Xai(Provider):
    """Grok Speech-to-Text, or any server that speaks its protocol (``base_url``)."""

    routes: ClassVar[tuple[Route, ...]] = ("rest", "streaming")
    description: ClassVar[str] = "xAI Grok Speech-to-Text over REST and WebSocket; needs XAI_API_KEY"
    capabilities: ClassVar[str] = "word times yes; speakers yes; channels 2 to 8; file up to 500 MB"

    name: str = "xai"
    route: Route = "rest"
    base_url: str = "https://api.x.ai"
    key_env: str | None = "XAI_API_KEY"
    model: str = "grok-voice-transcribe-2.0"
    language: str | None = None
    diarize: bool = False
    keyterms: tuple[str, ...] = ()
    # The service drops "uh" and "um" unless asked; references are verbatim.
    filler_words: bool = True
    # Sent, or the routes would not compare: the service's own default is 0.5 over REST and 0.08 over streaming.
    vad_threshold: float | None = 0.08
    frame_ms: int = 100
    interim_results: bool = True
    # Always sent: the documented default moved from 10 to 400 ms during 2026.
    endpointing_ms: int = 400
    # What follows the last sample: audio.done at once; silence first, for the service to find the end by itself; or a
    # finalize message and then silence.
    end_mode: Literal["done", "silence", "finalize"] = "done"
    trailing_silence_s: float = 2.0
    # Above 1 a run is shorter, and its latencies are void.
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in LANGUAGES:
            raise SettingsError.unknown("language", self.language, LANGUAGES)
        options.within("frame_ms", self.frame_ms, 10, 1000)
        options.within("endpointing_ms", self.endpointing_ms, 0, 5000)
        options.within("trailing_silence_s", self.trailing_silence_s, 0, 60)
        options.within("speed", self.speed, 0.1, 100)
        if len(self.keyterms) > MAX_KEYTERMS or any(len(term) > MAX_KEYTERM_CHARS for term in self.keyterms):
            raise SettingsError(f"keyterms: at most {MAX_KEYTERMS} terms of {MAX_KEYTERM_CHARS} characters")
        if self.vad_threshold is not None:
            options.within("vad_threshold", self.vad_threshold, 0, 1)
        options.key_env(self.key_env)
        if self.base_url or self.engine is None:
            options.base_url(self.base_url)

    @property
    def live(self) -> bool:
        return bool(self.base_url) and not is_loopback(self.base_url)

    @property
    def silence_s(self) -> float:
        return self.trailing_silence_s if self.route == "streaming" and self.end_mode != "done" else 0.0

    def ready(self, environ: Mapping[str, str]) -> None:
        if self.key_env:
            key_in(environ, self.key_env)

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        headers = {"Authorization": f"Bearer {wire.secret(self.key_env)}"} if self.key_env else {}
        if self.route == "rest":
            file = Upload.wav(audio)
            if file.size > MAX_UPLOAD_BYTES:
                raise Refused(f"{self.name}: {file.size:,} bytes is over the documented 500 MB; split the recording")
            await wire.request(
                "POST", f"{self.base_url.rstrip('/')}/v1/stt", headers=headers, fields=self._form(audio), file=file
            )
            return
        query = urllib.parse.urlencode(self._query(audio))
        url = f"{options.socket_url(self.base_url)}/v1/stt?{query}"
        async with wire.websocket(url, headers=headers) as socket:
            failed = of_type("error")
            await socket.until(of_type("transcript.created"), what="transcript.created", unless=failed)
            flush = '{"type":"finalize"}' if self.end_mode == "finalize" else None
            await speak(
                socket, wire, audio, frame_ms=self.frame_ms, speed=self.speed, silence_s=self.silence_s, at_end=flush
            )
            await socket.send('{"type":"audio.done"}')
            await socket.until(_ends_a_channel(), what="transcript.done", count=audio.channels, unless=failed)

    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        return messages.understood(
            events, self, check=self._raise_for_answer, answer=_read_answer, stream=self._read_stream
        )

    def _options(self, audio: Audio) -> list[tuple[str, str]]:
        asked = [("model", self.model)]
        if self.language is not None:
            asked.append(("language", self.language))
        if self.diarize:
            asked.append(("diarize", "true"))
        if audio.channels > 1:
            asked.append(("multichannel", "true"))
        asked.extend(("keyterm", term) for term in self.keyterms)
        asked.append(("filler_words", flag(self.filler_words)))
        if self.vad_threshold is not None:
            asked.append(("vad_threshold", f"{self.vad_threshold:g}"))
        return asked

    def _form(self, audio: Audio) -> list[tuple[str, str]]:
        # On the socket a language alone switches formatting on; REST needs `format` too to do the same.
        return self._options(audio) + ([("format", "true")] if self.language is not None else [])

    def _query(self, audio: Audio) -> list[tuple[str, str]]:
        return [
            *self._options(audio),
            ("sample_rate", str(audio.sample_rate_hz)),
            ("encoding", "pcm"),
            ("interim_results", flag(self.interim_results)),
            ("endpointing", str(self.endpointing_ms)),
            *([("channels", str(audio.channels))] if audio.channels > 1 else []),
        ]

    def _raise_for_answer(self, answer: Mapping[str, Any]) -> None:
        try:
            raise_for_answer(answer, self.name)
        except Refused as error:
            # xAI answers a wrong key with 400, not 401: only the sentence tells it from a malformed request.
            if error.status == 400 and re.search(r"api.?key", explanation(answer["body"]), re.IGNORECASE):
                hint = f"; check {self.key_env}" if self.key_env else ""
                raise Refused(f"{error}{hint}", status=400, whole_provider=True) from None
            raise

    def _read_stream(self, events: Sequence[Event]) -> Iterator[Update]:
        channels: dict[int, _Channel] = {}
        expected = 1
        ended: set[int] = set()
        for event in events:
            if event.kind == "open":
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(event.data["url"]).query)
                expected = int(query.get("channels", ["1"])[0])
            if event.kind != "received":
                continue
            message = messages.read(event.data, "xai")
            kind = message.get("type")
            index = int(message.get("channel_index") or 0)
            channel = channels.setdefault(index, _Channel(index if expected > 1 else None, (index,)))
            if kind == "transcript.partial":
                yield from channel.partial(event.t_s, message)
            elif kind == "transcript.done":
                ended.add(index)
                yield from channel.done(event.t_s, message)
            elif kind == "error":
                for broken in channels.values():
                    yield from broken.closed(event.t_s)
                text = f"{self.name}: error event ({message.get('message', 'no message')})"
                # Before any transcript an error is about the request; later ones are the service's own trouble.
                raise Unavailable(text) if any(sent.kind == "audio" for sent in events) else Refused(text)
        if len(ended) < expected:
            for channel in channels.values():
                yield from channel.closed(events[-1].t_s)
            raise_for_end(events, self.name)


@dataclass
class _Channel:
    """The transcript of one channel while its messages are read."""

    channel: int | None
    path: Segment
    utterance: int = 0
    chunks: list[tuple[Word, ...]] = field(default_factory=list)
    finished: list[Word] = field(default_factory=list)
    last: tuple[Word, ...] = ()
    """The utterance finished last."""
    open: bool = False

    def partial(self, t_s: float, message: Mapping[str, Any]) -> Iterator[Update]:
        words = _words(message, self.channel)
        if words and self._came_before(words):
            return
        if message.get("speech_final"):
            words = words or self._held()
            if words or self.open:
                yield self._finish(t_s, words)
        elif words and message.get("is_final"):
            self.open = True
            if self.chunks and words == self.chunks[-1] and timed(words):
                return  # it came twice
            if self._restates(words):
                self.chunks = [words]
                yield self._update(t_s, words, "chunk_final")
            else:
                yield self._update(t_s, words, "chunk_final", len(self.chunks))
                self.chunks.append(words)
        elif words:  # noise makes empty partials; they open nothing
            self.open = True
            newer = words[len(self._held()) :] if self._restates(words) else words
            yield self._update(t_s, newer, "interim", len(self.chunks))

    def done(self, t_s: float, message: Mapping[str, Any]) -> Iterator[Update]:
        words = told = _words(message, self.channel)
        said = [*self.finished, *self._held()]
        whole = False
        if words and self.last and timed(words) and timed(self.finished):
            whole = _begins_with(words, self.finished)
            if whole or _begins_with(words, self.last):
                edge_s = (self.last[-1].end_s or 0.0) - TOUCH_S
                words = tuple(word for word in words if (word.start_s or 0.0) >= edge_s)
        elif words and self.finished:
            # The whole session; numbers in a held chunk may be rewritten, so a few finished words are proof enough.
            if _starts_with(words, said) or (len(self.finished) > 2 and _starts_with(words, self.finished)):
                whole = True
                words = words[len(self.finished) :]
            elif not self.open and _starts_with(words[::-1], self.finished[::-1][: len(words)]):
                words = ()
        restated = told if whole else ()
        if words or self.open:
            # An open interim that was never locked is only kept when nothing final ever arrived.
            words = words or self._held()
            if words or self.finished:
                yield replace(self._finish(t_s, words), restated=restated)
        elif restated:
            yield replace(self._update(t_s, (), "interim"), restated=restated)

    def closed(self, t_s: float) -> Iterator[Update]:
        """The socket closed without a ``transcript.done``: what was locked stays."""
        if self.chunks:
            yield self._finish(t_s, self._held())

    def _came_before(self, words: tuple[Word, ...]) -> bool:
        """Whether all of ``words`` lie in what is finished: a message that came twice, or after a later one."""
        finished = self.finished[-1].end_s if self.finished else None
        return finished is not None and timed(words) and max(word.end_s or 0.0 for word in words) <= finished

    def _held(self) -> tuple[Word, ...]:
        return tuple(word for chunk in self.chunks for word in chunk)

    def _restates(self, words: tuple[Word, ...]) -> bool:
        """Whether ``words`` begin with the locked chunks again (the cumulative reading) instead of after them."""
        held = self._held()
        if not held:
            return False
        return _begins_with(words, held) if timed(words) and timed(held) else _starts_with(words, held)

    def _finish(self, t_s: float, words: tuple[Word, ...]) -> Update:
        update = self._update(t_s, words, "utterance_final")
        self.finished.extend(words)
        self.last = words or self.last
        self.chunks, self.open = [], False
        self.utterance += 1
        return update

    def _update(self, t_s: float, words: tuple[Word, ...], state: State, *chunk: int) -> Update:
        return Update(t_s, words, (*self.path, self.utterance, *chunk), state)


def _read_answer(event: Event) -> Update:
    answer = messages.read(event.data["body"], "xai")
    channels = answer.get("channels")
    if channels:
        words = tuple(word for item in channels for word in _words(item, int(item["index"])))
    else:
        words = _words(answer, None)
    return Update(event.t_s, words, (), "utterance_final")


def _words(message: Mapping[str, Any], channel: int | None) -> tuple[Word, ...]:
    """The words of a message; without word times, the words of its text."""
    try:
        if message.get("words"):
            # Documented: the field is left out when it is 0. A server that never sends it says nothing by that.
            unsaid = 0.0 if any("confidence" in word for word in message["words"]) else None
            return tuple(
                Word(
                    text=str(word["text"]),
                    start_s=number(word.get("start")),
                    end_s=number(word.get("end")),
                    speaker=None if word.get("speaker") is None else str(word["speaker"]),
                    channel=channel,
                    confidence=number(word.get("confidence", unsaid)),
                )
                for word in message["words"]
            )
        return tuple(Word(text, channel=channel) for text in str(message.get("text") or "").split())
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(f"xai: a word is not as documented: {str(message)[:120]}") from error


def _begins_with(words: Sequence[Word], earlier: Sequence[Word]) -> bool:
    """Whether ``words`` start again where ``earlier`` started; neighbouring stretches may overlap a little."""
    return (words[0].start_s or 0.0) <= (earlier[0].start_s or 0.0) + TOUCH_S


def _starts_with(words: Sequence[Word], head: Sequence[Word]) -> bool:
    """Whether ``words`` begin with ``head``, but for case and punctuation, which a restatement changes."""
    return len(words) >= len(head) and all(_bare(a) == _bare(b) for a, b in zip(words, head, strict=False))


def _bare(word: Word) -> str:
    return re.sub(r"\W", "", word.text).casefold()


def _ends_a_channel() -> Callable[[str], bool]:
    """A test for the ``transcript.done`` of a channel that had none yet: a message may come twice."""
    done = of_type("transcript.done")
    ended: set[Any] = set()

    def matches(message: str) -> bool:
        if not done(message) or (channel := json.loads(message).get("channel_index")) in ended:
            return False
        ended.add(channel)
        return True

    return matches
