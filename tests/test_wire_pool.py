"""What the wires of one provider share."""

import gc

import pytest

from evalkit.wire.pool import Timeouts, http_client, is_loopback


def test_loopback_is_told_from_the_world() -> None:
    assert is_loopback("ws://127.0.0.1:9/x")
    assert not is_loopback("https://api.x.ai")
    assert not is_loopback("https://127.0.0.1.example.com")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "stt.localhost", "127.0.0.2", "127.1", "2130706433", "0x7f.1"],
)
def test_this_machine_is_known_by_name_and_number(host: str) -> None:
    assert is_loopback(f"http://{host}:8765/x")


@pytest.mark.parametrize("host", ["0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]"])
def test_this_machine_is_known_however_it_is_spelt(host: str) -> None:
    assert is_loopback(f"http://{host}:8765/x")


@pytest.mark.parametrize(
    "host", ["", "10.0.0.1", "[fe80::1]", "128.1", "localhost.example", "notlocalhost", "0.example"]
)
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_loopback(f"http://{host}:8765/x")


async def test_a_host_is_cold_once() -> None:
    async with http_client(Timeouts(), loopback=True) as pool:
        visits = [
            pool.visit(url) for url in ("https://a.test/x", "wss://a.test/y?z=1", "https://b.test", "https://a.test")
        ]
    assert visits == [True, False, True, False]


async def test_both_kinds_of_connection_trust_the_same() -> None:
    first, second = http_client(Timeouts(), loopback=True), http_client(Timeouts(), loopback=True)
    other = http_client(Timeouts(), loopback=True, trust=first.trust)
    assert other.trust is first.trust
    assert second.trust is not first.trust
    for pool in (first, second, other):
        await pool.http.aclose()


async def test_what_was_loaded_before_is_left_alone_by_the_garbage_collector() -> None:
    """A full collection stops every stream for as long as it takes to look at everything there is."""
    keepsake: list[object] = [[], []]
    frozen = gc.get_freeze_count()
    async with http_client(Timeouts(), loopback=True):
        assert gc.get_freeze_count() > frozen + 1000
        assert not any(one is keepsake for one in gc.get_objects())
    assert any(one is keepsake for one in gc.get_objects())
