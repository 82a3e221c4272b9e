"""xAI: what is sent, and a transcript that is right under every reading of the protocol."""

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from evalkit import emulator, providers
from evalkit.emulator.knobs import Knobs
from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.providers.xai import Xai
from evalkit.scoring.assembly import disagreement
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Audio, Event, Hypothesis
from evalkit.wire import Timeouts, Wire, http_client
from tests.peers import http_answer, http_server, ws_server

STREAM = Xai(route="streaming")
URL = "wss://api.x.ai/v1/stt?sample_rate=16000"


@dataclass(frozen=True)
class Reading:
    """One way in which the documents can be read."""

    chunks: str
    done: str
    repeated: bool
    end: str
    timed: bool


READINGS = [
    Reading(*values)
    for values in itertools.product(
        ("delta", "cumulative"),
        ("remainder", "full", "last", "empty"),
        (True, False),
        ("closed", "open", "dropped"),
        (True, False),
    )
]
# Utterances as lists of chunks; the restatement rewrites numbers and punctuation, as the service does.
SCRIPT = [
    (
        [["please", "book", "nine", "thirty"], ["and", "tell", "dana"]],
        ["Please", "book", "9:30,", "and", "tell", "Dana."],
    ),
    ([["thank", "you"]], ["Thank", "you."]),
    ([["no", "no"], ["no", "it", "is", "late"]], ["No,", "no,", "no", "it", "is", "late."]),
]
EXPECTED = "please book 930 and tell dana thank you no no no it is late"


def bare(text: str) -> str:
    return " ".join("".join(c for c in word if c.isalnum()) for word in text.lower().split())


