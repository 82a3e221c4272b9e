"""What must come out: for every plant the figure in which it has to appear, its value by hand, and how near."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.selftest import scenario
from evalkit.selftest.written import Figure, Written
from evalkit.types import Route

EXACT = 1e-9
ROUNDING = 1e-6
"""Of times that pass through decimals."""
CLOCK_S = 0.015
"""A quiet machine is within 5 ms of a planted delay; this leaves room for one that has other things to do."""
DELAY_S = 0.2
"""Before every answer of the server called ``delayed``."""
EACH_WAY_S = 0.05
"""Added to every byte to and from the server called ``far``."""
ROUTES: tuple[Route, ...] = ("rest", "streaming")

State = Literal["ok", "FAIL", "not measurable"]


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted value, and the figures whose signed sum must give it back."""

    what: str
    planted: float
    sum: tuple[tuple[int, Figure], ...]
    unit: str = "%"
    """``%``, ``ms``, or a word that follows the number."""
    tolerance: float = EXACT
    timed: bool = False
    """Whether it hangs on the clock of this machine."""
    group: str = ""
    """What is told together with it."""

    @property
    def route(self) -> Route:
        """Over which it is planted."""
        return self.sum[0][1].route

    @property
    def leeway(self) -> str:
        """The tolerance as the table has it."""
        return "exact" if self.tolerance <= ROUNDING else shown(self.tolerance, self.unit)

    @property
    def where(self) -> str:
        """Provider, route and metric."""
        names, metrics = (
            " - ".join(dict.fromkeys(getattr(each, name) for _, each in self.sum)) for name in ("provider", "metric")
        )
        return f"{names}, {self.route}: {metrics}{' in report.html' if self.sum[0][1].place == 'page' else ''}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A plant and what became of it."""

    plant: Plant
    measured: float | None
    state: State
    note: str = ""

    @property
    def off(self) -> float:
        """How far the measured value is from the planted one; without end when there is none."""
        return math.inf if self.measured is None else abs(self.measured - self.plant.planted)


def shown(value: float | None, unit: str) -> str:
    """A value as the table has it; a dash when there is none."""
    if value is None:
        return "–"
    if unit in _SCALES:
        factor, digits = _SCALES[unit]
        return f"{factor * value + 0.0:.{digits}f} {unit}"
    return f"{value:.4g} {unit}"


_SCALES = {"%": (100, 2), "ms": (1000, 1)}


def judged(plant: Plant, written: Mapping[str, Written]) -> Finding:
    """Hold what the runs wrote against what was planted.

    A time that is off by no more than the machine was late by its own account could not be measured: that is no
    failure of the line, and no proof of it either.

    Args:
        plant: what should be there.
        written: the runs by name.
    """
    numbers = [(sign, written[figure.run].number(figure)) for sign, figure in plant.sum]
    late_s = max(written[figure.run].late_s for _, figure in plant.sum) if plant.timed else 0.0
    badly = f"not measurable now: this machine paced badly (up to {1000 * late_s:.0f} ms late)"
    known = [sign * number for sign, number in numbers if number is not None]
    if len(known) < len(numbers):
        too_late = plant.timed and late_s > plant.tolerance
        return Finding(plant, None, "not measurable" if too_late else "FAIL", badly if too_late else "no such figure")
    found = Finding(plant, sum(known), "ok")
    if found.off <= plant.tolerance:
        return found
    if found.off <= plant.tolerance + late_s:
        return replace(found, state="not measurable", note=badly)
    return replace(found, state="FAIL")


def plants() -> tuple[Plant, ...]:
    """All of them, in the order in which they are told."""
    by_route: Mapping[str, Callable[[Route], Iterator[Plant]]] = {
        "words": _errors,
        "speakers": _people,
        "channels": _channels,
        "times of words": _times,
        "cost": _money,
    }
    over_all: Mapping[str, Callable[[], Iterator[Plant]]] = {
        "captions": _captions,
        "drift": _drift,
        "delays of the server": _server,
        "a longer network": _network,
        "faults": _faults,
    }
    told = [replace(plant, group=group) for route in ROUTES for group, of in by_route.items() for plant in of(route)]
    return (*told, *(replace(plant, group=group) for group, of in over_all.items() for plant in of()))


def _slice(run: str, provider: str, route: Route, name: str) -> Callable[..., Plant]:
    """How a plant of one slice is written down: what, metric, value, and what differs from an exact share."""

    def plant(what: str, metric: str, planted: float, unit: str = "%", tolerance: float = EXACT) -> Plant:
        figure = Figure(run, provider, route, metric, name)
        return Plant(what, planted, ((1, figure),), unit, tolerance)

    return plant


