import json
import socket
from pathlib import Path

import pytest

from evalkit.emulator import server
from evalkit.emulator.knobs import Knobs
from evalkit.errors import EvalkitError, SettingsError


def never(base_url: str, description: str) -> None:
    raise AssertionError


@pytest.fixture
def engine(tmp_path: Path) -> str:
    (tmp_path / "script.json").write_text('{"words": []}')
    return f"scripted:{tmp_path / 'script.json'}"


def test_taken_port_is_one_sentence(engine: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match=r"port \d+ on 127\.0\.0\.1 cannot be used"):
            server.run(engine, other.getsockname()[1], Knobs(), None, 1, ready=never)


def test_missing_key_names_its_variable(engine: str) -> None:
    with pytest.raises(SettingsError, match="NO_SUCH_KEY_HERE is not set"):
        server.run(engine, 0, Knobs(), "NO_SUCH_KEY_HERE", 1, ready=never)


def test_parent_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    server.announce("http://127.0.0.1:1", "it")
    assert json.loads(capsys.readouterr().out) == {"base_url": "http://127.0.0.1:1", "engine": "it"}
    with pytest.raises(SystemExit, match="2"):
        server.fail(EvalkitError("no"))
    assert json.loads(capsys.readouterr().out) == {"error": "no"}
