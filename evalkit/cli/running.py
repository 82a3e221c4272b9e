"""The verbs that send, score and pay: run, estimate, score, report, reconcile."""

import asyncio
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evalkit import corpora, estimate, harness, invoice, ramp, runs, toml_file
from evalkit import plan as plans
from evalkit.cli import screen
from evalkit.errors import ProviderError, SettingsError
from evalkit.limits import MOST, Limits
from evalkit.plan import Plan
from evalkit.scoring import cost
from evalkit.scoring.limits import observed
from evalkit.store import Store

app = typer.Typer()

Folder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.", show_default="demo")
]

PlanFile = Annotated[Path | None, typer.Argument(metavar="PLAN", help="A plan file (TOML); options win over it.")]
CorpusName = Annotated[
    str | None,
    typer.Option(
        "--corpus", help="demo, open, a folder with manifest.jsonl, a .csv file, a parquet folder, or hf:NAME."
    ),
]
Candidate = Annotated[
    str | None,
    typer.Option(help="Provider under test, with options: xai,language=en,rest.diarize=true; NAME=xai,... names it."),
]
Incumbent = Annotated[str | None, typer.Option(help="Provider to compare with: today's production.")]
Routes = Annotated[str | None, typer.Option(help="rest, streaming, or both with a comma; in this order.")]
Budget = Annotated[float | None, typer.Option(help="Hard limit; a live provider is refused without one.")]
Concurrency = Annotated[int | None, typer.Option(help="Clips in flight per provider.")]
RunName = Annotated[str | None, typer.Option("--run", help="Folder under results/ to write, or to go on with.")]


@app.command()
def run(
    plan: PlanFile = None,
    corpus: CorpusName = None,
    candidate: Candidate = None,
    incumbent: Incumbent = None,
    routes: Routes = None,
    budget_usd: Budget = None,
    concurrency: Concurrency = None,
    name: RunName = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; the old folder is renamed, not deleted.")] = False,
) -> None:
    """Send every clip over every route, score the answers and write the report.

    Without arguments: the embedded default, two recognisers on this machine on the demo corpus. Kill it at any moment;
    the same command goes on where it stopped, and no recorded answer is bought again.
    """
    chosen = _chosen(plan, corpus, candidate, incumbent, routes, budget_usd, concurrency, name)
    clips = corpora.load(chosen.corpus)
    folder = screen.RESULTS / chosen.name
    for lack in estimate.lacks(clips):
        screen.errors.print(lack, style="yellow", highlight=False, markup=False)
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
            screen.errors.print("evalkit: stopped; what was recorded is kept, the same command goes on from there")
            raise typer.Exit(130) from None
    _show(results)
    if all(score.failure for score in results.scores):
        raise ProviderError(f"no clip was answered; the first failure: {results.scores[0].failure}")


