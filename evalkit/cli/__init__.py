"""The command line: one verb per cut of the line from audio to verdict."""

import io
import sys

import typer

from evalkit.cli import comparing, deciding, gating, looking, running, screen, serving, trying
from evalkit.errors import EvalkitError

app = typer.Typer(
    name="evalkit",
    help="Evaluate speech-to-text APIs on your own audio before one goes into production.\n\n"
    "Start with **evalkit run**: no key, no network; it ends with a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for verbs in (running.app, trying.app, serving.app, looking.app, deciding.app, comparing.app, gating.app):
    app.add_typer(verbs)


def main() -> None:
    """Entry point: an ``EvalkitError`` is one sentence on stderr and exit status 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Cyrillic gets question marks, not a crash
    try:
        app()
    except EvalkitError as error:
        screen.errors.print(f"evalkit: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
