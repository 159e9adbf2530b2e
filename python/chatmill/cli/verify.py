"""`chatmill verify`: checks a finished output."""

import sys

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import traceback_option
from chatmill.terminal.lines import say


@app.command()
@click.argument(
    "output",
    type=click.Path(),
    help="The output folder of `chatmill prepare`, `pack` or `convert`, or a plan of `pack --index-only`.",
)
@click.option(
    "--tokens",
    type=click.Path(),
    metavar="DIR",
    help="For packs: the output that was packed, to compare all tokens. Default: the folder that the manifest names, "
    "if it is there and unchanged.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only faults and errors.")
@traceback_option
def verify(output: str, tokens: str | None, quiet: bool, traceback: bool) -> None:
    """Check that a finished output is complete, unchanged and right.

    The exit status is 0 if it is, 1 if it has a fault. docs/verify.md lists what is checked.
    """
    with clear_errors(traceback=traceback):
        from chatmill.verification.job import verify as run

        report = run(output, tokens)
        if not quiet:
            say(str(report))
        for fault in report.faults if quiet else ():
            say(str(fault))
        if not report.is_sound:
            sys.exit(1)
