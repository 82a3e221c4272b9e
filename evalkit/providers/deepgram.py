"""Deepgram's speech-to-text, version 1 of listen: ``POST /v1/listen`` and the WebSocket ``/v1/listen``.

The transcript of a stream is every ``is_final`` piece of a channel, one after the other: each holds the words of its
own stretch of audio only. Keeping those with ``speech_final`` alone loses text, and a flush may be answered by an empty
piece, by a full one, or not at all; ``CloseStream`` brings what is left, and ``Metadata`` says that nothing more comes.
"""

import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from evalkit.errors import ParseError, Refused, SettingsError, Unavailable
from evalkit.providers import Provider, messages, options, raise_for_answer, raise_for_end
from evalkit.providers.messages import number, of_type, timed
from evalkit.providers.options import flag
from evalkit.providers.placing import placed
from evalkit.providers.speaking import speak
from evalkit.types import Audio, Event, Route, State, Update, Word
from evalkit.wire import Upload, Wire, is_loopback, key_in

MAX_UPLOAD_BYTES = 2_000_000_000
CLOSE, FLUSH = '{"type":"CloseStream"}', '{"type":"Finalize"}'
# Two stretches touch when one starts this close before the other ends: times are rounded.
TOUCH_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Deepgram(Provider):
    """Deepgram's listen, or any server that speaks its protocol (``base_url``)."""

    routes: ClassVar[tuple[Route, ...]] = ("rest", "streaming")
    description: ClassVar[str] = "Deepgram nova-3 over REST and WebSocket (listen v1); needs DEEPGRAM_API_KEY"
    capabilities: ClassVar[str] = (
        "word times yes; speakers yes (v2 over REST, v1 over streaming); channels yes; files to 2 GB"
    )

    name: str = "deepgram"
    route: Route = "rest"
    base_url: str = "https://api.deepgram.com"
    key_env: str | None = "DEEPGRAM_API_KEY"
    # Always sent: without it the service takes an old base model.
    model: str = "nova-3"
    language: str = "en"
    punctuate: bool = True
    # Rewrites numbers, dates and amounts; references are verbatim.
    smart_format: bool = False
    filler_words: bool = True
    diarize: bool = False
    # Of REST; a stream has v1 only, and whether it may be named there the documents disagree.
    diarize_model: Literal["latest", "v1", "v2"] = "latest"
    keyterms: tuple[str, ...] = ()
    frame_ms: int = 100
    interim_results: bool = True
    # Sent, and the same as xai's, or delays would not compare: the service's own default is 10. None switches it off.
    endpointing_ms: int | None = 400
    # Closes an utterance that endpointing did not; it is found in interim results, so it needs them. None: never.
    utterance_end_ms: int | None = 1000
    vad_events: bool = True
    # What follows the last sample: CloseStream at once; silence first, for the service to find the end by itself; or a
    # Finalize message and then silence.
    end_mode: Literal["done", "silence", "finalize"] = "done"
    trailing_silence_s: float = 2.0
    # Above 1 a run is shorter, and its latencies are void.
    speed: float = 1.0
    # What your contract says, or of a model whose price is not listed.
    usd_per_hour: float | None = None

    def __post_init__(self) -> None:
        if not self.model:
            raise SettingsError("model must be named: without it the service takes an old one")
        if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{2,8})*", self.language):
            raise SettingsError(f"language must be a tag such as en or pt-BR, or multi, not {self.language!r}")
        options.within("frame_ms", self.frame_ms, 10, 1000)
        for name in ("endpointing_ms", "utterance_end_ms"):
            if (value := getattr(self, name)) is not None:
                options.within(name, value, 0, 60_000)
        options.within("trailing_silence_s", self.trailing_silence_s, 0, 60)
        options.within("speed", self.speed, 0.1, 100)
        if self.usd_per_hour is not None:
            options.within("usd_per_hour", self.usd_per_hour, 0, 1000)
        if not all(term.strip() for term in self.keyterms):
            raise SettingsError("keyterms must be words or phrases, none of them empty")
        options.key_env(self.key_env)
        options.base_url(self.base_url)

    @property
    def live(self) -> bool:
        return not is_loopback(self.base_url)

    @property
    def silence_s(self) -> float:
        return self.trailing_silence_s if self.route == "streaming" and self.end_mode != "done" else 0.0

    @property
    def tariff(self) -> str:
        return self.model + "+multi" * (self.language == "multi") + "+diarize" * self.diarize

    def ready(self, environ: Mapping[str, str]) -> None:
        if self.key_env:
            key_in(environ, self.key_env)

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        query = urllib.parse.urlencode(self._query(audio))
        headers = {"Authorization": f"Token {wire.secret(self.key_env)}"} if self.key_env else {}
        if self.route == "rest":
            sound = Upload.wav(audio)
            if sound.size > MAX_UPLOAD_BYTES:
                raise Refused(f"{self.name}: {sound.size:,} bytes is over the documented 2 GB; split the recording")
            await wire.request("POST", f"{self.base_url.rstrip('/')}/v1/listen?{query}", headers=headers, body=sound)
            return
        async with wire.websocket(f"{options.socket_url(self.base_url)}/v1/listen?{query}", headers=headers) as socket:
            await speak(
                socket,
                wire,
                audio,
                frame_ms=self.frame_ms,
                speed=self.speed,
                silence_s=self.silence_s,
                at_end=FLUSH if self.end_mode == "finalize" else None,
            )
            await socket.send(CLOSE)
            await socket.until(of_type("Metadata"), what="Metadata", unless=of_type("Error"))

    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        return messages.understood(
            events, self, check=self._raise_for_answer, answer=_read_answer, stream=self._read_stream
        )

    def _query(self, audio: Audio) -> list[tuple[str, str]]:
        asked = [("model", self.model), ("language", self.language)]
        asked += [(name, flag(getattr(self, name))) for name in ("punctuate", "smart_format", "filler_words")]
        asked += [("keyterm", term) for term in self.keyterms]
        if audio.channels > 1:
            asked.append(("multichannel", "true"))
        if self.route == "rest":
            # By the formal specification only the words of utterances have speakers.
            return asked + ([("diarize_model", self.diarize_model), ("utterances", "true")] if self.diarize else [])
        asked += [("diarize", flag(self.diarize)), ("encoding", "linear16")]
        asked += [("sample_rate", str(audio.sample_rate_hz)), ("channels", str(audio.channels))]
        asked.append(("interim_results", flag(self.interim_results)))
        asked.append(("endpointing", "false" if self.endpointing_ms is None else str(self.endpointing_ms)))
        if self.interim_results and self.utterance_end_ms is not None:
            asked.append(("utterance_end_ms", str(self.utterance_end_ms)))
        return [*asked, ("vad_events", flag(self.vad_events))]

    def _raise_for_answer(self, answer: Mapping[str, Any]) -> None:
        # A refused upgrade tells its reason in a header, in its body, or in both.
        if (reason := answer["headers"].get("dg-error")) and not str(answer["body"]).strip():
            answer = {**answer, "body": reason}
        try:
            raise_for_answer(answer, self.name)
        except Refused as error:
            hints = {
                401: f"check {self.key_env}",
                403: f"check what {self.key_env} may do",
                402: "the account has no credit",
            }
            if error.status not in hints:
                raise
            raise Refused(f"{error}; {hints[error.status]}", status=error.status, whole_provider=True) from None

    def _read_stream(self, events: Sequence[Event]) -> Iterator[Update]:
        channels: dict[int, _Channel] = {}
        several = closing = complete = False
        for event in events:
            if event.kind == "open":
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(event.data["url"]).query)
                several = query.get("multichannel") == ["true"]
            closing = closing or (event.kind == "sent" and event.data == CLOSE)
            if event.kind != "received":
                continue
            message = messages.read(event.data, self.name)
            kind = message.get("type")
            if kind in ("Results", "UtteranceEnd"):
                index = _index(message.get("channel_index" if kind == "Results" else "channel"))
                channel = channels.setdefault(index, _Channel(index, index if several else None))
                if kind == "UtteranceEnd":
                    yield from channel.ended(event.t_s, number(message.get("last_word_end")))
                else:
                    yield from channel.result(event.t_s, message, closing=closing)
            elif kind == "Metadata" and closing:  # without CloseStream it is the service that gave up
                complete = True
            elif kind == "Error":
                yield from _kept(channels, event.t_s)
                self._raise_for_error(message, sent=any(before.kind == "audio" for before in events))
        if not complete:
            yield from _kept(channels, events[-1].t_s if events else 0.0)
            raise_for_end(events, self.name)
        said_s = max(event.t_s for event in events if event.kind == "received")
        for channel in channels.values():
            yield from channel.finished(said_s)

    def _raise_for_error(self, message: Mapping[str, Any], *, sent: bool) -> None:
        names = ("description", "message", "err_msg", "reason", "code", "variant")
        told = ": ".join(dict.fromkeys(str(message[name]) for name in names if message.get(name))) or "no description"
        text = f"{self.name}: Error message ({told})"
        # Before any audio it is about the request, and DATA- is about the audio; the rest is the service's own trouble.
        raise Unavailable(text) if sent and "DATA-" not in told else Refused(text)


