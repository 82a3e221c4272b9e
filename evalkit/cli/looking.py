"""The verbs that look before anything is sent: providers, metrics, limits, doctor, corpus."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from evalkit import corpora, estimate, providers
from evalkit.cli import screen
from evalkit.errors import SettingsError
from evalkit.limits import Limits, Need
from evalkit.plan import Choice
from evalkit.scoring import limits as scoring_limits
from evalkit.store import Store
from evalkit.types import Route

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


@app.command(name="limits")
def compare_limits(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run, to add what it has seen to work.", show_default=False)
    ] = None,
    starts_per_s: Annotated[
        float | None, typer.Option(help="Requests or new streams a second at your peak.", show_default=False)
    ] = None,
    session_s: Annotated[float | None, typer.Option(help="How long one of them lasts.", show_default=False)] = None,
) -> None:
    """Hold what a product needs against what a service documents, and against what a run has seen to work.

    Your account's console is the authority: write its values into the plan, under [limits]. What was seen is a lower
    bound. Exit status 1 when the need, with half as much again as headroom, is beyond a known limit.
    """
    need = _need(starts_per_s, session_s)
    store = None if run is None else Store(screen.folder(run))
    seen = {} if store is None else scoring_limits.observed(store.traces())
    known = _known_limits(store)
    short = False
    for name, route in dict.fromkeys([*known, *seen]):
        allowed = known.get((name, route), Limits())
        told = f"allows {screen.allowance(allowed)}" if allowed.told else "nothing known"
        screen.out.print(f"[bold]{escape(name)}[/bold] over {route}: {escape(told)}", highlight=False)
        if allowed.note:
            screen.out.print(f"  {allowed.note}", style="dim", highlight=False, markup=False)
        for claim in seen[name, route].claims if (name, route) in seen else ():
            screen.out.print(f"  {claim}", highlight=False, markup=False)
        if need is not None:
            beyond = need.beyond(allowed)
            short = short or bool(beyond)
            screen.out.print(f"  {_covered(need, allowed, beyond)}", highlight=False)
    if short:
        raise typer.Exit(1)


def _need(starts_per_s: float | None, session_s: float | None) -> Need | None:
    """What the options ask for; without a length only the starts can be checked."""
    for name, value in (("--starts-per-s", starts_per_s), ("--session-s", session_s)):
        if value is not None and not 0 < value < math.inf:
            raise SettingsError(f"{name} must be a number above 0, not {value:g}")
    if starts_per_s is None:
        if session_s is not None:
            raise SettingsError("--session-s alone asks nothing; say --starts-per-s as well")
        return None
    return Need(starts_per_s, session_s or 0.0)


def _covered(need: Need, allowed: Limits, beyond: Sequence[str]) -> str:
    """What the known limits say of a need."""
    if beyond:
        return f"[red]{'; '.join(beyond)}[/red]"
    sessions = f"{need.sessions:,.4g} sessions at once and " if need.session_s else ""
    asked = f"the need of {sessions}{need.rate:,.4g} starts a second, headroom included"
    if not (allowed.requests_per_s or allowed.requests_per_min or (need.session_s and allowed.sessions)):
        return f"[yellow]{asked}, cannot be checked[/yellow]"
    unsaid = "" if need.session_s else "; how many at once cannot be told without --session-s"
    return f"no known limit is below {asked}{unsaid}"


@app.command(name="doctor")
def examine_machine(
    network: Annotated[bool, typer.Option(help="Also try to reach the services.")] = True,
) -> None:
    """Look at this machine before a run: libraries, sound, clock, timers, disk, keys, limits.

    No key is shown. Exit status 2 when something must be mended first.
    """
    from evalkit import doctor

    marks = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "fail": "[red]FAIL[/red]"}
    findings = []
    for finding in doctor.examine(screen.RESULTS, network=network):
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
            help="noise:DB, mulaw, mp3:KBIT, opus:KBIT, gain:DB, clip:DB, loss:PERCENT, lead:SECONDS, trail:SECONDS or "
            "reverb:FILE; repeatable."
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


def _known_limits(store: Store | None) -> dict[tuple[str, Route], Limits]:
    """Of a run as it was planned, or of every installed provider that documents any.

    A ramp keeps traces and no plan: of who is called as an installed provider, what that one documents holds.
    """
    if store is not None and (store.exists() or not store.traces_path.is_file()):
        asked = store.manifest().get("limits", {}).items()
        return {(name, route): Limits(**told) for name, routes in asked for route, told in routes.items()}
    pairs = [(Choice(name), route) for name in providers.names() for route in providers.find(name).routes]
    if store is not None:
        asked_for = {(head.provider, head.route) for head in store.heads()}
        pairs = [(choice, route) for choice, route in pairs if (choice.name, route) in asked_for]
    asked = ((choice, provider) for choice, route in pairs if (provider := choice.on(route)) is not None)
    found = {(provider.name, provider.route): choice.documented(provider) for choice, provider in asked}
    return {pair: allowed for pair, allowed in found.items() if allowed.told}
