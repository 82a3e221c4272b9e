"""The verbs that decide: init, checklist, adopt."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from evalkit import runs, walk
from evalkit.checklist import needs as product
from evalkit.checklist.adoption import Action, Standing
from evalkit.checklist.needs import Needs
from evalkit.cli import screen
from evalkit.cli.running import Budget, Candidate, CorpusName, Folder
from evalkit.errors import SettingsError
from evalkit.harness import Progress
from evalkit.reports import checked
from evalkit.store import replace as write_whole

app = typer.Typer()

NeedsFile = Annotated[
    Path | None, typer.Option("--needs", help="needs.toml; without it the one kept with the run.", show_default=False)
]
_QUESTIONS = ("candidate", "incumbent", "latency_s", "usd_per_audio_hour", "starts_per_s", "session_s", "languages")
"""What no profile can know."""


@app.command(name="init")
def write_needs(
    profile: Annotated[str | None, typer.Option(help="What to start from; unknown ones are listed.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE over the profile; a list with + between; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path(product.FILE),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write down what the product needs, as a file with comments that you can edit.

    Asks when it stands at a terminal and no flag says what is needed.
    """
    if out.exists() and not overwrite:
        raise SettingsError(f"{out}: is there already; edit it, name another file with --out, or say --overwrite")
    asking = profile is None and not settings and _at_terminal()
    begun = _asked_profile() if asking else profile
    wanted = product.of_profile(begun) if begun else Needs()
    wanted = _asked(wanted) if asking else product.changed(wanted, settings or ())
    write_whole(out, product.written(wanted).encode())
    screen.out.print(f"{out}: edit it, then `evalkit adopt --needs {out}`", highlight=False, markup=False)
    if not wanted.declared:
        names = ", ".join(product.profiles())
        screen.out.print(f"nothing is said yet; --profile starts from one of {names}", highlight=False, markup=False)


@app.command(name="checklist")
def judge_run(run: Folder = Path("demo"), needs: NeedsFile = None) -> None:
    """Answer the eight questions about a scored run, each with its evidence and the first reason.

    Writes checklist.csv and checklist.json into the run, and keeps the needs there for its report. Exit status 1 when
    an answer is FAIL.
    """
    folder = screen.folder(run)
    results = runs.load(folder)
    if needs is not None:
        found = runs.checks(results, wanted := product.read(needs))
        walk.keep(folder, wanted)
    else:
        found = runs.checks(results)
    checked.write(folder, found)
    checked.show(screen.out, found)
    screen.out.print(f"every criterion: {folder / 'checklist.csv'}", highlight=False, markup=False, soft_wrap=True)
    if needs is not None:
        screen.out.print(
            f"`evalkit report {run}` brings it into the report", highlight=False, markup=False, soft_wrap=True
        )
    if found.candidate.overall == "no_go":
        raise typer.Exit(1)


@app.command(name="adopt")
def adopt_provider(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder; made if need be.")
    ] = Path("adoption"),
    needs: NeedsFile = None,
    corpus: CorpusName = None,
    candidate: Candidate = None,
    budget_usd: Budget = None,
    go: Annotated[bool, typer.Option("--go", help="Do what can be done without you, within the budget.")] = False,
    force: Annotated[str, typer.Option(help="Run a later stage although it is locked; its verdict stays locked.")] = "",
) -> None:
    """Say how far the staged adoption of a provider has come, what holds it up, and the cheapest next step.

    Stages: REST, timestamps and speakers, comparison, streaming, voice agent. With --go it takes the next steps itself
    and stops where a person must decide.
    """
    folder = screen.folder(run)
    wanted = product.of_run(folder) if needs is None else product.read(needs)
    journey = walk.Journey(folder, wanted, corpus or "", candidate or "", budget_usd, force, progress=_say_failure)
    if not go and not force:
        checked.show_standing(screen.out, journey.standing())
        return

    def told(standing: Standing, action: Action | None) -> None:
        if action is not None:
            screen.out.print(f"now: {action.text}", highlight=False, markup=False)
            screen.out.print(f"    {action.command}", highlight=False, markup=False, soft_wrap=True)

    try:
        standing = asyncio.run(walk.walk(journey, told))
    except KeyboardInterrupt:
        screen.errors.print("evalkit: stopped; what was recorded is kept, the same command goes on from there")
        raise typer.Exit(130) from None
    checked.show_standing(screen.out, standing)


def _say_failure(step: Progress) -> None:
    if step.failure:
        screen.errors.print(f"  {step.job.clip.id}: {step.failure}", style="yellow", markup=False, highlight=False)


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _asked_profile() -> str:
    for name, about in product.profiles().items():
        screen.out.print(f"  {name}: {about}", highlight=False, markup=False)
    while True:
        chosen: str = typer.prompt("Which of these is nearest to your product")
        if chosen in product.profiles():
            return chosen


def _asked(wanted: Needs) -> Needs:
    """The needs after a few questions; an empty answer leaves what the profile says."""
    for key in _QUESTIONS:
        while True:
            screen.out.print(product.COMMENTS[key], highlight=False, markup=False)
            said: str = typer.prompt(key, default="", show_default=False)
            if not said.strip():
                break
            try:
                wanted = product.changed(wanted, [f"{key}={said}"])
            except SettingsError as error:
                screen.out.print(str(error), style="yellow", highlight=False, markup=False)
                continue
            break
    return wanted
