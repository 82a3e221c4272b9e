"""What the conversations with one provider share: kept connections, whom to trust, and the heartbeat of the loop."""

import gc
import ipaddress
import socket
import ssl
import urllib.parse
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from evalkit.wire.pacing import Heartbeat


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which each wait is given up."""

    connect_s: float = 15.0
    message_s: float = 60.0
    """For an awaited socket message, once the audio has been sent."""
    answer_s: float = 300.0
    """For an HTTP exchange, from the first byte sent to the last received."""


class Pool:
    """Open it with ``async with``; made by ``http_client``."""

    def __init__(self, timeouts: Timeouts, *, loopback: bool, trust: ssl.SSLContext | None = None) -> None:
        # One context for every connection: to read the certificates of all authorities takes a core 10 ms and more.
        self.trust = trust or httpx.create_ssl_context(trust_env=not loopback)
        self.http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeouts.answer_s, connect=timeouts.connect_s, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            trust_env=not loopback,
            verify=self.trust,
        )
        self.heartbeat = Heartbeat()
        self._visited: set[str] = set()

    def visit(self, url: str) -> bool:
        """Note a visit to the host of ``url``; whether it was cold, the first one of this pool."""
        host = urllib.parse.urlsplit(url).netloc
        cold = host not in self._visited
        self._visited.add(host)
        return cold

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        # What is loaded by now stays: to look through it for garbage would stop every stream for 150 ms.
        gc.freeze()
        self.heartbeat.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heartbeat.stop()
        gc.unfreeze()
        await self.http.__aexit__(kind, error, trace)


def http_client(timeouts: Timeouts, *, loopback: bool, trust: ssl.SSLContext | None = None) -> Pool:
    """A pool to share between the wires of one provider; a proxy of the environment is not for loopback.

    Args:
        timeouts: how long each wait may take.
        loopback: whether the provider is on this machine.
        trust: whose certificates are accepted; the well-known authorities unless given.
    """
    return Pool(timeouts, loopback=loopback, trust=trust)


def is_loopback(url: str) -> bool:
    """Whether ``url`` points at this machine, however its address is spelt: ``localhost.``, ``127.1``, ``0.0.0.0``."""
    host = (urllib.parse.urlsplit(url).hostname or "").removesuffix(".")
    if f".{host}".endswith(".localhost"):
        return True
    address = _address(host)
    inner = getattr(address, "ipv4_mapped", None) or address
    # Who connects to the unspecified address reaches the machine it is on.
    return inner is not None and (inner.is_loopback or inner.is_unspecified)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A host given as a number, read as a resolver reads it; None of a name."""
    try:
        return ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (OSError, ValueError):
        return None
