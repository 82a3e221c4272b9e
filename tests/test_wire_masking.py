"""No key in any byte that is written, in whatever spelling and wherever it stood."""

import base64
import json
import random
import tempfile
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.store import Store
from evalkit.types import Trace
from evalkit.wire.masking import MASK, Secrets, is_secret
from evalkit.wire.record import Record

# The beginning is none of the words a record itself is made of.
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=5, max_size=60).map("Zq7".__add__)


def percent(key: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in key)


def mixed(key: str) -> str:
    dice = random.Random(key)
    spellings: list[Callable[[str], str]] = [str, percent, lambda c: f"%25{ord(c):02X}", lambda c: f"\\u{ord(c):04x}"]
    return "".join(dice.choice(spellings)(character) for character in key)


SPELLINGS: list[Callable[[str], str]] = [
    str,
    urllib.parse.quote,
    urllib.parse.quote_plus,
    lambda key: urllib.parse.quote(urllib.parse.quote(key, safe=""), safe=""),
    percent,
    mixed,
    json.dumps,
    lambda key: json.dumps(json.dumps({"echo": key})),
    lambda key: json.dumps(key).replace("/", "\\/"),
    lambda key: base64.b64encode(key.encode()).decode(),
    lambda key: base64.urlsafe_b64encode(f"user:{key}".encode()).decode(),
    lambda key: base64.b64encode(f":{key}:".encode()).decode(),
    lambda key: key.encode().hex(),
]
PLACES: list[Callable[[str], tuple[Any, Any]]] = [
    lambda text: ("open", {"url": f"wss://host/v1?language=en&token={text}"}),
    lambda text: ("open", {"url": f"wss://host/{text}/stt"}),
    lambda text: ("sent", {"headers": {"X-Odd": f"a {text} b"}, "fields": [("name", text)]}),
    lambda text: ("sent", text),
    lambda text: ("received", json.dumps({"type": "error", "message": f"bad key {text}"})),
    lambda text: ("received", {"status": 401, "headers": {f"x-{text}": "1"}, "body": f"<b>{text}</b>"}),
    lambda text: ("received", {"headers": {"sec-websocket-protocol": f"xai-client-secret.{text}"}}),
    lambda text: ("closed", {"code": 1008, "reason": f"no such key: {text}"}),
    lambda text: ("error", {"type": "Unavailable", "message": f"cannot connect ({text})"}),
]


@settings(deadline=None)
@given(key=keys, spelling=st.sampled_from(SPELLINGS), place=st.sampled_from(PLACES))
def test_no_byte_that_is_written_holds_a_key(
    key: str, spelling: Callable[[str], str], place: Callable[[str], tuple[Any, Any]]
) -> None:
    record = Record({"KEY": key})
    record.secret("KEY")
    record.add(*place(spelling(key)))
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)).writing() as store:
        store.append(Trace("a", "xai", "rest", {}, 1, datetime.now(UTC), record.events))
        store.write_manifest({"events": [event.data for event in record.events]})
        written = b"".join(path.read_bytes() for path in Path(folder).iterdir())
    assert MASK.encode() in written
    for form in {spelling(key), key, percent(key), json.dumps(key)[1:-1], key.encode().hex()}:
        stored = json.dumps(form)[1:-1]
        assert form.encode() not in written
        assert stored.encode() not in written
    assert key not in unwrapped(written.decode())
    for run in base64_runs(written.decode()):
        assert key.encode() not in run


def unwrapped(text: str) -> str:
    """What is left when every escape is undone, however deep."""
    while True:
        plain = urllib.parse.unquote(text).replace("\\/", "/").replace('\\"', '"').replace("\\\\", "\\")
        plain = "".join(undone(piece) for piece in plain.split("\\u00")) if "\\u00" in plain else plain
        if plain == text:
            return text
        text = plain


def undone(piece: str) -> str:
    head = piece[:2]
    return chr(int(head, 16)) + piece[2:] if len(head) == 2 and all(c in "0123456789abcdef" for c in head) else piece


def base64_runs(text: str) -> list[bytes]:
    """Every stretch of the text that could be base64, decoded from each of its first four characters on."""
    letters = "".join(c if c.isalnum() or c in "+/-_" else " " for c in text).replace("-", "+").replace("_", "/")
    runs = [run[start:] for run in letters.split() for start in range(4) if len(run) > 8]
    return [base64.b64decode(run[: len(run) // 4 * 4]) for run in runs]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "https://b.s3.amazonaws.com/a.wav?X-Amz-Date=1&X-Amz-Credential=AK%2Fx&X-Amz-Signature=0aF&x=1",
            f"https://b.s3.amazonaws.com/a.wav?X-Amz-Date=1&X-Amz-Credential={MASK}&X-Amz-Signature={MASK}&x=1",
        ),
        ("see https://x.windows.net/a?sv=1&sig=a%3D now", f"see https://x.windows.net/a?sv=1&sig={MASK} now"),
        ('{"url":"https://h/a?b=1\\u0026Signature=abc"}', f'{{"url":"https://h/a?b=1\\u0026Signature={MASK}"}}'),
        ("wss://me:pass@host/v1?model=m", f"wss://{MASK}@host/v1?model=m"),
        ('{"client_secret": "ek-1", "token": "hello"}', f'{{"client_secret": "{MASK}", "token": "hello"}}'),
        ("Authorization: Bearer abcdefgh12345678", f"Authorization: Bearer {MASK}"),
        ("the bearer internationalization of keys", "the bearer internationalization of keys"),
        ("wss://h/v1/stt?keyterm=key&model=m", "wss://h/v1/stt?keyterm=key&model=m"),
    ],
)  # fmt: skip
def test_what_looks_like_a_key_by_its_place_is_masked_and_speech_is_not(before: str, after: str) -> None:
    assert Secrets().masked(before) == after


def test_a_header_or_form_field_named_like_a_key_is_masked_whatever_it_holds() -> None:
    sent = {"headers": {"xi-api-key": "a", "Retry-After": "2", "x-ratelimit-remaining-tokens": "9"}}
    fields = {"fields": [("api_key", "a"), ("keyterm", "key")]}
    assert Secrets().masked({**sent, **fields}) == {
        "headers": {"xi-api-key": MASK, "Retry-After": "2", "x-ratelimit-remaining-tokens": "9"},
        "fields": [["api_key", MASK], ["keyterm", "key"]],
    }


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Security-Token", "cf-aig-authorization", "api_key", "Cookie"])
def test_names_of_keys(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["keyterms", "content-type", "monkey", "x-ratelimit-limit-tokens", 3])
def test_other_names(name: object) -> None:
    assert not is_secret(name)
