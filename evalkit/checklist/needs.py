"""What a product requires of speech-to-text, in its user's words: ``needs.toml``.

What is not said is unknown, and the unknown is asked for: only a plain "no" or a written reason takes a question off
the checklist.
"""

import datetime
import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from evalkit import limits, toml_file
from evalkit.errors import SettingsError
from evalkit.limits import Need
from evalkit.types import Route

Use = Literal["none", "captions", "clipping", "audit"]

FILE = "needs.toml"
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted the warning about an item, and when."""

    by: str
    date: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What the product requires; None and empty mean that nobody has said so."""

    profile: str = ""
    candidate: str = ""
    """As ``--candidate``: the provider and settings meant for production. Evidence of others is not taken for it."""
    incumbent: str = ""
    """As ``--incumbent``: what is in production today."""
    languages: tuple[str, ...] = ()
    key_terms: tuple[str, ...] = ()
    """Words that matter; spellings of one term are parted by ``|``."""
    streaming: bool | None = None
    voice_agent: bool | None = None
    diarization: bool | None = None
    timestamps: Use | None = None
    acts_on_chunks: bool | None = None
    """Whether the product acts on a chunk before its utterance is final."""
    channels: int | None = None
    latency_of: str = ""
    """A delay of the metric catalogue without its percentile, e.g. ``lat.word_first``."""
    latency_percentile: int = 95
    latency_s: float | None = None
    usd_per_audio_hour: float | None = None
    starts_per_s: float | None = None
    """Requests, or new streams, at the peak."""
    session_s: float | None = None
    """How long one of them lasts."""
    console: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Route -> what the account's console allows, with the day it was read."""
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Item -> the written reason why it does not matter here."""
    accepted: Mapping[str, Acceptance] = field(default_factory=dict)
    """Item -> who accepted its warning."""
    criteria: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Criterion -> what replaces its defaults."""

    @property
    def declared(self) -> bool:
        """Whether anybody has said anything."""
        return self != Needs()

    @property
    def load(self) -> Need | None:
        """The peak load, when both halves of it are known."""
        if self.starts_per_s is None or self.session_s is None:
            return None
        return Need(self.starts_per_s, self.session_s)

    @property
    def latency_metric(self) -> str:
        """Id of the delay that is required; empty when none is."""
        return f"{self.latency_of}.p{self.latency_percentile}" if self.latency_of else ""

    @property
    def routes(self) -> tuple[Route, ...]:
        """What is judged: all but what was ruled out."""
        live: tuple[Route, ...] = () if self.streaming is False else ("streaming",)
        agent: tuple[Route, ...] = ("agent",) if self.voice_agent else ()
        return ("rest", *live, *agent)


COMMENTS: Mapping[str, str] = {
    "profile": "The profile this began as.",
    "candidate": "The provider and settings meant for production, as --candidate: xai,language=en,rest.diarize=true",
    "incumbent": "What is in production today, as --incumbent.",
    "languages": 'Languages that must be on test, e.g. ["en", "es"].',
    "key_terms": 'Words that matter; spellings of one term are parted by |: ["Harbor Electric", "e-mail|email"].',
    "streaming": "Must text appear while people speak? If false, only REST is judged.",
    "voice_agent": "Is live conversation with an agent the product?",
    "diarization": "Must it say who spoke?",
    "timestamps": "What word times are for: none, captions, clipping (cutting audio) or audit.",
    "acts_on_chunks": "Does anything act on a chunk before its utterance is final?",
    "channels": "Channels of the recordings; 1 takes the multichannel question off the list.",
    "latency_of": "The delay that matters: lat.rest_total, lat.word_first, lat.word_stable, lat.ttfs, lat.endpoint ...",
    "latency_percentile": "At this percentile (50, 95 or 99) ...",
    "latency_s": "... at most so many seconds.",
    "usd_per_audio_hour": "What an hour of audio may cost.",
    "starts_per_s": "Requests, or new streams, a second at your peak.",
    "session_s": "How long one of them lasts.",
}
_TABLES = """
# What the account's console allows, with the day you read it; it stands above what the service documents.
# [console.rest]
# requests_per_s = 10
# date = "2026-11-20"

# A question that does not matter here, with the reason: silence is not one.
# [not_applicable]
# multichannel = "every recording is mono"

# Warnings that somebody has accepted.
# [accepted.accuracy]
# by = "Name"
# date = "2026-11-20"

# Criteria of your own over the defaults (`evalkit checklist` names them).
# [criteria."acc.wer"]
# target = 0.08
# limit = 0.15
# clips = 200
"""
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("profile", "candidate", "incumbent", "timestamps", "latency_of"), ((str,), "a string")),
    **dict.fromkeys(("languages", "key_terms"), ((list,), "a list of strings")),
    **dict.fromkeys(("streaming", "voice_agent", "diarization", "acts_on_chunks"), ((bool,), "true or false")),
    **dict.fromkeys(("channels", "latency_percentile"), ((int,), "a whole number above 0")),
    **dict.fromkeys(
        ("latency_s", "usd_per_audio_hour", "starts_per_s", "session_s"), ((int, float), "a number above 0")
    ),
    **dict.fromkeys(("console", "not_applicable", "accepted", "criteria"), ((dict,), "a table")),
}


