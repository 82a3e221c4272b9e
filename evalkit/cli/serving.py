"""The verbs that run the embedded server: serve, selftest."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from evalkit.cli import screen

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


@app.command(name="selftest")
def prove(
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A new folder to keep the runs and their reports in.")
    ] = None,
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
    table = screen.table("", "planted value", "measured", "tolerance", "what and where")
    for finding in found:
        plant = finding.plant
        values = (selftest.shown(value, plant.unit) for value in (plant.planted, finding.measured))
        table.add_row(finding.state, *values, plant.leeway, f"{plant.what} [dim]{plant.where}[/dim]")
    screen.out.print(table)
    for note in dict.fromkeys(finding.note for finding in found if finding.note):
        screen.out.print(note, highlight=False)
    screen.out.print(selftest.verdict(found), highlight=False)
    failed = any(finding.state == "FAIL" for finding in found)
    if failed or all(finding.state == "ok" for finding in found):
        try:
            certificate.note(not failed)
        except OSError as error:
            screen.errors.print(f"evalkit: cannot note this in {certificate.path()} ({error.strerror})", markup=False)
    if failed:
        raise typer.Exit(1)
