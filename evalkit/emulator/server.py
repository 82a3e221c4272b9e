"""The server process: one listening socket on loopback, the contract, and a pool of recognisers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Scope

from evalkit.emulator import engines
from evalkit.emulator.app import Contract
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.pool import Pool
from evalkit.errors import EvalkitError, SettingsError

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """Says when it is ready to be talked to."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None], *, own_headers: bool = True) -> None:
        """A server of one application.

        Args:
            app: what answers.
            ready: called when requests are served.
            own_headers: whether an HTTP answer gets a date and the server's name.
        """
        config = uvicorn.Config(
            app,
            loop="asyncio",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
            date_header=own_headers,
            server_header=own_headers,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave in peace when asked to; the inherited way dies of the signal before the workers are ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _leave(self) -> None:
        self.should_exit = True

    def transport(self, scope: Scope) -> asyncio.Transport | None:
        """The connection under a request or a socket; None when it has gone."""
        for connection in self.server_state.connections:
            transport: asyncio.Transport | None = getattr(connection, "transport", None)
            if transport is not None and transport.get_extra_info("peername")[:2] == tuple(scope["client"]):
                return transport
        return None


def run(
    engine: str,
    port: int,
    knobs: Knobs,
    accepted_key_env: str | None,
    workers: int,
    *,
    ready: Callable[[str, str], None],
    until_stdin_ends: bool = False,
) -> None:
    """Serve until told to stop.

    Args:
        engine: which recogniser; see ``engines.check``.
        port: 0 for a free one.
        knobs: readings of the protocol.
        accepted_key_env: the environment variable with the only key accepted; None accepts anybody.
        workers: recogniser processes.
        ready: called with the base URL and the engine's description when requests are served.
        until_stdin_ends: also stop when stdin ends, which it does when the parent process dies.

    Raises:
        EvalkitError: the port is taken, the key is not set, or the recogniser could not be loaded.
    """
    engines.check(engine)
    key = None
    if accepted_key_env is not None and not (key := os.environ.get(accepted_key_env)):
        raise SettingsError(f"{accepted_key_env} is not set; put the key this server shall accept into it")
    with contextlib.closing(listen(port)) as listener:
        asyncio.run(_serve(engine, listener, knobs, key, workers, ready, until_stdin_ends))


def listen(port: int) -> socket.socket:
    """A socket bound to a port of this machine; 0 takes a free one.

    Raises:
        SettingsError: the port is taken, or may not be used.
    """
    # With the protocol named, asyncio switches Nagle off for each connection; else an answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"port {port} on {HOST} cannot be used ({error.strerror}); choose another") from error
    return listener


async def _serve(
    engine: str,
    listener: socket.socket,
    knobs: Knobs,
    key: str | None,
    workers: int,
    ready: Callable[[str, str], None],
    until_stdin_ends: bool,
) -> None:
    pool = Pool(engine, workers)
    contract = Contract(pool, knobs, key, lambda scope: server.transport(scope))
    base_url = f"http://{HOST}:{listener.getsockname()[1]}"
    server = Server(contract.app(), lambda: ready(base_url, pool.description.line))
    if until_stdin_ends:
        threading.Thread(target=_watch, args=(server,), daemon=True).start()
    await pool.start()
    try:
        await server.serve(sockets=[listener])
    finally:
        await pool.stop()


def _watch(server: uvicorn.Server) -> None:
    """Stop the server when stdin ends; the process itself a moment later, should the server not manage."""
    while os.read(0, 4096):
        pass
    server.should_exit = True
    threading.Timer(5.0, os._exit, (1,)).start()


def announce(base_url: str, description: str) -> None:
    """Tell the parent process, in one line of JSON, where the server is."""
    print(json.dumps({"base_url": base_url, "engine": description}), flush=True)


def fail(error: EvalkitError) -> None:
    """Tell the parent process, in one line of JSON, why there is no server, and exit with 2."""
    print(json.dumps({"error": str(error)}), flush=True)
    sys.exit(2)
