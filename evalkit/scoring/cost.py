"""What a clip cost, from a dated price table."""

import functools
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any, Literal

from evalkit.types import Route, Trace

CPU_HEADER = "x-evalkit-cpu-s"
CPU_MESSAGE = "evalkit.usage"


@dataclass(frozen=True, slots=True)
class Billing:
    """How a vendor rounds; every part is a parameter with a source and a date, none is asserted here."""

    basis: Literal["audio_sent", "audio_received", "connection"]
    """Seconds of audio sent, of audio the server received, or of connection time."""
    granularity_s: Decimal | None = None
    """Durations are rounded up to a multiple of this; None: not at all."""
    minimum_s: Decimal = Decimal(0)
    """The least a request costs."""
    channel_factor: Decimal = Decimal(1)
    """Two for a stereo file when each channel is billed."""
    source: str = ""
    date: str = ""


UNROUNDED = Billing("audio_sent")
"""As far as nothing else is documented."""


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price table."""

    provider: str
    route: Route
    basis: Literal["audio", "cpu"]
    """``audio``: hours of audio sent; ``cpu``: hours of processor time reported by the server."""
    usd_per_hour: float
    source: str
    date: str
    note: str = ""
    granularity_s: float | None = None
    """Each request is rounded up to a multiple of this; None: not documented, and nothing is rounded."""
    minimum_s: float = 0.0
    """The least a request is billed for, where that is documented."""
    model: str = "*"
    """Of which models it is the price: a name, or a pattern such as ``whisper-*``."""

    @property
    def billing(self) -> Billing:
        """How the vendor rounds, as far as it is documented."""
        step_s = None if self.granularity_s is None else Decimal(str(self.granularity_s))
        return Billing("audio_sent", step_s, Decimal(str(self.minimum_s)), source=self.source, date=self.date)


@functools.cache
def prices() -> tuple[Price, ...]:
    """The price table shipped with the package."""
    table = tomllib.loads(files(__package__).joinpath("prices.toml").read_text("utf-8"))
    return tuple(Price(**line) for line in table["price"])


def price(provider: str, route: Route, model: str = "", *, table: Iterable[Price] | None = None) -> Price | None:
    """The price of a route of a provider, or None when it is unknown.

    Args:
        provider: under which name it is listed.
        route: one of its routes.
        model: which of its models, where they differ; of the lines that fit, the first holds.
        table: other lines than those shipped.
    """
    mine = (line for line in (prices() if table is None else table) if (line.provider, line.route) == (provider, route))
    return next((line for line in mine if fnmatchcase(model, line.model)), None)


def unknown(provider: str, route: str) -> str:
    """The sentence for somebody about to pay a price nobody knows."""
    return f"{provider} over {route} has no known price; state it with usd_per_hour=, or in the sheet of your provider"


def billed_s(duration_s: Decimal | float, billing: Billing) -> Decimal:
    """Seconds one request is billed for: max(minimum, rounded up) x channel factor, in exact decimals.

    Args:
        duration_s: seconds on the basis that ``billing`` names.
        billing: the vendor's rule.
    """
    exact = Decimal(str(duration_s))
    if billing.granularity_s:
        exact = (exact / billing.granularity_s).to_integral_value(ROUND_CEILING) * billing.granularity_s
    return max(billing.minimum_s, exact) * billing.channel_factor


def rounding_overhead(durations_s: Sequence[float], billing: Billing) -> float | None:
    """Share by which rounding makes these requests dearer; None without any duration."""
    exact = sum((Decimal(str(seconds)) for seconds in durations_s), Decimal(0)) * billing.channel_factor
    billed = sum((billed_s(seconds, billing) for seconds in durations_s), Decimal(0))
    return float(billed / exact - 1) if exact else None


def worst_case_usd(audio_s: Decimal | float, usd_per_hour: Decimal | float, *, attempts: int) -> Decimal:
    """What a request can cost at most: every attempt, billed in full."""
    return Decimal(str(audio_s)) * attempts * Decimal(str(usd_per_hour)) / 3600


def affordable(budget_usd: Decimal, spent_usd: Decimal, reserved_usd: Decimal, worst_usd: Decimal) -> bool:
    """Whether a request fits the budget even at its worst, with what is in flight at its worst too."""
    return spent_usd + reserved_usd + worst_usd <= budget_usd


def estimate_error(estimate_usd: float, invoice_usd: float) -> float | None:
    """How far an estimate was from the invoice, as a share of the invoice; None without one."""
    return abs(estimate_usd - invoice_usd) / invoice_usd if invoice_usd else None


def usd_per_hour(usd_per_second: float) -> float:
    """A price per second of audio, the way catalogues state it, as a price per hour."""
    return 3600 * usd_per_second


def cost_usd(price: Price, attempts: Sequence[Trace], clip_s: float) -> float | None:
    """What all attempts at one clip cost together, in USD; None when the basis was not recorded.

    A stream pays for the audio that was sent, whether or not an answer came; a request pays for the clip when it was
    answered without an error. Each is rounded up as the price line says; where it says nothing, nothing is.

    Args:
        price: the line of the price table.
        attempts: every attempt, in order.
        clip_s: length of the clip.
    """
    if price.basis == "audio":
        heard_s = (billed_audio_s(trace, clip_s) for trace in attempts)
        return sum(float(billed_s(each_s, price.billing)) for each_s in heard_s if each_s) * price.usd_per_hour / 3600
    used = [seconds for trace in attempts if (seconds := cpu_s(trace)) is not None]
    return sum(used) * price.usd_per_hour / 3600 if used else None


def billed_audio_s(trace: Trace, clip_s: float) -> float:
    """Seconds of audio one attempt made the service hear."""
    streamed = [event.audio_s for event in trace.events if event.kind == "audio"]
    if streamed:
        return streamed[-1] - trace.from_s
    answers = (event.data for event in trace.events if event.kind == "received" and isinstance(event.data, Mapping))
    return clip_s if any(int(answer.get("status", 0)) in range(200, 400) for answer in answers) else 0.0


def cpu_s(trace: Trace) -> float | None:
    """Processor seconds the embedded server reports for one attempt, or None."""
    found: float | None = None
    for event in trace.events:
        if event.kind == "received":
            used = _reported(event.data)
            found = found if used is None else used
    return found


def _reported(data: Any) -> float | None:
    if isinstance(data, Mapping):
        headers = data.get("headers") or {}
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        return next((float(value) for name, value in pairs if str(name).lower() == CPU_HEADER), None)
    if isinstance(data, str) and CPU_MESSAGE in data:
        message = json.loads(data)
        if isinstance(message, dict) and message.get("type") == CPU_MESSAGE:
            return float(message["cpu_s"])
    return None
