"""Services and servers that answer ``POST /v1/audio/transcriptions`` as OpenAI does: one client, a profile for each.

What a service accepts and where its answers keep words, times and speakers differs from one to the next, and within one
from model to model. That is data, in openai.toml beside this file. The text is always the transcript: word times, where
there are any, are put on its words, and where there are none, none are made up.
"""

import functools
import re
import tomllib
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from itertools import chain
from typing import Any, ClassVar, Literal

from evalkit.errors import ParseError, ProviderError, Refused, SettingsError, Unavailable
from evalkit.providers import Provider, explanation, messages, options, raise_for_answer, raise_for_end
from evalkit.providers.messages import number
from evalkit.providers.placing import placed
from evalkit.types import Audio, Event, Route, Update, Word
from evalkit.wire import Upload, Wire, is_loopback, key_in

ROUTE = "/audio/transcriptions"
# Codes of this family. No clip will ever succeed: the account has no money, the model is not there.
NO_CREDIT = frozenset(("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"))
NO_MODEL = frozenset(("model_not_found", "model_decommissioned", "unsupported_country_region_territory"))
# Besides those of every HTTP service: a conflict, which the makers' own client tries again, and GroqCloud's full tier.
BUSY = (409, 498)
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

Format = Literal["json", "verbose_json", "diarized_json"]


@dataclass(frozen=True, slots=True)
class Model:
    """What models of one kind accept and answer."""

    match: str
    """A name, or a pattern such as ``gpt-4o-*``."""
    format: Format
    words: bool = False
    """Whether it tells word times."""
    speakers: bool = False
    takes: Sequence[str] = ("prompt",)
    """Which of ``prompt`` and ``keyterms``; another makes it refuse the request."""
    max_s: float | None = None
    """The longest recording it is known to accept."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What else it must be sent."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a service or a server accepts and answers; see openai.toml."""

    path: str
    model: str
    """The one that is asked unless another is named."""
    models: tuple[Model, ...]
    source: str
    date: str
    note: str = ""
    base_url: str = ""
    """Empty: it stands wherever you put it."""
    key_env: str | None = None
    max_bytes: int | None = None
    max_said: str = ""
    """The documented size in the words of the documents, which may disagree."""
    language: str | None = None
    """What is sent when no language is set."""

    def of(self, model: str) -> Model:
        """What a model of this name can."""
        return next(known for known in self.models if fnmatchcase(model, known.match))

    @property
    def capabilities(self) -> str:
        """For ``evalkit providers``: the default model, and which others differ from it."""
        said = [f"{what} {self._which(can)}" for what, can in (("word times", "words"), ("speakers", "speakers"))]
        size = f"file up to {self.max_said}" if self.max_said else "file of any size"
        return "; ".join([*said, "channels no", size])

    def _which(self, can: str) -> str:
        usual = getattr(self.of(self.model), can)
        others = [known.match.rstrip("*-") for known in self.models if getattr(known, can) != usual]
        other = f" ({'no' if usual else 'yes'} with {', '.join(others)})" if others else ""
        return f"{'yes' if usual else 'no'}{other}"


@functools.cache
def profiles() -> Mapping[str, Profile]:
    """The profiles shipped with the package, by name."""
    told = tomllib.loads(files(__package__).joinpath("openai.toml").read_text("utf-8"))
    return {
        name: Profile(**{**about, "models": tuple(Model(**model) for model in about["models"])})
        for name, about in told.items()
    }


