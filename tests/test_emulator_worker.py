import io
import json
from typing import Any

import numpy as np

from evalkit.emulator.scripted import ANY_CLIP, PlantedWord, Scripted
from evalkit.emulator.worker import PREFIX, Worker, packed
from evalkit.types import Word

ENGINE = Scripted({ANY_CLIP: (PlantedWord(Word("hello", 0.3, 0.6, channel=0)),)})
SECOND = np.zeros(16000, dtype=np.int16).tobytes()
REST: dict[str, Any] = {
    "encoding": "pcm", "sample_rate_hz": 16000, "channels": 1, "diarize": False, "multichannel": False,
    "filler_words": True, "vad_threshold": 0.5,
}  # fmt: skip


def replies(out: io.BytesIO) -> list[tuple[dict[str, Any], Any]]:
    data, found = out.getvalue(), []
    while data:
        head, body = PREFIX.unpack(data[: PREFIX.size])
        data = data[PREFIX.size :]
        found.append((json.loads(data[:head]), json.loads(data[head : head + body]) if body else None))
        data = data[head + body :]
    return found


def opened(number: int, *knobs: str) -> tuple[dict[str, Any], bytes]:
    return {"id": number, "op": "open", "settings": {"interim_results": True}, "knobs": list(knobs)}, b""


def audio(number: int, data: bytes = SECOND) -> tuple[dict[str, Any], bytes]:
    return {"id": number, "op": "audio"}, data


def test_packed_message_states_its_lengths() -> None:
    data = packed({"a": 1}, b"xyz")
    assert PREFIX.unpack(data[: PREFIX.size]) == (8, 3)
    assert data.endswith(b'{"a": 1}xyz')


def test_session_is_served_and_ends() -> None:
    worker = Worker(ENGINE, out := io.BytesIO())
    worker.take([opened(7), audio(7), ({"id": 7, "op": "finish"}, b"")])
    answered = replies(out)
    assert {header["id"] for header, _ in answered} == {7}
    assert answered[0][0]["op"] == "opened"
    assert worker.sessions == 0


def test_the_last_message_is_the_end_of_the_turn_itself() -> None:
    """Sent as two replies, a client that spoke again between them was not heard."""
    worker = Worker(ENGINE, out := io.BytesIO())
    worker.take([opened(7), audio(7), ({"id": 7, "op": "finish"}, b"")])
    header, message = replies(out)[-1]
    assert (header["op"], message["type"]) == ("ended", "transcript.done")


def test_live_audio_goes_before_a_waiting_file() -> None:
    worker = Worker(ENGINE, out := io.BytesIO())
    file = ({"id": 1, "op": "transcribe", "settings": REST, "knobs": []}, SECOND)
    worker.take([file, file, opened(2), audio(2)])
    ids = [header["id"] for header, _ in replies(out)]
    assert ids == [*[2] * (len(ids) - 1), 1]
    assert worker.busy
    worker.take([])
    assert not worker.busy


def test_client_that_vanished_leaves_nothing_behind() -> None:
    worker = Worker(ENGINE, out := io.BytesIO())
    worker.take([opened(3), audio(3), ({"id": 3, "op": "close"}, b""), audio(3), ({"id": 3, "op": "finish"}, b"")])
    assert worker.sessions == 0
    assert [header["op"] for header, _ in replies(out)] == ["opened"]


def test_session_goes_on_after_done_when_the_knob_says_so() -> None:
    worker = Worker(ENGINE, io.BytesIO())
    worker.take([opened(4, "close_after_done=false"), ({"id": 4, "op": "finish"}, b"")])
    assert worker.sessions == 1


def test_file_that_is_no_sound_is_refused() -> None:
    worker = Worker(ENGINE, out := io.BytesIO())
    worker.take([({"id": 5, "op": "transcribe", "settings": {**REST, "encoding": None}, "knobs": []}, b"rubbish")])
    ((header, body),) = replies(out)
    assert header["status"] == 400
    assert set(body) == {"code", "error"}
