"""`chatmill prepare config.yaml`: a run of several datasets; also the printed report of every run."""

from typing import Any

import typer
from rich.console import Console

from chatmill.cli.values import name_and_path, time_of
from chatmill.config import read_config
from chatmill.config.prepare import prepare_config
from chatmill.inspect.debug import print_debug
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import explain_rejects
from chatmill.terminal.lines import say, say_error

# The options that can be combined with a config. All other options must be set in the config.
_WITH_CONFIG = (
    "inputs", "tokenizer", "output", "local", "labels", "threads", "now", "overwrite", "progress", "block_bytes",
    "max_line_bytes",    "shard_tokens", "compression", "traceback", "debug",
    "max_rejected", "strict",
)  # fmt: skip


# The exit status of a run that is complete, but rejected more rows than `max_rejected` allows.
_TOO_MANY_REJECTED = 3


def prepare_by_config(context: typer.Context, config: str, console: Console, *, debug: int | None = None) -> None:
    """Run a config with the options of the command, and print the report.

    Args:
        context: The command, with its options.
        config: The file.
        console: The console to print to.
        debug: The number of rows to print token by token.

    Raises:
        typer.BadParameter: An option cannot be combined with a config.
        ChatmillError: The run fails.
    """
    given = {name: value for name, value in context.params.items() if _is_given(context, name)}
    for name in sorted(set(given) - set(_WITH_CONFIG)):
        flag = f"--{name.replace('_', '-')}"
        raise typer.BadParameter(f"{flag} cannot be combined with a YAML file of datasets; set it in {config}")
    options: dict[str, Any] = {
        name: value for name, value in given.items() if name not in ("inputs", "traceback", "debug")
    }
    if "local" in options:
        options["local"] = dict(name_and_path(text) for text in options["local"])
    if "now" in options:
        options["now"] = time_of(options["now"])
    report = prepare_config(config, **options)
    if debug is not None:
        print_debug(report.output, options.get("tokenizer", read_config(config).tokenizer), debug)
    print_report(report, console)


def print_report(report: PrepareReport, console: Console) -> None:
    """Print a report.

    Args:
        report: The report.
        console: The console to print to.

    Raises:
        typer.Exit: More rows are rejected than `max_rejected` allows; the status is 3.
    """
    # rich would wrap lines at 80 characters in a file or a pipe.
    console.print(report) if console.is_terminal else say(report)
    if report.too_many_rejected:
        say_error(explain_rejects(report))
        raise typer.Exit(_TOO_MANY_REJECTED)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
