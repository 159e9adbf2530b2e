"""`say`, `say_note`, `say_warning` and `say_error`: lines on stdout and stderr, without rich."""

import io
import sys
import traceback

import click

from chatmill.text.secrets import without_secrets
from chatmill.text.visible import visible


def say(text: object = "") -> None:
    """Print a line to stdout.

    Args:
        text: A text, or an object with one.
    """
    click.echo(visible(str(text)))


def say_error(text: str) -> None:
    """Print an error to stderr.

    Args:
        text: The message.
    """
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(visible(without_secrets(text)), err=True)


def say_warning(text: str) -> None:
    """Print a warning to stderr.

    Args:
        text: The message.
    """
    click.secho("warning: ", fg="yellow", bold=True, err=True, nl=False)
    click.echo(visible(without_secrets(text)), err=True)


def say_note(text: str) -> None:
    """Print a line to stderr.

    Args:
        text: The line.
    """
    click.echo(visible(without_secrets(text)), err=True)


def prepare_streams() -> None:
    """Make the standard streams of this process accept every text.

    An encoding such as ASCII lacks characters; they are then printed as escapes.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say_traceback(error: BaseException) -> None:
    """Print the traceback of an error to stderr.

    Args:
        error: The error.
    """
    click.echo(visible(without_secrets("".join(traceback.format_exception(error)))), err=True, nl=False)
