from collections.abc import AsyncIterator

import pytest

from evalkit.emulator.multipart import Upload, upload
from evalkit.emulator.settings import RefusalError

FORM = "multipart/form-data; boundary=XX"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    extra = f'; filename="{filename}"' if filename else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


async def read(body: bytes, *, piece: int = 7, most_bytes: int = 1000, last: bool = True, kind: str = FORM) -> Upload:
    async def pieces() -> AsyncIterator[bytes]:
        for first in range(0, len(body), piece):
            yield body[first : first + piece]

    return await upload(kind, pieces(), most_bytes=most_bytes, file_must_be_last=last)


BODY = part("language", b"en") + part("keyterm", b"a") + part("file", b"\x00\r\n--X\xff", "a.wav")
LATE = BODY + part("diarize", b"true") + b"--XX--\r\n"


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_parts_come_in_order_however_the_body_arrives(piece: int) -> None:
    form = await read(BODY + b"--XX--\r\n", piece=piece)
    assert form.fields == [("language", "en"), ("keyterm", "a")]
    assert form.file == b"\x00\r\n--X\xff"


async def test_options_after_the_file_are_not_looked_at() -> None:
    assert ("diarize", "true") not in (await read(LATE)).fields
    assert ("diarize", "true") in (await read(LATE, last=False)).fields


async def test_file_over_the_limit_is_413() -> None:
    with pytest.raises(RefusalError) as refusal:
        await read(part("file", bytes(1001), "a.wav"))
    assert refusal.value.status == 413


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (BODY, "multipart/form-data", 415),
        (b"nothing like a form", FORM, 400),
        (BODY[:-9], FORM, 400),
    ],
)
async def test_no_form_or_a_broken_one_is_refused(body: bytes, kind: str, status: int) -> None:
    with pytest.raises(RefusalError) as refusal:
        await read(body, kind=kind)
    assert refusal.value.status == status