@dataclass
class _Channel:
    """The transcript of one channel while its messages are read."""

    index: int
    channel: int | None
    utterance: int = 0
    pieces: list[tuple[Word, ...]] = field(default_factory=list)
    """The final pieces of the utterance that is open."""
    guess: tuple[Word, ...] = ()
    """What an interim shows after them."""
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    final_s: float = 0.0
    """Audio time at which the last final word ends."""
    closes: bool = False
    """The utterance ended while the end of it was still a guess."""

    def result(self, t_s: float, message: Mapping[str, Any], *, closing: bool) -> Iterator[Update]:
        words = _said(message, self.channel)
        if not message.get("is_final"):
            yield from self._interim(t_s, words, message)
            return
        stretch = (message.get("start"), message.get("duration"), words)
        came_twice = stretch in self.seen and (stretch[0] is not None or timed(words))
        ends = bool(message.get("speech_final")) or closing or self.closes
        if words and not came_twice:
            self.seen.add(stretch)
            self.final_s = max([self.final_s, *(word.end_s for word in words if word.end_s is not None)])
            self.guess = ()
            if not ends:
                yield self._update(t_s, words, "chunk_final", len(self.pieces))
            self.pieces.append(words)
        elif not words and self._covers_guess(message):
            yield from self._take_back(t_s)
        if ends:
            yield from self._close(t_s)

    def ended(self, t_s: float, last_word_end_s: float | None) -> Iterator[Update]:
        """``UtteranceEnd``: what was said until then is an utterance, closed or not."""
        edge_s = float("inf") if last_word_end_s is None else last_word_end_s
        if self.guess and (self.guess[0].start_s or 0.0) < edge_s:
            self.closes = True
        elif self.pieces and (self.pieces[0][0].start_s or 0.0) < edge_s:
            yield from self._close(t_s)

    def finished(self, t_s: float) -> Iterator[Update]:
        """The service has said everything: a guess it never made final nor took back is what it believes."""
        if self.guess:
            self.pieces.append(self.guess)
            self.guess = ()
        yield from self._close(t_s)

    def kept(self, t_s: float) -> Iterator[Update]:
        """The conversation broke off: what was final stays."""
        self.guess = ()
        yield from self._close(t_s)

    def _interim(self, t_s: float, words: tuple[Word, ...], message: Mapping[str, Any]) -> Iterator[Update]:
        if words and not (timed(words) and max(word.end_s or 0.0 for word in words) <= self.final_s):
            self.guess = words
            yield self._update(t_s, words, "interim", len(self.pieces))
        elif not words and self._covers_guess(message):
            yield from self._take_back(t_s)

    def _covers_guess(self, message: Mapping[str, Any]) -> bool:
        """Whether the stretch of an empty result is that of the guess which is shown: noise makes empty ones too."""
        if not self.guess:
            return False
        start_s, length_s = number(message.get("start")), number(message.get("duration"))
        if start_s is None or length_s is None or not timed(self.guess):
            return True
        first_s, last_s = self.guess[0].start_s or 0.0, self.guess[-1].end_s or 0.0
        return start_s < last_s - TOUCH_S and start_s + length_s > first_s + TOUCH_S

    def _take_back(self, t_s: float) -> Iterator[Update]:
        self.guess = ()
        yield self._update(t_s, (), "interim", len(self.pieces))

    def _close(self, t_s: float) -> Iterator[Update]:
        self.closes = False
        if not self.pieces:
            return
        yield self._update(t_s, tuple(word for piece in self.pieces for word in piece), "utterance_final")
        self.pieces = []
        self.utterance += 1
        if self.guess:  # it belongs to the next utterance, and the reader still sees it
            yield self._update(t_s, self.guess, "interim", 0)

    def _update(self, t_s: float, words: tuple[Word, ...], state: State, *piece: int) -> Update:
        return Update(t_s, words, (self.index, self.utterance, *piece), state)