@app.command(name="estimate")
def estimate_run(
    plan: PlanFile = None,
    corpus: CorpusName = None,
    candidate: Candidate = None,
    incumbent: Incumbent = None,
    routes: Routes = None,
    budget_usd: Budget = None,
    concurrency: Concurrency = None,
    name: RunName = None,
) -> None:
    """Say what a run would cost and take, and what it could show, before anything is sent.

    Takes the arguments of `evalkit run`; what its folder holds already is not counted again.
    """
    if unlimited := budget_usd is None and (plan is None or "budget_usd" not in toml_file.read(plan)):
        budget_usd = MOST  # nothing is spent here
    chosen = _chosen(plan, corpus, candidate, incumbent, routes, budget_usd, concurrency, name)
    clips, store = corpora.load(chosen.corpus), Store(screen.RESULTS / chosen.name)
    found = estimate.errands(chosen, clips, store)
    table = screen.table("provider", "route", "clips", "audio", "cost", "at worst", "takes at least")
    for errand in found:
        table.add_row(
            escape(errand.provider),
            errand.route,
            str(errand.clips),
            screen.span(errand.audio_s),
            screen.usd(errand.usd),
            screen.usd(errand.worst_usd),
            "" if errand.least_s is None else screen.span(errand.least_s),
        )
    screen.out.print(table if found else f"nothing is left to send in {store.folder}")
    for errand in found:
        if errand.limits != Limits():
            told = screen.allowance(errand.limits)
            screen.out.print(f"{errand.provider} over {errand.route} allows {told}", highlight=False, markup=False)
    spent_usd = store.spent_usd()
    if spent_usd:
        told = f"{screen.usd(float(spent_usd))} is spent or reserved already in {store.folder}"
        screen.out.print(told, highlight=False, markup=False)
    if not unlimited and estimate.may_stop(chosen, found, spent_usd):
        budget = f"the budget of {screen.usd(chosen.budget_usd)} may end the run before all is sent"
        screen.out.print(budget, highlight=False)
    screen.out.print(f"in all at least {screen.span(estimate.wall_s(found))}", highlight=False)
    for lack in estimate.lacks(clips):
        screen.out.print(lack, style="yellow", highlight=False, markup=False)
    shown = estimate.reach(clips)
    if shown.detectable is None:
        return
    wanted = ", ".join(f"{100 * size:g} points: {count:,} clips" for size, count in shown.needed)
    screen.out.print(
        f"{shown.clips} clips with {shown.words:,} words of {shown.clusters} speakers or calls can tell systems apart "
        f"that differ by {100 * shown.detectable:.1f} points of WER (guessed before any answer, 80 times in 100); "
        f"to find {wanted}",
        highlight=False,
    )


