"""`chatmill prepare config.yaml`."""

from datetime import datetime
from typing import Any

import typer
from rich.console import Console

from chatmill.config import read_config
from chatmill.config.prepare import prepare_config
from chatmill.debug import print_debug
from chatmill.report import PrepareReport

# Options of the command that go with a config; what else is wanted stands in it.
_KNOWN = (
    "inputs", "tokenizer", "output", "local", "labels", "threads", "now", "overwrite", "progress", "block_bytes",
    "shard_tokens", "traceback", "debug",
)  # fmt: skip


def prepare_by_config(context: typer.Context, config: str, console: Console, *, debug: int | None = None) -> None:
    """Run a config with the options that were given beside it, and print the report.

    Args:
        context: The command, with its options.
        config: The file.
        console: Where to print.
        debug: How many rows to print, token by token.

    Raises:
        typer.BadParameter: An option was given that a config says itself.
        ChatmillError: The config cannot be run.
    """
    given = {name: value for name, value in context.params.items() if _is_given(context, name)}
    foreign = sorted(set(given) - set(_KNOWN))
    if foreign:
        name = foreign[0].replace("_", "-")
        raise typer.BadParameter(f"--{name} does not go with a YAML file of datasets: say it there")
    options: dict[str, Any] = {
        name: value for name, value in given.items() if name not in ("inputs", "traceback", "debug")
    }
    if "local" in options:
        options["local"] = dict(_pair(text) for text in options["local"])
    if "now" in options:
        options["now"] = datetime.fromisoformat(options["now"])
    report = prepare_config(config, **options)
    if debug is not None:
        print_debug(report.output, options.get("tokenizer", read_config(config).tokenizer), debug)
    print_report(report, console)


def print_report(report: PrepareReport, console: Console) -> None:
    """Print a report.

    Args:
        report: The report.
        console: Where to print.
    """
    # A file or a pipe has no width to wrap at.
    console.print(report) if console.is_terminal else typer.echo(report)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _pair(text: str) -> tuple[str, str]:
    name, found, path = text.partition("=")
    if not found:
        raise typer.BadParameter(f"--local is {text!r}: write NAME=PATH")
    return name, path
