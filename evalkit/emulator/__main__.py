"""The entry of the server process that ``launch`` starts: prints one JSON line when ready, ends with its parent."""

import argparse
import os

from evalkit.emulator import server
from evalkit.emulator.knobs import Knobs
from evalkit.errors import EvalkitError


def main() -> None:
    """Serve on 127.0.0.1 until told to stop or until the parent process dies."""
    parser = argparse.ArgumentParser(prog="python -m evalkit.emulator", description=main.__doc__)
    parser.add_argument("--engine", default="moonshine")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--accepted-key-env", help="environment variable with the only key accepted")
    parser.add_argument("--knob", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--until-stdin-ends", action="store_true")
    options = parser.parse_args()
    try:
        server.run(
            options.engine,
            options.port,
            Knobs.parse(options.knob),
            options.accepted_key_env,
            options.workers,
            ready=server.announce,
            until_stdin_ends=options.until_stdin_ends,
        )
    except EvalkitError as error:
        server.fail(error)
    if options.until_stdin_ends:
        # The thread that watches stdin may still sit in read(), which a normal exit would wait for.
        os._exit(0)


if __name__ == "__main__":
    main()