@app.command(name="ramp")
def try_limits(
    provider: Annotated[str, typer.Argument(help="Whom to ask, with options, as --candidate of `evalkit run`.")],
    route: Annotated[str, typer.Option(help="streaming: sessions at once; rest: requests a second.")] = "streaming",
    budget_usd: Budget = None,
    needed: Annotated[float | None, typer.Option(help="What the product needs, headroom included; then stop.")] = None,
    up_to: Annotated[
        int | None, typer.Option(help="Go so far, also beyond half of what is documented.", min=1, max=10_000)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
) -> None:
    """Try how much of a service's allowance works: doubling loads of short clips until one is refused.

    Goes no further than half of what is documented, once a day and service, and says first what it costs.
    """
    choice = plans.choice_of(provider)
    plan = Plan(choice, routes=(route,), budget_usd=budget_usd)  # type: ignore[arg-type]
    asked, streaming = plan.providers(plan.routes[0])[0], route != "rest"
    ramp.check(asked)
    asked.ready(os.environ)
    price = choice.price(asked) if asked.live else None
    if asked.live and price is None:
        raise SettingsError(cost.unknown(asked.name, asked.route))
    allowed = plan.allowed(asked)
    most = ramp.cap(allowed, streaming, needed=needed, up_to=up_to)
    store = Store(screen.RESULTS / ramp.folder_name(choice, asked, datetime.now(UTC).date()))
    if ramp.tried(store):
        raise SettingsError(
            f"there was a ramp of this service today; see `evalkit limits {store.folder.name}`, or come back tomorrow"
        )
    what = "sessions at once" if streaming else "requests a second"
    sent = ramp.at_most(most, asked, allowed)
    told = f"{len(sent)} clips, {screen.span(sum(ask.audio_s for ask in sent))} of sound"
    screen.out.print(
        f"up to {most} {what}: at most {told}, {screen.usd(float(ramp.worst_usd(sent, asked, price)))}", highlight=False
    )
    if not yes and asked.live and not typer.confirm("send them?"):
        raise typer.Exit(1)

    def show(step: ramp.Step) -> None:
        screen.out.print(
            f"{step.asked} {what}: {step.answered} answered, at most {step.at_once} of them at once, "
            f"{step.refused} refused, {step.failed} failed otherwise",
            highlight=False,
        )
        if step.refused and streaming and not allowed.interval_s:
            screen.out.print(
                f"  no rate of starts is known, and they were {ramp.SPACING_S:g} s apart: that may have been refused, "
                "and not their number"
            )

    with store.writing():
        asyncio.run(ramp.climb(asked, store, most, allowed=allowed, price=price, budget_usd=budget_usd, progress=show))
    for seen in observed(store.traces()).values():
        for claim in seen.claims:
            screen.out.print(f"  {claim}", highlight=False, markup=False)


@app.command()
def score(run: Folder = Path("demo")) -> None:
    """Score a run again from its recorded traces: offline, free, any number of times.

    Correct a reference, or take a newer evalkit, and only what that changes will change.
    """
    results = runs.score(screen.folder(run))
    if results.changed:
        changed = ", ".join(results.changed)
        screen.out.print(f"clips described otherwise since the run: {changed}", highlight=False, markup=False)
    if results.note:
        screen.out.print(results.note, highlight=False, markup=False)
    _show(results)


@app.command()
def report(run: Folder = Path("demo")) -> None:
    """Write report.html of a scored run again and print the headline."""
    results = runs.load(screen.folder(run))
    runs.report(results)
    _show(results)


@app.command(name="reconcile")
def reconcile_invoice(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.")],
    bill: Annotated[
        Path, typer.Argument(metavar="INVOICE", help="CSV with the columns provider, usd and perhaps route.")
    ],
) -> None:
    """Hold what a run was reckoned to cost against the vendor's invoice.

    Reckoned is what the recorded answers cost; reserved, what every attempt could have cost at most, also those that
    a crash or a kill cut short before anything was recorded: the invoice should lie between the two.
    """
    store, lines = Store(screen.folder(run)), invoice.read(bill)
    scores, reserved = runs.load(store.folder).scores, store.reserved()
    missing = invoice.unbilled(scores, lines, reserved)
    table = screen.table("provider", "route", "clips", "reckoned", "reserved", "invoiced", "off by")
    for line in [*invoice.reconcile(scores, lines, reserved), *missing]:
        off = "unknown" if line.error is None else f"{100 * line.error:.1f} %"
        kept = "none" if line.reserved_usd is None else screen.usd(line.reserved_usd)
        invoiced = "no line" if line.invoice_usd is None else screen.usd(line.invoice_usd)
        amounts = (screen.usd(line.estimate_usd), kept, invoiced)
        table.add_row(escape(line.provider), line.route or "all", str(line.clips), *amounts, off)
    screen.out.print(table)
    if missing:
        names = ", ".join(f"{line.provider} {line.route}" for line in missing)
        screen.out.print(f"the invoice has no line for {names}", highlight=False, markup=False)


def _chosen(
    plan: Path | None,
    corpus: str | None,
    candidate: str | None,
    incumbent: str | None,
    routes: str | None,
    budget_usd: float | None,
    concurrency: int | None,
    name: str | None,
) -> Plan:
    changes = {
        "corpus": corpus,
        "candidate": None if candidate is None else plans.choice_of(candidate),
        "incumbent": None if incumbent is None else plans.choice_of(incumbent),
        "routes": None if routes is None else tuple(part.strip() for part in routes.split(",")),
        "budget_usd": budget_usd,
        "concurrency": concurrency,
        "run": name,
    }
    return plans.read(plan, **changes) if plan else plans.demo(**changes)


def _show(results: runs.Results) -> None:
    from evalkit.reports import checked, doubted, terminal

    terminal.show(
        screen.out,
        manifest=dict(results.manifest),
        scores=results.scores,
        summary=results.summary,
        differences=results.differences,
    )
    if results.corrected is not None:
        for sentence in doubted.sentences(results.corrected, results.summary, results.differences):
            screen.out.print(sentence, highlight=False, markup=False)
    checked.show(screen.out, runs.checks(results))
    screen.out.print(f"report: {results.report_path}", highlight=False, soft_wrap=True, markup=False)


def _bar() -> Progress:
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        console=screen.errors,
    )


def _command() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