def _errors(route: Route) -> Iterator[Plant]:
    words = _slice("truth", "told", route, "plant=words")
    yield words("2 wrong, 1 lost, 1 invented of 30 words", "acc.wer.en", 4 / 30)
    yield words("2 of 30 words wrong", "acc.wer.en.sub_rate", 2 / 30)
    yield words("1 of 30 words lost", "acc.wer.en.del_rate", 1 / 30)
    yield words("1 word in 30 invented", "acc.wer.en.ins_rate", 1 / 30)
    yield words("4 of 20 words and 0 of 10, mean of clips", "acc.wer.en.macro", 0.1)
    speech = [scene for scene in scenario.truths() if scene.kind == "speech"]
    share = sum(sum(scene.errors) for scene in speech) / sum(len(scene.reference) for scene in speech)
    overall = _slice("truth", "told", route, "all")("the errors of all clips", "acc.wer.en", share)
    yield overall
    yield replace(
        overall,
        what="the same on the page",
        sum=((1, replace(overall.sum[0][1], place="page")),),
        tolerance=0.0005 + EXACT,
    )
    cut = _slice("truth", "told", route, "plant=truncated")
    yield cut("a clip cut short", "acc.drop.truncated_clips", 1.0)
    yield cut("4 of 10 words lost at the end", "acc.drop.tail", 0.4)
    noise = _slice("truth", "told", route, "plant=nonspeech")
    yield noise("words in 1 of 2 clips of noise", "acc.halluc.clip_rate", 0.5)
    yield noise("2 words in 6 s of noise", "acc.halluc.words_per_min", 20.0, "a min")
    terms = _slice("truth", "told", route, "plant=terms")
    yield terms("3 of 4 listed terms heard", "acc.keyterm.recall", 0.75)
    yield terms("1 of 4 listed terms invented", "acc.keyterm.precision", 0.75)
    sure = _slice("truth", "told", route, "plant=confidences")
    yield sure("0.5 words too sure, 0.5 words too unsure of 10", "acc.conf.ece", 0.1)
    yield sure("13 of 16 pairs told apart by confidence", "acc.conf.auc", 13 / 16)


def _people(route: Route) -> Iterator[Plant]:
    people = _slice("truth", "told", route, "plant=speakers")
    yield people("0.5 of 2.5 s given to the wrong speaker", "dia.der", 0.2)
    yield people("a third of each speaker's time", "dia.jer", 1 / 3)
    yield people("5 of 25 words of the wrong speaker", "dia.wder", 0.2)
    yield people("5 words lost there, 5 invented here", "dia.cpwer", 0.4)
    yield people("of which all are confusion", "dia.confusion_cost", 0.4)
    yield people("1 of 2 changes of speaker found", "dia.turn.recall", 0.5)
    yield people("2 speakers", "dia.count.exact", 1.0)


def _channels(route: Route) -> Iterator[Plant]:
    yield _slice("truth", "told", route, "plant=swapped")("channels swapped", "mch.swap", 1.0)
    yield _slice("truth", "told", route, "plant=swapped")("all 12 words on the other channel", "mch.leak", 1.0)
    yield _slice("truth", "told", route, "plant=straight")("channels not swapped", "mch.swap", 0.0)
    yield _slice("truth", "told", route, "plant=straight")("12 words right on their channels", "mch.wer", 0.0)


def _times(route: Route) -> Iterator[Plant]:
    times = _slice("truth", "told", route, "plant=offsets")
    for edge in ("start", "end"):
        yield times(f"{edge}s 15 x 80 ms and 5 x 150 ms late", f"ts.offset.{edge}.mean", 0.0975, "ms", ROUNDING)
        yield times(f"median of {edge}s", f"ts.offset.{edge}.median", 0.08, "ms", ROUNDING)
        yield times(f"15 of 20 {edge}s within 100 ms", f"ts.offset.{edge}.within_100ms", 0.75)
    if route == "streaming":
        yield times("stream and REST alike", "ts.agree.within_50ms", 1.0)


def _money(route: Route) -> Iterator[Plant]:
    whole = _slice("truth", "told", route, "all")
    yield whole("list price", "cost.per_audio_hour", {"rest": 0.1, "streaming": 0.2}[route], "$ an hour")
    yield whole("every clip sent once", "cost.billed_hours", 1.0, "x")


def _captions() -> Iterator[Plant]:
    churn = _slice("truth", "told", "streaming", "plant=churn")
    yield churn("3 words taken back for 8", "str.ne", 3 / 8)
    yield churn("and 2 more for a capital", "str.ne.display", 5 / 8)
    yield churn("by 1 of 6 updates", "str.flicker", 1 / 6)
    yield churn("2 of 6, the capital counted", "str.flicker.display", 2 / 6)
    yield churn("1 word in 3 s replaced", "str.rewrites_per_min.lexical", 20.0, "a min")
    yield churn("2 words in 3 s seen to change", "str.rewrites_per_min", 40.0, "a min")
    yield churn("1 of them only in its capital", "str.formatting_share", 0.5)
    stood = Figure("truth", "told", "streaming", "str.wrong_text", "plant=churn", "numerator")
    yield Plant("a wrong word stood for 1 s", 1.0, ((1, stood),), "ms", 2 * CLOCK_S, timed=True)


