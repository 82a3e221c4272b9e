"""The OpenAI family: what each service is sent, and answers that are right under every reading of its documents."""

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalkit import limits, providers
from evalkit.errors import ParseError, ProviderError, Refused, SettingsError, Unavailable
from evalkit.plan import Choice, Plan
from evalkit.providers.openai import Groq, OpenAi, profiles
from evalkit.scoring import cost
from evalkit.store import Store
from evalkit.types import Audio, Event, Hypothesis, Word
from evalkit.wire import Timeouts, Wire, http_client
from tests.fakes_openai import SAID, TEXT, Service, error, serving
from tests.shell import evalkit, here, refused

__all__ = ["here"]

HERE = "http://127.0.0.1:8000"
TONE = Audio(bytes(2 * 16_000 * 4), 16_000)


def answered(body: object, status: int = 200, **headers: str) -> tuple[Event, ...]:
    text = body if isinstance(body, str) else json.dumps(body)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        Event(0.0, 0.0, "sent", {"method": "POST", "url": HERE}),
        Event(0.4, 4.0, "received", {"status": status, "headers": told, "body": text, "phases": {}}),
    )


def heard(body: object, provider: OpenAi | None = None) -> Hypothesis:
    return Hypothesis.of((provider or Groq()).parse(answered(body)))


def failure(status: int, body: str, **headers: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        list(Groq().parse(answered(body, status, **headers)))
    return caught.value


def held(provider: OpenAi, audio: Audio = TONE, environ: Mapping[str, str] = os.environ) -> Hypothesis:
    """One conversation over the real wire."""

    async def talk() -> tuple[Event, ...]:
        async with http_client(Timeouts(), loopback=True) as pool:
            wire = Wire(pool, environ=environ)
            await provider.transcribe(audio, wire)
            return wire.events

    return Hypothesis.of(provider.parse(asyncio.run(talk())))


# ---- what is sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        (OpenAi(), {"model": ["gpt-transcribe"], "response_format": ["json"]}),
        (
            OpenAi(language="en", keyterms=("Grok", "xAI"), prompt="A call.", temperature=0.0),
            {
                "model": ["gpt-transcribe"], "response_format": ["json"], "language": ["en"], "prompt": ["A call."],
                "keywords[]": ["Grok", "xAI"], "temperature": ["0"],
            },
        ),
        (OpenAi(model="gpt-4o-transcribe-x"), {"model": ["gpt-4o-transcribe-x"], "response_format": ["json"]}),
        (
            OpenAi(model="whisper-1"),
            {
                "model": ["whisper-1"], "response_format": ["verbose_json"],
                "timestamp_granularities[]": ["word", "segment"],
            },
        ),
        (OpenAi(model="whisper-1", word_times=False), {"model": ["whisper-1"], "response_format": ["verbose_json"]}),
        (
            OpenAi(model="gpt-4o-transcribe-diarize"),
            {
                "model": ["gpt-4o-transcribe-diarize"], "response_format": ["diarized_json"],
                "chunking_strategy": ["auto"],
            },
        ),
        (
            Groq(language="en"),
            {
                "model": ["whisper-large-v3-turbo"], "response_format": ["verbose_json"], "language": ["en"],
                "timestamp_granularities[]": ["word", "segment"],
            },
        ),
        (OpenAi(profile="plain", base_url=HERE), {"model": ["whisper-1"], "response_format": ["json"]}),
        (
            OpenAi(profile="whisper.cpp", base_url=HERE),
            {
                "model": ["whisper-1"], "response_format": ["verbose_json"], "token_timestamps": ["true"],
                "language": ["auto"], "timestamp_granularities[]": ["word", "segment"],
            },
        ),
    ],
    ids=lambda value: f"{value.profile}-{value.model}" if isinstance(value, OpenAi) else "",
)  # fmt: skip
def test_each_model_is_sent_what_it_takes_and_no_more(provider: OpenAi, sent: dict[str, list[str]]) -> None:
    fields: dict[str, list[str]] = {}
    for name, value in provider._form():
        fields.setdefault(name, []).append(value)
    assert fields == sent


