"""The provider door: found by name, options checked, failures told apart."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evalkit import providers
from evalkit.errors import Refused, SettingsError, Unavailable
from evalkit.plan import choice_of
from evalkit.providers import Provider
from evalkit.types import Audio, Event, Route, Update
from evalkit.wire import Wire

KEYS = ("no", "provider")


def answer(status: int, body: str = "", **headers: str) -> dict[str, object]:
    return {"status": status, "headers": headers, "body": body, "phases": {}}


def test_ours_are_found_through_the_same_door_as_a_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"xai", "local-moonshine", "local-pocketsphinx"} <= set(providers.names())
    monkeypatch.setattr(
        providers, "entry_points", lambda group: [EntryPoint("echo", "tests.test_providers:Echo", group)]
    )
    assert providers.load("echo", shout="true") == Echo(name="echo", route="rest", shout=True)


class Draft(Provider):
    """Not finished."""

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        """Nothing yet."""


@dataclass(frozen=True, kw_only=True)
class Echo(Provider):
    """A stranger's provider, in full."""

    routes: ClassVar[tuple[Route, ...]] = ("rest",)
    description: ClassVar[str] = "says nothing"
    name: str = "echo"
    route: Route = "rest"
    shout: bool = False
    live = False

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        wire.record("received", "hello")

    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        yield Update(events[-1].t_s, (), (), "utterance_final")


@pytest.mark.parametrize(
    ("name", "route", "options", "message"),
    [
        ("xia", "rest", {}, "unknown provider 'xia'; did you mean 'xai'"),
        ("xai", "agent", {}, "has no route 'agent'; it has rest, streaming"),
        ("xai", "rest", {"langauge": "en"}, "did you mean 'language'"),
        ("xai", "rest", {"frame_ms": "soon"}, "frame_ms of provider 'xai' must be int, not 'soon'"),
        ("xai", "rest", {"diarize": "maybe"}, "diarize of provider 'xai' must be bool"),
        ("xai", "rest", {"language": 3}, "language of provider 'xai' must be str"),
        ("xai", "rest", {"language": "xx"}, "unknown language 'xx'"),
        ("xai", "streaming", {"frame_ms": 5}, "frame_ms must be 10 to 1000"),
        ("xai", "streaming", {"endpointing_ms": 9999}, "endpointing_ms must be 0 to 5000"),
        ("xai", "rest", {"keyterms": "x" * 51}, "keyterms: at most"),
        ("xai", "rest", {"base_url": "http://[::1"}, "base_url must be http"),
        ("xai", "rest", {"base_url": "https://user:pass@host"}, "base_url must hold no user name"),
        ("xai", "rest", {"key_env": "xai-0123-456"}, "key_env must be the name"),
        ("xai", "rest", {"vad_threshold": "7"}, "vad_threshold must be 0 to 1"),
        ("xai", "rest", {"keyterms": [1, 2]}, "keyterms, each of its values, of provider 'xai' must be str, not 1"),
        ("xai", "rest", {"keyterms": 5}, "keyterms of provider 'xai' must be a list, not 5"),
        ("xai", "rest", {"frame_ms": 20.7}, "frame_ms of provider 'xai' must be int, not 20.7"),
        ("xai", "rest", {"frame_ms": True}, "frame_ms of provider 'xai' must be int, not True"),
        ("xai", "rest", {"frame_ms": float("inf")}, "frame_ms of provider 'xai' must be int, not inf"),
        ("xai", "rest", {"speed": "nan"}, "speed of provider 'xai' must be float, not 'nan'"),
        ("xai", "rest", {"speed": 10**400}, "speed of provider 'xai' must be float"),
        ("xai", "rest", {"end_mode": ""}, "unknown end_mode of provider 'xai': ''"),
        ("nowhere:Class", "rest", {}, "'nowhere:Class' cannot be loaded .No module named 'nowhere'.; looked for among"),
        ("tests.test_providers:Ehco", "rest", {}, "no attribute 'Ehco'.; looked for among what is installed"),
        ("tests.test_providers:KEYS", "rest", {}, "'tests.test_providers:KEYS' is no subclass of evalkit.Provider"),
        ("tests.test_providers:Draft", "rest", {}, "lacks routes, description, live, parse, @dataclass.frozen=True."),
        ("tests.test_providers:", "rest", {}, "write module:Class for a class of your own"),
        ("xai", "rest", {"base_url": "api.x.ai"}, "base_url must be http"),
    ],
)
def test_a_wrong_setting_is_one_sentence(name: str, route: Route, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        providers.load(name, route, **options)


def test_options_typed_in_a_shell_become_what_the_fields_are() -> None:
    typed = {"diarize": "true", "frame_ms": "20", "keyterms": "Grok+xAI", "vad_threshold": "0.5", "language": ""}
    loaded = providers.load("xai", "streaming", name="tuned", **typed)
    expected = {"diarize": True, "frame_ms": 20, "keyterms": ("Grok", "xAI"), "vad_threshold": 0.5, "language": None}
    assert expected.items() <= loaded.settings.items()
    assert loaded.name == "tuned"
    assert providers.load("xai", keyterms="").settings["keyterms"] == ()
    assert providers.load("xai", frame_ms=20.0).settings["frame_ms"] == 20


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 529])
def test_what_may_pass_is_unavailable(status: int) -> None:
    with pytest.raises(Unavailable, match=f"xai: HTTP {status}"):
        providers.raise_for_answer(answer(status), "xai")


