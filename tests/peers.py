"""Small real servers on loopback, written from the protocols, for tests of the wire and the harness."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection, serve

Answer = Callable[[bytes], bytes]


def http_answer(status: int, body: str, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@asynccontextmanager
async def tcp_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A TCP server whose conversations have all ended when it is left; yields its http:// address."""
    conversations: set[asyncio.Task[None]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*conversations)


@asynccontextmanager
async def http_server(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server that hands each whole request to ``answer`` and sends back what it returns."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client broke off
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
            )
            writer.write(answer(head + await reader.readexactly(length)))
            await writer.drain()

    async with tcp_server(talk) as url:
        yield url


@asynccontextmanager
async def ws_server(talk: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """A WebSocket server on loopback; yields its http:// address."""
    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


_HELD: list[socket.socket] = []


async def closed_port() -> str:
    """An address at which nothing listens; the port stays taken, so that nobody else comes to listen there."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return f"http://127.0.0.1:{held.getsockname()[1]}"


def free_port() -> int:
    """A port for another process, which nobody else takes in the next moment as long as luck holds."""
    with socket.socket() as passing:
        passing.bind(("127.0.0.1", 0))
        return int(passing.getsockname()[1])
