"""The provider interface: two methods, and the one door through which every provider, ours or yours, is found."""

import dataclasses
import functools
import json
import math
import re
import sys
import types
import typing
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from evalkit.errors import Refused, SettingsError, Unavailable
from evalkit.types import Audio, Event, Evidence, Route, Update
from evalkit.wire import Wire, is_loopback, is_secret

GROUP = "evalkit.providers"
# Where error bodies keep their sentence, the most telling name first.
_SENTENCES = ("error", "message", "err_msg", "description", "err_code", "code")
# RFC 6455, 7.4.1: cannot accept this data, against the policy, too big, lacks an extension.
REFUSING_CLOSE_CODES = (1003, 1008, 1009, 1010)


class Provider(ABC):
    """One speech-to-text route under test.

    Subclasses are frozen dataclasses: their fields are settings, saved with every trace.
    """

    routes: ClassVar[tuple[Route, ...]]
    """What ``route`` may be."""
    description: ClassVar[str]
    """One sentence for ``evalkit providers`` and the report."""
    caution: ClassVar[str] = ""
    """What a reader must know before using this provider's figures; printed with every report."""
    capabilities: ClassVar[str] = ""
    """For ``evalkit providers``, in this order: word times, speakers, channels, largest file."""
    sheet: ClassVar[Mapping[str, Any]] = {}
    """Prices and limits of a provider of yours: ``[[price]]`` and ``[[limit]]`` as in prices.toml and limits.toml, but
    without the provider's name."""

    name: str
    route: Route

    @property
    def engine(self) -> str | None:
        """The recogniser the embedded server must run for this provider; None when the provider is somewhere else."""
        return None

    @property
    @abstractmethod
    def live(self) -> bool:
        """Whether a call can cost money; a live provider is refused without a budget."""

    @property
    def home(self) -> str:
        """Where the service itself stands, its ``base_url`` unless it is set; empty: what answers is what is meant."""
        told = (field.default for field in dataclasses.fields(typing.cast(Any, self)) if field.name == "base_url")
        default = next(told, "")
        return default if isinstance(default, str) else ""

    @property
    def stands_in(self) -> bool:
        """Whether somebody else is asked in the place of the service, of which the answers then say nothing."""
        place = str(self.settings.get("base_url") or "")
        return bool(place and self.home) and not _is_home(place, self.home)

    @property
    def server(self) -> str:
        """The address of the server that is judged as itself, and as no service; empty when there is none."""
        place = str(self.settings.get("base_url") or "")
        itself = self.stands_in or not self.home or is_loopback(place)
        return place if self.evidence == "live" and itself else ""

    @property
    def evidence(self) -> Evidence:
        """What the answers may be used for by the settings; who answers may say that they are worth less."""
        place = str(self.settings.get("base_url") or "")
        if self.engine is not None or not (place or self.live):
            return "simulated"
        # No service stands on this machine: what answers there in the name of one imitates it.
        return "simulated" if self.stands_in and is_loopback(place) else "live"

    @property
    def service(self) -> str:
        """Under which name prices and limits list it; empty: under that of its entry point."""
        return ""

    @property
    def tariff(self) -> str:
        """What the lines of the price table are told apart by: the model, and what else changes the price."""
        return str(self.settings.get("model") or "")

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour of audio costs by its settings; None: what the price table says."""
        return None

    @property
    def silence_s(self) -> float:
        """Seconds of silence this provider sends after a clip, which are paid for as well."""
        return 0.0

    def ready(self, environ: Mapping[str, str]) -> None:
        """Check, before anything is written or sent, what the environment must provide.

        Raises:
            SettingsError: a key is missing; names the variable.
        """
        return

    @abstractmethod
    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        """Hold the whole conversation for one clip. All traffic goes through ``wire``."""

    @abstractmethod
    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        """Read a recorded conversation. Pure: no network, no clock, no state.

        Raises:
            Refused: the service refused, and would again.
            Unavailable: no complete answer was recorded; what was heard has been yielded before.
            ParseError: a message was not understood.
        """

    @property
    def settings(self) -> dict[str, Any]:
        """Every field but the name and the route, as saved with a trace."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(typing.cast(Any, self))
            if field.name not in ("name", "route")
        }