@pytest.mark.parametrize(("status", "everyone"), [(400, False), (413, False), (401, True), (403, True), (404, False)])
def test_what_will_not_pass_is_refused(status: int, everyone: bool) -> None:
    with pytest.raises(Refused) as caught:
        providers.raise_for_answer(answer(status), "xai")
    assert caught.value.whole_provider is everyone


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(Unavailable) as caught:
        providers.raise_for_answer(answer(429, **headers), "xai")
    assert caught.value.retry_after_s == seconds


def test_a_class_that_is_not_installed_is_named_by_its_module() -> None:
    assert isinstance(providers.load("tests.test_providers:Echo"), Echo)


def test_a_class_in_the_current_folder_is_found_and_its_neighbours_shadow_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_echo.py").write_text(
        "import colorsys\nfrom own_words import WORDS\nfrom tests.test_providers import Echo\n\n\n"
        "class Mine(Echo):\n    library, words = colorsys.__file__, WORDS\n"
    )
    (tmp_path / "own_words.py").write_text("WORDS = 3\n")
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('the library was meant')\n")
    (tmp_path / "own_typo.py").write_text("class Mine(:\n")
    for module in ("own_echo", "own_words", "colorsys"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    found: Any = providers.find("own_echo:Mine")
    assert found.words == 3
    assert not found.library.startswith(str(tmp_path))
    with pytest.raises(SettingsError, match=r"own_typo.py, line 1.*then in .*"):
        providers.find("own_typo:Mine")
    assert sys.path == before, "only for that lookup"
    with pytest.raises(SettingsError, match="unknown provider 'own_echo'"):
        providers.find("own_echo")


@pytest.mark.parametrize(
    "body",
    [
        '{"code":"c","error":"too much"}',
        '{"error":{"message":"too much","type":"t"}}',
        '{"error":"too much"}',
        '{"message":"too much"}',
        "too\n much",
    ],
)
def test_every_shape_of_error_body_is_read(body: str) -> None:
    assert providers.explanation(body) == "too much"


def test_a_long_explanation_is_cut() -> None:
    assert len(providers.explanation("x" * 5000)) == 200
    assert providers.explanation("") == "no explanation"


def test_a_record_without_an_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="ended before"):
        providers.raise_for_end([], "xai")
    with pytest.raises(Refused, match="too big"):
        providers.raise_for_end([Event(0, 0, "error", {"type": "Refused", "message": "too big"})], "xai")


