"""The typer application of the command `chatmill`, and the way in which it prints errors."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from chatmill._chatmill import ChatmillError, __version__
from chatmill.terminal.lines import say, say_error
from chatmill.text.visible import visible

# The base of all errors about arguments. It comes from click, which newer versions of typer contain.
_USAGE_ERROR: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    """The subcommands. typer prints wrong arguments as they are, so they are made visible before."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _visible_usage_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        with _visible_usage_errors():
            return super().invoke(*args, **kwargs)


app = typer.Typer(
    name="chatmill",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn chat data into training tokens: render the template, tokenize, label.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"chatmill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # used by its callback
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


@contextmanager
def clear_errors(*, traceback: bool) -> Iterator[None]:
    """Print one clear message in place of a traceback; exit with status 1, or with 130 after Ctrl-C.

    Args:
        traceback: Whether to show the traceback of errors.
    """
    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; no unfinished output is left", status=130)
    except BrokenPipeError:
        # The output pipe is closed, because a broken pipe of an input raises a DataError. `main` ends the command.
        raise
    except (ChatmillError, OSError) as error:
        if traceback:
            raise
        _fail(str(error), status=1)


@contextmanager
def _visible_usage_errors() -> Iterator[None]:
    try:
        yield
    except _USAGE_ERROR as error:
        error.message = visible(error.message)
        raise


def _fail(message: str, *, status: int) -> NoReturn:
    say_error(message)
    sys.exit(status)
