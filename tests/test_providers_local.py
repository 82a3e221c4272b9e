"""The embedded recognisers are xai pointed elsewhere."""

import pytest

from evalkit import providers
from evalkit.providers.xai import Xai


@pytest.mark.parametrize("name", ["local", "local-moonshine", "local-pocketsphinx"])
def test_a_local_provider_is_xai_without_a_key_or_a_price(name: str) -> None:
    provider = providers.load(name, "streaming")
    assert isinstance(provider, Xai)
    assert provider.engine is not None
    assert not provider.live
    assert provider.key_env is None


def test_xai_itself_is_live_unless_it_is_pointed_at_this_machine() -> None:
    assert providers.load("xai").live
    assert not providers.load("xai", base_url="http://127.0.0.1:8765").live


def test_any_recogniser_the_server_can_run_is_a_provider() -> None:
    assert providers.load("local", engine="vosk:/models/small").engine == "vosk:/models/small"
