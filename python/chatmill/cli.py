"""The command `chatmill`: a thin face of `chatmill.prepare`, `chatmill.show` and others."""

import signal
import sys

from chatmill import cli_prepare, cli_look, cli_lists  # isort: skip
from chatmill.cli_app import app

# Subcommands join the application when they are imported, in the order in which the help lists them.
SUBCOMMANDS = (cli_prepare, cli_look, cli_lists)


def main() -> None:
    """Run the command; the entry point of `chatmill`."""
    # Whoever ends a job (a scheduler) gets the same order as Ctrl-C: nothing half-written stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()


__all__ = ["SUBCOMMANDS", "app", "main"]
