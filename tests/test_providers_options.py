"""Settings that providers share; what each provider does with them stands in its own tests."""

import pytest

from evalkit.errors import SettingsError
from evalkit.providers import options


@pytest.mark.parametrize("value", [0, 11, float("nan")])
def test_a_number_outside_its_bounds_is_told_them(value: float) -> None:
    options.within("x_ms", 10, 1, 10)
    with pytest.raises(SettingsError, match="x_ms must be 1 to 10, not "):
        options.within("x_ms", value, 1, 10)


def test_a_key_in_the_place_of_its_variable_is_not_shown() -> None:
    options.key_env(None)
    options.key_env("A_KEY_1")
    with pytest.raises(SettingsError) as caught:
        options.key_env("sk-123-secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["host", "ftp://host", "http://", "http://[::1", "https://user@host", "https://h?a=b"])
def test_an_address_that_cannot_be_written_down_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url must"):
        options.base_url(url)


@pytest.mark.parametrize(
    ("url", "socket"), [("https://h/", "wss://h"), ("http://127.0.0.1:80/a", "ws://127.0.0.1:80/a")]
)
def test_a_socket_stands_where_the_requests_go(url: str, socket: str) -> None:
    options.base_url(url)
    assert options.socket_url(url) == socket


def test_yes_and_no() -> None:
    assert (options.flag(True), options.flag(False)) == ("true", "false")
