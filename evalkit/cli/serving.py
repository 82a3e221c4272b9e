"""The verbs that run a server: serve, replay, selftest."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from evalkit.cli import screen
from evalkit.errors import SettingsError
from evalkit.plan import ROUTES

app = typer.Typer()


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


@app.command(name="replay")
def tell_again(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run: its name under results/, or its folder.")],
    speed: Annotated[float, typer.Option(help="How many times as fast as recorded; other than 1 voids delays.")] = 1.0,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8766,
    provider: Annotated[str | None, typer.Option(help="Only this one of the run's providers.")] = None,
    route: Annotated[str | None, typer.Option(help="Only rest, or only streaming.")] = None,
    corpus: Annotated[str, typer.Option(help="Where the clips are now, if not where the run found them.")] = "",
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Do not listen: tell everything in the order of the recording.")
    ] = False,
) -> None:
    """Answer on 127.0.0.1 as the services of a recorded run did, with their timing, until Ctrl-C.

    Any client can be pointed at it: it is told what was said of the clip it sends, attempt by attempt, failures
    included. No key is needed, and what is sent is not kept. A run against it is labelled as a replay.
    """
    from evalkit import replay

    if route is not None and route not in ROUTES:
        raise SettingsError.unknown("route", route, ROUTES)
    recorded = replay.recording(screen.folder(run), provider=provider, route=route, corpus=corpus, in_order=in_order)

    def ready(base_url: str) -> None:
        for name, about in recorded.about.items():
            told = sum(one.provider == name for one in recorded.conversations)
            line = f"{base_url}/{name}  {told} conversations of run {recorded.name}, evidence {about['evidence']}"
            print(line, flush=True)
        if recorded.sounds is not None and recorded.sounds.missing:
            missing = ", ".join(recorded.sounds.missing)
            print(f"not there, so streams of them are not known: {missing}", flush=True)
        if speed != 1:
            print(f"{speed:g} times as fast as recorded: delays are void", flush=True)

    replay.serve(recorded, port, speed=speed, ready=ready, note=lambda told: print(told, flush=True))


@app.command(name="selftest")
def prove(
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A new folder to keep the runs and their reports in.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every plant, not only those that failed.")] = False,
) -> None:
    """See whether evalkit gives back what is planted: errors, speakers, times, delays, costs and faults.

    The embedded server tells a script, five runs go the whole way from sound file to report, and what they wrote is
    held against what was planted. It takes half a minute and needs no key and no network. Exit status 1 when
    something was not recovered; a pass is noted and told with every later run.
    """
    from evalkit import certificate, selftest

    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory(prefix="evalkit-selftest-")))
        with screen.errors.status("selftest") as status:
            found = selftest.run(folder, stage=lambda name: status.update(f"selftest: {name}"))
    failed = [finding for finding in found if finding.state == "FAIL"]
    if not everything:
        tallied = screen.table("planted", "REST", "streaming", "furthest off")
        for tally in selftest.tallies(found):
            tallied.add_row(tally.group, tally.recovered("rest"), tally.recovered("streaming"), tally.furthest)
        screen.out.print(tallied)
    if lines := found if everything else failed:
        table = screen.table("", "planted value", "measured", "tolerance", "what and where")
        for finding in lines:
            plant = finding.plant
            values = (selftest.shown(value, plant.unit) for value in (plant.planted, finding.measured))
            table.add_row(finding.state, *values, plant.leeway, f"{plant.what} [dim]{plant.where}[/dim]")
        screen.out.print(table)
    for note in dict.fromkeys(finding.note for finding in found if finding.note):
        screen.out.print(note, highlight=False)
    screen.out.print(selftest.verdict(found), highlight=False)
    whole = certificate.path().with_suffix(".csv") if keep is None else keep / "selftest.csv"
    try:
        selftest.write(whole, found)
        screen.out.print(f"every plant: {whole}", highlight=False, markup=False, soft_wrap=True)
    except OSError as error:
        screen.errors.print(f"evalkit: cannot write {whole} ({error.strerror})", markup=False)
    if failed or all(finding.state == "ok" for finding in found):
        try:
            certificate.note(not failed)
        except OSError as error:
            screen.errors.print(f"evalkit: cannot note this in {certificate.path()} ({error.strerror})", markup=False)
    if failed:
        raise typer.Exit(1)
