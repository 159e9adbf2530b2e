"""The command `chatmill` itself: the application that its subcommands join, how they fail, and how options are read."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer

from chatmill import ChatmillError, __version__

app = typer.Typer(
    name="chatmill",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn chat data into training tokens: render the template, tokenize, label.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatmill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


def json_object(text: str | None) -> dict[str, Any] | None:
    """The object that --chat-template-kwargs is, or None."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as cause:
        raise typer.BadParameter(f"--chat-template-kwargs is not JSON: {cause}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("--chat-template-kwargs must be a JSON object, such as '{\"enable_thinking\": false}'")
    return value


def time_of(text: str | None) -> datetime | None:
    """The time that --now is, or None."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--now is {text!r}: give a time such as 2025-07-01T12:00") from None


@contextmanager
def clear_errors(*, traceback: bool) -> Iterator[None]:
    """One clear message instead of a traceback: exit status 1, and 130 for Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; nothing was written", status=130)
    except BrokenPipeError:
        # That of an input is a DataError, so this one is of what is printed: `main` ends the command.
        raise
    except (ChatmillError, OSError) as error:
        if traceback:
            raise
        _fail(str(error), status=1)


def _fail(message: str, *, status: int) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
    sys.exit(status)
