"""The click group of the command `chatmill`, and the way in which it prints errors."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from chatmill._chatmill import ChatmillError, __version__
from chatmill.terminal.lines import say_error
from chatmill.text.visible import visible

_INTERRUPTED = 130


class _Commands(click.Group):
    """The subcommands, in the order in which they were added. Usage errors are printed visibly."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        return list(self.commands)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _own_endings():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _own_endings():
            return super().invoke(ctx)


@click.group(
    "chatmill",
    cls=_Commands,
    no_args_is_help=True,
    # Subcommands inherit both. The default of an option is part of its help.
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, prog_name="chatmill", message="%(prog)s %(version)s", help="Show the version.")
def app() -> None:
    """Turn chat data into training tokens: render the template, tokenize, label."""


@contextmanager
def clear_errors(*, traceback: bool) -> Iterator[None]:
    """Print one clear message in place of a traceback; exit with status 1, or with 130 after Ctrl-C.

    Args:
        traceback: Whether to show the traceback of errors.
    """
    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; no unfinished output is left", status=_INTERRUPTED)
    except BrokenPipeError:
        # The output pipe is closed, because a broken pipe of an input raises a DataError.
        raise
    except (ChatmillError, OSError) as error:
        if traceback:
            raise
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"the disk is full ({error}); free some room, and run the same command again", status=1)
        _fail(str(error), status=1)


@contextmanager
def _own_endings() -> Iterator[None]:
    """Change what click would print as it is, and what it would turn into an exit with status 1."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise click.UsageError(visible(error.format_message()), error.ctx) from None
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # As rich does: `main` looks for the broken pipe behind an exit.
        sys.exit(1)


def _fail(message: str, *, status: int) -> NoReturn:
    say_error(message)
    sys.exit(status)
