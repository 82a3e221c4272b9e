"""Settings that providers have in common: what they may be, and how they are written into a query."""

import re
import urllib.parse

from evalkit.errors import SettingsError


def within(name: str, value: float, low: float, high: float) -> None:
    """Check a number.

    Raises:
        SettingsError: it lies outside, or is none.
    """
    if not low <= value <= high:
        raise SettingsError(f"{name} must be {low:g} to {high:g}, not {value:g}")


def key_env(name: str | None) -> None:
    """Check the name of the variable that holds a key.

    Raises:
        SettingsError: it can be no such name; it may be the key itself, and is not shown.
    """
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise SettingsError("key_env must be the name of an environment variable, not the key itself")


def base_url(url: str) -> None:
    """Check where a service stands.

    Raises:
        SettingsError: no such address, or one with a secret in it.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    else:
        if parts.username or parts.password or parts.query or parts.fragment:
            raise SettingsError("base_url must hold no user name, key or query: it is written down with every trace")
    if not usable:
        raise SettingsError(f"base_url must be http://HOST or https://HOST, not {url!r}")


def socket_url(url: str) -> str:
    """The same place for a WebSocket: ``https`` becomes ``wss``."""
    return f"ws{url.rstrip('/').removeprefix('http')}"


def flag(value: bool) -> str:
    """How a query says yes and no."""
    return "true" if value else "false"
