"""The command line: one verb per cut of the line from audio to verdict."""

import asyncio
import io
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from evalkit import corpora, harness, providers, runs
from evalkit import plan as plans
from evalkit.errors import EvalkitError, ProviderError
from evalkit.scoring import cost

RESULTS = Path("results")

app = typer.Typer(
    name="evalkit",
    help="Evaluate speech-to-text APIs on your own audio before one goes into production.\n\n"
    "Start with [bold]evalkit run[/bold]: no key, no network; it ends with a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
corpus_app = typer.Typer(help="Look at a corpus before it is sent anywhere.", no_args_is_help=True)
app.add_typer(corpus_app, name="corpus")
console = Console()
errors = Console(stderr=True)

Folder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.", show_default="demo")
]


def main() -> None:
    """Entry point: an ``EvalkitError`` is one sentence on stderr and exit status 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Cyrillic gets question marks, not a crash
    try:
        app()
    except EvalkitError as error:
        errors.print(f"evalkit: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


@app.command()
def run(
    plan: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A plan file (TOML); options win over it.")
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            help="demo, open, a folder with manifest.jsonl, a .csv file, a parquet folder, or hf:NAME[:SPLIT]."
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option(
            help="Provider under test, with options: xai,language=en,rest.diarize=true; NAME=xai,... names it."
        ),
    ] = None,
    incumbent: Annotated[str | None, typer.Option(help="Provider to compare with: today's production.")] = None,
    routes: Annotated[str | None, typer.Option(help="rest, streaming, or both with a comma; in this order.")] = None,
    budget_usd: Annotated[
        float | None, typer.Option(help="Hard limit; a live provider is refused without one.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Clips in flight per provider.")] = None,
    name: Annotated[str | None, typer.Option("--run", help="Folder under results/ to write, or to go on with.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; the old folder is renamed, not deleted.")] = False,
) -> None:
    """Send every clip over every route, score the answers and write the report.

    Without arguments: the embedded default, two recognisers on this machine on the demo corpus. Kill it at any moment;
    the same command goes on where it stopped, and no recorded answer is bought again.
    """
    changes = {
        "corpus": corpus,
        "candidate": None if candidate is None else plans.choice_of(candidate),
        "incumbent": None if incumbent is None else plans.choice_of(incumbent),
        "routes": None if routes is None else tuple(part.strip() for part in routes.split(",")),
        "budget_usd": budget_usd,
        "concurrency": concurrency,
        "run": name,
    }
    chosen = plans.read(plan, **changes) if plan else plans.demo(**changes)
    clips = corpora.load(chosen.corpus)
    folder = RESULTS / chosen.name
    with _bar() as bar:
        embedded = any(provider.engine for route in chosen.routes for provider in chosen.providers(route))
        task = bar.add_task("sending", total=None, now="starting the recognisers" if embedded else "")

        def show(step: harness.Progress) -> None:
            provider = step.job.provider
            bar.update(task, completed=step.done, total=step.total, now=f"{provider.name} {provider.route}")
            if step.failure:
                bar.console.print(
                    f"  {step.job.clip.id}: {step.failure}", style="yellow", markup=False, highlight=False
                )

        try:
            results = asyncio.run(runs.run(chosen, clips, folder, fresh=fresh, progress=show, command=_command()))
        except KeyboardInterrupt:
            bar.stop()
            errors.print("evalkit: stopped; what was recorded is kept, the same command goes on from there")
            raise typer.Exit(130) from None
    _show(results)
    if all(score.failure for score in results.scores):
        raise ProviderError(f"no clip was answered; the first failure: {results.scores[0].failure}")


@app.command()
def score(run: Folder = Path("demo")) -> None:
    """Score a run again from its recorded traces: offline, free, any number of times.

    Correct a reference, or take a newer evalkit, and only what that changes will change.
    """
    results = runs.score(_folder(run))
    if results.changed:
        changed = ", ".join(results.changed)
        console.print(f"clips described otherwise since the run: {changed}", highlight=False, markup=False)
    if results.note:
        console.print(results.note, highlight=False, markup=False)
    _show(results)


@app.command()
def report(run: Folder = Path("demo")) -> None:
    """Write report.html of a scored run again and print the headline."""
    results = runs.load(_folder(run))
    runs.report(results)
    _show(results)


@app.command()
def serve(
    engine: Annotated[
        str, typer.Option(help="moonshine, pocketsphinx, faster-whisper:FOLDER, vosk:FOLDER or scripted:FILE.")
    ] = "moonshine",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8765,
    knob: Annotated[
        list[str] | None, typer.Option(help="A reading of the protocol, NAME=VALUE, e.g. done_text=full; repeatable.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Environment variable holding the one key to accept; without it any key will do.")
    ] = None,
) -> None:
    """Run the embedded xAI-compatible server on 127.0.0.1 until Ctrl-C.

    Point any client of the real service at it: POST /v1/stt and the WebSocket /v1/stt.
    """
    from evalkit import emulator

    emulator.serve(engine, port=port, knobs=emulator.Knobs.parse(knob or []), accepted_key_env=key_env)


@app.command(name="providers")
def list_providers() -> None:
    """List the installed providers: routes, list price, and what each is and needs."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("provider", "route", "per hour", "what it is and needs"):
        table.add_column(heading, no_wrap=heading != "what it is and needs")
    for name in providers.names():
        found = providers.find(name)
        for route in found.routes:
            price = cost.price(name, route)
            usd = "unknown" if price is None else f"${price.usd_per_hour:.2f} of {price.basis}"
            first = route == found.routes[0]
            table.add_row(escape(name) if first else "", route, usd, escape(found.description) if first else "")
    console.print(table)


@app.command()
def metrics() -> None:
    """Print what every metric means: unit, direction, definition and source."""
    from evalkit.scoring import catalogue

    for metric in catalogue.METRICS:
        console.print(f"[bold]{metric.id}[/bold]  {metric.title}  ({metric.unit}, {metric.direction} is better)")
        console.print(f"  {metric.definition} [dim]{metric.source}[/dim]", highlight=False)


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
    console.print(f"{clips.name}: {'; '.join(facts)}", highlight=False, markup=False)


def _folder(run: Path) -> Path:
    """A run named plainly is one under results/."""
    return run if run.is_dir() or len(run.parts) > 1 else RESULTS / run


def _show(results: runs.Results) -> None:
    from evalkit.reports import terminal

    terminal.show(
        console,
        manifest=dict(results.manifest),
        scores=results.scores,
        summary=results.summary,
        differences=results.differences,
    )
    console.print(f"report: {results.report_path}", highlight=False, soft_wrap=True, markup=False)


def _bar() -> Progress:
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        console=errors,
    )


def _command() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
