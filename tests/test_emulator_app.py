"""The contract over real sockets, with clients written here from the protocol."""

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import websockets

from evalkit.emulator import Knobs, launch, with_knobs
from tests.patience import LONG_S

KEY_VARIABLE = "EMULATOR_TEST_SECRET"
WORDS = [
    ["Please", 0.1, 0.3], ["book", 0.3, 0.5], {"text": "a", "start": 0.5, "end": 0.6, "misheard": "the", "until": 1.2},
    ["small", 0.6, 1.0], ["room", 1.0, 1.3], ["for", 1.3, 1.5], ["nine.", 1.5, 1.9],
    ["uh", 2.5, 2.6], {"text": "Thanks.", "start": 2.7, "end": 3.0, "speaker": 1},
    ["And", 3.6, 3.8], ["bye", 3.8, 3.95],
    {"text": "other", "start": 0.5, "end": 0.9, "channel": 1},
]  # fmt: skip
ALL = "Please book a small room for nine. Thanks. And bye"
FOUR_SECONDS = bytes(2 * 16000 * 4)
RAW = {"audio_format": "pcm", "sample_rate": "16000"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with launch("scripted", script={"words": WORDS}, knobs=Knobs(chunk_s=1.0)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def locked_url() -> Iterator[str]:
    os.environ[KEY_VARIABLE] = "right"
    with launch("scripted", script={"words": WORDS}, accepted_key_env=KEY_VARIABLE, workers=1) as base_url:
        yield base_url
    del os.environ[KEY_VARIABLE]


def post(
    url: str, fields: dict[str, Any] | None = None, data: bytes | None = FOUR_SECONDS, **more: Any
) -> httpx.Response:
    files = None if data is None else {"file": ("clip", data)}
    return httpx.post(f"{url}/v1/stt", data=fields or {}, files=files, timeout=LONG_S, **more)


def socket(url: str, query: str = "", **more: Any) -> websockets.connect:
    return websockets.connect(f"{url.replace('http', 'ws')}/v1/stt?{query}", **more)


async def session(url: str, query: str = "", audio: bytes = FOUR_SECONDS) -> tuple[list[dict[str, Any]], int]:
    """Push the audio as fast as it goes; all messages and the close code."""
    messages = []
    async with socket(url, query) as connection:
        assert json.loads(await connection.recv())["type"] == "transcript.created"
        for first in range(0, len(audio), 3200):
            await connection.send(audio[first : first + 3200])
        await connection.send('{"type": "audio.done"}')
        try:
            while True:
                messages.append(json.loads(await connection.recv()))
                if messages[-1]["type"] == "transcript.done" and "close_after_done=false" in url:
                    break
        except websockets.ConnectionClosed:
            pass
    return messages, connection.close_code or 0


def plain(text: str) -> str:
    return text.lower().replace(".", "")


def stitched(messages: list[dict[str, Any]]) -> str:
    """The client's rule of the protocol, for one channel."""
    result: list[str] = []
    chunks: list[str] = []
    ended = False
    for message in messages:
        text = message.get("text", "")
        if message["type"] == "transcript.partial" and message["speech_final"]:
            result.append(text or " ".join(chunks))
            chunks = []
        elif message["type"] == "transcript.partial" and message["is_final"] and text:
            held = " ".join(chunks)
            chunks = [text] if held and plain(text).startswith(plain(held)) else [*chunks, text]
        elif message["type"] == "transcript.done":
            ended = True
            so_far = " ".join(result)
            if plain(text).startswith(plain(" ".join([*result, *chunks]))) and len(text) > len(so_far):
                result = [text]
            elif text and chunks:
                result.append(text)
            elif chunks:
                result += chunks
    return " ".join(result if ended else [*result, *chunks])


# REST ----------------------------------------------------------------------------------------------------------------


def test_answer_has_text_words_and_duration(url: str) -> None:
    answer = post(url, {**RAW, "language": "en", "diarize": "true"})
    body = answer.json()
    assert (answer.status_code, body["duration"], body["language"]) == (200, 4.0, "en")
    assert body["text"].replace("other ", "") == ALL
    assert body["words"][0] == {"text": "Please", "start": 0.1, "end": 0.3}
    assert any(word.get("speaker") == 1 for word in body["words"])
    assert len(answer.headers["x-request-id"]) == 36
    assert float(answer.headers["x-evalkit-cpu-s"]) >= 0


def test_multichannel_has_channels_and_their_merge(url: str) -> None:
    body = post(url, {**RAW, "multichannel": "true", "channels": "2"}, FOUR_SECONDS * 2).json()
    assert [(channel["index"], channel["text"]) for channel in body["channels"]] == [(0, ALL), (1, "other")]
    starts = [word["start"] for word in body["words"]]
    assert starts == sorted(starts)
    assert len(starts) == len(ALL.split()) + 1


def test_option_after_the_file_is_ignored(url: str) -> None:
    early = [(name, (None, value)) for name, value in RAW.items()]
    parts: Any = [*early, ("file", ("clip", FOUR_SECONDS)), ("filler_words", (None, "true"))]
    for knobs, heard in ((Knobs(), False), (Knobs(file_must_be_last=False), True)):
        body = httpx.post(f"{with_knobs(url, knobs)}/v1/stt", files=parts, timeout=LONG_S).json()
        assert ("uh" in body["text"].split()) is heard
    assert "uh" in post(url, {**RAW, "filler_words": "true"}).json()["text"].split()


@pytest.mark.parametrize(
    ("fields", "data", "status"),
    [
        ({}, None, 415),
        ({**RAW, "format": "true"}, FOUR_SECONDS, 400),
        ({"audio_format": "pcm"}, FOUR_SECONDS, 400),
        ({}, b"this is no sound", 400),
        ({"url": "http://127.0.0.1/a.wav"}, FOUR_SECONDS, 400),
        ({"model": "grok-stt"}, FOUR_SECONDS, 404),
        ({**RAW, "language": "auto"}, FOUR_SECONDS, 400),
        ({**RAW, "diarize": "True"}, FOUR_SECONDS, 400),
    ],
    ids=str,
)
def test_wrong_request_is_refused_with_code_and_error(
    url: str, fields: dict[str, str], data: bytes | None, status: int
) -> None:
    answer = post(url, fields, data)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "error"}
    assert "x-request-id" in answer.headers


def test_neither_file_nor_url_and_a_url_alone(url: str) -> None:
    assert httpx.post(f"{url}/v1/stt", files={"language": (None, "en")}, timeout=LONG_S).status_code == 400
    answer = httpx.post(f"{url}/v1/stt", files={"url": (None, "http://127.0.0.1/a.wav")}, timeout=LONG_S)
    assert (answer.status_code, "downloads nothing" in answer.json()["error"]) == (502, True)


def test_file_over_the_limit_and_unknown_paths(url: str) -> None:
    assert post(with_knobs(url, Knobs(max_upload_bytes=1000)), RAW).status_code == 413
    assert post(f"{url}/openai").status_code == 404
    assert httpx.post(f"{url}/v1/audio/transcriptions", timeout=LONG_S).status_code == 404
    assert httpx.put(f"{url}/v1/stt", timeout=LONG_S).status_code == 405
    assert post(f"{url}/knobs/don_text=full", RAW).status_code == 400


@pytest.mark.parametrize(
    ("header", "status"), [(None, 401), ("Bearer wrong", 400), ("Basic right", 401), ("Bearer right", 200)]
)
def test_key_is_checked_when_one_is_accepted(locked_url: str, header: str | None, status: int) -> None:
    answer = post(locked_url, RAW, headers={"authorization": header} if header else {})
    assert answer.status_code == status
    assert (
        post(with_knobs(locked_url, Knobs(bad_key_status=403)), RAW, headers={"authorization": "Bearer x"}).status_code
        == 403
    )


def test_delay_is_added_to_an_answer(url: str) -> None:
    began = time.monotonic()
    assert post(with_knobs(url, Knobs(delay_s=0.4)), RAW).status_code == 200
    assert time.monotonic() - began >= 0.4


def test_about_says_that_the_truth_is_planted(url: str) -> None:
    about = httpx.get(url, timeout=LONG_S).json()
    assert about["engine"]["truth"] == "planted"
    assert about["knobs"]["chunk_s"] == 1.0


# WebSocket -----------------------------------------------------------------------------------------------------------


async def test_session_over_the_socket(url: str) -> None:
    messages, close_code = await session(url, "interim_results=true")
    partials = [message for message in messages if message["type"] == "transcript.partial"]
    finals = [message["text"] for message in partials if message["speech_final"]]
    assert finals == ["Please book a small room for nine.", "Thanks.", "And bye"]
    assert any("book the" in message["text"] for message in partials if not message["is_final"])
    assert [message["type"] for message in messages[-2:]] == ["evalkit.usage", "transcript.done"]
    assert (messages[-1]["text"], messages[-1]["duration"], close_code) == ("", 4.0, 1000)


CROSS = {
    "chunk_text": ("delta", "cumulative"), "done_text": ("remainder", "full", "empty"),
    "duplicate_single_chunk": ("true", "false"), "close_after_done": ("true", "false"),
    "drop_before_done": ("true", "false"), "flush_closes_utterance": ("true", "false"),
}  # fmt: skip


async def test_every_reading_of_the_protocol_stitches_to_the_same_words(url: str) -> None:
    """The whole cross product; and some readings break each naive client."""
    naive_finals, naive_done = set(), set()
    for values in itertools.product(*CROSS.values()):
        knobs = Knobs.parse(f"{name}={value}" for name, value in zip(CROSS, values, strict=True))
        messages, close_code = await session(with_knobs(url, knobs))
        assert stitched(messages) == ALL, knobs
        assert close_code == (1006 if knobs.drop_before_done else 1000), knobs
        assert (messages[-1]["type"] == "transcript.done") is not knobs.drop_before_done
        naive_finals.add(
            " ".join(message["text"] for message in messages if message.get("is_final") and message["text"])
        )
        naive_done.add(messages[-1].get("text", ""))
    assert ALL not in naive_finals
    assert len(naive_done) > 2


@pytest.mark.parametrize(
    ("query", "status"),
    [("sample_rate=11025", 400), ("model=grok-stt", 404), ("multichannel=true", 400), ("endpointing=9000", 400)],
)
async def test_wrong_query_is_refused_before_the_upgrade(url: str, query: str, status: int) -> None:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with socket(url, query):
            pass
    assert refusal.value.response.status_code == status
    assert set(json.loads(refusal.value.response.body or b"")) == {"code", "error"}


async def test_key_is_checked_before_the_upgrade(locked_url: str) -> None:
    for headers, status in (({}, 401), ({"authorization": "Bearer wrong"}, 400)):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            async with socket(locked_url, additional_headers=headers):
                pass
        assert refusal.value.response.status_code == status
    async with socket(locked_url, additional_headers={"authorization": "Bearer right"}) as connection:
        await connection.recv()
    protocol = websockets.Subprotocol("xai-client-secret.right")
    with pytest.raises(websockets.InvalidStatus):
        async with socket(locked_url, subprotocols=[protocol]):
            pass
    async with socket(with_knobs(locked_url, Knobs(subprotocol_auth=True)), subprotocols=[protocol]) as connection:
        assert connection.subprotocol == protocol


async def test_channels_are_told_apart(url: str) -> None:
    messages, _ = await session(url, "multichannel=true&channels=2", FOUR_SECONDS * 2)
    for channel, text in ((0, ALL), (1, "other")):
        finals = [m["text"] for m in messages if m.get("speech_final") and m["channel_index"] == channel]
        assert " ".join(finals) == text
    assert [m["channel_index"] for m in messages if m["type"] == "transcript.done"] == [0, 1]


async def test_unreadable_message_is_an_error_and_the_socket_stays_open(url: str) -> None:
    async with socket(url) as connection:
        await connection.recv()
        for text in ("{", "[]", '{"typ": 1}', '{"type": "config"}'):
            await connection.send(text)
            error = json.loads(await connection.recv())
            assert set(error) == {"type", "message"}
        await connection.send(FOUR_SECONDS[: 3200 * 5])
        await connection.send('{"type": "Finalize"}')
        while not (message := json.loads(await connection.recv())).get("speech_final"):
            pass
        assert message["text"].startswith("Please book")


async def test_a_deeply_nested_message_is_an_error_and_the_socket_stays_open(url: str) -> None:
    async with websockets.connect(url.replace("http", "ws") + "/v1/stt", compression=None) as socket:
        await socket.recv()
        await socket.send("[" * 100_000)
        assert json.loads(await socket.recv())["type"] == "error"
        await socket.send('{"type":"audio.done"}')
        assert json.loads(await socket.recv())["type"] in ("evalkit.usage", "transcript.done")


async def test_a_new_turn_can_follow_when_the_socket_stays_open(url: str) -> None:
    base = with_knobs(url, Knobs(close_after_done=False))
    async with socket(base) as connection:
        await connection.recv()
        for _ in range(2):
            await connection.send(FOUR_SECONDS)
            await connection.send('{"type": "audio.done"}')
            texts = []
            while (message := json.loads(await connection.recv()))["type"] != "transcript.done":
                texts += [message["text"]] if message.get("speech_final") else []
            assert " ".join(texts) == ALL


def newest_worker() -> psutil.Process:
    tree = psutil.Process().children(recursive=True)
    workers = [process for process in tree if "evalkit.emulator.worker" in process.cmdline()]
    return max(workers, key=lambda process: process.create_time())


@pytest.mark.parametrize(("early", "duration_s"), [("drop", 0.0), ("keep", 4.0)])
async def test_audio_before_created(early: str, duration_s: float) -> None:
    """A recogniser that is held up has not opened the session when the audio comes."""
    knobs = Knobs.parse([f"early_audio={early}"])
    with launch("scripted", script={"words": WORDS}, knobs=knobs, workers=1) as base_url:
        worker = newest_worker()
        worker.suspend()
        async with socket(base_url) as connection:
            await connection.send(FOUR_SECONDS)
            await (await connection.ping())
            worker.resume()
            assert json.loads(await connection.recv())["type"] == "transcript.created"
            await connection.send('{"type": "audio.done"}')
            *_, done = [json.loads(message) async for message in connection]
    assert done["duration"] == duration_s


async def test_early_audio_that_is_kept_goes_before_all_that_follows() -> None:
    """Even if the client has said all before a recogniser that is held up has opened the session."""
    knobs = Knobs(early_audio="keep", chunk_s=1.0)
    with launch("scripted", script={"words": WORDS}, knobs=knobs, workers=1) as base_url:
        worker = newest_worker()
        worker.suspend()
        async with socket(base_url) as connection:
            for _ in range(20):
                await connection.send(bytes(3200))
            await connection.send('{"type": "audio.done"}')
            await (await connection.ping())
            worker.resume()
            messages = [json.loads(message) async for message in connection]
    assert messages[-1]["duration"] == 2.0
    assert stitched(messages) == "Please book a small room for nine."


async def test_vanished_client_is_forgotten(url: str) -> None:
    for _ in range(3):
        connection = await socket(url)
        await connection.recv()
        await connection.send(FOUR_SECONDS)
        connection.transport.abort()
    async with asyncio.timeout(LONG_S), httpx.AsyncClient(timeout=LONG_S) as client:
        while (await client.get(url)).json()["sessions"]:  # noqa: ASYNC110 no event tells
            await asyncio.sleep(0.01)
    assert stitched((await session(url))[0]) == ALL
