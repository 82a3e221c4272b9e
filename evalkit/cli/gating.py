"""The verbs for continuous integration: gate, and baseline with accept and list."""

import os
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

from evalkit import gate, manifest, runs
from evalkit import store as files
from evalkit.cli import screen
from evalkit.errors import EvalkitError, SettingsError
from evalkit.gate import Side, baselines, fingerprints, sampled
from evalkit.reports import gated, junit, tables
from evalkit.store import Store

app = typer.Typer()
baseline_app = typer.Typer(help="What runs are held against: results/baselines/, kept by git.", no_args_is_help=True)
app.add_typer(baseline_app, name="baseline")

BASELINES = screen.RESULTS / baselines.FOLDER
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.")]

_STYLES = {"regressed": "red", "unjudged": "yellow", "warned": "yellow", "improved": "green"}
_MOST = 12


@app.command(name="gate")
def hold_against(
    run: Run,
    baseline: Annotated[str, typer.Option(help="Its name under results/baselines/, or its folder.")],
    margin: Annotated[
        float | None, typer.Option(metavar="POINTS", help="How many points of WER worse is still as good.", min=0)
    ] = None,
    factor: Annotated[float, typer.Option(help="How many times worse anything else may be.", min=1)] = sampled.FACTOR,
    watch: Annotated[list[str] | None, typer.Option(metavar="METRIC", help="Also hold this one; repeatable.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add a summary in Markdown, as to $GITHUB_STEP_SUMMARY.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all findings as JSON.")] = None,
) -> None:
    """Hold a run against a baseline: exit status 0 pass, 1 regression, 2 cannot judge.

    On the same recording every stored number must be equal. On new answers word errors may not be worse by more than
    the margin, and nothing else by more than the factor, significantly. What does not compare, or is missing, is never
    a pass. Under GitHub Actions it also writes annotations.
    """
    folder, name = _place(baseline)
    files_for = (junit_file, json, summary)
    names = [*sampled.WATCHED, *(_known(metric) for metric in watch or ())]
    try:
        run_side, accepted = _side(run), baselines.load(folder, name)
    except EvalkitError as error:
        # A job that could not even begin leaves the same files, or its reviewer sees nothing.
        _publish(
            gate.Outcome(str(run), name, (gate.Finding("unjudged", "comparable", "files", str(error)),)), *files_for
        )
        raise
    held = gate.check(
        run_side,
        accepted,
        manifest.yardstick(),
        tolerated=None if margin is None else margin / 100,
        factor=factor,
        watched=tuple(dict.fromkeys(names)),
    )
    _show(held)
    _publish(held, *files_for)
    if held.status:
        raise typer.Exit(held.status)


@baseline_app.command(name="accept")
def accept_baseline(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the baseline, under results/baselines/.")],
    reason: Annotated[str, typer.Option(help="Why these numbers are the ones to keep.")],
    by: Annotated[str, typer.Option(help="Who accepts it; the user of this machine or job unless given.")] = "",
    repeat: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Another run of the same, to know how far two runs differ; repeatable."),
    ] = None,
    traces: Annotated[
        bool, typer.Option("--traces", help="Keep the recording too, to score it on every push.")
    ] = False,
) -> None:
    """Make a run the baseline of that name, with a reason; commit the folder it prints.

    It holds references and transcripts: keep it where those may be kept.
    """
    side, recording = _side(run), Store(screen.folder(run))
    again = [_side(other) for other in repeat or ()]
    had = (BASELINES / name / "traces.jsonl").is_file()
    home = baselines.accept(BASELINES, side, recording, name=name, reason=reason, by=by, repeats=again, traces=traces)
    size = sum(path.stat().st_size for path in home.iterdir())
    screen.out.print(f"{home}: {size / 1024:,.0f} KiB; commit it", highlight=False, markup=False, soft_wrap=True)
    if had and not traces:
        told = f"{name} kept a recording and keeps none now: a job that scores it on every push needs --traces"
        screen.out.print(told, style="yellow", highlight=False, markup=False, soft_wrap=True)


@baseline_app.command(name="list")
def list_baselines() -> None:
    """List the baselines: what was accepted, when, by whom and why."""
    found = baselines.listed(BASELINES)
    if not found:
        screen.out.print(f"no baseline in {BASELINES}; make one with `evalkit baseline accept`", highlight=False)
        return
    table = screen.table("baseline", "run", "clips", "size", "accepted", "by", "why")
    for one in found:
        cells = (f"{one.size_bytes / 1024:,.0f} KiB", one.accepted_at[:10], escape(one.by), escape(one.reason))
        table.add_row(escape(one.name), escape(one.run), str(one.clips), *cells)
    screen.out.print(table)


def _publish(held: gate.Outcome, junit_file: Path | None, json: Path | None, summary: Path | None) -> None:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in gated.annotations(held):
            typer.echo(line)
    if junit_file is not None:
        junit.write(junit_file, held)
    if json is not None:
        files.replace(json, orjson.dumps(gated.record(held), option=orjson.OPT_INDENT_2) + b"\n")
    if summary is not None:
        before = summary.read_text(encoding="utf-8") if summary.is_file() else ""
        tables.write_whole(summary, before + gated.markdown(held))


def _side(run: Path) -> Side:
    folder = screen.folder(run)
    results = runs.load(folder)
    prints, models = fingerprints.read(Store(folder).traces())
    return Side(str(run), results.manifest, results.scores, prints, models)


def _place(baseline: str) -> tuple[Path, str]:
    path = Path(baseline)
    return (path.parent, path.name) if len(path.parts) > 1 else (BASELINES, baseline)


def _known(metric: str) -> str:
    from evalkit.scoring.catalogue import describe

    if describe(metric).statistic == "max":
        raise SettingsError(f"{metric} is a largest value: one clip decides it, so it cannot be watched")
    return metric


def _show(held: gate.Outcome) -> None:
    for state, style in _STYLES.items():
        found = held.having(state)  # type: ignore[arg-type]
        for one in found[:_MOST]:
            screen.out.print(f"{state}: {one.sentence}", style=style, markup=False, highlight=False, soft_wrap=True)
        if len(found) > _MOST:
            rest = f"{len(found) - _MOST} more {state}; --summary, --junit and --json have them all"
            screen.out.print(rest, style=style, highlight=False)
        for remedy in dict.fromkeys(one.remedy for one in found if one.remedy):
            screen.out.print(f"  {remedy}", style="dim", markup=False, highlight=False, soft_wrap=True)
    colour = {gate.PASS: "green", gate.REGRESSION: "red", gate.CANNOT_JUDGE: "yellow"}[held.status]
    screen.out.print(held.lede, style=colour, markup=False, highlight=False, soft_wrap=True)
