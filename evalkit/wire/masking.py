"""What may not be written down: keys that are known, in every spelling, and whatever looks like one by its place."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"

# Words of a name, as `-` and `_` part them. Not `tokens`, which rate limits are counted in, nor `keyterm`.
_SECRET_WORDS = frozenset(
    ("authorization", "cookie", "token", "secret", "key", "apikey", "signature", "sig", "credential", "password")
)
_NAMES = "authorization|token|secret|key|apikey|signature|sig|credential|password|key-pair-id|policy"
# A URL that serves anyone who reads it: signed for a bucket or a CDN, or with a key in its query or before its host.
_QUERY = re.compile(rf"(?i)((?:[?&;]|\\u0026)(?:[\w.-]*[-_.])?(?:{_NAMES})=)[^&#;\s\"'<>\\]+")
_USER = re.compile(r"(?i)\b((?:https?|wss?)://)[^/?#\s\"'@]+@")
# Not `token` or `key` alone, which recognisers call pieces of a transcript.
_FIELD_WORDS = ("token", "secret", "key", "password")
_FIELDS = "access_?token|refresh_?token|id_?token|client_?secret|api_?key|secret|password"
_FIELD = re.compile(rf'(?i)(\\?"(?:{_FIELDS})\\?"\s*:\s*\\?")[^"\\]+')
# Not `bearer` before a long word, which somebody may have said.
_BEARER = re.compile(r"(?i)\b(bearer\s+)(?=[\w.~+/-]*\d)[\w.~+/=-]{16,}")


class Secrets:
    """The keys of one conversation."""

    def __init__(self) -> None:
        self._spellings: list[str] = []
        self._escaped: list[re.Pattern[str]] = []

    def add(self, value: str) -> None:
        """Mask ``value``, which is printable ASCII, from now on: plain, base64, hexadecimal, and with escapes."""
        coded = [*_base64(value.encode()), value.encode().hex(), value.encode().hex().upper()]
        self._spellings += [value, *coded]
        self._escaped += [re.compile("".join(map(_escaped, value)))]

    def masked(self, data: Any) -> Any:
        """The same without keys; mappings and sequences are copied."""
        if isinstance(data, str):
            return self._masked_text(data)
        if isinstance(data, Mapping):
            return {
                self.masked(name): MASK
                if is_secret(name) and isinstance(value, str | list | tuple)
                else self.masked(value)
                for name, value in data.items()
            }
        if isinstance(data, tuple) and len(data) == 2 and is_secret(data[0]) and isinstance(data[1], str):
            return [data[0], MASK]  # a field of a form
        if isinstance(data, list | tuple):
            return [self.masked(value) for value in data]
        return data

    def _masked_text(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        if "%" in text or "\\" in text:
            for pattern in self._escaped:
                text = pattern.sub(MASK, text)
        if "=" in text:
            text = _QUERY.sub(rf"\1{MASK}", text)
        if "@" in text:
            text = _USER.sub(rf"\1{MASK}@", text)
        # Most messages hold none of these words, and looking for a word is far cheaper than for a pattern.
        lower = text.lower()
        if any(word in lower for word in _FIELD_WORDS):
            text = _FIELD.sub(rf"\1{MASK}", text)
        return _BEARER.sub(rf"\1{MASK}", text) if "bearer" in lower else text


def is_secret(name: object) -> bool:
    """Whether what goes by this name (a header, a field, a setting) is a key, a token or a signature."""
    return isinstance(name, str) and not _SECRET_WORDS.isdisjoint(re.split(r"[-_]", name.lower()))


def _base64(value: bytes) -> Sequence[str]:
    """What a key looks like inside base64, in each of the three places it can begin: its whole characters only."""
    found = []
    for ahead in range(3):
        coded = base64.b64encode(bytes(ahead) + value).decode()
        whole = coded[-(-8 * ahead // 6) : 8 * (ahead + len(value)) // 6]
        found += [whole, whole.replace("+", "-").replace("/", "_")]
    return found


def _escaped(character: str) -> str:
    """A pattern of a character as it is, behind backslashes, as JSON's number, or percent-encoded, even repeatedly."""
    number = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(character):02x}")
    return rf"(?:\\*{re.escape(character)}|\\+u00{number}|%(?:25)*{number})"
