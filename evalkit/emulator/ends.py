"""Ends of a connection that no protocol knows: cut, reset, and silence. For transports of the server's own loop."""

from __future__ import annotations

import asyncio
from typing import cast

from evalkit.weather import reset

__all__ = ["cut", "reset", "silence"]


def cut(transport: asyncio.Transport) -> None:
    """End the connection in order at TCP, but in the middle of whatever was being said over it."""
    transport.close()


async def silence(transport: asyncio.Transport) -> None:
    """Take every byte and answer none, not even a ping, until the other end has gone."""
    gone = asyncio.get_running_loop().create_future()
    transport.set_protocol(_Silent(transport.get_protocol(), gone))
    transport.resume_reading()
    await gone


class _Silent(asyncio.Protocol):
    """Stands before the server's own protocol, which hears nothing more until the connection is lost."""

    def __init__(self, behind: asyncio.BaseProtocol, gone: asyncio.Future[None]) -> None:
        self._behind = cast(asyncio.Protocol, behind)
        self._gone = gone

    def data_received(self, data: bytes) -> None:
        """Swallow it."""

    def pause_writing(self) -> None:
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        self._behind.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._behind.connection_lost(exc)
        if not self._gone.done():
            self._gone.set_result(None)
