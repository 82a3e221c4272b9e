"""A file to send over HTTP, in a form or as the whole body, from memory or from disk."""

import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from evalkit.types import Audio

_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, as one part of a form or as a whole body."""

    name: str
    content: "bytes | WavFile"
    mime: str
    audio_s: float = 0.0
    """Seconds of audio inside."""

    @classmethod
    def wav(cls, audio: Audio) -> Self:
        """The sound as a WAVE file; what is kept on disk is read while it is sent."""
        content = audio.wav() if isinstance(audio.pcm, bytes) else WavFile(audio)
        return cls("audio.wav", content, "audio/wav", audio.duration_s)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.content)

    def body(self) -> "bytes | AsyncIterator[bytes]":
        """The content as a whole body: what is kept on disk is read in pieces while it is sent."""
        return self.content if isinstance(self.content, bytes) else _pieces(self.content)


class WavFile(io.RawIOBase):
    """A WAVE file that is made while it is read, so that none of it need be in memory."""

    def __init__(self, audio: Audio) -> None:
        super().__init__()
        self._header = audio.wav_header()
        self._pcm = audio.pcm
        self._at = 0

    def __len__(self) -> int:
        return len(self._header) + len(self._pcm)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self)}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        head = self._header[self._at :]
        start = self._at + len(head) - len(self._header)
        data = (head + self._pcm[start : start + max(0, len(buffer) - len(head))])[: len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


async def _pieces(file: io.RawIOBase) -> AsyncIterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
