"""The verbs that look before anything is sent: providers, metrics, limits, doctor, corpus."""

import math
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from evalkit import corpora, estimate, providers, toml_file
from evalkit import plan as plans
from evalkit.checklist import needs as product
from evalkit.checklist.needs import Needs
from evalkit.cli import screen
from evalkit.errors import SettingsError
from evalkit.limits import ASSUMED, MOST, REQUEST_S, Limits, Load, Need
from evalkit.plan import Choice, Plan
from evalkit.scoring import limits as scoring_limits
from evalkit.store import Store
from evalkit.types import Route

if TYPE_CHECKING:
    from evalkit.doctor import Service

app = typer.Typer()
corpus_app = typer.Typer(help="Look at a corpus before it is sent anywhere.", no_args_is_help=True)
app.add_typer(corpus_app, name="corpus")


@app.command(name="providers")
def list_providers() -> None:
    """List the installed providers: routes, list price, and what each is and needs."""
    table = screen.table("provider", "route", "per hour", "what it is and needs")
    for name in providers.names():
        found, choice = providers.find(name), Choice(name)
        streams = "streaming yes" if "streaming" in found.routes else "streaming no"
        able = "; ".join(filter(None, (streams, found.capabilities)))
        about = f"{escape(found.description)}\n[dim]{escape(able)}[/dim]"
        for route in found.routes:
            provider = choice.on(route)
            price = None if provider is None else choice.price(provider)
            usd = "unknown" if price is None else f"${price.usd_per_hour:.2f} of {price.basis}"
            first = route == found.routes[0]
            table.add_row(escape(name) if first else "", route, usd, about if first else "")
    screen.out.print(table)


@app.command()
def metrics(
    prefix: Annotated[
        str, typer.Argument(help="Only those whose id begins so, e.g. lat. or acc.wer.", show_default=False)
    ] = "",
) -> None:
    """Print what every metric means: unit, direction, definition and source."""
    from evalkit.reports.units import DIRECTION_WORDS, UNIT_WORDS
    from evalkit.scoring import catalogue

    for metric in catalogue.beginning(prefix):
        meant = f"{UNIT_WORDS.get(metric.unit, metric.unit)}, {DIRECTION_WORDS[metric.direction]}"
        head = Text.assemble((metric.id, "bold"), f"  {metric.title}", (f"  {meant}", "cyan"))
        source = "" if metric.source == "evalkit" else f" {metric.source}"
        screen.out.print(head)
        screen.out.print(Padding(Text.assemble(metric.definition, (source, "dim")), (0, 0, 0, 4)))


PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="A plan file: its providers, and what it says under [limits].")
]
NeedsFile = Annotated[
    Path | None, typer.Option("--needs", help="needs.toml: its providers, load, and what it says under [console].")
]
All = Annotated[bool, typer.Option("--all", help="Also the services that have no key here and that nobody named.")]


