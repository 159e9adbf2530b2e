"""`chatmill verify`: checks a finished output."""

from pathlib import Path
from typing import Annotated

import typer

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import TracebackOption
from chatmill.terminal.lines import say


@app.command()
def verify(
    output: Annotated[
        Path,
        typer.Argument(
            help="The output folder of `chatmill prepare` or `pack`, or a plan of `pack --index-only`.",
            show_default=False,
        ),
    ],
    tokens: Annotated[
        Path | None,
        typer.Option(
            "--tokens",
            metavar="DIR",
            help="For packs: the output that was packed, to compare all tokens. Default: the folder that the manifest "
            "names, if it is there and unchanged.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only faults and errors.")] = False,
    traceback: TracebackOption = False,
) -> None:
    """Check that a finished output is whole and unchanged, and that its rows add up. Status 1 if it is not."""
    with clear_errors(traceback=traceback):
        from chatmill.verification.job import verify as run

        report = run(output, tokens)
        if not quiet:
            say(str(report))
        for fault in report.faults if quiet else ():
            say(str(fault))
        if not report.is_sound:
            raise typer.Exit(1)