@pytest.mark.parametrize(
    ("provider", "base_url", "url"),
    [
        ("openai", "", "https://api.openai.com/v1/audio/transcriptions"),
        ("groq", "", "https://api.groq.com/openai/v1/audio/transcriptions"),
        ("groq", "https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/audio/transcriptions"),
        ("groq", "https://api.groq.com/openai/", "https://api.groq.com/openai/v1/audio/transcriptions"),
        ("groq", HERE, f"{HERE}/openai/v1/audio/transcriptions"),
        ("openai", HERE, f"{HERE}/v1/audio/transcriptions"),
        ("openai", f"{HERE}/v1/", f"{HERE}/v1/audio/transcriptions"),
        ("openai", f"{HERE}/v1/audio/transcriptions", f"{HERE}/v1/audio/transcriptions"),
        ("openai", "https://gate.example/stt", "https://gate.example/stt/v1/audio/transcriptions"),
    ],
)
def test_a_base_url_is_read_in_every_way_people_write_it(provider: str, base_url: str, url: str) -> None:
    loaded = providers.load(provider, base_url=base_url)
    assert isinstance(loaded, OpenAi)
    assert loaded.url == url


@pytest.mark.parametrize("base_url", [HERE, f"{HERE}/inference"])
def test_a_server_may_have_a_path_of_its_own(base_url: str) -> None:
    assert OpenAi(profile="whisper.cpp", base_url=base_url).url == f"{HERE}/inference"
    assert OpenAi(profile="whisper.cpp", base_url=f"{HERE}/v1").url == f"{HERE}/v1/audio/transcriptions"


def test_a_key_goes_to_its_own_service_and_nowhere_else_unless_told() -> None:
    assert OpenAi().key_env == "OPENAI_API_KEY"
    assert Groq(base_url="https://api.groq.com/openai/v1").key_env == "GROQ_API_KEY"
    assert OpenAi(base_url="https://elsewhere.example").key_env is None
    assert OpenAi(base_url="http://api.openai.com").key_env is None
    assert OpenAi(base_url="https://elsewhere.example", key_env="MY_KEY").key_env == "MY_KEY"
    assert OpenAi(profile="vllm", base_url=HERE).key_env is None


@pytest.mark.parametrize("provider", [OpenAi(), Groq(), OpenAi(profile="vllm", base_url=HERE, usd_per_hour=0.0)])
def test_the_settings_of_a_trace_make_the_same_provider_again(provider: OpenAi) -> None:
    stored = json.loads(json.dumps(provider.settings))
    assert providers.load(provider.name, **stored) == provider
    assert stored["model"]
    assert stored["base_url"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profile": "opanai"}, "unknown profile 'opanai'; did you mean 'openai'"),
        ({"profile": "vllm"}, "profile 'vllm' is a server of yours: say where with base_url="),
        ({"language": "english"}, "a code of two or three letters such as en, not 'english'"),
        ({"language": "en-US"}, "a code of two or three letters such as en, not 'en-US'"),
        ({"diarize": True}, "gpt-transcribe of openai does not say who speaks; model=gpt-4o-transcribe-diarize does"),
        ({"profile": "vllm", "base_url": HERE, "diarize": True}, "does not say who speaks; none of its models does"),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "x"}, "takes no prompt: it would refuse every request"),
        ({"model": "whisper-1", "keyterms": "Grok"}, "whisper-1 of openai takes no keyterms"),
        ({"temperature": "2"}, "temperature must be 0 to 1"),
        ({"usd_per_hour": "-1"}, "usd_per_hour must be 0 to 1000"),
        ({"key_env": "sk-proj-0123"}, "key_env must be the name of an environment variable"),
        ({"base_url": "https://key@host"}, "base_url must hold no user name"),
        ({"response_format": "srt"}, "unknown response_format"),
    ],
)
def test_a_wrong_setting_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        providers.load("openai", **options)