def names() -> list[str]:
    """The names of all installed providers."""
    return sorted(_entry_points())


@functools.cache  # reading the installed entry points takes milliseconds, and every trace of a run asks
def find(name: str) -> type[Provider]:
    """The provider class behind a name.

    Raises:
        SettingsError: no such provider is installed; the near miss is suggested.
    """
    found = _own(name) if ":" in name else _installed(name)
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise SettingsError(f"provider {name!r} is no subclass of evalkit.Provider")
    lacking = [part for part in ("routes", "description") if not hasattr(found, part)]
    lacking += sorted(found.__abstractmethods__)
    if not dataclasses.is_dataclass(found):
        lacking.append("@dataclass(frozen=True)")
    if lacking:
        raise SettingsError(f"provider {name!r} lacks {', '.join(lacking)}; see evalkit/providers/README.md")
    for setting in getattr(found, "__dataclass_fields__", ()):
        if is_secret(setting) and not setting.endswith("_env"):
            raise SettingsError(
                f"provider {name!r}: its setting {setting!r} would be written down with every trace; "
                "take the name of an environment variable instead, as key_env"
            )
    return found


def _installed(name: str) -> Any:
    points = _entry_points()
    if name not in points:
        raise SettingsError.unknown("provider", name, points)
    try:
        return points[name].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"provider {name!r} cannot be loaded ({error})") from error


def _own(name: str) -> Any:
    """A class that is not installed, ``module:Class``; the module may lie in the current folder."""
    if not re.fullmatch(r"[\w.]+:[\w.]+", name):
        raise SettingsError(f"provider {name!r}: write module:Class for a class of your own")
    here = str(Path.cwd())
    # Last, and only for now: a folder such as datasets/ there must not stand before a library of that name.
    sys.path.append(here)
    try:
        return EntryPoint(name, name, GROUP).load()
    except (ImportError, AttributeError, SyntaxError) as error:
        looked = f"looked for among what is installed, then in {here}"
        raise SettingsError(f"provider {name!r} cannot be loaded ({error}); {looked}") from error
    finally:
        del sys.path[len(sys.path) - 1 - sys.path[::-1].index(here)]


def load(provider: str, route: Route = "rest", *, name: str = "", **settings: Any) -> Provider:
    """A provider, e.g. ``load("xai", "streaming", language="en")``; a setting may be a string typed in a shell.

    Args:
        provider: the name of its entry point.
        route: one of its routes.
        name: what to call it in every table; the entry point's name unless given.
        settings: its fields.

    Raises:
        SettingsError: unknown provider, route or option, a value of the wrong kind, or an option is missing that has no
            default.
    """
    found = find(provider)
    if route not in found.routes:
        raise SettingsError(f"provider {provider!r} has no route {route!r}; it has {', '.join(found.routes)}")
    own = (field for field in dataclasses.fields(typing.cast(Any, found)) if field.name not in ("name", "route"))
    fields = {field.name: field for field in own}
    needed = [field.name for field in fields.values() if field.default is field.default_factory is dataclasses.MISSING]
    if lacking := [option for option in needed if option not in settings]:
        raise SettingsError(f"provider {provider!r} must be told {' and '.join(lacking)}: {provider},{lacking[0]}=...")
    hints = typing.get_type_hints(found)
    for option in settings:
        if option not in fields:
            raise SettingsError.unknown(f"option of provider {provider!r}", option, fields)
    values = {option: _coerce(provider, option, value, hints[option]) for option, value in settings.items()}
    return found(**{"name": name or provider, "route": route, **values})


def raise_for_answer(answer: Mapping[str, Any], who: str) -> None:
    """Raise what a recorded HTTP answer means; return when it is a success.

    Raises:
        Unavailable: 408, 425, 429 and 5xx.
        Refused: every other status that is not 2xx; 401 and 403 refuse every clip, not only this one.
    """
    status = int(answer["status"])
    if 200 <= status < 300:
        return
    message = f"{who}: HTTP {status} ({explanation(answer['body'])})"
    if status in (408, 425, 429) or status >= 500:
        raise Unavailable(message, status=status, retry_after_s=_retry_after_s(answer["headers"]))
    raise Refused(message, status=status, whole_provider=status in (401, 403))