@functools.cache
def _profiles() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("profiles.toml").read_text("utf-8"))["profile"]  # type: ignore[no-any-return]


def profiles() -> dict[str, str]:
    """Name -> what it is for, of every profile to start from."""
    return {name: str(content["about"]) for name, content in _profiles().items()}


def of_profile(name: str) -> Needs:
    """The needs of a profile.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in _profiles():
        raise SettingsError.unknown("profile", name, _profiles())
    content = {key: value for key, value in _profiles()[name].items() if key != "about"}
    return _made({"profile": name, **content}, f"profile {name}")


def read(path: Path) -> Needs:
    """The needs in a TOML file.

    Raises:
        SettingsError: the file is missing, is not TOML, or says something unknown or impossible.
    """
    content = toml_file.read(path, advice="`evalkit init` writes one")
    return _made(content, str(path))


def of_run(folder: Path) -> Needs:
    """The needs kept with a run; nothing said when there are none.

    Raises:
        SettingsError: they cannot be read.
    """
    path = folder / FILE
    return read(path) if path.is_file() else Needs()


def changed(needs: Needs, settings: Sequence[str]) -> Needs:
    """Needs with settings typed in a shell over them: ``streaming=false``, ``key_terms=Grok+xAI``.

    Raises:
        SettingsError: an unknown key, or a value of another kind.
    """
    content: dict[str, Any] = {}
    for setting in settings:
        key, mark, text = setting.partition("=")
        if not mark:
            raise SettingsError(f"{setting!r}: write a setting as KEY=VALUE")
        content[key.strip()] = _typed(key.strip(), text.strip())
    made = _made(content, "--set")
    return replace(needs, **{key: getattr(made, key) for key in content})


def written(needs: Needs) -> str:
    """The text of a needs.toml that a person can edit: every key with a comment, those not said commented out."""
    about = f" ({profiles()[needs.profile]})" if needs.profile in profiles() else ""
    lines = [f"# What the product requires{about}.", "# A line that is commented out is not known, and is asked for."]
    for key, comment in COMMENTS.items():
        value = getattr(needs, key)
        unsaid = value is None or value == "" or value == ()
        shown = _toml(value if not unsaid else _EXAMPLES[key])
        lines += ["", f"# {comment}", f"{'# ' if unsaid else ''}{key} = {shown}"]
    tables = _tables(needs)
    return "\n".join(lines) + "\n" + ("\n" + tables if tables else _TABLES)


_EXAMPLES: Mapping[str, Any] = {
    "profile": "",
    "candidate": "xai",
    "incumbent": "",
    "languages": (),
    "key_terms": (),
    "streaming": False,
    "voice_agent": False,
    "diarization": False,
    "timestamps": "captions",
    "acts_on_chunks": False,
    "channels": 1,
    "latency_of": "lat.rest_total",
    "latency_percentile": 95,
    "latency_s": 10.0,
    "usd_per_audio_hour": 0.3,
    "starts_per_s": 0.5,
    "session_s": 180.0,
}


def _tables(needs: Needs) -> str:
    named: dict[str, Mapping[str, Any]] = {f"console.{route}": told for route, told in needs.console.items()}
    named |= {"not_applicable": needs.not_applicable} if needs.not_applicable else {}
    named |= {f"accepted.{item}": {"by": who.by, "date": who.date} for item, who in needs.accepted.items()}
    named |= {f'criteria."{name}"': told for name, told in needs.criteria.items()}
    blocks = [
        "\n".join([f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())])
        for name, table in named.items()
    ]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """A basic string: what JSON escapes TOML does too, but for the delete character."""
    marks = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(marks.get(c) or (c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text) + '"'


def _typed(key: str, text: str) -> Any:
    kinds = _KINDS.get(key, ((), ""))[0]
    if kinds == (list,):
        return [part.strip() for part in text.split("+") if part.strip()]
    if kinds == (str,):
        return text
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _made(content: Mapping[str, Any], where: str) -> Needs:
    for key, value in content.items():
        if key not in _KINDS:
            raise SettingsError.unknown(f"key in {where}:", key, _KINDS)
        kinds, meant = _KINDS[key]
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        if wrong or (meant.endswith("above 0") and not 0 < value < float("inf")):
            raise SettingsError(f"{where}: {key} must be {meant}, not {value!r}")
        if kinds == (list,) and not all(isinstance(one, str) and one.strip() for one in value):
            raise SettingsError(f"{where}: {key} must be a list of strings, none of them empty")
    _check(content, where)
    made: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in content.items()}
    if "accepted" in made:
        made["accepted"] = {item: _acceptance(told, item, where) for item, told in made["accepted"].items()}
    return Needs(**made)


def _check(content: Mapping[str, Any], where: str) -> None:
    """What kinds alone do not tell.

    Raises:
        SettingsError: a value is none of those that are possible.
    """
    if content.get("timestamps", "none") not in get_args(Use):
        raise SettingsError.unknown(f"timestamps in {where}:", str(content["timestamps"]), get_args(Use))
    if content.get("latency_percentile", 95) not in PERCENTILES:
        raise SettingsError(f"{where}: latency_percentile must be 50, 95 or 99, not {content['latency_percentile']}")
    for item, reason in content.get("not_applicable", {}).items():
        if not isinstance(reason, str) or not reason.strip():
            raise SettingsError(f"{where}: [not_applicable] {item} needs a reason in words; silence is not one")
    for name, told in content.get("criteria", {}).items():
        if not isinstance(told, dict):
            raise SettingsError(f'{where}: write [criteria."{name}"] with target, limit and so on')
    console = content.get("console", {})
    for route, told in console.items():
        if route not in get_args(Route):
            raise SettingsError.unknown(f"route in [console] of {where}:", route, get_args(Route))
        if not isinstance(told, dict):
            raise SettingsError(f"{where}: write [console.{route}] with requests_per_s, sessions and so on")
    try:
        limits.check({"console": console})
    except SettingsError as error:
        raise SettingsError(f"{where}: {str(error).replace('[limits.console.', '[console.')}") from error


def _acceptance(told: Any, item: str, where: str) -> Acceptance:
    known = {one.name for one in fields(Acceptance)}
    if not isinstance(told, dict) or told.keys() != known or not str(told["by"]).strip():
        raise SettingsError(f"{where}: [accepted.{item}] needs by = NAME and date = DAY")
    try:
        datetime.date.fromisoformat(str(told["date"]))
    except ValueError as error:
        raise SettingsError(f"{where}: [accepted.{item}] date must be a day such as 2026-11-20") from error
    return Acceptance(str(told["by"]), str(told["date"]))
