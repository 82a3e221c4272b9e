"""A multipart upload read part by part, as the service does: what follows the file is not looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from evalkit.emulator.settings import RefusalError

_LONGEST_FIELD_BYTES = 100_000


@dataclass(slots=True)
class Upload:
    """The parts of a form."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    file: bytes | None = None


async def upload(content_type: str, body: AsyncIterator[bytes], *, most_bytes: int, file_must_be_last: bool) -> Upload:
    """Read a form while it arrives.

    Args:
        content_type: the header of that name.
        body: the pieces of the request body.
        most_bytes: the largest file.
        file_must_be_last: ignore the parts after ``file``.

    Raises:
        RefusalError: no multipart form, a broken one, or a file over ``most_bytes``.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise RefusalError(415, "the body must be multipart/form-data with a boundary")
    reader = _Reader(most_bytes, file_must_be_last)
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": reader.begin,
            "on_header_field": reader.header_name,
            "on_header_value": reader.header_value,
            "on_header_end": reader.header_end,
            "on_part_data": reader.data,
            "on_part_end": reader.end,
        },
    )
    try:
        async for piece in body:
            parser.write(piece)
        parser.finalize()
    except MultipartParseError as error:
        raise RefusalError(400, f"the multipart body is broken: {error}") from error
    if not reader.complete:
        raise RefusalError(400, "the multipart body ends in the middle of a part")
    return reader.upload


class _Reader:
    """Collects what the parser calls back about."""

    def __init__(self, most_bytes: int, file_must_be_last: bool) -> None:
        self.upload = Upload()
        self.complete = True
        self._most_bytes = most_bytes
        self._file_must_be_last = file_must_be_last
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._content = bytearray()

    @property
    def _is_file(self) -> bool:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        return options.get(b"name") == b"file"

    def begin(self) -> None:
        self.complete = False
        self._headers = {}
        self._content = bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if len(self._content) > self._most_bytes:
            raise RefusalError(413, f"the file is larger than {self._most_bytes} bytes")
        if len(self._content) > _LONGEST_FIELD_BYTES and not self._is_file:
            raise RefusalError(400, "a field of the form is too long")

    def end(self) -> None:
        self.complete = True
        late = self.upload.file is not None and self._file_must_be_last
        if self._is_file:
            if self.upload.file is None:
                self.upload.file = bytes(self._content)
        elif not late:
            _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
            name = options.get(b"name", b"").decode("utf-8", "replace")
            self.upload.fields.append((name, self._content.decode("utf-8", "replace")))
