"""`print_report`: the report of a run on the terminal, and the exit status."""

import sys

from rich.console import Console

from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import explain_rejects
from chatmill.terminal.lines import say, say_error, say_warning

# The exit status of a run that is complete, but rejected more rows than `max_rejected` allows.
_TOO_MANY_REJECTED = 3


def print_report(report: PrepareReport, console: Console, *, quiet: bool = False) -> None:
    """Print a report.

    Args:
        report: The report.
        console: The console to print to.
        quiet: Whether to print only warnings, on stderr.

    Raises:
        SystemExit: More rows are rejected than `max_rejected` allows; the status is 3.
    """
    # rich would wrap lines at 80 characters in a file or a pipe.
    if quiet:
        for warning in report.warnings:
            say_warning(warning)
    else:
        console.print(report) if console.is_terminal else say(report)
    if report.too_many_rejected:
        say_error(explain_rejects(report))
        sys.exit(_TOO_MANY_REJECTED)
