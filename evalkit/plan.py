"""What to run: a plan, from a TOML file, the command line, or both.

A plan file says the same as the options of ``evalkit run``::

    corpus = "calls/manifest.jsonl"
    routes = ["rest", "streaming"]
    terms = ["Harbor Electric", "e-mail|email"]
    budget_usd = 2.0

    [candidate]
    provider = "xai"
    language = "en"
    rest.diarize = true          # for one route only

    [incumbent]
    provider = "local-moonshine"

    [limits.xai.rest]            # what your account's console says, when it is not what the service documents
    requests_per_s = 20
    date = "2026-11-20"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from evalkit import corpora, limits, providers, toml_file
from evalkit.errors import SettingsError
from evalkit.limits import Limits
from evalkit.providers import Provider
from evalkit.scoring import cost
from evalkit.scoring.cost import Price
from evalkit.types import Route

DEMO = Path(__file__).with_name("demo.toml")
ROUTES: tuple[Route, ...] = get_args(Route)
LIVE_CONCURRENCY = 4
# Two recognisers share this machine's cores: one request each, or two streams each in real time, and nothing queues.
LOCAL_CONCURRENCY: Mapping[Route, int] = {"rest": 1, "streaming": 2, "agent": 1}

_WHOLE = {
    "attempts": (1, 1000),
    "concurrency": (1, 100_000),
    "sample_rate_hz": (4000, 192_000),
    "seed": (0, 2**32 - 1),
}
"""Settings that are whole numbers -> the least and the most they may be."""

_Line = TypeVar("_Line", Price, Limits)


@dataclass(frozen=True)
class Choice:
    """A provider with its options (``rest.diarize`` holds for one route only), perhaps under a name of its own."""

    provider: str
    options: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""

    @property
    def name(self) -> str:
        """What it is called in every table: two settings of one provider can be compared under two names."""
        return self.alias or self.provider

    def on(self, route: Route) -> Provider | None:
        """The provider for ``route``, or None when it does not offer it.

        Raises:
            SettingsError: unknown provider or option.
        """
        if reserved := {"name", "route"} & self.options.keys():
            raise SettingsError(f"{min(reserved)} is no option of a provider; write NAME={self.provider} to name it")
        found = providers.find(self.provider)
        if route not in found.routes:
            return None
        options = {key: value for key, value in self.options.items() if "." not in key}
        for key, value in self.options.items():
            where, _, option = key.partition(".")
            if option and where == route:
                options[option] = value
        return providers.load(self.provider, route, name=self.name, **options)

    def price(self, provider: Provider) -> Price | None:
        """What an hour of audio costs over a provider's route, or None when it is unknown.

        The provider's settings stand above its own sheet, and that above the table shipped with the package; how a
        request is rounded stays as it is listed.

        Raises:
            SettingsError: the sheet says what no price is.
        """
        service, route = provider.service or self.provider, provider.route
        own = [self._line(Price, {"provider": service, **line}) for line in provider.sheet.get("price", ())]
        listed = cost.price(service, route, provider.tariff, table=[*own, *cost.prices()])
        if provider.usd_per_hour is None:
            return listed
        stated: dict[str, Any] = {"usd_per_hour": provider.usd_per_hour, "source": "your setting usd_per_hour"}
        return replace(listed or Price(service, route, "audio", 0, "", ""), **stated, date="", note="")

    def account(self, provider: Provider) -> tuple[str, ...]:
        """What tells one account from another: the service, where it stands, whose key, and which recogniser."""
        settings = provider.settings
        place = str(settings.get("base_url") or "").rstrip("/").lower()
        return provider.service or self.provider, place, str(settings.get("key_env") or ""), str(provider.engine or "")

    def documented(self, provider: Provider) -> Limits:
        """What is documented of a provider's route: by its own sheet, or by the table shipped with the package.

        Raises:
            SettingsError: the sheet says what no limit is.
        """
        for line in provider.sheet.get("limit", ()):
            if line.get("route") == provider.route:
                return self._line(Limits, {key: value for key, value in line.items() if key != "route"})
        return limits.documented(provider.service or self.provider, provider.route)

    def _line(self, kind: type[_Line], line: Mapping[str, Any]) -> _Line:
        try:
            return kind(**line)
        except TypeError as error:
            raise SettingsError(f"provider {self.provider!r}: a line of its sheet is wrong ({error})") from error


@dataclass(frozen=True)
class Plan:
    """One run: which clips go to whom, over which routes, how, and for how much at most."""

    candidate: Choice
    incumbent: Choice | None = None
    corpus: str = "demo"
    run: str = ""
    """Name of the folder under results/; empty: made from the corpus and the candidate."""
    routes: tuple[Route, ...] = ("rest", "streaming")
    budget_usd: float | None = None
    concurrency: int | None = None
    """Clips in flight per provider; None: 4 for a live provider, 1 (REST) or 2 (streaming) for a local one."""
    attempts: int = 3
    sample_rate_hz: int = 16_000
    seed: int = 0
    terms: tuple[str, ...] = ()
    """Words and phrases that matter to the product, scored apart; spellings of one term are parted by ``|``."""
    limits: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Provider's name -> route -> values of the user's console, which stand above the documented ones."""

    def __post_init__(self) -> None:
        for route in self.routes:
            if route not in ROUTES:
                raise SettingsError.unknown("route", str(route), ROUTES)
        if not all(isinstance(term, str) and term.strip() for term in self.terms):
            raise SettingsError("terms must be words or phrases, none of them empty")
        if not self.routes or len(set(self.routes)) < len(self.routes):
            raise SettingsError("routes must name each of rest, streaming at most once, and one at least")
        for what, name in (("run", self.run), *(("provider", choice.alias) for choice in self.choices)):
            if name and not re.fullmatch(r"\w[\w.@+-]{0,99}", name):
                raise SettingsError(f"{what} name {name[:40]!r} must be a plain name: letters, digits and . _ @ + -")
        for name, (least, most) in _WHOLE.items():
            if (value := getattr(self, name)) is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise SettingsError(f"{name} must be a whole number, not {value!r}")
            if not least <= value <= most:
                told = f"at least {least}" if value < least else f"{least} to {most}"
                raise SettingsError(f"{name} must be {told}, not {value}")
        if self.budget_usd is not None and not 0 <= self.budget_usd <= limits.MOST:
            raise SettingsError(f"budget_usd must be a number of dollars, not {self.budget_usd}")
        if self.incumbent is not None and self.incumbent.name == self.candidate.name:
            name, provider = self.candidate.name, self.candidate.provider
            raise SettingsError(f"candidate and incumbent are both called {name!r}; give one a name: NAME={provider}")
        limits.check(self.limits)
        if unknown := self.limits.keys() - {choice.name for choice in self.choices}:
            raise SettingsError.unknown("provider in [limits]:", min(unknown), [choice.name for choice in self.choices])
        for choice in self.choices:
            self._check(choice)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Candidate first."""
        return (self.candidate,) if self.incumbent is None else (self.candidate, self.incumbent)

    @property
    def name(self) -> str:
        """The run's folder name."""
        corpus = Path(self.corpus.replace(":", "-"))
        folder = corpus.parent.name if corpus.name == corpora.MANIFEST else corpus.stem
        name = f"{folder or 'corpus'}-{self.candidate.name}"
        return self.run or re.sub(r"[^\w.@+-]", "-", name)[:100]

    def width(self, provider: Provider) -> int:
        """How many clips are in flight to a provider at once: never more than the sessions it allows."""
        wanted = self.concurrency or (LIVE_CONCURRENCY if provider.live else LOCAL_CONCURRENCY[provider.route])
        return min(wanted, self.allowed(provider).sessions or wanted)

    def allowed(self, provider: Provider) -> Limits:
        """How fast this provider may be asked; nothing is known of, and nothing binds, a server on loopback.

        What the console says of one name holds for every other name of the same account without values of its own.
        """
        choice = next(choice for choice in self.choices if choice.name == provider.name)
        known = choice.documented(provider) if provider.live else Limits()
        names = dict.fromkeys((provider.name, *self.sharing(provider)))
        stated = (self.limits.get(name, {}).get(provider.route) for name in names)
        return known.said_otherwise(next(filter(None, stated), {}))

    def sharing(self, provider: Provider) -> list[str]:
        """The names under which the account of this provider is asked over its route, in the order of the plan."""
        accounts = {
            choice.name: choice.account(asked)
            for choice in self.choices
            if (asked := choice.on(provider.route)) is not None
        }
        return [name for name, account in accounts.items() if account == accounts[provider.name]]

    def providers(self, route: Route) -> list[Provider]:
        """Who is asked over ``route``, candidate first."""
        return [provider for choice in self.choices if (provider := choice.on(route)) is not None]

    def _check(self, choice: Choice) -> None:
        offered = [provider for route in self.routes if (provider := choice.on(route)) is not None]
        if not offered:
            routes = ", ".join(providers.find(choice.provider).routes)
            raise SettingsError(
                f"provider {choice.provider!r} offers none of {', '.join(self.routes)}; it has {routes}"
            )
        for key in choice.options:
            if "." in key and key.partition(".")[0] not in ROUTES:
                raise SettingsError.unknown("route", key.partition(".")[0], ROUTES)
        if self.budget_usd is None and any(provider.live for provider in offered):
            raise SettingsError(
                f"provider {choice.provider!r} is live and costs money; set a limit with --budget-usd (or budget_usd)"
            )


