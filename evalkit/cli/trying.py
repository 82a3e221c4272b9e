"""The verb that lets things go wrong: faults."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evalkit import corpora, stages, trials
from evalkit import plan as plans
from evalkit.cli import screen
from evalkit.cli.running import Budget, Candidate, CorpusName, PlanFile, Routes, RunName
from evalkit.errors import SettingsError
from evalkit.reports import faulted
from evalkit.stages import Stage
from evalkit.trials import Results
from evalkit.types import Route
from evalkit.verdicts import Verdict

app = typer.Typer()


@app.command(name="faults")
def try_faults(
    plan: PlanFile = None,
    candidate: Candidate = None,
    corpus: CorpusName = None,
    routes: Routes = None,
    kinds: Annotated[str | None, typer.Option(help="Names of faults with commas; all unless given.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the order and the moments; the same seed, the same plan.")
    ] = None,
    name: RunName = None,
    budget_usd: Budget = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; what was recorded is renamed.")] = False,
) -> None:
    """Let things go wrong one at a time, and see what the client makes of it.

    Without a candidate: the code of the provider xai against the embedded server, through every fault it can plant and
    all bad weather of a network; no key. With one, live or not: a few short clips through bad weather only.

    Kill it at any moment; the same command goes on. Exit status 1 when a fault was not met as a correct client must.
    """
    names, over = _parts("--kinds", kinds), _parts("--routes", routes)
    changes: dict[str, Any] = {"corpus": corpus, "routes": over, "seed": seed, "run": name, "budget_usd": budget_usd}
    if plan is None and candidate is None:
        for option, value in (("--corpus", corpus), ("--budget-usd", budget_usd)):
            if value is not None:
                raise SettingsError(f"{option} means nothing without --candidate or a plan: the server is our own")
        folder = screen.RESULTS / (name or "faults")
        stage = stages.embedded(folder, seed=seed or 0, routes=cast(tuple[Route, ...] | None, over), kinds=names)
    else:
        changes["candidate"] = None if candidate is None else plans.choice_of(candidate)
        chosen = plans.demo(**changes) if plan is None else plans.read(plan, **changes)
        folder = screen.RESULTS / (chosen.run or f"faults-{chosen.candidate.name}")
        for route in chosen.routes:
            for provider in chosen.providers(route)[:1]:
                provider.ready(os.environ)
        stage = stages.candidate(chosen, corpora.load(chosen.corpus), kinds=names)
    results = _held(stage, folder, fresh)
    _show(results)
    if not results.ok:
        raise typer.Exit(1)


def _parts(option: str, text: str | None) -> tuple[str, ...] | None:
    """What stands between the commas; None when the option was not given."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise SettingsError(f"{option} names nothing; leave it out for all of them")
    return parts


def _held(stage: Stage, folder: Path, fresh: bool) -> Results:
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=screen.errors
    )
    with bar:
        task = bar.add_task("trying", total=len(stage.trials))

        def show(verdict: Verdict, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if not verdict.ok:
                line = f"  {verdict.route} {verdict.fault}: {verdict.sentence}"
                bar.console.print(line, style="red", markup=False, highlight=False)

        try:
            return asyncio.run(trials.run(stage, folder, fresh=fresh, progress=show))
        except KeyboardInterrupt:
            bar.stop()
            screen.errors.print("evalkit: stopped; what was recorded is kept, the same command goes on from there")
            raise typer.Exit(130) from None


def _show(results: Results) -> None:
    for route in dict.fromkeys(one.route for one in results.verdicts):
        streamed = ("locked", "seam") if route != "rest" else ()
        table = screen.table(f"over {route}", *streamed, "", "what came of it")
        for one in results.verdicts:
            if one.route == route:
                cells = (faulted.kept(one), faulted.seam(one)) if streamed else ()
                mark = "[green]ok[/green]" if one.ok else "[red]NOT OK[/red]"
                table.add_row(escape(one.fault), *cells, mark, escape(one.sentence))
        screen.out.print(table)
    figures = faulted.figures(results.summary)
    table = screen.table("", *figures["columns"])
    for row in figures["rows"]:
        table.add_row(row["title"], *(cell["text"] for cell in row["cells"]))
    screen.out.print(table)
    before = len(results.verdicts) - results.held
    if before:
        screen.out.print(f"{before} were recorded before and not tried again; --fresh starts over", highlight=False)
    screen.out.print(faulted.lede(results.verdicts), style="green" if results.ok else "red", highlight=False)
    screen.out.print(faulted.about(results.verdicts), style="dim", highlight=False)
    screen.out.print(f"report: {results.report_path}", highlight=False, soft_wrap=True, markup=False)