@app.command(name="limits")
def compare_limits(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run, to add what it has seen to work.", show_default=False)
    ] = None,
    starts_per_s: Annotated[
        float | None, typer.Option(help="Requests or new streams a second at your peak.", show_default=False)
    ] = None,
    session_s: Annotated[float | None, typer.Option(help="How long a stream lasts.", show_default=False)] = None,
    request_s: Annotated[
        float | None,
        typer.Option(
            help=f"How long a REST request lasts; unless given the median of RUN, or else {REQUEST_S:g}.",
            show_default=False,
        ),
    ] = None,
    plan: PlanFile = None,
    needs: NeedsFile = None,
    everyone: All = False,
) -> None:
    """Hold what a product needs against what a service documents, and against what a run has seen to work.

    Your account's console is the authority: write its values into the plan, under [limits]. What was seen is a lower
    bound. Without RUN: of the services that have a key here, or that --plan or --needs name. Exit status 1 when the
    need, with half as much again as headroom, is beyond a known limit.
    """
    from evalkit import doctor

    wanted = Needs() if needs is None else product.read(needs)
    load = _load(starts_per_s, session_s, request_s, wanted)
    if run is not None and (plan or everyone):
        raise SettingsError("a run has its own providers and limits; leave out RUN, or --plan and --all")
    rest: list[str] = []
    if run is not None:
        store = Store(screen.folder(run))
        known, seen = _known_limits(store), scoring_limits.observed(store.traces())
    else:
        meant, rest = doctor.services(os.environ, plan=_named(plan, wanted), everyone=everyone)
        known, seen = _told(meant), {}
    needed: list[Need] = []
    short = False
    for name, route in dict.fromkeys([*known, *seen]):
        allowed, watched = known.get((name, route), Limits()), seen.get((name, route))
        told = f"allows {screen.allowance(allowed)}" if allowed.told else "nothing known"
        screen.out.print(f"[bold]{escape(name)}[/bold] over {route}: {escape(told)}", highlight=False)
        if allowed.note:
            screen.out.print(f"  {allowed.note}", style="dim", highlight=False, markup=False)
        for claim in watched.claims if watched is not None else ():
            screen.out.print(f"  {claim}", highlight=False, markup=False)
        if load is not None:
            need = load.on(route, None if watched is None else watched.response_s)
            needed.append(need)
            beyond = need.beyond(allowed)
            short = short or bool(beyond)
            screen.out.print(f"  {_covered(need, allowed, beyond)}", highlight=False)
    if any(need.basis == ASSUMED for need in needed):
        told = (
            f"a REST request is assumed to last {REQUEST_S:g} s: state yours with --request-s, or name a RUN over REST"
        )
        screen.out.print(told, style="yellow", highlight=False, markup=False)
    if rest:
        screen.out.print(doctor.left_out(rest), style="yellow", highlight=False, markup=False)
    if load is not None and not known and not seen:
        raise SettingsError(
            "nobody to hold the need against: no service has a key here; see --all, or name one in --plan or --needs"
        )
    if short:
        raise typer.Exit(1)


def _load(starts_per_s: float | None, session_s: float | None, request_s: float | None, said: Needs) -> Load | None:
    """The load by the options, and where they say nothing by the needs; None when neither asks anything."""
    options = {"--starts-per-s": starts_per_s, "--session-s": session_s, "--request-s": request_s}
    for name, value in options.items():
        if value is not None and not 0 < value < math.inf:
            raise SettingsError(f"{name} must be a number above 0, not {value:g}")
    starts_per_s = said.starts_per_s if starts_per_s is None else starts_per_s
    if starts_per_s is None:
        if alone := [name for name, value in options.items() if value is not None]:
            raise SettingsError(f"{alone[0]} alone asks nothing; say --starts-per-s as well")
        return None
    return Load(starts_per_s, said.session_s if session_s is None else session_s, request_s)


def _named(plan: Path | None, needs: Needs) -> Plan | None:
    """The providers that a plan or the needs name, with what they say of limits; None when they name nobody."""
    if plan is not None:
        # Nothing is spent here.
        return plans.read(plan, budget_usd=None if "budget_usd" in toml_file.read(plan) else MOST)
    candidate, incumbent = (plans.choice_of(named) if named else None for named in (needs.candidate, needs.incumbent))
    if candidate is None:
        return None if incumbent is None else Plan(incumbent, budget_usd=MOST)
    return Plan(candidate, incumbent, budget_usd=MOST, limits={candidate.name: needs.console} if needs.console else {})


def _covered(need: Need, allowed: Limits, beyond: Sequence[str]) -> str:
    """What the known limits say of a need."""
    lasting = ", ".join(filter(None, (f"{need.session_s:,.3g} s each", need.basis)))
    if beyond:
        return f"[red]{'; '.join(beyond)}[/red]{f' ({lasting})' if need.session_s else ''}"
    sessions = f"{need.sessions:,.4g} at once ({lasting}) and " if need.session_s else ""
    asked = f"the need of {sessions}{need.rate:,.4g} starts a second, headroom included"
    if not (allowed.requests_per_s or allowed.requests_per_min or (need.session_s and allowed.sessions)):
        return f"[yellow]{asked}, cannot be checked[/yellow]"
    unsaid = "" if need.session_s else "; how many at once cannot be told without --session-s"
    return f"no known limit is below {asked}{unsaid}"