_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "candidate": ((str, dict), "a provider or a table"),
    "incumbent": ((str, dict), "a provider or a table"),
    "corpus": ((str,), "a string"),
    "run": ((str,), "a string"),
    "routes": ((list,), "a list"),
    "budget_usd": ((int, float), "a number"),
    "concurrency": ((int,), "a whole number"),
    "attempts": ((int,), "a whole number"),
    "sample_rate_hz": ((int,), "a whole number"),
    "seed": ((int,), "a whole number"),
    "terms": ((list,), "a list of words"),
    "limits": ((dict,), "tables [limits.NAME.ROUTE]"),
}


def read(path: Path, **changes: Any) -> Plan:
    """The plan in a TOML file, with ``changes`` (those that are not None) put over it.

    Raises:
        SettingsError: the file is missing, is not TOML, or says something unknown.
    """
    content = toml_file.read(path)
    for key, value in content.items():
        if key not in _KINDS:
            raise SettingsError.unknown(f"key in {path}:", key, _KINDS)
        kinds, meant = _KINDS[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise SettingsError(f"{path}: {key} must be {meant}, not {value!r}")
    for role in ("candidate", "incumbent"):
        if role in content:
            content[role] = _choice(content[role], path, role)
    for key in {"routes", "terms"} & content.keys():
        content[key] = tuple(content[key])
    content.update({key: value for key, value in changes.items() if value is not None})
    if "candidate" not in content:
        raise SettingsError(f"{path}: has no [candidate]; name the provider under test")
    return Plan(**content)


def choice_of(spec: str) -> Choice:
    """A choice typed in a shell: ``xai,language=en,rest.diarize=true``, or ``with-terms=xai,keyterms=Grok+xAI``.

    Raises:
        SettingsError: an option has no ``=``.
    """
    head, *options = spec.split(",")
    for option in options:
        if "=" not in option:
            raise SettingsError(f"{spec!r}: write an option as NAME=VALUE, not {option!r}")
    alias, _, provider = head.rpartition("=")
    values = (option.partition("=") for option in options)
    return Choice(provider.strip(), {key.strip(): value for key, _, value in values}, alias.strip())


def demo(**changes: Any) -> Plan:
    """The embedded default, or the same with another corpus, candidate and so on; a named candidate stands alone."""
    plan = read(DEMO)
    given = {key: value for key, value in changes.items() if value is not None}
    if "candidate" in given:
        given.setdefault("incumbent", None)
    if given.keys() & {"corpus", "candidate", "incumbent"}:
        given.setdefault("run", "")
    return replace(plan, **given)


def _choice(value: Any, path: Path, role: str) -> Choice:
    if isinstance(value, str):
        return choice_of(value)
    if not isinstance(value, dict) or not isinstance(value.get("provider"), str):
        raise SettingsError(f'{path}: [{role}] needs provider = "NAME"')
    options: dict[str, Any] = {}
    for key, item in value.items():
        if key in ("provider", "name"):
            continue
        if isinstance(item, dict):
            options.update({f"{key}.{option}": inner for option, inner in item.items()})
        else:
            options[key] = item
    return Choice(value["provider"], options, str(value.get("name", "")))