def _kept(channels: Mapping[int, _Channel], t_s: float) -> Iterator[Update]:
    for channel in channels.values():
        yield from channel.kept(t_s)


def _index(told: Any) -> int:
    """The channel of a message: ``[channel, channels]``, which ``Results`` and ``UtteranceEnd`` name differently."""
    return int(told[0]) if told else 0


def _said(message: Mapping[str, Any], channel: int | None) -> tuple[Word, ...]:
    try:
        alternatives = message["channel"]["alternatives"]
        return _words(alternatives[0], channel) if alternatives else ()
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(f"deepgram: a result is not as documented: {str(message)[:120]}") from error


def _read_answer(event: Event) -> Update:
    answer = messages.read(event.data["body"], "deepgram")
    try:
        found, turns = answer["results"]["channels"], answer["results"].get("utterances") or ()
        words: list[Word] = []
        for index, heard in enumerate(found):
            if alternatives := heard.get("alternatives"):
                own = [turn for turn in turns if int(turn.get("channel") or 0) == index]
                words += _words(alternatives[0], index if len(found) > 1 else None, own)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"deepgram: the answer is not as documented: {str(answer)[:120]}") from error
    return Update(event.t_s, tuple(words), (), "utterance_final")


def _words(heard: Mapping[str, Any], channel: int | None, turns: Sequence[Mapping[str, Any]] = ()) -> tuple[Word, ...]:
    """The words of an alternative as its transcript displays them.

    The specification has no ``punctuated_word`` where every answer does, and a smart format may join or part words.

    Args:
        heard: the alternative.
        channel: which one it is of.
        turns: the utterances of the same channel, which tell the speakers where the words themselves do not.
    """
    transcript = str(heard.get("transcript") or "")
    shown = transcript.split()
    told = {(word.get("start"), word.get("word")): word for turn in turns for word in turn.get("words") or ()}
    words: list[Word] = []
    for bare in heard.get("words") or ():
        word = {**told.get((bare.get("start"), bare.get("word")), {}), **bare}
        start_s, end_s = number(word.get("start")), number(word.get("end"))
        speaker = word.get("speaker", _speaker(start_s, end_s, turns))
        name = None if speaker is None else str(speaker)
        text = str(word.get("punctuated_word") or word["word"])
        words.append(Word(text, start_s, end_s, name, channel, number(word.get("confidence"))))
    if len(shown) == len(words):
        return tuple(replace(word, text=text) for word, text in zip(words, shown, strict=True))
    if not shown or _letters(transcript) == _letters("".join(word.text for word in words)):
        return tuple(words)
    return tuple(replace(word, channel=channel) for word in placed(transcript, words))


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def _speaker(start_s: float | None, end_s: float | None, turns: Sequence[Mapping[str, Any]]) -> Any:
    """Who speaks in the middle of a word, by the utterances; None when they do not tell."""
    if start_s is None or end_s is None:
        return None
    middle_s = (start_s + end_s) / 2
    return next((turn.get("speaker") for turn in turns if turn["start"] <= middle_s <= turn["end"]), None)