def _drift() -> Iterator[Plant]:
    drift = _slice("drift", "told", "rest", "all")
    for what, metric, planted in (
        ("60 ms later with every minute", "ts.slope", 0.06),
        ("from 95 ms on", "ts.intercept", 0.095),
        ("on a straight line", "ts.jitter", 0.0),
    ):
        figure = Figure("drift", "told", "rest", metric, place="scores")
        yield Plant(f"words {what}", planted, ((1, figure),), "ms", ROUNDING)
    yield drift("the same as the worst clip", "ts.slope.max", 0.06, "ms", ROUNDING)


_FROM_END_OF_WORD: Mapping[str, tuple[str, float]] = {
    "lat.ttfp_audio": ("text first at 0.5 s", 0.5),
    "lat.word_first": ("words shown 280 ms after their end", 0.28),
    "lat.word_committed": ("words locked 580 ms after their end", 0.58),
    "lat.pr": ("last word 80 ms after its end", 0.08),
    "lat.ttfs": ("final text 180 ms after speech", 0.18),
    "lat.endpoint": ("end of utterance after 480 ms", 0.48),
    "lat.finalize": ("done at once", 0.0),
}
_DELAYED: Mapping[Route, tuple[str, ...]] = {
    "rest": ("lat.rest_total", "lat.rest_server"),
    "streaming": (
        *("lat.setup", "lat.ready", "lat.ttfp_audio", "lat.ttfp_speech", "lat.word_first", "lat.word_stable"),
        *("lat.word_committed", "lat.service.word_first", "lat.pr", "lat.ttfs", "lat.service.ttfs", "lat.endpoint"),
        *("lat.endpoint_done", "lat.finalize"),
    ),
}
_UNDELAYED: Mapping[Route, tuple[str, ...]] = {
    "rest": ("lat.rest_upload", "lat.rest_download"),
    "streaming": ("lat.connect", "lat.rtt"),
}
_FARTHER: Mapping[Route, tuple[str, ...]] = {
    "rest": ("lat.rest_total",),
    "streaming": ("lat.connect", "lat.rtt", "lat.word_first", "lat.pr", "lat.ttfs", "lat.endpoint", "lat.finalize"),
}


def _server() -> Iterator[Plant]:
    """Times of a prompt server as its captions are made, and what a constant delay adds to them."""
    for metric, (what, planted) in _FROM_END_OF_WORD.items():
        figure = Figure("delay", "prompt", "streaming", f"{metric}.p50")
        yield Plant(what, planted, ((1, figure),), "ms", CLOCK_S, timed=True)
    for route in ROUTES:
        for metric in _DELAYED[route]:
            yield _gap(f"server {1000 * DELAY_S:.0f} ms slower", "delay", ("delayed", "prompt"), route, metric, DELAY_S)
        for metric in _UNDELAYED[route]:
            yield _gap("network as before", "delay", ("delayed", "prompt"), route, metric, 0.0)


def _network() -> Iterator[Plant]:
    """What a longer way adds: all of it to what the user waits, nothing to what is beyond the round trip."""
    pair, added_s = ("far", "near"), 2 * EACH_WAY_S
    for route in ROUTES:
        for metric in _FARTHER[route]:
            yield _gap(f"network {1000 * added_s:.0f} ms longer", "distance", pair, route, metric, added_s)
    yield _gap("server as before", "distance", pair, "streaming", "lat.ready", 0.0)
    for metric in ("lat.beyond_rtt.word_first", "lat.beyond_rtt.ttfs"):
        yield _gap("service as before, round trip taken off", "distance", pair, "streaming", metric, 0.0)


def _gap(what: str, run: str, pair: tuple[str, str], route: Route, metric: str, planted_s: float) -> Plant:
    more, less = (Figure(run, provider, route, f"{metric}.p50") for provider in pair)
    return Plant(what, planted_s, ((1, more), (-1, less)), "ms", CLOCK_S, timed=True)


def _faults() -> Iterator[Plant]:
    for route in ROUTES:
        what = "one 503" if route == "rest" else "one dropped socket"
        struck = _slice("faults", "faulty", route, "all")
        yield struck(f"{what}: 1 of 2 clips at once", "fail.first_try", 0.5)
        yield struck("2 of 2 in the end", "fail.eventual", 1.0)
        yield struck("3 attempts for 2 clips", "fail.amplification", 1.5, "x")
        yield struck("no word lost or doubled", "acc.wer.en", 0.0)
    stream = _slice("faults", "faulty", "streaming", "all")
    yield stream("1 of 3 sockets dropped", "fail.dropped", 1 / 3)
    yield stream("words lost at the seam", "fail.seam.lost", 0.0, "words")
    yield stream("words doubled at the seam", "fail.seam.duplicated", 0.0, "words")
