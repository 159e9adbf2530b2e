"""The command `chatmill`: a thin face of `chatmill.prepare`, `chatmill.show` and others."""

import os
import signal
import sys
from typing import NoReturn

from chatmill import cli_prepare, cli_look, cli_lists  # isort: skip
from chatmill.cli_app import app

# Subcommands join the application when they are imported, in the order in which the help lists them.
SUBCOMMANDS = (cli_prepare, cli_look, cli_lists)

# What a shell tells of a command that SIGPIPE ended; 1 would say of `diff` that rows differ.
_NOBODY_READS = 141


def main() -> None:
    """Run the command; the entry point of `chatmill`."""
    # Whoever ends a job (a scheduler) gets the same order as Ctrl-C: nothing half-written stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except BrokenPipeError:
        _end_quietly()
    except SystemExit as ended:
        # Both typer and rich make an exit with status 1 of a broken pipe.
        if isinstance(ended.__context__, BrokenPipeError):
            _end_quietly()
        raise


def _end_quietly() -> NoReturn:
    """End as `head` expects it of what it reads from: without a word.

    The default action of SIGPIPE would do the same, but also where a connection breaks amid a run.
    """
    # Python writes out what is left at the end, and would tell that it cannot.
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    sys.exit(_NOBODY_READS)


__all__ = ["SUBCOMMANDS", "app", "main"]