@app.command(name="doctor")
def examine_machine(
    network: Annotated[bool, typer.Option(help="Also try to reach the services.")] = True,
    plan: PlanFile = None,
    needs: NeedsFile = None,
    everyone: All = False,
) -> None:
    """Look at this machine before a run: libraries, sound, clock, timers, disk, keys, limits.

    Of the services, those that have a key here or that --plan or --needs name. No key is shown. Exit status 2 when
    something must be mended first.
    """
    from evalkit import doctor

    named = _named(plan, Needs() if needs is None else product.read(needs))
    marks = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "fail": "[red]FAIL[/red]"}
    findings = []
    for finding in doctor.examine(screen.RESULTS, network=network, plan=named, everyone=everyone):
        findings.append(finding)
        screen.out.print(
            f"{marks[finding.state]:<4} [bold]{finding.what}[/bold]: {escape(finding.found)}", highlight=False
        )
        if finding.fix:
            screen.out.print(f"     {finding.fix}", highlight=False, markup=False)
    if doctor.failed(findings):
        raise typer.Exit(2)


@corpus_app.command()
def check(corpus: Annotated[str, typer.Argument(help="As --corpus of `evalkit run`.")] = "demo") -> None:
    """Check every line, hash and audio file of a corpus and say what is in it."""
    clips = corpora.load(corpus)
    for clip in clips:
        corpora.audio(clip)
    languages = sorted({clip.language or "?" for clip in clips})
    known = sum(clip.reference is not None for clip in clips)
    facts = [
        f"{len(clips)} clips, {clips.duration_s / 60:.1f} minutes, {len({clip.cluster for clip in clips})} clusters",
        f"languages {', '.join(languages)}",
        f"{known} with a transcript",
        f"{sum(any(word.end_s is not None for word in clip.reference or ()) for clip in clips)} with word times",
        f"{sum(clip.turns is not None for clip in clips)} with speaker turns",
        f"{sum(clip.channels > 1 for clip in clips)} with more than one channel",
        f"{sum(clip.kind == 'nonspeech' for clip in clips)} without speech",
        "every file is there, unchanged, and decodes",
    ]
    screen.out.print(f"{clips.name}: {'; '.join(facts)}", highlight=False, markup=False)
    for lack in estimate.lacks(clips):
        screen.out.print(lack, style="yellow", highlight=False, markup=False)


@corpus_app.command()
def degrade(
    corpus: Annotated[str, typer.Argument(help="As --corpus of `evalkit run`.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder to write the corpus to.")],
    condition: Annotated[
        list[str],
        typer.Option(
            help="noise:DB, mulaw, mp3:KBIT, opus:KBIT, gain:DB, clip:DB, loss:PERCENT, lead:SECONDS, trail:SECONDS, "
            "tempo:FACTOR, mono or reverb:FILE; repeatable."
        ),
    ],
    seed: Annotated[int, typer.Option(help="Of noise and loss; the same seed makes the same sound.")] = 0,
) -> None:
    """Write a corpus clean and under worse conditions, to see how much each of them costs.

    A run over it compares every clip with its clean one.
    """
    from evalkit import variants

    made = variants.write(corpora.load(corpus), out, [variants.Condition.parse(text) for text in condition], seed=seed)
    screen.out.print(
        f"{out}: {len(made)} clips, {made.duration_s / 60:.1f} minutes; send them with "
        f"`evalkit run --corpus {shlex.quote(str(out))}`",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _known_limits(store: Store) -> dict[tuple[str, Route], Limits]:
    """Of a run as it was planned.

    A ramp keeps traces and no plan: of who is called as an installed provider, what that one documents holds.
    """
    if store.exists() or not store.traces_path.is_file():
        asked = store.manifest().get("limits", {}).items()
        return {(name, route): Limits(**told) for name, routes in asked for route, told in routes.items()}
    from evalkit import doctor

    asked_for = {(head.provider, head.route) for head in store.heads()}
    installed, _ = doctor.services({}, everyone=True)
    return {system: allowed for system, allowed in _told(installed).items() if system in asked_for}


def _told(services: "Sequence[Service]") -> dict[tuple[str, Route], Limits]:
    """What is known of those of whom anything is."""
    return {(one.provider.name, one.provider.route): one.allowed for one in services if one.allowed.told}