def raise_for_end(events: Sequence[Event], who: str) -> NoReturn:
    """Raise why a record holds no complete answer.

    Raises:
        Refused: the request was never sent because it could not succeed, or the close code says that it never will.
        Unavailable: everything else, a connection that ended early above all.
    """
    for event in reversed(events):
        if event.kind == "closed" and event.data["code"] in REFUSING_CLOSE_CODES:
            reason = explanation(str(event.data["reason"]))
            raise Refused(f"{who}: the service closed the socket with {event.data['code']} ({reason})")
    for event in reversed(events):
        if event.kind == "error":
            failure = Refused if event.data["type"] == "Refused" else Unavailable
            raise failure(f"{who}: {event.data['message']}")
    raise Unavailable(f"{who}: the conversation ended before the answer was complete")


def explanation(body: str, limit: int = 200) -> str:
    """The human sentence in an error body: ``{"error": text}``, ``{"error": {"message": text}}``, or plain text."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = body
    if isinstance(content, Mapping):
        content = next((content[name] for name in _SENTENCES if content.get(name)), body)
    if isinstance(content, Mapping):
        content = content.get("message") or body
    # Control characters of a stranger must not reach a terminal.
    text = " ".join("".join(c if c.isprintable() else " " for c in str(content)).split()) or "no explanation"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` in seconds, given as a number or, relative to the answer's own ``Date``, as a date."""
    text = str(headers.get("retry-after", ""))
    try:
        seconds = float(text)
    except ValueError:
        try:
            then = parsedate_to_datetime(text)
            seconds = (then - parsedate_to_datetime(str(headers.get("date", "")))).total_seconds()
        except (TypeError, ValueError):
            return None
    return seconds if 0 <= seconds < float("inf") else None


def _is_home(place: str, home: str) -> bool:
    """Whether an address is on a host of the service: its own, or one beside or below it, as for a region."""
    here, there = urllib.parse.urlsplit(place), urllib.parse.urlsplit(home)
    own = there.hostname or ""
    beside = own.removeprefix("api.")
    # Beside api.ai stand all of .ai, which are not one company.
    domain = beside if "." in beside else own
    return here.scheme == there.scheme and f".{here.hostname}".endswith(f".{domain}")


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _coerce(provider: str, option: str, value: Any, hint: Any) -> Any:
    """``value`` as the field's type; strings are read as a shell user means them."""
    wanted = [kind for kind in typing.get_args(hint) if kind is not type(None)] if _is_union(hint) else [hint]
    if value is None or (value == "" and _is_union(hint) and type(None) in typing.get_args(hint)):
        return None
    kind = wanted[0]
    origin = typing.get_origin(kind) or kind
    if origin in (tuple, list):
        parts = (value.split("+") if value else []) if isinstance(value, str) else value
        inner = (*typing.get_args(kind), str)[0]
        if not isinstance(parts, list | tuple):
            raise SettingsError(f"option {option} of provider {provider!r} must be a list, not {value!r}")
        return origin(_coerce(provider, f"{option}, each of its values,", part, inner) for part in parts)
    if origin is typing.Literal:
        if value not in typing.get_args(kind):
            raise SettingsError.unknown(f"{option} of provider {provider!r}:", str(value), typing.get_args(kind))
        return value
    wrong = SettingsError(f"option {option} of provider {provider!r} must be {origin.__name__}, not {value!r}")
    try:
        if origin is bool and isinstance(value, str):
            return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}[value.lower()]
        if origin in (int, float) and isinstance(value, str | int | float) and not isinstance(value, bool):
            number = origin(value)
            # 20.7 is no whole number; infinity and what is not a number are no values.
            if (isinstance(value, float) and number != value) or not math.isfinite(number):
                raise wrong
            return number
    except (KeyError, ValueError, OverflowError) as error:
        raise wrong from error
    if not isinstance(value, origin) or (isinstance(value, bool) and origin is not bool):
        raise wrong
    return value


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