@dataclass(frozen=True, kw_only=True)
class Telling(Echo):
    """Asks for the key itself."""

    api_key: str = ""


def test_a_setting_that_would_write_a_key_down_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'api_key' would be written down with every trace; .* key_env"):
        providers.load("tests.test_providers:Telling")


@pytest.mark.parametrize(
    ("spec", "evidence", "server"),
    [
        ("xai", "live", ""),
        ("xai,base_url=https://us-east-1.api.x.ai", "live", ""),
        ("deepgram,base_url=https://api.eu.deepgram.com", "live", ""),
        ("groq,base_url=https://api.groq.com/openai/v1", "live", ""),
        ("openai,profile=groq", "live", ""),
        # Somebody in the name of a service: never evidence about it.
        ("xai,base_url=http://127.0.0.1:9", "simulated", ""),
        ("groq,base_url=http://localhost:9", "simulated", ""),
        ("openai,base_url=http://[::1]:9", "simulated", ""),
        ("xai,base_url=http://0.0.0.0:9", "simulated", ""),
        ("xai,base_url=http://127.0.0.2:9", "simulated", ""),
        ("deepgram,base_url=http://localhost.:9", "simulated", ""),
        ("deepgram,base_url=https://stt.example/x.ai", "live", "https://stt.example/x.ai"),
        ("xai,base_url=https://notx.ai", "live", "https://notx.ai"),
        ("xai,base_url=https://x.ai.example", "live", "https://x.ai.example"),
        ("groq,base_url=http://api.groq.com", "live", "http://api.groq.com"),
        ("openai,base_url=https://api.groq.com", "live", "https://api.groq.com"),
        # A server of yours is what is under test, wherever it stands.
        ("openai,profile=plain,base_url=http://127.0.0.1:9", "live", "http://127.0.0.1:9"),
        ("openai,profile=vllm,base_url=http://gpu.example:8000", "live", "http://gpu.example:8000"),
        # Our own server runs a recogniser; that stays a simulation of the service.
        ("local-moonshine", "simulated", ""),
        ("local-moonshine,base_url=http://127.0.0.1:9", "simulated", ""),
    ],
)
def test_what_answers_may_be_used_for(spec: str, evidence: str, server: str) -> None:
    provider = choice_of(spec).on("rest")
    assert provider is not None
    assert (provider.evidence, provider.server) == (evidence, server)


@dataclass(frozen=True, kw_only=True)
class Near(Echo):
    """Stands on this machine unless it is told otherwise."""

    base_url: str = "http://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class Apex(Echo):
    """Has a domain that is called api."""

    base_url: str = "https://api.ai"


def test_a_server_on_this_machine_is_named_even_where_it_is_at_home() -> None:
    assert (Near(name="near", route="rest").evidence, Near(name="near", route="rest").server) == (
        "live",
        "http://127.0.0.1:9",
    )


def test_all_of_a_top_level_domain_is_nobodys_home() -> None:
    assert not Apex(name="apex", route="rest").stands_in
    assert not Apex(name="apex", route="rest", base_url="https://eu.api.ai").stands_in
    assert Apex(name="apex", route="rest", base_url="https://somebody.ai").server == "https://somebody.ai"


@dataclass(frozen=True, kw_only=True)
class Needy(Echo):
    """Cannot know where it stands."""

    endpoint: str
    words: tuple[str, ...] = field(default_factory=tuple)


def test_a_setting_without_a_default_is_asked_for() -> None:
    with pytest.raises(SettingsError, match=r"'tests.test_providers:Needy' must be told endpoint: .*Needy,endpoint="):
        providers.load("tests.test_providers:Needy")
    assert providers.load("tests.test_providers:Needy", endpoint="here").settings["endpoint"] == "here"
