"""The verbs that hold systems against each other and against the references: compare, doubts."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from evalkit import comparison, runs
from evalkit.checklist import needs
from evalkit.cli import screen
from evalkit.comparison import corrections
from evalkit.comparison import doubts as doctor
from evalkit.reports import compared, doubted
from evalkit.store import Store

app = typer.Typer()

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.")]
_FINAL = ("lat.ttfs.p95", "lat.rest_total.p95")
"""Needs that are about final text, as the comparison of routes is."""
_MOST = 10


class _OrFind(TyperGroup):
    """``doubts RUN`` means ``doubts find RUN``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["find", *args]
        return super().parse_args(ctx, args)


doubts_app = typer.Typer(
    cls=_OrFind,
    help="Where systems agree with one another against the reference: `doubts RUN` lists it for a person to check.",
    no_args_is_help=True,
)
app.add_typer(doubts_app, name="doubts")


@app.command(name="compare")
def compare_systems(
    run: Run,
    against: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="The run with the incumbent, of the same clips.", show_default=False),
    ] = None,
    candidate: Annotated[str, typer.Option(help="Provider of the first run; its candidate unless given.")] = "",
    incumbent: Annotated[
        str, typer.Option(help="Provider to compare with; of a second run the candidate's namesake unless given.")
    ] = "",
    metric: Annotated[str, typer.Option(help="Only metrics whose id begins so, e.g. lat. or acc.wer.")] = "",
    slice_: Annotated[str, typer.Option("--slice", metavar="KEY", help="Only the slices of this tag.")] = "",
    margin: Annotated[
        float | None, typer.Option(metavar="POINTS", help="How many points of WER worse is still as good.", min=0.001)
    ] = None,
    need: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="How long the product may wait for final text, 95 times in 100; else as in its needs.",
            min=0,
        ),
    ] = None,
) -> None:
    """Hold a candidate against an incumbent on the same clips: every metric, kinds of audio, clips, price and delay.

    With two runs the first is the new one. Writes compare.csv and compare.html into it. Says also whether streaming is
    worth its price here. Exit status 2 when the runs do not compare.
    """
    folder = screen.folder(run)
    found = comparison.compare(
        _source(run),
        None if against is None else _source(against),
        candidate=candidate,
        incumbent=incumbent,
        prefix=metric,
        key=slice_,
        tolerated=None if margin is None else margin / 100,
        need_s=_needed(folder) if need is None else need,
    )
    compared.show(screen.out, found)
    name = "compare" if against is None else f"compare-{screen.folder(against).resolve().name}"
    compared.write_rows(folder / f"{name}.csv", found)
    compared.write_page(folder / f"{name}.html", found)
    told = f"every difference: {folder / name}.csv; with all clips: {folder / name}.html"
    screen.out.print(told, highlight=False, markup=False, soft_wrap=True)


@doubts_app.command(name="find")
def find_doubts(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the list; doubts.csv in the run unless given.")
    ] = None,
) -> None:
    """List where systems agree with one another against the reference, the likeliest errors first.

    Listen, write the right words into the column `corrected` (the reference again where it is right, a lone - where
    nothing is said), and hand the file to `evalkit doubts apply`.
    """
    folder = screen.folder(run)
    results, store = runs.load(folder), Store(folder)
    found = doctor.doubts(results.scores, runs.references(folder), doctor.heard(store, results.manifest))
    path = folder / doubted.FILE if out is None else out
    doubted.write_doubts(path, found)
    for one in found[:_MOST]:
        when = "" if one.start_s is None else f" at {one.start_s:.1f} s"
        said = f"{one.before} [{one.reference or corrections.NOTHING} → {one.said or corrections.NOTHING}] {one.after}"
        screen.out.print(f"{one.clip_id}{when}: {said.strip()}", highlight=False, markup=False)
        screen.out.print(f"    said by {', '.join(one.said_by)}", highlight=False, markup=False, style="dim")
    several = sum(one.providers > 1 for one in found)
    screen.out.print(
        f"{path}: {len(found)} places in {len({one.clip_id for one in found})} clips, {several} of them heard so by "
        "more than one provider; agreement is no proof, so listen before you correct",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@doubts_app.command(name="apply")
def apply_corrections(
    run: Run,
    filled: Annotated[Path, typer.Argument(metavar="DOUBTS.CSV", help="The list, with `corrected` filled in.")],
    by: Annotated[str, typer.Option(help="Who corrected it; the user of this machine unless given.")] = "",
) -> None:
    """Keep corrected references beside the originals; `evalkit score` then gives both scores.

    The corpus is not touched: corrections.jsonl in the run says what was corrected, by whom and when.
    """
    folder = screen.folder(run)
    clips, results = runs.references(folder), runs.load(folder)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = doubted.read_filled(filled, clips, by=by or _user(), at=now)
    if not made:
        screen.out.print(f"{filled}: nothing is filled in, so nothing was kept", highlight=False, markup=False)
        return
    with Store(folder).writing():
        corrections.keep(folder, made)
    kept, _, right = corrections.sorted_out(corrections.read(folder), clips)
    for one in corrections.effects(kept, clips, results.scores):
        told = f"{one.provider} over {one.route}: {one.fewer} corrections take errors away, {one.more} add some"
        screen.out.print(f"{told}; {one.alone} help {one.provider} alone", highlight=False, markup=False)
    screen.out.print(
        f"{sum(map(len, kept.values()))} corrections in {len(kept)} clips are kept, {right} places were found right; "
        f"both scores: `evalkit score {run}`",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _source(run: Path) -> comparison.Source:
    folder = screen.folder(run)
    results = runs.load(folder)
    hashes = {clip.id: clip.sha256 for clip in Store(folder).clips()}
    return comparison.Source(str(run), results.manifest, results.scores, hashes)


def _needed(folder: Path) -> float | None:
    wanted = needs.of_run(folder)
    return wanted.latency_s if wanted.latency_metric in _FINAL else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user without a name
        return "unknown"
