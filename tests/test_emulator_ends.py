import asyncio
from contextlib import suppress

import pytest

from evalkit.emulator import ends
from tests.patience import LONG_S
from tests.peers import tcp_server

QUESTION = b"is anybody there?"


async def heard(end: str) -> bytes:
    """What a client reads when the server says something and ends it so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"half")
        await reader.readexactly(len(QUESTION))  # what is left unread makes any end a reset
        transport = writer.transport
        if end == "silence":
            with suppress(ConnectionError):
                await ends.silence(transport)  # type: ignore[arg-type]  # asyncio's own are Transports
        else:
            getattr(ends, end)(transport)

    async with tcp_server(talk) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"x")
        try:
            assert await reader.readexactly(4) == b"half"
            writer.write(QUESTION)
            async with asyncio.timeout(0.3 if end == "silence" else LONG_S):
                return await reader.read()
        finally:
            writer.close()


async def test_a_cut_is_an_orderly_end_of_tcp() -> None:
    assert await heard("cut") == b""


async def test_a_reset_is_none() -> None:
    with pytest.raises(ConnectionResetError):
        await heard("reset")


async def test_silence_answers_nothing_and_ends_with_the_client() -> None:
    async with asyncio.timeout(LONG_S):
        with pytest.raises(TimeoutError):
            await heard("silence")