class Session:
    """Writes the events of a conversation as a service of one reading would send them."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.events = [Event(0.05, 0.0, "open", {"url": URL})]
        self.t_s = 0.1
        self.clock = 0.5
        self.closed: list[list[dict[str, Any]]] = []
        self.pending: list[dict[str, Any]] = []
        self.send({"type": "transcript.created", "id": "x"})

    def words(self, texts: list[str], start: float, end: float) -> dict[str, Any]:
        step = (end - start) / max(len(texts), 1)
        return self.content(
            [
                {"text": text, "start": round(start + i * step, 2), "end": round(start + (i + 1) * step, 2)}
                for i, text in enumerate(texts)
            ]
        )

    def content(self, words: list[dict[str, Any]]) -> dict[str, Any]:
        text = " ".join(word["text"] for word in words)
        return {"text": text, "all": words, **({"words": words} if self.reading.timed else {})}

    def send(self, message: dict[str, Any]) -> None:
        message.pop("all", None)
        self.t_s += 0.1
        self.events.append(Event(self.t_s, self.t_s, "received", json.dumps(message)))

    def partial(self, content: dict[str, Any], *, final: bool = False, speech: bool = False) -> None:
        self.send({"type": "transcript.partial", **content, "is_final": final, "speech_final": speech, "start": 0.0})

    def utterance(self, chunks: list[list[str]], restated: list[str], *, closed: bool = True) -> None:
        begin = self.clock
        for chunk in chunks:
            start, self.clock = self.clock, self.clock + len(chunk) * 0.3
            own = self.words(chunk, start, self.clock)["all"]
            held = self.pending if self.reading.chunks == "cumulative" else []
            self.partial(self.content([]))
            self.partial(self.content(held + own[:1]))
            if len(chunks) > 1 or self.reading.repeated or not closed:
                self.partial(self.content(held + own), final=True)
            self.pending = self.pending + own
        if closed:
            final = self.words(restated, begin, self.clock)
            self.closed.append(final["all"])
            self.pending = []
            self.partial(final, final=True, speech=True)
        self.clock += 0.5

    def finish(self) -> tuple[Event, ...]:
        if self.reading.end != "dropped":
            words = {
                "remainder": self.pending,
                "full": [word for utterance in self.closed for word in utterance] + self.pending,
                "last": self.pending or (self.closed[-1] if self.closed else []),
                "empty": [],
            }[self.reading.done]
            self.send({"type": "transcript.done", **self.content(words), "duration": 9.9})
        if self.reading.end != "open":
            self.events.append(Event(self.t_s + 0.1, self.t_s, "closed", {"code": 1000, "reason": ""}))
        if self.reading.end == "dropped":
            self.events.append(Event(self.t_s + 0.2, self.t_s, "error", {"type": "Unavailable", "message": "closed"}))
        return tuple(self.events)


def conversation(reading: Reading, *, tail_open: bool) -> tuple[Event, ...]:
    session = Session(reading)
    for number, (chunks, restated) in enumerate(SCRIPT, start=1):
        session.utterance(chunks, restated, closed=not (tail_open and number == len(SCRIPT)))
    return session.finish()


@pytest.mark.parametrize("tail_open", [False, True], ids=["closed-tail", "open-tail"])
@pytest.mark.parametrize("reading", READINGS, ids=lambda r: f"{r.chunks}-{r.done}-{r.repeated}-{r.end}-{r.timed}")
def test_the_final_words_are_the_same_under_every_reading(reading: Reading, tail_open: bool) -> None:
    hypothesis = Hypothesis.of(STREAM.parse(conversation(reading, tail_open=tail_open)))
    assert bare(hypothesis.text) == EXPECTED
    assert isinstance(hypothesis.failure, Unavailable) is (reading.end == "dropped")


@pytest.mark.parametrize("tail_open", [False, True], ids=["closed-tail", "open-tail"])
@pytest.mark.parametrize("reading", READINGS, ids=lambda r: f"{r.chunks}-{r.done}-{r.repeated}-{r.end}-{r.timed}")
def test_a_done_that_holds_everything_is_kept_beside_what_it_closes(reading: Reading, tail_open: bool) -> None:
    hypothesis = Hypothesis.of(STREAM.parse(conversation(reading, tail_open=tail_open)))
    wholes = [bare(" ".join(word.text for word in update.restated)) for update in hypothesis.updates if update.restated]
    told = reading.done == "full" and reading.end != "dropped"
    assert wholes == ([EXPECTED] if told else [])
    found = disagreement(hypothesis, profile("en"))
    assert found == (ErrorCounts(hits=14) if told else None)


@pytest.mark.parametrize("closed", [True, False])
def test_a_done_that_contradicts_the_utterances_changes_nothing_and_is_seen(closed: bool) -> None:
    session = Session(Reading("delta", "full", True, "closed", True))
    session.utterance([["pay", "fifteen", "now"]], ["Pay", "fifteen", "now."])
    session.utterance([["thank", "you"]], ["Thank", "you."], closed=closed)
    session.closed[0][1]["text"] = "fifty"
    hypothesis = Hypothesis.of(STREAM.parse(session.finish()))
    assert bare(hypothesis.text) == "pay fifteen now thank you"
    found = disagreement(hypothesis, profile("basic"))
    assert found is not None
    assert (found.substitutions, found.reference_words, found.errors) == (1, 5, 1)


@pytest.mark.parametrize("tail_open", [False, True], ids=["closed-tail", "open-tail"])
@pytest.mark.parametrize("chunks", ["delta", "cumulative"])
@pytest.mark.parametrize("done", ["remainder", "full", "last"])
def test_messages_that_come_twice_or_change_places_say_nothing_twice(chunks: str, done: str, tail_open: bool) -> None:
    events = conversation(Reading(chunks, done, True, "closed", True), tail_open=tail_open)
    twice = tuple(copy for event in events for copy in (event, event)[: 1 + (event.kind == "received")])
    assert bare(Hypothesis.of(STREAM.parse(twice)).text) == EXPECTED
    for at, (one, other) in enumerate(itertools.pairwise(events)):
        if one.kind == other.kind == "received" and "created" not in one.data:
            swapped = (*events[:at], replace(one, data=other.data), replace(other, data=one.data), *events[at + 2 :])
            assert bare(Hypothesis.of(STREAM.parse(swapped)).text) == EXPECTED


def test_a_channel_that_ends_twice_does_not_stand_for_another() -> None:
    done = Event(1.0, 1.0, "received", '{"type": "transcript.done", "text": "", "channel_index": 0}')
    stereo = Event(0.1, 0.0, "open", {"url": f"{URL}&channels=2"})
    closed = Event(1.1, 1.0, "closed", {"code": 1000, "reason": ""})
    assert isinstance(Hypothesis.of(STREAM.parse((stereo, done, done, closed))).failure, Unavailable)


@pytest.mark.parametrize(("code", "failure"), [(1000, Unavailable), (1006, Unavailable), (1008, Refused)])
def test_a_close_code_may_say_that_it_is_no_use(code: int, failure: type[Exception]) -> None:
    events = (
        Event(0.1, 0.0, "open", {"url": URL}),
        Event(0.9, 0.5, "closed", {"code": code, "reason": "policy"}),
        Event(0.9, 0.5, "error", {"type": "Unavailable", "message": "the socket closed"}),
    )
    assert type(Hypothesis.of(STREAM.parse(events)).failure) is failure


def test_an_answer_in_the_place_of_a_socket_is_refused() -> None:
    page = {"status": 200, "headers": {}, "body": "<html>", "phases": {}}
    failure = Hypothesis.of(STREAM.parse((Event(0.1, 0.0, "received", page),))).failure
    assert isinstance(failure, Refused)
    assert str(failure) == "xai: HTTP 200 instead of a socket"


def naive_join(events: tuple[Event, ...]) -> str:
    """What three public clients did: join the text of every is_final."""
    messages = [json.loads(event.data) for event in events if event.kind == "received"]
    return " ".join(message["text"] for message in messages if message.get("is_final"))


def naive_done(events: tuple[Event, ...]) -> str:
    """What others did: take the text of transcript.done."""
    messages = [json.loads(event.data) for event in events if event.kind == "received"]
    return " ".join(message["text"] for message in messages if message["type"] == "transcript.done")


@pytest.mark.parametrize("naive", [naive_join, naive_done])
def test_the_two_naive_readings_fail_most_of_the_cross_product(naive: Any) -> None:
    wrong = [bare(naive(conversation(reading, tail_open=False))) != EXPECTED for reading in READINGS]
    assert sum(wrong) / len(wrong) > 0.7


def test_interims_replace_each_other_and_never_double_a_locked_chunk() -> None:
    for chunks in ("delta", "cumulative"):
        events = conversation(Reading(chunks, "empty", True, "closed", True), tail_open=False)
        shown = [bare(" ".join(w.text for w in c.words)) for c in Hypothesis.of(STREAM.parse(events)).captions()]
        assert all(EXPECTED.startswith(text.replace("nine thirty", "930").removesuffix("nine")) for text in shown), (
            chunks
        )


def test_noise_opens_nothing() -> None:
    session = Session(Reading("delta", "empty", True, "closed", False))
    for _ in range(5):
        session.partial(session.words([], 0, 0))
        session.partial(session.words([], 0, 0), final=True)
    assert Hypothesis.of(STREAM.parse(session.finish())) == Hypothesis(())


def test_an_utterance_final_without_text_keeps_its_chunks() -> None:
    session = Session(Reading("delta", "empty", True, "closed", True))
    session.partial(session.words(["good", "morning"], 0, 1), final=True)
    session.partial(session.content([]), final=True, speech=True)
    hypothesis = Hypothesis.of(STREAM.parse(session.finish()))
    assert hypothesis.text == "good morning"
    assert hypothesis.updates[-1].state == "utterance_final"


def test_a_dropped_socket_keeps_what_was_locked_and_not_the_guess_after_it() -> None:
    session = Session(Reading("delta", "empty", True, "dropped", True))
    session.partial(session.words(["good", "morning"], 0, 1), final=True)
    session.partial(session.words(["four"], 1, 2))
    hypothesis = Hypothesis.of(STREAM.parse(session.finish()))
    assert hypothesis.text == "good morning"
    assert isinstance(hypothesis.failure, Unavailable)


def test_stretches_that_overlap_a_little_lose_no_word() -> None:
    """Recognisers put the start of a chunk a few hundredths before the end of the one before."""
    session = Session(Reading("delta", "remainder", True, "closed", True))
    session.partial(session.words(["hello", "there"], 0.0, 1.0), final=True)
    session.partial(session.words(["my"], 0.96, 1.2))
    shown = [" ".join(w.text for w in c.words) for c in Hypothesis.of(STREAM.parse(tuple(session.events))).captions()]
    assert "hello there my" in shown
    session.partial(session.words(["my", "friend"], 0.96, 1.6), final=True)
    assert Hypothesis.of(STREAM.parse(session.finish())).text == "hello there my friend"
    session = Session(Reading("delta", "remainder", True, "closed", True))
    session.utterance([["hello", "there"]], ["Hello", "there."])
    session.pending = session.words(["my", "friend"], session.clock - 0.55, session.clock + 0.5)["all"]
    assert Hypothesis.of(STREAM.parse(session.finish())).text == "Hello there. my friend"


def test_an_interim_is_the_last_resort() -> None:
    session = Session(Reading("delta", "empty", True, "closed", False))
    session.partial(session.words(["hello"], 0, 1))
    assert Hypothesis.of(STREAM.parse(session.finish())).text == "hello"


def test_channels_are_kept_apart_and_each_ends_with_its_own_done() -> None:
    events = [Event(0.0, 0.0, "open", {"url": URL + "&channels=2"})]
    for t, (index, text, start) in enumerate([(0, "how are you", 0.0), (1, "fine thanks", 1.0)], start=1):
        words = [
            {"text": w, "start": start + i / 10, "end": start + i / 10 + 0.1, "speaker": 0, "confidence": 0.5}
            for i, w in enumerate(text.split())
        ]
        final = {"type": "transcript.partial", "is_final": True, "speech_final": True, "text": text, "words": words}
        done = {"type": "transcript.done", "text": "", "duration": 2.0}
        events += [Event(t, t, "received", json.dumps({**m, "channel_index": index})) for m in (final, done)]
    hypothesis = Hypothesis.of(STREAM.parse(events))
    assert hypothesis.failure is None
    assert [(word.text, word.channel, word.speaker) for word in hypothesis.words] == [
        ("how", 0, "0"),
        ("are", 0, "0"),
        ("you", 0, "0"),
        ("fine", 1, "0"),
        ("thanks", 1, "0"),
    ]
    assert Hypothesis.of(STREAM.parse(events[:-1])).failure is not None


@pytest.mark.parametrize(
    ("mode", "sent", "silence_s"),
    [("done", ["done"], 0.0), ("silence", ["done"], 0.1), ("finalize", ["finalize", "done"], 0.1)],
)
async def test_a_stream_ends_as_it_was_told_to(mode: str, sent: list[str], silence_s: float) -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send('{"type":"transcript.created"}')
        async for message in socket:
            if isinstance(message, str) and "audio.done" in message:
                await socket.send('{"type":"transcript.done","text":""}')

    async with ws_server(talk) as url, http_client(Timeouts(), loopback=True) as http:
        provider = providers.load(
            "xai", "streaming", base_url=url, key_env=None, frame_ms=50, end_mode=mode, trailing_silence_s=0.1, speed=5
        )
        wire = Wire(http)
        await provider.transcribe(Audio(bytes(3000), 16_000), wire)
    told = [event for event in wire.events if event.kind == "sent"]
    assert [json.loads(event.data)["type"].removeprefix("audio.") for event in told] == sent
    assert wire.events[-1].audio_s == pytest.approx(3000 / 32_000 + silence_s)
    # The message that forces the end leaves with the last sample, before the silence.
    assert told[0].audio_s == pytest.approx(0.1 if mode == "finalize" else wire.events[-1].audio_s)


PLANTED = [
    *[["Please", 0.3, 0.6], ["book", 0.6, 0.9], ["the", 0.9, 1.0], ["small", 1.0, 1.4], ["room", 1.4, 1.8]],
    *[["for", 1.8, 2.0], ["nine", 2.0, 2.4], ["thirty", 2.4, 2.9], ["and", 2.9, 3.2], ["tell", 3.2, 3.5]],
    *[["Dana.", 3.5, 4.0], ["Thank", 5.0, 5.3], ["you.", 5.3, 5.6], ["No,", 6.6, 6.9], ["no.", 7.0, 7.4]],
]
KNOBS = {
    "chunk_text": ("delta", "cumulative"),
    "done_text": ("remainder", "full", "empty"),
    "duplicate_single_chunk": (True, False),
    "flush_closes_utterance": (True, False),
    "close_after_done": (True, False),
    "drop_before_done": (False, True),
}


@pytest.mark.slow
async def test_over_a_real_socket_every_combination_of_knobs_gives_the_same_final_words() -> None:
    planted = bare(" ".join(str(word[0]) for word in PLANTED))
    combinations = [
        Knobs.parse(f"{name}={str(value).lower()}" for name, value in zip(KNOBS, values, strict=True))
        for values in itertools.product(*KNOBS.values())
        # Without a done nothing carries what no message closed: no client could know those words.
        if not (values[5] and not values[3]) and not (values[1] == "empty" and not values[3])
    ]
    audio = Audio(bytes(2 * 16_000 * 78 // 10), 16_000)
    with emulator.launch("scripted", script={"words": PLANTED}) as url:
        async with http_client(Timeouts(), loopback=True) as http:

            async def heard(knobs: Knobs) -> tuple[Event, ...]:
                wire = Wire(http)
                provider = Xai(route="streaming", base_url=emulator.with_knobs(url, knobs), key_env=None)
                with suppress(Unavailable):
                    await provider.transcribe(audio, wire)
                return wire.events

            conversations = await asyncio.gather(*(heard(knobs) for knobs in combinations))
    assert len(conversations) == 64
    for knobs, events in zip(combinations, conversations, strict=True):
        hypothesis = Hypothesis.of(STREAM.parse(events))
        assert bare(hypothesis.text) == planted, knobs
        assert (hypothesis.failure is not None) is knobs.drop_before_done, knobs
        found = disagreement(hypothesis, profile("en"))
        assert (found is not None) is (knobs.done_text == "full" and not knobs.drop_before_done), knobs
        assert found is None or found.errors == 0, knobs
    for naive in (naive_join, naive_done):
        right = [bare(naive(events)) == planted for events in conversations]
        assert sum(right) / len(right) < 0.5, naive.__name__


def received(status: int, body: str) -> list[Event]:
    return [Event(1.0, 1.0, "received", {"status": status, "headers": {}, "body": body, "phases": {}})]


def test_a_rest_answer_is_one_update() -> None:
    body = {"text": "Hi there", "language": "", "words": [{"text": "Hi", "start": 0.1, "end": 0.3}, {"text": "there"}]}
    hypothesis = Hypothesis.of(Xai().parse(received(200, json.dumps(body))))
    assert hypothesis.text == "Hi there"
    assert hypothesis.words[1].start_s is None


@pytest.mark.parametrize(("given", "read"), [((0.5, None), (0.5, 0.0)), ((None, None), (None, None))])
def test_a_confidence_left_out_is_zero_unless_none_is_ever_given(given: Any, read: Any) -> None:
    words = [{"text": "a", **({} if value is None else {"confidence": value})} for value in given]
    found = Hypothesis.of(Xai().parse(received(200, json.dumps({"text": "a a", "words": words})))).words
    assert tuple(word.confidence for word in found) == read


def test_a_rest_answer_without_words_still_has_text_and_channels_win_over_the_merge() -> None:
    assert Hypothesis.of(Xai().parse(received(200, '{"text":"a b"}'))).text == "a b"
    body = {"text": "merged", "channels": [{"index": 0, "text": "left"}, {"index": 1, "text": "right"}]}
    words = Hypothesis.of(Xai().parse(received(200, json.dumps(body)))).words
    assert [(word.text, word.channel) for word in words] == [("left", 0), ("right", 1)]


@pytest.mark.parametrize(
    "body",
    ["<html>", "[]", '{"words":[{"start":1}]}', '{"channels":[{"text":"a"}]}', '{"words":[{"text":"a","start":NaN}]}'],
)
def test_an_unreadable_answer_is_a_parse_error(body: str) -> None:
    assert isinstance(Hypothesis.of(Xai().parse(received(200, body))).failure, ParseError)


def test_a_wrong_key_is_told_from_a_malformed_request_although_both_are_400() -> None:
    wrong = Hypothesis.of(Xai().parse(received(400, '{"code":"x","error":"Incorrect API key provided"}'))).failure
    assert isinstance(wrong, Refused)
    assert wrong.whole_provider
    assert "check XAI_API_KEY" in str(wrong)
    malformed = Hypothesis.of(Xai().parse(received(400, '{"code":"x","error":"bad format"}'))).failure
    assert isinstance(malformed, Refused)
    assert not malformed.whole_provider


def test_an_error_event_is_refused_before_audio_and_unavailable_after() -> None:
    error = Event(0.3, 0.0, "received", '{"type":"error","message":"stream timeout"}')
    audio = Event(0.2, 0.1, "audio", {"bytes": 3200, "due_s": 0.2})
    opened = Event(0.1, 0.0, "open", {"url": URL})
    assert isinstance(Hypothesis.of(STREAM.parse([opened, error])).failure, Refused)
    failure = Hypothesis.of(STREAM.parse([opened, audio, error])).failure
    assert isinstance(failure, Unavailable)
    assert "stream timeout" in str(failure)


def test_unknown_messages_are_passed_over() -> None:
    events = [
        Event(0.1, 0, "received", '{"type":"something.new"}'),
        Event(0.2, 0, "received", '{"type":"transcript.done","text":"hi"}'),
    ]
    assert Hypothesis.of(STREAM.parse(events)).text == "hi"


async def test_the_form_says_everything_before_the_file() -> None:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return http_answer(200, "{}")

    async with http_server(reply) as url, http_client(Timeouts(), loopback=True) as http:
        provider = providers.load(
            "xai", base_url=url, language="en", diarize=True, keyterms=("Grok", "xAI"), vad_threshold=0.5
        )
        await provider.transcribe(Audio(bytes(64), 16_000, 2), Wire(http, environ={"XAI_API_KEY": "xai-for-tests"}))
    request = seen[0].decode("latin-1")
    assert "Authorization: Bearer xai-for-tests" in request
    names = [part.split('"')[1] for part in request.split("Disposition: form-data; ")[1:]]
    assert names == [
        "model", "language", "diarize", "multichannel", "keyterm", "keyterm", "filler_words", "vad_threshold", "format",
        "file",
    ]  # fmt: skip


def test_an_upload_over_the_documented_limit_is_never_sent() -> None:
    from evalkit.providers import xai

    assert xai.MAX_UPLOAD_BYTES == 500_000_000