@dataclass(frozen=True, kw_only=True)
class OpenAi(Provider):
    """OpenAI, or any server that speaks its protocol: ``profile=vllm,base_url=http://HOST:8000``."""

    routes: ClassVar[tuple[Route, ...]] = ("rest",)
    description: ClassVar[str] = (
        "OpenAI speech-to-text, and servers like it: profile=vllm, speaches, whisper.cpp, whisperlive or plain with "
        "base_url=http://HOST; needs OPENAI_API_KEY"
    )
    capabilities: ClassVar[str] = profiles()["openai"].capabilities

    name: str = "openai"
    route: Route = "rest"
    profile: str = "openai"
    # Empty: the profile's own, and then its key. A key goes to no other place unless key_env says so.
    base_url: str = ""
    key_env: str | None = None
    model: str = ""
    language: str | None = None
    # Always true of a model that labels speakers.
    diarize: bool = False
    # Word times cost OpenAI's whisper-1 some latency; without them its answers still come as verbose_json.
    word_times: bool = True
    prompt: str = ""
    keyterms: tuple[str, ...] = ()
    temperature: float | None = None
    # For servers that can more, or less, than their profile knows.
    response_format: Format | None = None
    # Refuse what is documented as too large or too long before it is sent.
    check_limits: bool = True
    # Your own price; 0 for a machine of yours. None: the list price.
    usd_per_hour: float | None = None

    def __post_init__(self) -> None:
        if self.profile not in profiles():
            raise SettingsError.unknown("profile", self.profile, profiles())
        profile = self._profile
        if not (self.base_url or profile.base_url):
            raise SettingsError(f"profile {self.profile!r} is a server of yours: say where with base_url=http://HOST")
        options.base_url(self.base_url or profile.base_url)
        options.key_env(self.key_env)
        at_home = not self.base_url or _place(self.base_url) == _place(profile.base_url)
        # Settings are saved with every trace: what was left to the profile is saved as what it was.
        self._settle("key_env", self.key_env or (profile.key_env if at_home else None))
        self._settle("base_url", self.base_url or profile.base_url)
        self._settle("model", self.model or profile.model)
        if self.language is not None and not re.fullmatch(r"[a-z]{2,3}", self.language):
            raise SettingsError(f"language must be a code of two or three letters such as en, not {self.language!r}")
        if self.temperature is not None:
            options.within("temperature", self.temperature, 0, 1)
        if self.usd_per_hour is not None:
            options.within("usd_per_hour", self.usd_per_hour, 0, 1000)
        for setting in ("prompt", "keyterms"):
            if getattr(self, setting) and setting not in self._model.takes:
                raise SettingsError(f"{self.model} of {self.profile} takes no {setting}: it would refuse every request")
        if self.diarize and not self._model.speakers:
            able = ", ".join(known.match.rstrip("*") for known in profile.models if known.speakers)
            advice = f"model={able} does" if able else "none of its models does"
            raise SettingsError(f"{self.model} of {self.profile} does not say who speaks; {advice}")
        self._settle("diarize", self._model.speakers)

    def _settle(self, setting: str, value: Any) -> None:
        object.__setattr__(self, setting, value)

    @property
    def _profile(self) -> Profile:
        return profiles()[self.profile]

    @property
    def _model(self) -> Model:
        return self._profile.of(self.model)

    @property
    def service(self) -> str:
        return self.profile

    @property
    def home(self) -> str:
        return self._profile.base_url

    @property
    def live(self) -> bool:
        return not is_loopback(self.base_url)

    @property
    def url(self) -> str:
        """Where requests go: ``base_url`` is a host, or what the makers' client calls so (``.../v1``), or all of it."""
        base = self.base_url.rstrip("/")
        path = urllib.parse.urlsplit(base).path
        if not path:
            return base + self._profile.path
        if path.endswith((ROUTE, self._profile.path)):
            return base
        return base + (ROUTE if path.endswith("/v1") else f"/v1{ROUTE}")

    def ready(self, environ: Mapping[str, str]) -> None:
        if self.key_env:
            key_in(environ, self.key_env)

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        headers = {"Authorization": f"Bearer {wire.secret(self.key_env)}"} if self.key_env else {}
        file = Upload.wav(audio)
        if self.check_limits:
            self._refuse_beyond(file)
        await wire.request("POST", self.url, headers=headers, fields=self._form(), file=file)

    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        for event in events:
            if event.kind == "received":
                yield Update(event.t_s, self._heard(event.data), (), "utterance_final")
                return
        raise_for_end(events, self.name)

    def _form(self) -> list[tuple[str, str]]:
        wanted = self.response_format or self._model.format
        form = [("model", self.model), ("response_format", wanted), *self._model.fields.items()]
        if language := self.language or self._profile.language:
            form.append(("language", language))
        if wanted == "verbose_json" and self.word_times and (self._model.words or self.response_format):
            # Both: asked for words alone, some leave out the segments.
            form += [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")]
        if self.prompt:
            form.append(("prompt", self.prompt))
        form.extend(("keywords[]", term) for term in self.keyterms)
        if self.temperature is not None:
            form.append(("temperature", f"{self.temperature:g}"))
        return form

    def _refuse_beyond(self, file: Upload) -> None:
        most, longest_s = self._profile.max_bytes, self._model.max_s
        remedy = "split the recording, or send it all the same with check_limits=false"
        if most is not None and file.size > most:
            raise Refused(f"{self.name}: {file.size:,} bytes is over the documented {self._profile.max_said}; {remedy}")
        if longest_s is not None and file.audio_s > longest_s:
            raise Refused(
                f"{self.name}: {file.audio_s:,.0f} s is over the {longest_s:,.0f} s {self.model} takes; {remedy}"
            )

    def _heard(self, answer: Mapping[str, Any]) -> tuple[Word, ...]:
        try:
            raise_for_answer(answer, self.name)
        except (Refused, Unavailable) as error:
            raise self._meant(error, answer) from None
        content = messages.read(answer["body"], self.name)
        if content.get("error") and "text" not in content:
            # Small servers answer a failure with 200.
            raise Refused(f"{self.name}: HTTP 200 with an error ({explanation(answer['body'])})", status=200)
        try:
            return _words(content)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ParseError(f"{self.name}: not as documented ({error!r}): {answer['body'][:120]}") from error

    def _meant(self, error: Refused | Unavailable, answer: Mapping[str, Any]) -> ProviderError:
        """What an error of this family means beyond its status."""
        status, headers = int(answer["status"]), answer["headers"]
        codes = _codes(answer["body"])
        if codes & NO_CREDIT or status == 402:
            return Refused(f"{error}; the account has no credit", status=status, whole_provider=True)
        if status in (401, 403):
            hint = f"check {self.key_env}" if self.key_env else "no key was sent: name its variable with key_env="
            return Refused(f"{error}; {hint}", status=status, whole_provider=True)
        if codes & NO_MODEL:
            return Refused(str(error), status=status, whole_provider=True)
        if status == 413:
            limit = self._profile.max_said
            return Refused(f"{error}; documented are {limit}" if limit else str(error), status=status)
        again = str(headers.get("x-should-retry", "")).lower()
        if again == "false" or (isinstance(error, Refused) and status not in BUSY and again != "true"):
            return Refused(str(error), status=status)
        told_s = error.retry_after_s if isinstance(error, Unavailable) else None
        return Unavailable(str(error), status=status, retry_after_s=_wait_s(headers, told_s, str(error)))


@dataclass(frozen=True, kw_only=True)
class Groq(OpenAi):
    """GroqCloud, which is another company than xAI with its Grok."""

    description: ClassVar[str] = "GroqCloud (not Grok): Whisper over REST, at least 10 s billed; needs GROQ_API_KEY"
    capabilities: ClassVar[str] = profiles()["groq"].capabilities

    name: str = "groq"
    profile: str = "groq"


def _place(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _words(content: Mapping[str, Any]) -> tuple[Word, ...]:
    """The words of an answer, wherever it keeps their times and speakers."""
    segments = content.get("segments") or []
    if any(segment.get("speaker") not in (None, "") for segment in segments):
        return tuple(chain.from_iterable(_said(segment) for segment in segments))
    text = content.get("text")
    if text is None:
        text = " ".join(str(segment["text"]) for segment in content["segments"])
    pieces = content.get("words") or [piece for segment in segments for piece in segment.get("words") or ()]
    return placed(str(text), [_piece(piece) for piece in pieces])


def _said(segment: Mapping[str, Any]) -> Iterator[Word]:
    """The words of a segment, under its speaker unless they have their own."""
    speaker = segment.get("speaker")
    for word in placed(str(segment["text"]), [_piece(piece) for piece in segment.get("words") or ()]):
        label = speaker if word.speaker is None else word.speaker
        yield Word(
            word.text,
            word.start_s,
            word.end_s,
            speaker=None if label in (None, "") else str(label),
            confidence=word.confidence,
        )


def _piece(listed: Mapping[str, Any]) -> Word:
    speaker = listed.get("speaker")
    return Word(
        str(listed["word"] if "word" in listed else listed["text"]),
        number(listed.get("start")),
        number(listed.get("end")),
        speaker=None if speaker in (None, "") else str(speaker),
        confidence=number(listed.get("probability", listed.get("confidence"))),
    )


def _codes(body: str) -> set[str]:
    """What an error body calls its error: ``code`` and ``type``."""
    try:
        error = messages.read(body, "").get("error")
    except ParseError:
        return set()
    return {str(error.get(name)) for name in ("code", "type")} if isinstance(error, Mapping) else set()


def _wait_s(headers: Mapping[str, str], retry_after_s: float | None, sentence: str) -> float | None:
    """How long to wait: as the makers' own client reads it, else until what is used up is back, else as told in words.

    GroqCloud's headers count requests per day: only what is used up says when to come back.
    """
    milliseconds = str(headers.get("retry-after-ms", ""))
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    if retry_after_s is not None:
        return retry_after_s
    spent = [
        seconds
        for name, left in headers.items()
        if (what := name.lower()).startswith("x-ratelimit-remaining-") and str(left).strip() == "0"
        if (seconds := _duration_s(str(headers.get(what.replace("remaining", "reset"), "")))) is not None
    ]
    told = re.search(r"try again in ((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)", sentence)
    return max(spent) if spent else _duration_s(told.group(1)) if told else None


def _duration_s(text: str) -> float | None:
    """``6m0s``, ``20ms``, ``7.66s``, or bare seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h|d))+", text):
        return None
    return sum(float(amount) * _UNITS_S[unit] for amount, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text))
