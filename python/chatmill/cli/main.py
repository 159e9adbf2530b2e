"""The entry point of the command `chatmill`: its subcommands, signals and closed pipes."""

import gc
import os
import signal
import sys
from functools import partial
from typing import NoReturn

# OpenBLAS starts threads when numpy is imported, which wait in a busy loop; chatmill computes nothing with it. 0.1 s.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Imports make many objects and no garbage. Without searches for it, these take a tenth less time. A command imports
# more while it runs, so searches are rare then.
gc.disable()
from chatmill.cli import prepare, why, distributed, pack, convert, verify, report, look, audit, lint, lists  # noqa: E402  # isort: skip
from chatmill.cli.app import app  # noqa: E402
from chatmill.terminal.lines import prepare_streams, say_traceback  # noqa: E402

gc.set_threshold(100_000, 20, 100)
gc.enable()

# Importing a module adds its subcommands to the application, in the order in which the help lists them.
SUBCOMMANDS = (prepare, why, distributed, pack, convert, verify, report, look, audit, lint, lists)

# Schedulers end jobs with SIGTERM, and a closed terminal or connection with SIGHUP, which Windows lacks. An exception
# removes unfinished files, just like Ctrl-C.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

# The time after which the exception of a signal is raised again.
_AGAIN_SECONDS = 1.0

# The exit status of a command that SIGPIPE ended. Status 1 of `diff` would mean that rows differ.
_CLOSED_PIPE = 141

__all__ = ["SUBCOMMANDS", "app", "main"]


def main() -> None:
    """Run the command."""
    prepare_streams()
    for ending in _ENDING:
        # `nohup` starts commands with SIGHUP ignored, which must stay so.
        if signal.getsignal(ending) is not signal.SIG_IGN:
            signal.signal(ending, _exit_on_signal)
    try:
        app()
    except BrokenPipeError:
        _exit_silently()
    except Exception as error:  # noqa: BLE001  # Python would print the text of the error as it is
        say_traceback(error)
        sys.exit(1)
    except SystemExit as ended:
        # `app` and rich turn a closed pipe into an exit with status 1.
        if isinstance(ended.__context__, BrokenPipeError):
            _exit_silently()
        raise
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        # At its end, Python looks for garbage among all objects, which takes 0.06 s if pyarrow is imported.
        gc.freeze()


def _exit_on_signal(number: int, _frame: object) -> NoReturn:
    # Service managers send both signals. The second one must not interrupt the removal of files.
    for ending in _ENDING:
        signal.signal(ending, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, partial(_exit_again, 128 + number))
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
    sys.exit(128 + number)


def _exit_again(status: int, _number: int, _frame: object) -> None:
    """Raise the exception of a signal again, if other code lost it: an import of pandas did in one of 100 runs."""
    error = sys.exc_info()[1]
    # While the exception is on its way, files are removed, which must not be interrupted.
    while error is not None and not isinstance(error, SystemExit):
        error = error.__context__
    if error is None:
        sys.exit(status)


def _exit_silently() -> NoReturn:
    """Exit without a message if the output pipe is closed, as with `| head`.

    The default action of SIGPIPE does the same, but it would also end a run whose network connection breaks.
    """
    # Python flushes its streams at exit, and would print an error if it cannot.
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    sys.exit(_CLOSED_PIPE)