@pytest.mark.parametrize(("name", "variable"), [("openai", "OPENAI_API_KEY"), ("groq", "GROQ_API_KEY")])
def test_without_a_key_or_a_budget_nothing_begins(name: str, variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        providers.load(name).ready({})
    with pytest.raises(SettingsError, match=f"{name!r} is live and costs money; set a limit with --budget-usd"):
        Plan(Choice(name), routes=("rest",))


# ---- what is too much ---------------------------------------------------------------------------------------------


class Large:
    """Samples that are only counted."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, part: slice) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("provider", "size", "sentence"),
    [
        (OpenAi(), 26_214_401, r"26,214,445 bytes is over the documented 25 MB; split the recording"),
        (Groq(), 104_857_601, r"over the documented 25 MB on the free tier, 100 MB on the developer tier; split"),
        (OpenAi(profile="vllm", base_url=HERE), 26_214_401, "VLLM_MAX_AUDIO_CLIP_FILESIZE_MB"),
    ],
    ids=["openai", "groq", "vllm"],
)
async def test_what_no_reading_of_the_limit_allows_is_not_sent(provider: OpenAi, size: int, sentence: str) -> None:
    async with http_client(Timeouts(), loopback=True) as pool:
        wire = Wire(pool, environ={"OPENAI_API_KEY": "sk-a-b-c-d-e", "GROQ_API_KEY": "gsk-a-b-c-d-e"})
        with pytest.raises(Refused, match=sentence):
            await provider.transcribe(Audio(Large(size), 48_000), wire)
        assert wire.events == ()


async def test_1400_seconds_are_known_beforehand_and_the_user_may_know_better() -> None:
    long = Audio(bytes(2 * 100 * 1500), 100)
    with serving(Service(max_s=1e9)) as url:
        told = OpenAi(model="gpt-4o-transcribe", base_url=url)
        async with http_client(Timeouts(), loopback=True) as pool:
            with pytest.raises(
                Refused, match=r"1,500 s is over the 1,400 s gpt-4o-transcribe takes; .*check_limits=false"
            ):
                await told.transcribe(long, Wire(pool))
            await OpenAi(model="whisper-1", base_url=url).transcribe(long, Wire(pool))
            await OpenAi(model="gpt-4o-transcribe", base_url=url, check_limits=False).transcribe(long, Wire(pool))


@pytest.mark.parametrize("most", [25_000_000, 26_214_400])
def test_between_25_mb_and_25_mib_the_service_decides(most: int) -> None:
    """The guide says MB, the help centre MiB: neither reading may cost an answer the other would give."""
    audio = Audio(bytes(25_500_000), 48_000)
    with serving(Service(max_bytes=most)) as url:
        said = held(OpenAi(base_url=url), audio)
    if most == 26_214_400:
        assert said.text == TEXT
    else:
        assert isinstance(said.failure, Refused)
        assert "exceeded" in str(said.failure)
        assert "documented are 25 MB" in str(said.failure)


# ---- the fake, over the wire, under every reading -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "nested", "segments", "numbers", "usage"),
    list(
        itertools.product(
            ("bare", "written", "pieces"), (False, True), (False, True), ("number", "string"), ("tokens", "none")
        )
    ),
)
def test_words_keep_their_times_and_the_text_its_punctuation(
    words: Any, nested: bool, segments: bool, numbers: Any, usage: Any
) -> None:
    service = Service(
        strict=False, words=words, nested=nested, segments_with_words=segments or nested, numbers=numbers, usage=usage
    )
    body = service.answer("verbose_json", ["word"], 4.0, "whisper-1")
    said = heard(json.dumps(body))
    assert said.failure is None
    assert said.text == TEXT
    assert [(w.start_s, w.end_s) for w in said.words] == [(start, end) for _, start, end, _ in SAID]


@pytest.mark.parametrize("name", ["gpt-transcribe", "gpt-4o-transcribe", "whisper-1", "gpt-4o-transcribe-diarize"])
@pytest.mark.parametrize("usage", ["tokens", "duration"])
def test_the_service_takes_what_it_is_sent_and_its_answer_is_understood(name: str, usage: Any) -> None:
    service = Service(key="sk-fake-0123456789", usage=usage)
    with serving(service) as url:
        said = held(
            OpenAi(base_url=url, model=name, key_env="FAKE_KEY", language="en"),
            environ={"FAKE_KEY": "sk-fake-0123456789"},
        )
    assert said.failure is None
    assert said.text == TEXT
    assert service.asked[0]["file"].endswith(".wav")
    assert service.asked[0]["seconds"] == 4.0
    assert all((w.start_s is None) == (name != "whisper-1") for w in said.words)
    labels = [w.speaker for w in said.words]
    assert labels == (["A"] * 4 + ["B"] if "diarize" in name else [None] * 5)


def test_groq_is_asked_at_its_own_path_and_understood() -> None:
    service = Service(path="/openai/v1/audio/transcriptions", segments_with_words=False)
    with serving(service) as url:
        said = held(Groq(base_url=url))
    assert said.text == TEXT
    assert said.words[3] == Word("pass-code,", 1.1, 1.6)


@pytest.mark.parametrize(
    ("profile", "path", "reading"),
    [
        ("speaches", "/v1/audio/transcriptions", {}),
        ("vllm", "/v1/audio/transcriptions", {"words": "none", "numbers": "string"}),
        ("whisper.cpp", "/inference", {"words": "pieces", "nested": True}),
        ("whisperlive", "/v1/audio/transcriptions", {}),
        ("plain", "/v1/audio/transcriptions", {}),
    ],
)
def test_servers_of_ones_own(profile: str, path: str, reading: dict[str, Any]) -> None:
    with serving(Service(path=path, strict=False, **reading)) as url:
        said = held(OpenAi(profile=profile, base_url=url))
    assert said.failure is None
    assert said.text == TEXT
    timed = profiles()[profile].of("x").words
    assert all((w.start_s is not None) == timed for w in said.words)


@pytest.mark.parametrize("profile", ["vllm", "plain"])
def test_a_format_can_be_asked_for_that_the_profile_does_not_know(profile: str) -> None:
    with serving(Service(strict=False)) as url:
        said = held(OpenAi(profile=profile, base_url=url, response_format="verbose_json"))
    assert said.words[0] == Word("Please", 0.3, 0.6)


# ---- answers, by hand ---------------------------------------------------------------------------------------------


def test_an_empty_text_is_an_answer() -> None:
    for body in (
        {"text": ""},
        {"text": " \n"},
        {"text": "", "words": [], "segments": []},
        {"text": "", "segments": None},
    ):
        said = heard(body)
        assert said.failure is None
        assert said.words == ()
        assert len(said.updates) == 1


def test_segments_without_words_have_text_and_no_times() -> None:
    body = {"task": "transcribe", "duration": "3.1", "text": " set a timer",
            "segments": [{"id": 0, "start": 0.0, "end": 3.1, "text": " set a timer"}]}  # fmt: skip
    assert heard(body).words == (Word("set"), Word("a"), Word("timer"))
    assert heard({"segments": body["segments"]}).text == "set a timer"


def test_a_text_that_repeats_itself_is_text() -> None:
    looped = "thank you. " * 300
    assert heard({"text": looped}).text == looped.strip()


@pytest.mark.parametrize("language", ["english", "en", "", None])
def test_the_language_may_be_a_name_or_a_code(language: str | None) -> None:
    assert heard({"text": "hi", "language": language, "languages": [{"code": "en"}] if language else []}).text == "hi"


def test_speakers_may_be_numbers_and_may_be_missing() -> None:
    segments = [
        {"speaker": 0, "text": "hello there", "start": 0, "end": 1},
        {"speaker": "", "text": " hm", "start": 1, "end": 2},
        {"speaker": 1, "text": " hi", "words": [{"word": " hi", "start": 2.0, "end": 2.5, "probability": 0.9}]},
        {"text": "so", "words": [{"text": "so", "start": 3.0, "end": 3.5, "speaker": "Ann", "confidence": 0.5}]},
    ]
    assert heard({"text": "hello there hm hi so", "segments": segments}).words == (
        Word("hello", speaker="0"),
        Word("there", speaker="0"),
        Word("hm"),
        Word("hi", 2.0, 2.5, speaker="1", confidence=0.9),
        Word("so", 3.0, 3.5, speaker="Ann", confidence=0.5),
    )


@pytest.mark.parametrize(
    "body",
    [
        "<html>busy</html>",
        "[]",
        "{}",
        {"segments": [{"start": 0}]},
        {"segments": "none", "text": "x"},
        {"text": "x", "words": [{"start": 0.0}]},
        {"text": "x", "words": [{"word": "x", "start": "soon"}]},
        {"text": "x", "words": [{"word": "x", "start": float("nan"), "end": 1}]},
        {"text": "x", "words": "x"},
    ],
)
def test_what_is_not_as_documented_is_a_parse_error_and_never_words(body: object) -> None:
    with pytest.raises(ParseError, match="groq: not"):
        list(Groq().parse(answered(body)))


def test_an_error_with_status_200_is_no_empty_transcript() -> None:
    assert isinstance(heard({"error": "failed to read audio data"}).failure, Refused)
    assert heard({"text": "fine", "error": None}).text == "fine"


def test_a_record_without_an_answer_is_unavailable() -> None:
    lost = [Event(0.0, 0.0, "sent", {}), Event(0.1, 0.0, "error", {"type": "Unavailable", "message": "no route"})]
    assert isinstance(Hypothesis.of(Groq().parse(lost)).failure, Unavailable)
    assert isinstance(Hypothesis.of(Groq().parse([])).failure, Unavailable)


# ---- errors of the family -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 400, 403])
@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"])
def test_no_money_is_a_refusal_of_every_clip_whatever_its_status(status: int, code: str) -> None:
    told = failure(status, error("You exceeded your current quota.", kind=code, code=code), retry_after="3")
    assert isinstance(told, Refused)
    assert told.whole_provider
    assert "the account has no credit" in str(told)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry_after": "7"}, "", 7.0),
        ({"retry_after_ms": "1500", "retry_after": "2"}, "", 1.5),
        ({"retry_after_ms": "soon", "retry_after": "2"}, "", 2.0),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "6m0s"}, "", 360.0),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "20ms"}, "", 0.02),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "2m59.56s"}, "", 179.56),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "7.66"}, "", 7.66),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "later"}, "", None),
        # The day's allowance is not what ran out.
        (
            {"x_ratelimit_remaining_requests": "1999", "x_ratelimit_reset_requests": "12h0m0s",
             "x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "4.2s"},
            "", 4.2,
        ),
        (
            {"x_ratelimit_remaining_requests": "1999", "x_ratelimit_reset_requests": "12h0m0s"},
            "Rate limit reached on seconds of audio per hour. Please try again in 1m2.5s.", 62.5,
        ),
        ({}, "Rate limit reached.", None),
    ],
)  # fmt: skip
def test_a_rate_limit_says_when_to_come_back_in_one_of_many_ways(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    told = failure(429, error(message, kind="requests", code="rate_limit_exceeded"), **headers)
    assert isinstance(told, Unavailable)
    assert told.status == 429
    assert told.retry_after_s == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("status", [408, 409, 425, 429, 498, 500, 502, 503, 529])
def test_what_may_pass_is_unavailable(status: int) -> None:
    assert isinstance(failure(status, error("busy")), Unavailable)
    assert isinstance(failure(status, "<html>busy</html>"), Unavailable)
    assert isinstance(failure(status, error("never"), x_should_retry="false"), Refused)


@pytest.mark.parametrize("status", [400, 404, 415, 422])
def test_what_will_not_pass_is_refused(status: int) -> None:
    told = failure(status, error("Invalid file format.", code="invalid_value"))
    assert isinstance(told, Refused)
    assert not told.whole_provider
    assert isinstance(failure(status, error("again"), x_should_retry="true"), Unavailable)


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_api_key"), (403, ""), (402, ""), (404, "model_not_found")])
def test_what_no_clip_can_pass_stops_the_provider(status: int, code: str) -> None:
    told = failure(status, error("No.", code=code))
    assert isinstance(told, Refused)
    assert told.whole_provider
    assert ("check GROQ_API_KEY" in str(told)) == (status in (401, 403))


def test_a_server_that_wants_a_key_and_was_sent_none_says_how_to_send_one() -> None:
    with serving(Service(key="sk-x")) as url:
        said = held(OpenAi(base_url=url))
    assert "no key was sent: name its variable with key_env=" in str(said.failure)


def test_413_names_the_documented_limit() -> None:
    assert "documented are 25 MB on the free tier, 100 MB" in str(failure(413, "Request Entity Too Large"))


# ---- the data -----------------------------------------------------------------------------------------------------


def test_every_profile_is_dated_has_a_source_and_knows_every_model() -> None:
    for name, profile in profiles().items():
        assert profile.source, name
        assert profile.date, name
        assert profile.of("some-model-of-tomorrow").match == "*", name
        assert bool(profile.max_bytes) == bool(profile.max_said), name
        if profile.base_url:
            known = limits.documented(name, "rest")
            assert known.upload_mb is not None
            assert f"{known.upload_mb:g} MB" in profile.max_said


def test_a_capability_line_says_what_each_can() -> None:
    assert OpenAi.capabilities == (
        "word times no (yes with whisper-1); speakers no (yes with gpt-4o-transcribe-diarize); channels no; "
        "file up to 25 MB"
    )
    assert Groq.capabilities.startswith("word times yes; speakers no; channels no; file up to 25 MB on the free tier")


@pytest.mark.parametrize(
    ("spec", "usd_per_hour", "billed"),
    [
        ("groq", 0.04, 10.0),
        ("groq,model=whisper-large-v3", 0.111, 10.0),
        ("openai", 0.27, 3.2),
        ("openai,model=whisper-1", 0.36, 4.0),
        ("openai,model=gpt-4o-mini-transcribe-2025-12-15", 0.18, 3.2),
        ("openai,model=gpt-4o-transcribe", 0.36, 3.2),
        ("groq,usd_per_hour=0.02", 0.02, 10.0),
        (f"openai,profile=vllm,base_url={HERE},usd_per_hour=0", 0.0, 3.2),
    ],
)
def test_the_price_is_that_of_the_model_or_your_own(spec: str, usd_per_hour: float, billed: float) -> None:
    from evalkit.plan import choice_of

    choice = choice_of(spec)
    provider = choice.on("rest")
    assert provider is not None
    price = choice.price(provider)
    assert price is not None
    assert price.usd_per_hour == usd_per_hour
    assert float(cost.billed_s(3.2, price.billing)) == billed


@pytest.mark.parametrize(
    "spec", ["groq,model=whisper-of-tomorrow", "openai,profile=whisper.cpp,model=whisper-1,base_url=http://gpu.example"]
)
def test_an_unlisted_model_or_server_has_no_price_and_no_limits_of_a_cloud(spec: str) -> None:
    from evalkit.plan import choice_of

    plan = Plan(choice_of(spec), routes=("rest",), budget_usd=1)
    provider = plan.providers("rest")[0]
    assert provider.live
    assert plan.candidate.price(provider) is None
    assert plan.allowed(provider) == (limits.documented("groq", "rest") if spec.startswith("groq") else limits.Limits())


# ---- from a shell -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_services_are_compared_and_each_is_billed_by_its_own_rule(here: Path) -> None:
    """Candidate and incumbent over the real wire, one of them busy at first, from audio to report."""
    busy = (429, {"retry-after-ms": "50"}, error("Rate limit reached.", kind="requests", code="rate_limit_exceeded"))
    groq = Service(path="/openai/v1/audio/transcriptions", key="gsk-planted-0123456789", trouble=[busy, busy])
    whisper = Service(words="written", usage="tokens")
    with serving(groq) as one, serving(whisper) as other:
        done = evalkit(
            here, "run", "--corpus", "calls", "--routes", "rest", "--run", "r",
            "--candidate", f"groq,base_url={one},key_env=PLANTED_KEY,language=en",
            "--incumbent", f"whisper=openai,model=whisper-1,base_url={other}", PLANTED_KEY="gsk-planted-0123456789",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = here / "results" / "r"
    assert len(groq.asked) == 5 + 2
    assert len(whisper.asked) == 5
    rows = pd.read_csv(folder / "summary.csv").query("slice == 'all'").set_index(["metric", "provider"])["value"]
    clips = [clip.duration_s for clip in Store(folder).clips()]
    hours = sum(clips) / 3600
    assert rows["cost.per_audio_hour", "groq"] * hours == pytest.approx(0.04 * sum(max(10, s) for s in clips) / 3600)
    assert rows["cost.per_audio_hour", "whisper"] * hours == pytest.approx(0.36 * sum(-(-s // 1) for s in clips) / 3600)
    assert rows["run.coverage", "groq"] == 1
    assert rows["acc.wer.en", "groq"] == rows["acc.wer.en", "whisper"]
    assert len(pd.read_csv(folder / "comparison.csv").query("metric == 'acc.wer.en'")) == 1
    for file in folder.rglob("*"):
        assert not file.is_file() or b"gsk-planted" not in file.read_bytes(), file


@pytest.mark.slow
def test_a_key_a_budget_and_money_are_asked_for_before_anything_is_sent(here: Path) -> None:
    run = ("run", "--corpus", "calls", "--routes", "rest", "--candidate")
    assert "'groq' is live and costs money; set a limit with --budget-usd" in refused(evalkit(here, *run, "groq"))
    for name, variable in (("groq", "GROQ_API_KEY"), ("openai", "OPENAI_API_KEY")):
        assert variable in refused(evalkit(here, *run, name, "--budget-usd", "1"))
    unpriced = "openai,profile=vllm,base_url=http://gpu.invalid"
    assert "state it with usd_per_hour=" in refused(evalkit(here, *run, unpriced, "--budget-usd", "1"))
    # Ten seconds at the price of large-v3: what the shortest clip costs at least.
    one = ("groq,model=whisper-large-v3", "--concurrency", "1", "--budget-usd", "0.0003")
    short = refused(evalkit(here, *run, *one, GROQ_API_KEY="gsk-0123456"))
    assert "$0.0003) could pass the budget of $0.00" in short
    assert not list((here / "results").rglob("traces.jsonl"))


def test_providers_are_listed_with_what_they_can(here: Path) -> None:
    told = " ".join(evalkit(here, "providers", COLUMNS="220").stdout.split())
    assert "streaming no; word times yes; speakers no; channels no; file up to 25 MB on the free tier" in told
    assert "streaming yes; word times yes; speakers yes; channels 2 to 8; file up to 500 MB" in told
